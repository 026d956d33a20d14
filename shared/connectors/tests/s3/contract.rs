//! The contract of connectors on buckets: hidden through the vault, and by delete markers.

use crate::{
    support::meddler::forgetful,
    world::{BucketKind, Fixture},
};
use async_trait::async_trait;
use aws_sdk_s3::{Client, primitives::ByteStream};
use oubli_connectors::S3;
use oubli_domain::datamap::Producer;
use oubli_engine::ports::Connector;
use oubli_simulation::contract::{self, ConnectorFixture};
use std::sync::Arc;

fn key(subject: &str, number: u32) -> String {
    format!("users/{subject}/{number}")
}

#[async_trait]
impl ConnectorFixture for Fixture {
    fn connector(&self) -> &dyn Connector {
        self.connector.as_ref()
    }

    fn producer(&self) -> &Producer {
        &self.producer
    }

    async fn write(&self, subject: &str, number: u32, content: &str) {
        let body = ByteStream::from(format!("{content} of {subject}").into_bytes());
        let request = self.client.put_object().bucket(&self.bucket).key(key(subject, number)).content_type("text/x-note");
        request.metadata("owner", subject).body(body).send().await.expect("put");
    }

    async fn delete(&self, subject: &str, number: u32) {
        self.delete(&key(subject, number), None).await;
    }

    async fn raw(&self, subject: &str, number: u32) -> Option<Vec<u8>> {
        let reply = self.client.get_object().bucket(&self.bucket).key(key(subject, number)).send().await.ok()?;
        let headers = format!("{:?} {:?}\n", reply.content_type(), reply.metadata());
        let body = reply.body.collect().await.expect("a body").into_bytes();
        Some([headers.as_bytes(), &body].concat())
    }

    fn loses_a_reply(&self) -> Option<Arc<dyn Connector>> {
        let config = self.client.config().to_builder().http_client(forgetful("POST delete")).build();
        Some(Arc::new(S3::new(Client::from_conf(config))))
    }
}

#[tokio::test]
async fn objects_of_a_plain_bucket_keep_the_contract() {
    contract::connector(&Fixture::new(BucketKind::Plain).await).await;
}

#[tokio::test]
async fn objects_of_a_versioned_bucket_keep_the_contract() {
    contract::connector(&Fixture::new(BucketKind::Versioned).await).await;
}
