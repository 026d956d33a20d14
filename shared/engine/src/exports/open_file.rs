//! Objects that outlast a worker: put down before their end, then gone on with; or begun anew where they have changed.

use crate::{
    EngineError, Result, crypt,
    exports::{
        Exports,
        packaging::{PackageItem, Packaging},
    },
    ports::Version,
    transaction::Transaction,
};
use oubli_archive::zip::OpenFile;
use serde::{Deserialize, Serialize};

/// How often a file is begun anew because its object had changed: one that changes faster than it is copied is said to be
/// missing.
pub(super) const MOST_BEGUN_ANEW: u32 = 3;

/// What the file is sealed as.
const SEALED_AS: &str = "file";

/// A file that the archive stands inside of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OpenFileItem {
    /// An [`OpenObject`], sealed.
    sealed: String,
    /// Where the archive stood before it.
    pub before: BeforeFile,
}

/// Where the archive stood before a file, as it was put down there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BeforeFile {
    offset: u64,
    size: u64,
    parts: u32,
    parts_digest: String,
    sealed_message: Option<String>,
    pub unflushed: Option<String>,
}

impl BeforeFile {
    pub fn of(item: &PackageItem) -> Self {
        let PackageItem { offset, size, parts, parts_digest, sealed_message, unflushed, .. } = item.clone();
        Self { offset, size, parts, parts_digest, sealed_message, unflushed }
    }
}

/// An object being copied, and how far it is.
#[derive(Serialize, Deserialize)]
pub(super) struct OpenObject {
    pub file: OpenFile,
    pub version: Version,
    pub length: u64,
}

impl Exports {
    /// The object to go on with, if the archive stands inside of one.
    pub(super) fn open_object(&self, work: &Packaging) -> Result<Option<(OpenObject, BeforeFile)>> {
        let Some(open) = &work.item.open_file else { return Ok(None) };
        let plain = crypt::open(&work.staging_key, SEALED_AS, &open.sealed)?;
        let object = serde_json::from_slice(&plain);
        let object = object.map_err(|_| EngineError::internal("a file that was put down cannot be read"))?;
        Ok(Some((object, open.before.clone())))
    }

    /// Notes an object as far as it is; it is put down with the next checkpoint.
    pub(super) fn keep_open(&self, work: &mut Packaging, object: &OpenObject, before: BeforeFile) -> Result<()> {
        let plain = serde_json::to_vec(object).map_err(|_| EngineError::internal("a file is no JSON"))?;
        let sealed = self.seal_staged(work, SEALED_AS, &plain)?;
        work.item.open_file = Some(OpenFileItem { sealed, before });
        Ok(())
    }

    /// Takes back what was written of an object that is no longer what it was. Another worker begins it anew: this one used
    /// its nonces behind that place.
    pub(super) async fn begin_anew(&self, work: &mut Packaging) -> Result<EngineError> {
        let Some(OpenFileItem { before, .. }) = work.item.open_file.take() else {
            return Ok(EngineError::internal("there is no file to begin anew"));
        };
        let BeforeFile { offset, size, parts, parts_digest, sealed_message, unflushed } = before;
        let item = &mut work.item;
        let over = std::mem::replace(&mut item.unflushed, unflushed).filter(|name| Some(name) != item.unflushed.as_ref());
        (item.offset, item.size, item.parts) = (offset, size, parts);
        (item.parts_digest, item.sealed_message) = (parts_digest, sealed_message);
        item.begun_anew += 1;
        self.save(work, Transaction::new()).await?;
        if let Some(over) = over {
            self.core.ports.objects.delete(&[over]).await?;
        }
        Ok(EngineError::transient("an object changed while it was copied: it is begun anew"))
    }
}
