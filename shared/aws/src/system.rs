//! Time and randomness of the machine.

use async_trait::async_trait;
use jiff::Timestamp;
use oubli_engine::ports::{Clock, Entropy};
use std::time::Duration;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        if getrandom::fill(buffer).is_err() {
            // Keys and nonces that can be guessed are worse than no process.
            std::process::abort();
        }
    }
}
