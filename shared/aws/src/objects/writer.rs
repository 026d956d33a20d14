//! Objects written piece by piece.

use super::{failed, put_if_absent, unavailable};
use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    primitives::ByteStream as Body,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use bytes::{Bytes, BytesMut};
use oubli_engine::ports::{ObjectError, ObjectWriter};
use tokio::task::JoinSet;

/// Bytes of a part, and of the largest object that is sent whole.
const PART: usize = 8 << 20;
/// Parts under way while the next one fills: with it, a writer holds three at most.
const PARALLEL: usize = 2;
/// Most parts of an upload; S3's own limit.
const MAX_PARTS: usize = 10_000;

pub(super) struct Writer {
    client: Client,
    bucket: String,
    name: String,
    buffer: BytesMut,
    upload: Option<Upload>,
}

struct Upload {
    id: String,
    started: usize,
    running: JoinSet<Result<CompletedPart, ObjectError>>,
    done: Vec<CompletedPart>,
}

impl Writer {
    pub(super) fn new(client: Client, bucket: String, name: String) -> Self {
        Self { client, bucket, name, buffer: BytesMut::new(), upload: None }
    }

    async fn begin(&mut self) -> Result<&mut Upload, ObjectError> {
        let upload = match self.upload.take() {
            Some(upload) => upload,
            None => {
                let request = self.client.create_multipart_upload().bucket(&self.bucket).key(&self.name);
                let reply = request.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.map_err(|e| failed(&e))?;
                let id = reply.upload_id.ok_or_else(|| unavailable("NoUploadId"))?;
                Upload { id, started: 0, running: JoinSet::new(), done: Vec::new() }
            }
        };
        Ok(self.upload.insert(upload))
    }

    async fn send_part(&mut self, body: Bytes) -> Result<(), ObjectError> {
        let (client, bucket, name) = (self.client.clone(), self.bucket.clone(), self.name.clone());
        let upload = self.begin().await?;
        if upload.running.len() >= PARALLEL {
            upload.settle_one().await?;
        }
        if upload.started >= MAX_PARTS {
            return Err(unavailable("TooManyParts"));
        }
        upload.started += 1;
        let number = i32::try_from(upload.started).unwrap_or(i32::MAX);
        let request = client.upload_part().bucket(bucket).key(name).upload_id(&upload.id).part_number(number);
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32).body(Body::from(body));
        upload.running.spawn(async move {
            let reply = request.send().await.map_err(|e| failed(&e))?;
            let part = CompletedPart::builder().part_number(number);
            Ok(part.set_e_tag(reply.e_tag).set_checksum_crc32(reply.checksum_crc32).build())
        });
        Ok(())
    }

    async fn send_full_parts(&mut self) -> Result<(), ObjectError> {
        while self.buffer.len() > PART {
            let part = self.buffer.split_to(PART).freeze();
            self.send_part(part).await?;
        }
        Ok(())
    }

    async fn complete(&mut self) -> Result<(), ObjectError> {
        let rest = self.buffer.split().freeze();
        if self.upload.is_none() {
            return put_if_absent(&self.client, &self.bucket, &self.name, &rest.into()).await;
        }
        self.send_part(rest).await?;
        let upload = self.begin().await?;
        while !upload.running.is_empty() {
            upload.settle_one().await?;
        }
        upload.done.sort_by_key(|part| part.part_number);
        let parts = CompletedMultipartUpload::builder().set_parts(Some(std::mem::take(&mut upload.done))).build();
        let id = upload.id.clone();
        let request = self.client.complete_multipart_upload().bucket(&self.bucket).key(&self.name).upload_id(id);
        request.multipart_upload(parts).if_none_match("*").send().await.map(drop).map_err(|e| failed(&e))
    }

    /// Parts of an upload that is not to be are paid for until the bucket's lifecycle rule finds them.
    async fn abort(&mut self) {
        if let Some(upload) = self.upload.take() {
            drop(upload.running);
            let request = self.client.abort_multipart_upload().bucket(&self.bucket).key(&self.name);
            let _ = request.upload_id(upload.id).send().await;
        }
    }
}

impl Upload {
    async fn settle_one(&mut self) -> Result<(), ObjectError> {
        match self.running.join_next().await {
            Some(Ok(part)) => self.done.push(part?),
            Some(Err(_)) => return Err(unavailable("UploadStopped")),
            None => {}
        }
        Ok(())
    }
}

#[async_trait]
impl ObjectWriter for Writer {
    async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectError> {
        self.buffer.extend_from_slice(&bytes);
        let sent = self.send_full_parts().await;
        if sent.is_err() {
            self.abort().await;
        }
        sent
    }

    async fn finish(mut self: Box<Self>) -> Result<(), ObjectError> {
        let completed = self.complete().await;
        if completed.is_err() {
            self.abort().await;
        }
        completed
    }
}
