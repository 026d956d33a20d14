//! The logs in an S3 bucket with Object Lock, and their key in KMS.

use crate::{
    failure,
    objects::{conditional_put, delete_all, failed},
    settings::Settings,
};
use async_trait::async_trait;
use aws_sdk_kms::{
    error::ProvideErrorMetadata,
    primitives::Blob,
    types::{MessageType, SigningAlgorithmSpec},
};
use aws_sdk_s3::{
    operation::put_object::builders::PutObjectFluentBuilder,
    primitives::{ByteStream, DateTime},
    types::ObjectLockMode,
};
use bytes::Bytes;
use jiff::Timestamp;
use oubli_engine::ports::{KeyServiceError, LedgerStore, ObjectError, Signer, Stored};
use std::{future::ready, sync::Arc};
use tokio::sync::OnceCell;

/// What an object carries that may go one day: the bucket's lifecycle takes old versions of such objects and of no others.
const PASSES: &str = "oubli-passes=true";

/// [`LedgerStore`] in an S3 bucket.
#[derive(Debug, Clone)]
pub struct LedgerBucket {
    client: aws_sdk_s3::Client,
    settings: Arc<Settings>,
}

impl LedgerBucket {
    /// The bucket that the settings name.
    pub fn new(client: aws_sdk_s3::Client, settings: Arc<Settings>) -> Self {
        Self { client, settings }
    }

    fn bucket(&self) -> Result<&str, ObjectError> {
        Ok(self.settings.ledger_bucket()?)
    }

    fn put(&self, bucket: &str, name: &str, body: &Bytes) -> PutObjectFluentBuilder {
        self.client.put_object().bucket(bucket).key(name).body(ByteStream::from(body.clone()))
    }
}

#[async_trait]
impl LedgerStore for LedgerBucket {
    async fn read(&self, name: &str) -> Result<Option<Stored>, ObjectError> {
        let reply = match self.client.get_object().bucket(self.bucket()?).key(name).send().await {
            Ok(reply) => reply,
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let tag = reply.e_tag.ok_or_else(|| ObjectError::Unavailable("IncompleteReply".to_owned()))?;
        let body = reply.body.collect().await.map_err(|_| ObjectError::Unavailable("StreamBroken".to_owned()))?;
        Ok(Some(Stored { body: body.into_bytes(), tag }))
    }

    async fn create(&self, name: &str, body: Bytes) -> Result<(), ObjectError> {
        let bucket = self.bucket()?;
        conditional_put(|| ready(Ok(self.put(bucket, name, &body).tagging(PASSES).if_none_match("*")))).await
    }

    async fn preserve(&self, name: &str, body: Bytes, until: Timestamp) -> Result<(), ObjectError> {
        let (bucket, until) = (self.bucket()?, DateTime::from_secs(until.as_second()));
        let locked =
            |put: PutObjectFluentBuilder| put.object_lock_mode(ObjectLockMode::Compliance).object_lock_retain_until_date(until);
        conditional_put(|| ready(Ok(locked(self.put(bucket, name, &body)).if_none_match("*")))).await
    }

    async fn replace(&self, name: &str, body: Bytes, before: Option<&str>) -> Result<(), ObjectError> {
        let bucket = self.bucket()?;
        let conditional = |put: PutObjectFluentBuilder| match before {
            Some(tag) => put.if_match(tag),
            None => put.if_none_match("*"),
        };
        conditional_put(|| ready(Ok(conditional(self.put(bucket, name, &body).tagging(PASSES))))).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        let reply = self.client.list_objects_v2().bucket(self.bucket()?).prefix(prefix).send().await;
        let reply = reply.map_err(|e| failed(&e))?;
        Ok(reply.contents.unwrap_or_default().into_iter().filter_map(|o| o.key).collect())
    }

    async fn delete(&self, names: &[String]) -> Result<(), ObjectError> {
        delete_all(&self.client, self.bucket()?, names).await
    }
}

/// [`Signer`] with an Ed25519 key of KMS.
#[derive(Debug, Clone)]
pub struct LedgerSigner {
    client: aws_sdk_kms::Client,
    settings: Arc<Settings>,
    public: Arc<OnceCell<[u8; 32]>>,
}

impl LedgerSigner {
    /// The key that the settings name.
    pub fn new(client: aws_sdk_kms::Client, settings: Arc<Settings>) -> Self {
        Self { client, settings, public: Arc::default() }
    }

    async fn fetch(&self) -> Result<[u8; 32], KeyServiceError> {
        let reply = self.client.get_public_key().key_id(self.settings.log_key_id()?).send().await;
        let reply = reply.map_err(|e| refused(&e))?;
        let der = reply.public_key.ok_or_else(incomplete)?.into_inner();
        // SubjectPublicKeyInfo of Ed25519 (RFC 8410): twelve bytes that say so, then the key.
        const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        let key = der.strip_prefix(&SPKI).and_then(|k| <[u8; 32]>::try_from(k).ok());
        key.ok_or_else(|| KeyServiceError::Refused("the log key is not an Ed25519 key".to_owned()))
    }
}

#[async_trait]
impl Signer for LedgerSigner {
    async fn public_key(&self) -> Result<[u8; 32], KeyServiceError> {
        self.public.get_or_try_init(|| self.fetch()).await.copied()
    }

    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyServiceError> {
        let request = self.client.sign().key_id(self.settings.log_key_id()?).message(Blob::new(message));
        let request = request.message_type(MessageType::Raw).signing_algorithm(SigningAlgorithmSpec::Ed25519Sha512);
        let reply = request.send().await.map_err(|e| refused(&e))?;
        let signature = reply.signature.ok_or_else(incomplete)?.into_inner();
        <[u8; 64]>::try_from(signature).map_err(|_| incomplete())
    }
}

fn incomplete() -> KeyServiceError {
    KeyServiceError::Unavailable("IncompleteReply".to_owned())
}

fn refused<E: ProvideErrorMetadata, R>(error: &aws_sdk_kms::error::SdkError<E, R>) -> KeyServiceError {
    match failure::code(error) {
        code if code == "AccessDeniedException" || code == "NotFoundException" => KeyServiceError::Refused(code),
        code => KeyServiceError::Unavailable(code),
    }
}
