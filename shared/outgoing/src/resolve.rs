//! What a name stands for.

use async_trait::async_trait;
use std::{fmt, io, net::IpAddr};

/// Says what names stand for. It is asked once for each request, and what it says is judged: it may lie.
#[async_trait]
pub trait Resolve: fmt::Debug + Send + Sync {
    /// Every address of a name.
    ///
    /// # Errors
    /// It has none, or nobody knows one just now.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// As the machine has it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect())
    }
}
