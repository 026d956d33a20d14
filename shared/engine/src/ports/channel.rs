//! Ways to reach people.

use async_trait::async_trait;
use thiserror::Error;

/// What people are told, in plain text. Nothing in it says whom a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Addresses of people of the organization, as the channel knows them.
    pub to: Vec<String>,
    /// What it is about, in one line.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Why it was not sent. It may have been all the same.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("announcement not sent: {0}")]
pub struct ChannelError(pub String);

/// A way to reach people.
#[async_trait]
pub trait Channel: Send + Sync {
    /// What operators call it.
    fn name(&self) -> &'static str;

    /// Whether this deployment uses it at all.
    fn is_offered(&self) -> bool;

    /// Sends one announcement to everybody in it.
    ///
    /// # Errors
    /// [`ChannelError`].
    async fn send(&self, announcement: &Announcement) -> Result<(), ChannelError>;
}

/// Of functions that tell nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoChannel;

#[async_trait]
impl Channel for NoChannel {
    fn name(&self) -> &'static str {
        "none"
    }

    fn is_offered(&self) -> bool {
        false
    }

    async fn send(&self, _: &Announcement) -> Result<(), ChannelError> {
        Err(ChannelError("this function tells nobody".to_owned()))
    }
}
