//! Emails.

use async_trait::async_trait;
use thiserror::Error;

/// An email in plain text. Nothing in it says whom a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Addresses of people of the organization.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Why it was not sent. It may have been all the same.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("email not sent: {0}")]
pub struct MailError(pub String);

/// Sends emails.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Whether this deployment sends emails at all.
    fn is_offered(&self) -> bool;

    /// Sends one.
    ///
    /// # Errors
    /// [`MailError`].
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// Of functions that send none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMailer;

#[async_trait]
impl Mailer for NoMailer {
    fn is_offered(&self) -> bool {
        false
    }

    async fn send(&self, _: &Mail) -> Result<(), MailError> {
        Err(MailError("this function sends no emails".to_owned()))
    }
}
