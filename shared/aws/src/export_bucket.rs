//! The bucket of exports on S3.

use crate::{failure, objects::failed, scratch, settings::Settings};
use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    presigning::PresigningConfig,
    types::{CompletedMultipartUpload, CompletedPart},
};
use oubli_engine::ports::{Body, CompletedUpload, DeliveryTarget, ExportBucket, ObjectError, WithdrawOutcome};
use std::{ops::Range, sync::Arc, time::Duration};

/// [`ExportBucket`] in an S3 bucket.
#[derive(Debug, Clone)]
pub struct S3ExportBucket {
    client: Client,
    settings: Arc<Settings>,
}

impl S3ExportBucket {
    /// The bucket that the settings name.
    pub fn new(client: Client, settings: Arc<Settings>) -> Self {
        Self { client, settings }
    }

    fn bucket(&self) -> Result<&str, ObjectError> {
        Ok(self.settings.export_bucket()?)
    }

    /// Whose a bucket is that exports are delivered to: one that another account took the name of gets none.
    fn owner(&self) -> Result<String, ObjectError> {
        Ok(self.settings.delivery_account()?.as_str().to_owned())
    }
}

fn incomplete() -> ObjectError {
    ObjectError::Unavailable("IncompleteReply".to_owned())
}

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

fn listed<'a>(parts: impl IntoIterator<Item = (u32, &'a String)>) -> CompletedMultipartUpload {
    let part = |(n, tag): (u32, &String)| CompletedPart::builder().part_number(number(n)).e_tag(tag).build();
    CompletedMultipartUpload::builder().set_parts(Some(parts.into_iter().map(part).collect())).build()
}

#[async_trait]
impl ExportBucket for S3ExportBucket {
    async fn begin(&self, name: &str) -> Result<String, ObjectError> {
        let request = self.client.create_multipart_upload().bucket(self.bucket()?).key(name);
        let reply = request.content_type("application/octet-stream").send().await.map_err(|e| failed(&e))?;
        reply.upload_id.ok_or_else(incomplete)
    }

    async fn part(&self, name: &str, upload: &str, part: u32, body: Body) -> Result<String, ObjectError> {
        let request = self.client.upload_part().bucket(self.bucket()?).key(name).upload_id(upload).part_number(number(part));
        match request.body(scratch::stream(&body).await?).send().await {
            Ok(reply) => reply.e_tag.ok_or_else(incomplete),
            Err(error) if failure::code(&error) == "NoSuchUpload" => Err(ObjectError::Over),
            Err(error) => Err(failed(&error)),
        }
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
        let parts = listed(parts.iter().map(|(number, tag)| (*number, tag)));
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

    async fn begin_delivery(&self, bucket: &str, key: &str) -> Result<String, ObjectError> {
        let request = self.client.create_multipart_upload().bucket(bucket).key(key).expected_bucket_owner(self.owner()?);
        let reply = request.content_type("application/octet-stream").send().await.map_err(|e| outside(&e))?;
        reply.upload_id.ok_or_else(incomplete)
    }

    async fn deliver_part(
        &self,
        name: &str,
        bytes: Option<Range<u64>>,
        to: DeliveryTarget<'_>,
        part: u32,
    ) -> Result<Option<String>, ObjectError> {
        let DeliveryTarget { bucket, key, upload } = to;
        let range = bytes.map(|b| format!("bytes={}-{}", b.start, b.end.saturating_sub(1)));
        let request = self.client.upload_part_copy().bucket(bucket).key(key).upload_id(upload).part_number(number(part));
        let request = request.expected_bucket_owner(self.owner()?);
        let request = request.copy_source(format!("{}/{name}", self.bucket()?)).set_copy_source_range(range);
        match request.send().await {
            Ok(reply) => reply.copy_part_result.and_then(|r| r.e_tag).map(Some).ok_or_else(incomplete),
            Err(error) if failure::code(&error) == "NoSuchUpload" => Ok(None),
            Err(error) => Err(outside(&error)),
        }
    }

    async fn complete_delivery(&self, to: DeliveryTarget<'_>, tags: &[String]) -> Result<Option<CompletedUpload>, ObjectError> {
        let DeliveryTarget { bucket, key, upload } = to;
        let request = self.client.complete_multipart_upload().bucket(bucket).key(key).upload_id(upload);
        let request = request.expected_bucket_owner(self.owner()?);
        match request.multipart_upload(listed((1..).zip(tags))).send().await {
            Ok(reply) => Ok(Some(CompletedUpload { version: reply.version_id })),
            Err(error) if failure::code(&error) == "NoSuchUpload" => Ok(None),
            Err(error) => Err(outside(&error)),
        }
    }

    async fn abandon_delivery(&self, to: DeliveryTarget<'_>) -> Result<bool, ObjectError> {
        let DeliveryTarget { bucket, key, upload } = to;
        let request = self.client.abort_multipart_upload().bucket(bucket).key(key).upload_id(upload);
        match request.expected_bucket_owner(self.owner()?).send().await {
            Ok(_) => Ok(true),
            Err(error) if failure::code(&error) == "NoSuchUpload" => Ok(false),
            Err(error) => Err(outside(&error)),
        }
    }

    async fn withdraw(&self, bucket: &str, key: &str, version: Option<&str>) -> Result<WithdrawOutcome, ObjectError> {
        let request = self.client.delete_object().bucket(bucket).key(key).set_version_id(version.map(str::to_owned));
        let request = request.expected_bucket_owner(self.owner()?);
        let reply = request.send().await.map_err(|e| outside(&e))?;
        let hidden = version.is_none() && reply.delete_marker == Some(true);
        Ok(if hidden { WithdrawOutcome::Hidden } else { WithdrawOutcome::Gone })
    }

    async fn link(&self, name: &str, file_name: &str, seconds: u32) -> Result<String, ObjectError> {
        let not_built = |_| ObjectError::Unavailable("RequestNotBuilt".to_owned());
        let expires = PresigningConfig::expires_in(Duration::from_secs(seconds.into())).map_err(not_built)?;
        let request = self.client.get_object().bucket(self.bucket()?).key(name);
        let request = request.response_content_disposition(format!("attachment; filename=\"{file_name}\""));
        Ok(request.presigned(expires).await.map_err(|e| failed(&e))?.uri().to_owned())
    }
}
