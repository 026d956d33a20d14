//! Why nobody answered.

use jiff::Timestamp;
use thiserror::Error;

/// A request without an answer. It names the host and nothing else of the URL.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{host}: {why}")]
pub struct Failure {
    /// Who was to be asked; [`Failure::NO_HOST`] where no URL says it.
    pub host: String,
    /// Why it came to nothing.
    pub why: Why,
}

impl Failure {
    /// Stands for the host of what is no URL.
    pub const NO_HOST: &'static str = "(no host)";

    pub(crate) fn new(host: impl ToString, why: Why) -> Self {
        Self { host: host.to_string(), why }
    }
}

/// Why a request came to nothing. Up to [`Why::NotAsked`] nobody was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Why {
    /// It is no URL, or a very long one, or none that can be put into a request.
    #[error("it is no URL of at most 2048 bytes")]
    NoUrl,
    /// Anybody on the way could answer.
    #[error("it is not https")]
    NotHttps,
    /// It holds a user or a password.
    #[error("it holds a user or a password")]
    Credentials,
    /// Its host ends with a dot: the same host under another name.
    #[error("its host ends with a dot")]
    TrailingDot,
    /// No web server is at that port.
    #[error("its port is neither 443 nor one from 1024 on")]
    Port,
    /// It is, or one of its addresses is, none that the whole internet reaches.
    #[error("its address is one of a private network")]
    Private,
    /// Its name has no address, or nobody knows one just now.
    #[error("its name has no address")]
    Unresolved,
    /// It did not answer several times in a row, and is asked again from this time on.
    #[error("it did not answer several times in a row, and is asked again from {until} on")]
    NotAsked {
        /// From when on.
        until: Timestamp,
    },
    /// Nobody takes the connection, or they hang up.
    #[error("nobody can be reached there")]
    Unreachable,
    /// Whoever takes the connection cannot prove to be who was asked.
    #[error("it cannot be trusted: its certificate is not good, or it speaks no TLS")]
    Untrusted,
    /// The connection, or the whole answer, takes too long.
    #[error("it takes too long")]
    TooSlow,
    /// What is answered is no HTTP, or breaks off.
    #[error("its answer is none, or breaks off")]
    Broken,
    /// The answer is longer than what is read of one.
    #[error("its answer, {status}, is too long")]
    TooLong {
        /// With which status it was answered.
        status: u16,
    },
}

impl Why {
    /// Whether the host failed. A URL that is refused tells nothing about it, and a long answer is one.
    pub(crate) fn is_of_host(self) -> bool {
        matches!(self, Self::Unresolved | Self::Unreachable | Self::Untrusted | Self::TooSlow | Self::Broken)
    }
}
