//! Manifest parts: the encrypted lists of record keys behind a plan.

use crate::{
    EngineError, Result,
    crypt::{StreamOpener, seal_bytes},
    ports::{DataKey, Fields, ObjectError, Ports, RecordRef},
};
use data_encoding::HEXLOWER;
use oubli_domain::plan::KeptBecause;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A record in a manifest part.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestRecord {
    /// Its address.
    pub record: RecordRef,
    /// Its size.
    pub bytes: u64,
    /// Fields that producers found through this one start from, and those that tell what leads to it: by which it is found through
    /// another, and by which others may find it.
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    pub fields: Fields,
    /// It stays, and is listed only because others are found through it or may be the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// It stays because it is about somebody else: what is found through it is not the person's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anothers: bool,
    /// Why what is found through it stays with it, where the data map says so of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binds: Option<KeptBecause>,
    /// The place of the identifier that led to it.
    #[serde(default, skip_serializing_if = "is_first")]
    pub via: u32,
}

const fn is_first(place: &u32) -> bool {
    *place == 0
}

/// A manifest part's object. `owner` is the partition of its request or preview, `fence` the discovery claim.
pub fn part_name(owner: &str, round: u32, step: u32, part: u32, fence: u64) -> String {
    format!("manifest/{}/{round:03}/{step:03}/{part:06}-{fence:06}", owner.replace('#', "/"))
}

/// Writes a part; answers the SHA-256 of the object.
pub async fn write(ports: &Ports, key: &DataKey, name: &str, records: &[ManifestRecord]) -> Result<[u8; 32]> {
    let plain = serde_json::to_vec(records).map_err(|_| EngineError::internal("a manifest does not serialize"))?;
    let sealed = seal_bytes(key, ports.entropy.as_ref(), name, &plain)?;
    let digest: [u8; 32] = Sha256::digest(&sealed).into();
    match ports.objects.put(name, sealed.into()).await {
        Ok(()) => Ok(digest),
        // A put whose reply was lost: what stands there has another salt, so its digest is read back.
        Err(ObjectError::Exists) => stored_digest(ports, name).await,
        Err(error) => Err(error.into()),
    }
}

async fn stored_digest(ports: &Ports, name: &str) -> Result<[u8; 32]> {
    use futures::TryStreamExt;
    let mut stream = ports.objects.reader(name).await?.ok_or(EngineError::Conflict("a manifest part is gone"))?;
    let mut hash = Sha256::new();
    while let Some(bytes) = stream.try_next().await? {
        hash.update(&bytes);
    }
    Ok(hash.finalize().into())
}

/// Reads a part, and refuses one that is not the one planned.
pub async fn read(ports: &Ports, key: &DataKey, name: &str, sha256: &str) -> Result<Vec<ManifestRecord>> {
    use futures::{StreamExt, TryStreamExt};
    let source = ports.objects.reader(name).await?.ok_or_else(|| EngineError::internal("a manifest part is gone"))?;
    let sealed: Vec<bytes::Bytes> = source.try_collect().await?;
    let mut hash = Sha256::new();
    sealed.iter().for_each(|b| hash.update(b));
    if HEXLOWER.encode(&hash.finalize()) != sha256 {
        return Err(EngineError::internal("a manifest part is not the one planned"));
    }
    let replay = futures::stream::iter(sealed.into_iter().map(Ok)).boxed();
    let plain = StreamOpener::new(key, name, replay).await?.read_all().await?;
    serde_json::from_slice(&plain).map_err(|_| EngineError::internal("a manifest part cannot be read"))
}
