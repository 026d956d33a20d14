//! Putting objects back where nothing stands.

use super::{S3, address::Address, envelope::Envelope, vault::pieces};
use crate::failure::{Resource, all, code, pauses};
use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput,
    primitives::{ByteStream, DateTime, DateTimeFormat},
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ServerSideEncryption, StorageClass},
};
use backon::Retryable as _;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt as _, stream, stream::BoxStream};
use oubli_domain::datamap::Producer;
use oubli_engine::ports::{PutBack, Returned, StoreError};
use serde::Deserialize as _;

/// Largest object that is sent whole, and the size of parts, in bytes.
const PART: u64 = 8 << 20;
/// Most parts of an upload; S3's own limit.
const MAX_PARTS: u64 = 10_000;
/// Objects under way at once; each holds about a part.
const PARALLEL: usize = 4;

type Body = BoxStream<'static, Result<Bytes, StoreError>>;

/// Sets everything of an envelope on a request; the SDK's requests share no trait.
macro_rules! enveloped {
    ($request:expr, $envelope:expr) => {{
        let e: &Envelope = $envelope;
        let expires = e.expires.as_deref().and_then(|t| DateTime::from_str(t, DateTimeFormat::HttpDate).ok());
        $request
            .set_content_type(e.content_type.clone())
            .set_content_encoding(e.content_encoding.clone())
            .set_content_language(e.content_language.clone())
            .set_content_disposition(e.content_disposition.clone())
            .set_cache_control(e.cache_control.clone())
            .set_expires(expires)
            .set_website_redirect_location(e.redirect.clone())
            .set_storage_class(e.storage_class.as_deref().map(StorageClass::from))
            .set_server_side_encryption(e.encryption.as_deref().map(ServerSideEncryption::from))
            .set_ssekms_key_id(e.kms_key.clone())
            .set_metadata((!e.metadata.is_empty()).then(|| e.metadata.clone().into_iter().collect()))
            .set_tagging(e.tagging())
    }};
}

/// What became of an upload.
enum Sent {
    Done,
    /// Something stands there.
    Taken,
}

impl S3 {
    pub(super) async fn put_where_absent(
        &self,
        producer: &Producer,
        returned: Vec<Returned>,
    ) -> Vec<Result<PutBack, StoreError>> {
        let (bucket, resource) = match super::bucket(producer) {
            Ok(found) => found,
            Err(error) => return all(returned.len(), &error),
        };
        let puts: Vec<_> = returned.into_iter().map(|r| self.put_one(bucket, &resource, r)).collect();
        stream::iter(puts).buffered(PARALLEL).collect().await
    }

    /// Where the bucket is versioned by now, `If-None-Match` looks at the current version alone: what was written since
    /// keeps an object from coming back, a delete marker does not.
    async fn put_one(&self, bucket: &str, resource: &Resource, returned: Returned) -> Result<PutBack, StoreError> {
        let address = Address::of(resource, &returned.record)?;
        if address.delete_marker {
            // It lay on nothing, and nothing is what readers see again.
            return Ok(PutBack::Restored);
        }
        // What has no version is from before the bucket was versioned, and was what readers saw. An old version was not:
        // whatever is put becomes the current one.
        if !address.latest && address.version_id.is_some() {
            return Err(resource.record("it was an old version, and put back it would be the current one"));
        }
        let envelope = Envelope::deserialize(&returned.envelope).map_err(|_| resource.record("its envelope cannot be read"))?;
        let object = Object { s3: self, bucket, resource, key: &address.key, envelope: &envelope, length: returned.length };
        if let Some(head) = object.head().await? {
            return object.compare(&head, returned.body).await;
        }
        if returned.length > PART {
            return match object.send_parts(returned.body).await? {
                Sent::Done => Ok(PutBack::Restored),
                // The body is used up; the next try compares.
                Sent::Taken => Err(resource.unavailable("somebody wrote to it meanwhile")),
            };
        }
        let body = object.collect(returned.body).await?;
        match object.send_whole(body.clone()).await? {
            Sent::Done => Ok(PutBack::Restored),
            Sent::Taken => match object.head().await? {
                Some(head) => object.compare(&head, stream::iter([Ok(body)]).boxed()).await,
                None => Err(resource.unavailable("somebody wrote to it meanwhile")),
            },
        }
    }
}

/// An object to put back.
#[derive(Clone, Copy)]
struct Object<'a> {
    s3: &'a S3,
    bucket: &'a str,
    resource: &'a Resource,
    key: &'a str,
    envelope: &'a Envelope,
    length: u64,
}

