//! What OpenID providers publish.

use async_trait::async_trait;
use oubli_domain::issuer::ProviderUrl;
use thiserror::Error;

/// Why a document could not be had, in words that name no person.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a document of an issuer could not be had: {0}")]
pub struct IssuerUnreachable(pub String);

/// The documents that OpenID providers publish: who they are, and their keys.
#[async_trait]
pub trait IssuerDocuments: Send + Sync {
    /// The document at an address, which an administrator or a provider named: nobody else may be reached by it than who
    /// answers the whole internet. Bounded in size and time; no other place is followed to.
    ///
    /// # Errors
    /// [`IssuerUnreachable`].
    async fn get(&self, url: &ProviderUrl) -> Result<Vec<u8>, IssuerUnreachable>;
}

/// Of functions that take no tokens.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoIssuers;

#[async_trait]
impl IssuerDocuments for NoIssuers {
    async fn get(&self, _: &ProviderUrl) -> Result<Vec<u8>, IssuerUnreachable> {
        Err(IssuerUnreachable("this function takes no tokens".to_owned()))
    }
}
