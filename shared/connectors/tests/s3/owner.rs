//! Whose a bucket has to be: said in all that is done to it, and what becomes of it where it is somebody else's.

use crate::{
    support::{WINDOW, discover, removals, returned},
    world::{BucketKind, Fixture, REGION, unnoted},
};
use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::{
    config::{
        ConfigBag, Credentials, Intercept, RuntimeComponents, SharedInterceptor,
        interceptors::BeforeTransmitInterceptorContextRef,
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use oubli_connectors::{Options, Registry};
use oubli_domain::datamap::{Location, Producer, S3Uploads, Store, StoreKind};
use oubli_engine::ports::{Connector, Destruction, Selector, Stores as _, Way};
use oubli_simulation::contract::{self, ConnectorFixture};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

/// The emulator's own account, which all its buckets are in, and another.
const OWN: &str = "000000000000";
const OTHER: &str = "444455556666";

/// What is said of whose the bucket has to be, by call.
#[derive(Debug, Clone, Default)]
struct Said(Arc<Mutex<BTreeMap<String, BTreeSet<Option<String>>>>>);

impl Intercept for Said {
    fn name(&self) -> &'static str {
        "Said"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let call = config.load::<Metadata>().map(|call| call.name().to_owned()).unwrap_or_default();
        let owner = context.request().headers().get("x-amz-expected-bucket-owner").map(str::to_owned);
        self.0.lock().expect("unpoisoned").entry(call).or_default().insert(owner);
        Ok(())
    }
}

/// The connector of a deployment in this account.
async fn connector(account: &str, said: &Said) -> Arc<dyn Connector> {
    let config = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(REGION));
    let config = config.credentials_provider(Credentials::new("test", "test", None, None, "test")).load().await;
    let owner = Some(account.parse().expect("an account"));
    let options = Options { path_style: true, observer: Some(SharedInterceptor::new(said.clone())), owner };
    let store = Store { connector: StoreKind::S3, region: None, account: None };
    Registry::new(config, options).connector(&"files".parse().expect("a name"), &store).expect("a connector")
}

/// A bucket, reached as a deployment reaches it.
struct Owned {
    world: Fixture,
    connector: Arc<dyn Connector>,
}

#[async_trait]
impl ConnectorFixture for Owned {
    fn connector(&self) -> &dyn Connector {
        self.connector.as_ref()
    }

    fn producer(&self) -> &Producer {
        &self.world.producer
    }

    async fn write(&self, subject: &str, number: u32, content: &str) {
        self.world.write(subject, number, content).await;
    }

    async fn delete(&self, subject: &str, number: u32) {
        ConnectorFixture::delete(&self.world, subject, number).await;
    }

    async fn raw(&self, subject: &str, number: u32) -> Option<Vec<u8>> {
        self.world.raw(subject, number).await
    }

    fn loses_a_reply(&self) -> Option<Arc<dyn Connector>> {
        None
    }
}

impl Owned {
    /// An upload that nobody finished, found and ended.
    async fn end_upload(&self) {
        let Fixture { client, bucket, producer, .. } = &self.world;
        client.create_multipart_upload().bucket(bucket).key("users/left/x").send().await.expect("begun");
        let uploads = S3Uploads { bucket: bucket.clone(), of: producer.name.clone() };
        let producer = Producer { location: Location::Uploads(uploads), ..producer.clone() };
        let selector = Selector { way: Way { selection: &producer.select[0], value: "left" }, fields: &[], but: &[] };
        let found = discover(self.connector.as_ref(), &producer, selector, 10).await.0;
        let records: Vec<_> = found.into_iter().map(|found| (found.record, None)).collect();
        let purged = self.connector.soft_delete().expect("offered").purge(&producer, &records).await;
        assert_eq!(purged, vec![Ok(Destruction::Destroyed)]);
    }
}

#[tokio::test]
async fn p8_all_that_is_done_to_a_bucket_says_whose_it_has_to_be() {
    let said = Said::default();
    for kind in [BucketKind::Plain, BucketKind::Versioned] {
        let owned = Owned { world: Fixture::new(kind).await, connector: connector(OWN, &said).await };
        contract::connector(&owned).await;
        owned.end_upload().await;
    }
    let said = said.0.lock().expect("unpoisoned").clone();
    for call in ["GetObject", "PutObject", "DeleteObjects", "AbortMultipartUpload"] {
        assert!(said.contains_key(call), "no {call} among {:?}", said.keys());
    }
    let only = BTreeSet::from([Some(OWN.to_owned())]);
    for (call, owners) in said {
        assert_eq!(owners, only, "{call}");
    }
}

#[tokio::test]
async fn p8_in_a_bucket_that_is_somebody_elses_nothing_is_read_and_nothing_changes() {
    for kind in [BucketKind::Plain, BucketKind::Versioned] {
        let world = Fixture::new(kind).await;
        world.put("users/u1/a", "theirs").await;
        let records = world.records("u1").await;
        let (expected, envelope, bytes) = world.vault(&records[0]).await;
        let before = world.history("users/").await;

        let (taken, producer) = (connector(OTHER, &Said::default()).await, &world.producer);
        assert!(taken.capabilities(producer, WINDOW).await.is_err());
        let selector = Selector { way: Way { selection: &producer.select[0], value: "u1" }, fields: &[], but: &[] };
        assert!(taken.discover(producer, selector, None, 10).await.is_err());
        assert!(taken.reread(producer, &records, &[]).await[0].is_err());
        assert!(taken.read(producer, &records, &[]).await[0].is_err());
        assert!(taken.apply(producer, &removals([expected])).await[0].is_err());
        let own = taken.soft_delete().expect("offered");
        assert!(own.soft_delete(producer, &unnoted(&records), None, WINDOW).await[0].is_err());
        assert!(own.purge(producer, &unnoted(&records)).await[0].is_err());
        assert_eq!((world.get("users/u1/a").await.as_deref(), world.history("users/").await), (Some("theirs"), before));

        // Nor does what was hidden in a bucket of before come into one of theirs.
        world.delete("users/u1/a", None).await;
        assert!(taken.put_back(producer, vec![returned(&records[0], envelope, bytes)]).await[0].is_err());
        assert_eq!(world.get("users/u1/a").await, None);
    }
}
