//! The bucket of exports.

use super::{Body, ObjectError};
use async_trait::async_trait;
use std::ops::Range;

/// A copy on its way into a bucket of the organization's own.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryTarget<'a> {
    /// Their bucket.
    pub bucket: &'a str,
    /// The key there.
    pub key: &'a str,
    /// The id of the upload there.
    pub upload: &'a str,
}

/// What an upload that was completed is in its bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompletedUpload {
    /// Its version, where the bucket keeps versions.
    pub version: Option<String>,
}

/// What taking something back came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithdrawOutcome {
    /// It is gone, or was never there.
    Gone,
    /// It is hidden, and there as an older version.
    Hidden,
}

/// Objects written in parts by one worker after another, and fetched by people over links.
#[async_trait]
pub trait ExportBucket: Send + Sync {
    /// Begins an upload; answers its id.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn begin(&self, name: &str) -> Result<String, ObjectError>;

    /// Writes a part, numbered from 1, in place of one of this number; answers its tag. All but the last hold at least
    /// 5 MiB.
    ///
    /// # Errors
    /// [`ObjectError::Over`] once the upload is complete or abandoned.
    async fn part(&self, name: &str, upload: &str, number: u32, body: Body) -> Result<String, ObjectError>;

    /// The tags of the parts there are, by their numbers; `None` once the upload is complete or abandoned.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn parts(&self, name: &str, upload: &str) -> Result<Option<Vec<(u32, String)>>, ObjectError>;

    /// Makes the object exist, of these parts.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn complete(&self, name: &str, upload: &str, parts: &[(u32, String)]) -> Result<(), ObjectError>;

    /// Gives up an upload; one that is over counts as given up.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn abandon(&self, name: &str, upload: &str) -> Result<(), ObjectError>;

    /// The object's size; `None` if there is none.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn size(&self, name: &str) -> Result<Option<u64>, ObjectError>;

    /// Deletes the object; one that is not there counts as deleted.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn delete(&self, name: &str) -> Result<(), ObjectError>;

    /// Begins a copy into another bucket, under a key there; answers the upload's id.
    ///
    /// # Errors
    /// [`ObjectError::Refused`] where the bucket is not there or closed.
    async fn begin_delivery(&self, bucket: &str, key: &str) -> Result<String, ObjectError>;

    /// Copies bytes of the object as a part, numbered from 1; all of them where no range is given. Answers its tag, and
    /// none once the upload is over.
    ///
    /// # Errors
    /// As [`ExportBucket::begin_delivery`].
    async fn deliver_part(
        &self,
        name: &str,
        bytes: Option<Range<u64>>,
        to: DeliveryTarget<'_>,
        number: u32,
    ) -> Result<Option<String>, ObjectError>;

    /// Makes the copy exist, of the parts of these tags. Answers none where the upload is over.
    ///
    /// # Errors
    /// As [`ExportBucket::begin_delivery`].
    async fn complete_delivery(&self, to: DeliveryTarget<'_>, tags: &[String]) -> Result<Option<CompletedUpload>, ObjectError>;

    /// Gives up a copy; answers whether it was still on its way.
    ///
    /// # Errors
    /// As [`ExportBucket::begin_delivery`].
    async fn abandon_delivery(&self, to: DeliveryTarget<'_>) -> Result<bool, ObjectError>;

    /// Deletes what was delivered, in its version if one is known.
    ///
    /// # Errors
    /// As [`ExportBucket::begin_delivery`].
    async fn withdraw(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<WithdrawOutcome, ObjectError>;

    /// A link that fetches the object for so many seconds, as a file of this name. It cannot be recalled but by deleting
    /// the object.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn link(&self, name: &str, file_name: &str, seconds: u32) -> Result<String, ObjectError>;
}
