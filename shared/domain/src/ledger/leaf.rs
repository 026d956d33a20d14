//! Entries as the log holds them: canonical JSON (RFC 8785), in bundles of length-prefixed entries.

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// Longest entry: bundles prefix each with its length in two bytes.
pub const MAX_LEAF_BYTES: usize = u16::MAX as usize;

/// Why bytes are not an entry, or a bundle of entries.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LeafError {
    /// Longer than [`MAX_LEAF_BYTES`].
    #[error("the entry has {0} bytes, more than a log takes")]
    TooLong(usize),
    /// A length does not fit the bytes there are.
    #[error("the bundle of entries is cut or has bytes too many")]
    Bundle,
    /// Not canonical JSON of an object.
    #[error("the entry is not canonical JSON")]
    Shape,
    /// Its own hash is not that of its content.
    #[error("the entry's content does not have the hash it names")]
    Hash,
}

/// Appends an entry to a bundle.
///
/// # Errors
/// [`LeafError::TooLong`].
pub fn push_leaf(bundle: &mut Vec<u8>, leaf: &[u8]) -> Result<(), LeafError> {
    let length = u16::try_from(leaf.len()).map_err(|_| LeafError::TooLong(leaf.len()))?;
    bundle.extend(length.to_be_bytes());
    bundle.extend(leaf);
    Ok(())
}

/// The entries of a bundle, in order.
///
/// # Errors
/// [`LeafError::Bundle`].
pub fn bundle_entries(mut bundle: &[u8]) -> Result<Vec<&[u8]>, LeafError> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (length, rest) = bundle.split_first_chunk::<2>().ok_or(LeafError::Bundle)?;
        let (leaf, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or(LeafError::Bundle)?;
        entries.push(leaf);
        bundle = rest;
    }
    Ok(entries)
}

/// An entry whose own hash is right, whatever fields a later version added to it.
///
/// # Errors
/// [`LeafError::Shape`], [`LeafError::Hash`].
pub fn check_leaf(leaf: &[u8]) -> Result<Value, LeafError> {
    let value: Value = serde_json::from_slice(leaf).map_err(|_| LeafError::Shape)?;
    if serde_json_canonicalizer::to_vec(&value).ok().as_deref() != Some(leaf) {
        return Err(LeafError::Shape);
    }
    let mut content = value.clone();
    let hash = content.as_object_mut().and_then(|c| c.remove("hash")).ok_or(LeafError::Shape)?;
    let right = serde_json_canonicalizer::to_vec(&content).map_err(|_| LeafError::Shape)?;
    if hash.as_str() != Some(&format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(right)))) {
        return Err(LeafError::Hash);
    }
    Ok(value)
}
