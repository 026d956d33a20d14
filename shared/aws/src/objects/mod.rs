//! The work bucket on S3.

mod writer;

use crate::{
    failure::{self, pauses},
    scratch,
    settings::{Settings, SettingsError},
};
use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::put_object::builders::PutObjectFluentBuilder,
    primitives::ByteStream as Streamed,
    types::{Delete, ObjectIdentifier},
};
use backon::Retryable as _;
use futures::{StreamExt as _, stream};
use oubli_engine::ports::{Body, ByteStream, ObjectError, ObjectWriter, Objects};
use std::sync::Arc;

/// Most keys of one DeleteObjects.
const DELETE_BATCH: usize = 1_000;

/// [`Objects`] in an S3 bucket.
#[derive(Debug, Clone)]
pub struct WorkBucket {
    client: Client,
    settings: Arc<Settings>,
}

impl WorkBucket {
    /// The bucket that the settings name.
    pub fn new(client: Client, settings: Arc<Settings>) -> Self {
        Self { client, settings }
    }

    fn bucket(&self) -> Result<&str, ObjectError> {
        Ok(self.settings.work_bucket()?)
    }
}

#[async_trait]
impl Objects for WorkBucket {
    async fn put(&self, name: &str, body: Body) -> Result<(), ObjectError> {
        put_if_absent(&self.client, self.bucket()?, name, &body).await
    }

    async fn writer(&self, name: &str) -> Result<Box<dyn ObjectWriter>, ObjectError> {
        Ok(Box::new(writer::Writer::new(self.client.clone(), self.bucket()?.to_owned(), name.to_owned())))
    }

    async fn reader(&self, name: &str) -> Result<Option<ByteStream>, ObjectError> {
        match self.client.get_object().bucket(self.bucket()?).key(name).send().await {
            Ok(reply) => Ok(Some(pieces(reply.body))),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn delete(&self, names: &[String]) -> Result<(), ObjectError> {
        delete_all(&self.client, self.bucket()?, names).await
    }
}

async fn put_if_absent(client: &Client, bucket: &str, name: &str, body: &Body) -> Result<(), ObjectError> {
    let put = || client.put_object().bucket(bucket).key(name).if_none_match("*");
    conditional_put(|| async { Ok(put().body(scratch::stream(body).await?)) }).await
}

/// Deletes objects, however many.
pub(crate) async fn delete_all(client: &Client, bucket: &str, names: &[String]) -> Result<(), ObjectError> {
    for batch in names.chunks(DELETE_BATCH) {
        let keys = batch.iter().map(|name| ObjectIdentifier::builder().key(name).build()).collect::<Result<Vec<_>, _>>();
        let delete = keys.and_then(|keys| Delete::builder().quiet(true).set_objects(Some(keys)).build());
        let delete = delete.map_err(|_| unavailable("RequestNotBuilt"))?;
        let reply = client.delete_objects().bucket(bucket).delete(delete).send().await.map_err(|e| failed(&e))?;
        if let Some(error) = reply.errors().first() {
            return Err(unavailable(error.code().unwrap_or("UnknownServiceError")));
        }
    }
    Ok(())
}

/// Puts an object on the request's own condition.
pub(crate) async fn conditional_put<F>(request: impl Fn() -> F) -> Result<(), ObjectError>
where
    F: Future<Output = Result<PutObjectFluentBuilder, ObjectError>>,
{
    let put = || async { request().await?.send().await.map(drop).map_err(|e| failed(&e)) };
    // Two writers at the same instant: one of them is told to try again, and then learns who won.
    let conflict = |error: &_| matches!(error, ObjectError::Unavailable(code) if code == "ConditionalRequestConflict");
    put.retry(pauses()).when(conflict).await
}

fn pieces(body: Streamed) -> ByteStream {
    stream::unfold(Some(body), |body| async {
        let mut body = body?;
        match body.next().await? {
            Ok(bytes) => Some((Ok(bytes), Some(body))),
            Err(_) => Some((Err(unavailable("StreamBroken")), None)),
        }
    })
    .boxed()
}

pub(crate) fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> ObjectError {
    match failure::code(error) {
        code if code == "PreconditionFailed" => ObjectError::Exists,
        code => ObjectError::Unavailable(code),
    }
}

fn unavailable(reason: &str) -> ObjectError {
    ObjectError::Unavailable(reason.to_owned())
}

impl From<SettingsError> for ObjectError {
    fn from(error: SettingsError) -> Self {
        ObjectError::Unavailable(error.to_string())
    }
}
