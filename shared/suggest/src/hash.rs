//! Values are compared by keyed hashes: whoever has these and not the key of the run learns nothing.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The key of one run.
#[derive(Clone)]
pub(crate) struct HashKey(Hmac<Sha256>);

/// A hash of a value.
pub(crate) type Hash = u64;

impl HashKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        // HMAC takes keys of any length.
        #[expect(clippy::expect_used, reason = "no length is refused")]
        Self(Hmac::new_from_slice(&key).expect("any length"))
    }

    pub(crate) fn hash(&self, text: &str) -> Hash {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        let bytes = mac.finalize().into_bytes();
        bytes.iter().take(8).fold(0, |hash, byte| (hash << 8) | u64::from(*byte))
    }
}