impl Object<'_> {
    async fn head(&self) -> Result<Option<HeadObjectOutput>, StoreError> {
        match self.s3.client.head_object().bucket(self.bucket).key(self.key).send().await {
            Ok(head) => Ok(Some(head)),
            Err(error) if matches!(code(&error).as_str(), "NotFound" | "NoSuchKey") => Ok(None),
            Err(error) => Err(self.resource.failed_record(&error)),
        }
    }

    /// Whether what stands there is what would be put back.
    async fn compare(&self, head: &HeadObjectOutput, body: Body) -> Result<PutBack, StoreError> {
        let standing = self.s3.envelope(self.bucket, self.resource, self.key, None, head).await?;
        let length = head.content_length().and_then(|l| u64::try_from(l).ok());
        if length != Some(self.length) || !standing.reads_like(self.envelope) {
            return Ok(PutBack::Conflict);
        }
        if standing.etag.is_some() && standing.etag == self.envelope.etag {
            return Ok(PutBack::Restored);
        }
        let request = self.s3.client.get_object().bucket(self.bucket).key(self.key).set_if_match(standing.etag);
        let reply = request.send().await.map_err(|e| self.resource.failed_record(&e))?;
        let equal = same_bytes(pieces(self.resource.clone(), reply.body), body).await?;
        Ok(if equal { PutBack::Restored } else { PutBack::Conflict })
    }

    async fn collect(&self, mut body: Body) -> Result<Bytes, StoreError> {
        let mut whole = BytesMut::new();
        while let Some(piece) = body.try_next().await? {
            whole.extend_from_slice(&piece);
            if whole.len() as u64 > self.length {
                break;
            }
        }
        if whole.len() as u64 == self.length { Ok(whole.freeze()) } else { Err(self.wrong_length()) }
    }

    fn wrong_length(&self) -> StoreError {
        self.resource.record("its copy is not as long as it was")
    }

    async fn send_whole(&self, body: Bytes) -> Result<Sent, StoreError> {
        let put = || async {
            let request = self.s3.client.put_object().bucket(self.bucket).key(self.key).if_none_match("*");
            enveloped!(request, self.envelope).body(ByteStream::from(body.clone())).send().await
        };
        let conflict = |error: &_| code(error) == "ConditionalRequestConflict";
        match put.retry(pauses()).when(conflict).await {
            Ok(_) => Ok(Sent::Done),
            Err(error) if code(&error) == "PreconditionFailed" => Ok(Sent::Taken),
            Err(error) => Err(self.resource.failed_record(&error)),
        }
    }

    async fn send_parts(&self, body: Body) -> Result<Sent, StoreError> {
        let request = self.s3.client.create_multipart_upload().bucket(self.bucket).key(self.key);
        let request = enveloped!(request, self.envelope).checksum_algorithm(ChecksumAlgorithm::Crc32);
        let reply = request.send().await.map_err(|e| self.resource.failed_record(&e))?;
        let id = reply.upload_id.ok_or_else(|| self.resource.unavailable("IncompleteReply"))?;
        let sent = self.fill(&id, body).await;
        if !matches!(sent, Ok(Sent::Done)) {
            // Its parts would be paid for until somebody finds them.
            let _ = self.s3.client.abort_multipart_upload().bucket(self.bucket).key(self.key).upload_id(&id).send().await;
        }
        sent
    }

    async fn fill(&self, id: &str, mut body: Body) -> Result<Sent, StoreError> {
        let part_size = usize::try_from(PART.max(self.length.div_ceil(MAX_PARTS))).unwrap_or(usize::MAX);
        let (mut parts, mut buffer, mut sent) = (Vec::new(), BytesMut::new(), 0_u64);
        loop {
            let piece = body.try_next().await?;
            let ended = piece.is_none();
            buffer.extend_from_slice(&piece.unwrap_or_default());
            while buffer.len() >= part_size || (ended && !buffer.is_empty()) {
                let part = buffer.split_to(buffer.len().min(part_size)).freeze();
                sent += part.len() as u64;
                parts.push(self.send_part(id, parts.len() + 1, part).await?);
            }
            if sent + buffer.len() as u64 > self.length || (ended && sent != self.length) {
                return Err(self.wrong_length());
            }
            if ended {
                break;
            }
        }
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let request = self.s3.client.complete_multipart_upload().bucket(self.bucket).key(self.key).upload_id(id);
        match request.multipart_upload(parts).if_none_match("*").send().await {
            Ok(_) => Ok(Sent::Done),
            Err(error) if code(&error) == "PreconditionFailed" => Ok(Sent::Taken),
            Err(error) => Err(self.resource.failed_record(&error)),
        }
    }

    async fn send_part(&self, id: &str, number: usize, body: Bytes) -> Result<CompletedPart, StoreError> {
        let number = i32::try_from(number).unwrap_or(i32::MAX);
        let request = self.s3.client.upload_part().bucket(self.bucket).key(self.key).upload_id(id).part_number(number);
        let request = request.checksum_algorithm(ChecksumAlgorithm::Crc32).body(ByteStream::from(body));
        let reply = request.send().await.map_err(|e| self.resource.failed_record(&e))?;
        let part = CompletedPart::builder().part_number(number);
        Ok(part.set_e_tag(reply.e_tag).set_checksum_crc32(reply.checksum_crc32).build())
    }
}

/// Whether two streams carry the same bytes, however they are cut.
async fn same_bytes(mut one: Body, mut other: Body) -> Result<bool, StoreError> {
    let (mut left, mut right) = (Bytes::new(), Bytes::new());
    loop {
        if left.is_empty() {
            left = next_piece(&mut one).await?;
        }
        if right.is_empty() {
            right = next_piece(&mut other).await?;
        }
        if left.is_empty() || right.is_empty() {
            return Ok(left.is_empty() && right.is_empty());
        }
        let length = left.len().min(right.len());
        if left.split_to(length) != right.split_to(length) {
            return Ok(false);
        }
    }
}

/// The next bytes; none at the end.
async fn next_piece(body: &mut Body) -> Result<Bytes, StoreError> {
    while let Some(piece) = body.try_next().await? {
        if !piece.is_empty() {
            return Ok(piece);
        }
    }
    Ok(Bytes::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(pieces: &[&'static str]) -> Body {
        stream::iter(pieces.iter().map(|p| Ok(Bytes::from_static(p.as_bytes()))).collect::<Vec<_>>()).boxed()
    }

    #[tokio::test]
    async fn streams_are_compared_however_they_are_cut() {
        for (one, other, same) in [
            (&["abc", "d"][..], &["a", "", "bcd"][..], true),
            (&[], &[""], true),
            (&["abc"], &["abcd"], false),
            (&["abcd"], &["abc"], false),
            (&["abx"], &["abc"], false),
        ] {
            assert_eq!(same_bytes(body(one), body(other)).await, Ok(same), "{one:?} {other:?}");
        }
    }
}
