//! The bucket of exports.

use super::ObjectError;
use async_trait::async_trait;
use bytes::Bytes;

/// Objects written in parts by one worker after another, and fetched by people over links.
#[async_trait]
pub trait Packages: Send + Sync {
    /// Begins an upload; answers its id.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn begin(&self, name: &str) -> Result<String, ObjectError>;

    /// Writes a part, numbered from 1, in place of one of this number; answers its tag. All but the last hold at least
    /// 5 MiB.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn part(&self, name: &str, upload: &str, number: u32, body: Bytes) -> Result<String, ObjectError>;

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

    /// Copies an object of this size into another bucket, in place of what is there under this key.
    ///
    /// # Errors
    /// [`ObjectError::Refused`] where the bucket is not there or closed.
    async fn deliver(&self, name: &str, size: u64, bucket: &str, key: &str) -> Result<(), ObjectError>;

    /// Deletes what was delivered; what is not there counts as deleted.
    ///
    /// # Errors
    /// As [`Packages::deliver`].
    async fn withdraw(&self, bucket: &str, key: &str) -> Result<(), ObjectError>;

    /// A link that fetches the object for so many seconds, as a file of this name. It cannot be recalled but by deleting
    /// the object.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn link(&self, name: &str, file_name: &str, seconds: u32) -> Result<String, ObjectError>;
}
