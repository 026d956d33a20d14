//! The bucket of exports on S3.

use crate::{failure, objects::failed, settings::Settings};
use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use oubli_engine::ports::{ObjectError, Packages};
use std::{sync::Arc, time::Duration};

/// [`Packages`] in an S3 bucket.
#[derive(Debug, Clone)]
pub struct ExportBucket {
    client: Client,
    settings: Arc<Settings>,
}

impl ExportBucket {
    /// The bucket that the settings name.
    pub fn new(client: Client, settings: Arc<Settings>) -> Self {
        Self { client, settings }
    }

    fn bucket(&self) -> Result<&str, ObjectError> {
        Ok(self.settings.export_bucket()?)
    }
}

fn incomplete() -> ObjectError {
    ObjectError::Unavailable("IncompleteReply".to_owned())
}

/// The most that S3 copies in one call, in bytes.
const ONE_COPY: u64 = 5 * 1024 * 1024 * 1024;

/// Bytes copied as one part: 10,000 of them are more than an object can have.
const COPY_PART: u64 = 512 * 1024 * 1024;

/// Buckets that are somebody else's may be closed, or gone.
fn outside<E>(error: &SdkError<E, HttpResponse>) -> ObjectError
where
    E: ProvideErrorMetadata,
{
    let code = failure::code(error);
    let closed = [
        "AccessDenied",
        "NoSuchBucket",
        "AllAccessDisabled",
        "PermanentRedirect",
        "KMS.DisabledException",
        "NoSuchKey",
        "InvalidBucketName",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
    ];
    if closed.contains(&code.as_str()) { ObjectError::Refused(code) } else { ObjectError::Unavailable(code) }
}

fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl ExportBucket {
    async fn copy_parts(&self, source: &str, size: u64, bucket: &str, key: &str, upload: &str) -> Result<(), ObjectError> {
        let mut parts = Vec::new();
        for (place, begin) in (1..).zip((0..size).step_by(usize::try_from(COPY_PART).unwrap_or(usize::MAX))) {
            let range = format!("bytes={begin}-{}", size.min(begin + COPY_PART) - 1);
            let request = self.client.upload_part_copy().bucket(bucket).key(key).upload_id(upload).part_number(place);
            let reply = request.copy_source(source).copy_source_range(range).send().await.map_err(|e| outside(&e))?;
            let tag = reply.copy_part_result.and_then(|r| r.e_tag).ok_or_else(incomplete)?;
            parts.push(CompletedPart::builder().part_number(place).e_tag(tag).build());
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.client.complete_multipart_upload().bucket(bucket).key(key).upload_id(upload);
        request.multipart_upload(parts).send().await.map(drop).map_err(|e| outside(&e))
    }
}

#[async_trait]
impl Packages for ExportBucket {
    async fn begin(&self, name: &str) -> Result<String, ObjectError> {
        let request = self.client.create_multipart_upload().bucket(self.bucket()?).key(name);
        let reply = request.content_type("application/octet-stream").send().await.map_err(|e| failed(&e))?;
        reply.upload_id.ok_or_else(incomplete)
    }

    async fn part(&self, name: &str, upload: &str, part: u32, body: Bytes) -> Result<String, ObjectError> {
        let request = self.client.upload_part().bucket(self.bucket()?).key(name).upload_id(upload).part_number(number(part));
        let reply = request.body(ByteStream::from(body)).send().await.map_err(|e| failed(&e))?;
        reply.e_tag.ok_or_else(incomplete)
    }

    async fn parts(&self, name: &str, upload: &str) -> Result<Option<Vec<(u32, String)>>, ObjectError> {
        let (mut parts, mut after) = (Vec::new(), None);
        loop {
            let request = self.client.list_parts().bucket(self.bucket()?).key(name).upload_id(upload);
            let reply = match request.set_part_number_marker(after.take()).send().await {
                Ok(reply) => reply,
                Err(error) if failure::code(&error) == "NoSuchUpload" => return Ok(None),
                Err(error) => return Err(failed(&error)),
            };
            for part in reply.parts() {
                let number = part.part_number().and_then(|n| u32::try_from(n).ok()).ok_or_else(incomplete)?;
                parts.push((number, part.e_tag().ok_or_else(incomplete)?.to_owned()));
            }
            match reply.next_part_number_marker {
                Some(next) if reply.is_truncated == Some(true) => after = Some(next),
                _ => return Ok(Some(parts)),
            }
        }
    }

    async fn complete(&self, name: &str, upload: &str, parts: &[(u32, String)]) -> Result<(), ObjectError> {
        let part = |(n, tag): &(u32, String)| CompletedPart::builder().part_number(number(*n)).e_tag(tag).build();
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.iter().map(part).collect())).build();
        let request = self.client.complete_multipart_upload().bucket(self.bucket()?).key(name).upload_id(upload);
        request.multipart_upload(parts).send().await.map(drop).map_err(|e| failed(&e))
    }

    async fn abandon(&self, name: &str, upload: &str) -> Result<(), ObjectError> {
        let request = self.client.abort_multipart_upload().bucket(self.bucket()?).key(name).upload_id(upload);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) if failure::code(&error) == "NoSuchUpload" => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn size(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        match self.client.head_object().bucket(self.bucket()?).key(name).send().await {
            Ok(head) => Ok(head.content_length().and_then(|l| u64::try_from(l).ok())),
            Err(error) if matches!(failure::code(&error).as_str(), "NotFound" | "NoSuchKey") => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.client.delete_object().bucket(self.bucket()?).key(name).send().await.map(drop).map_err(|e| failed(&e))
    }

    async fn deliver(&self, name: &str, size: u64, bucket: &str, key: &str) -> Result<(), ObjectError> {
        let source = format!("{}/{name}", self.bucket()?);
        if size <= ONE_COPY {
            let request = self.client.copy_object().copy_source(source).bucket(bucket).key(key);
            return request.send().await.map(drop).map_err(|e| outside(&e));
        }
        let begun = self.client.create_multipart_upload().bucket(bucket).key(key).send().await.map_err(|e| outside(&e))?;
        let upload = begun.upload_id.ok_or_else(incomplete)?;
        let copied = self.copy_parts(&source, size, bucket, key, &upload).await;
        if copied.is_err() {
            // What stays of it if this fails too goes by the bucket's own lifecycle.
            let given_up = self.client.abort_multipart_upload().bucket(bucket).key(key).upload_id(&upload).send().await;
            given_up.map(drop).map_err(|e| outside(&e))?;
        }
        copied
    }

    async fn withdraw(&self, bucket: &str, key: &str) -> Result<(), ObjectError> {
        self.client.delete_object().bucket(bucket).key(key).send().await.map(drop).map_err(|e| outside(&e))
    }

    async fn link(&self, name: &str, file_name: &str, seconds: u32) -> Result<String, ObjectError> {
        let not_built = |_| ObjectError::Unavailable("RequestNotBuilt".to_owned());
        let expires = PresigningConfig::expires_in(Duration::from_secs(seconds.into())).map_err(not_built)?;
        let request = self.client.get_object().bucket(self.bucket()?).key(name);
        let request = request.response_content_disposition(format!("attachment; filename=\"{file_name}\""));
        Ok(request.presigned(expires).await.map_err(|e| failed(&e))?.uri().to_owned())
    }
}
