//! Work bucket, keys, queues and the count of calls on the emulator at `AWS_ENDPOINT_URL`.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::{
    config::Credentials,
    types::{BucketLocationConstraint, CreateBucketConfiguration, ObjectLockRetentionMode},
};
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use bytes::Bytes;
use futures::TryStreamExt as _;
use oubli_aws::{Aws, Calls, Settings};
use oubli_domain::{
    datamap::WorkerPool,
    ids::{OrganizationId, RequestId},
};
use oubli_engine::ports::{
    DeliveryTarget, Envelope, KeyServiceError, Message, NoStores, ObjectError, Objects, Ports, QueueName, WithdrawOutcome,
    WrappedKey, WrappingKey,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::SystemTime,
};
use uuid::Uuid;

const REGION: &str = "eu-central-1";

async fn config() -> SdkConfig {
    std::env::var("AWS_ENDPOINT_URL").expect("AWS_ENDPOINT_URL names the emulator");
    let credentials = Credentials::new("test", "test", None, None, "test");
    let config = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(REGION));
    config.credentials_provider(credentials).load().await
}

fn unique(name: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_nanos();
    format!("{name}-{now}")
}

async fn ports(settings: &[(&str, String)]) -> (Ports, Calls) {
    let lookup = |name: &str| settings.iter().find(|(n, _)| *n == name).map(|(_, value)| value.clone());
    let calls = Calls::on();
    let aws = Aws::new(Settings::read(lookup).expect("settings"), config().await, calls.clone());
    (aws.ports(Arc::new(NoStores)), calls)
}

async fn s3() -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(&config().await).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

async fn new_bucket(client: &aws_sdk_s3::Client, name: &str) -> String {
    let name = unique(name);
    let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(REGION)).build();
    client.create_bucket().bucket(&name).create_bucket_configuration(place).send().await.expect("created");
    name
}

async fn bucket() -> (Ports, Calls, aws_sdk_s3::Client, String) {
    let client = s3().await;
    let name = new_bucket(&client, "work").await;
    let (ports, calls) = ports(&[("OUBLI_WORK_BUCKET", name.clone())]).await;
    (ports, calls, client, name)
}

async fn content(objects: &dyn Objects, name: &str) -> Option<Vec<u8>> {
    let pieces: Vec<Bytes> = objects.reader(name).await.expect("read")?.try_collect().await.expect("a body");
    Some(pieces.concat())
}

#[tokio::test]
async fn objects_are_written_once() {
    let (ports, calls, ..) = bucket().await;
    let objects = ports.objects.as_ref();
    assert_eq!(content(objects, "a/b").await, None);
    assert_eq!(objects.put("a/b", Bytes::from_static(b"one").into()).await, Ok(()));
    assert_eq!(objects.put("a/b", Bytes::from_static(b"two").into()).await, Err(ObjectError::Exists));
    assert_eq!(content(objects, "a/b").await.as_deref(), Some(&b"one"[..]));
    let writer = objects.writer("a/b").await.expect("a writer");
    assert_eq!(writer.finish().await, Err(ObjectError::Exists));

    let names: Vec<_> = ["a/b", "none"].map(str::to_owned).into();
    assert_eq!(objects.delete(&names).await, Ok(()));
    assert_eq!(content(objects, "a/b").await, None);
    assert_eq!(objects.delete(&[]).await, Ok(()));
    let counted = calls.take();
    assert_eq!(counted["control.S3.PutObject"], 3);
    assert_eq!(counted["control.S3.DeleteObjects"], 1);
    assert!(calls.take().is_empty());
}

#[tokio::test]
async fn pieces_become_one_object_only_when_finished() {
    let (ports, calls, client, bucket) = bucket().await;
    let objects = ports.objects.as_ref();
    for (name, pieces, calls_made) in [("none", 0_usize, 1), ("small", 1, 1), ("exact", 4, 1), ("large", 13, 6)] {
        let piece = Bytes::from((0..2 << 20).map(|n: u32| n.to_le_bytes()[1]).collect::<Vec<_>>());
        let mut writer = objects.writer(name).await.expect("a writer");
        calls.take();
        for _ in 0..pieces {
            writer.write(piece.clone()).await.expect("written");
        }
        assert_eq!(content(objects, name).await, None);
        writer.finish().await.expect("finished");
        // One call looked whether it was there already.
        assert_eq!(calls.take().values().sum::<u64>(), calls_made + 1, "{name}");
        assert_eq!(content(objects, name).await, Some(piece.repeat(pieces)), "{name}");
    }
    let mut dropped = objects.writer("dropped").await.expect("a writer");
    dropped.write(Bytes::from(vec![0; 9 << 20])).await.expect("written");
    drop(dropped);
    assert_eq!(content(objects, "dropped").await, None);

    let mut late = objects.writer("late").await.expect("a writer");
    late.write(Bytes::from(vec![0; 9 << 20])).await.expect("written");
    objects.put("late", Bytes::from_static(b"first").into()).await.expect("written");
    assert_eq!(late.finish().await, Err(ObjectError::Exists));
    assert_eq!(content(objects, "late").await.as_deref(), Some(&b"first"[..]));
    let uploads = client.list_multipart_uploads().bucket(bucket).send().await.expect("listed");
    assert!(uploads.uploads().iter().all(|u| u.key() != Some("late")), "it is aborted");
}

#[tokio::test]
async fn a_wrapped_key_opens_only_with_its_context() {
    let client = aws_sdk_kms::Client::new(&config().await);
    let made = || async { client.create_key().send().await.expect("created").key_metadata.expect("a key").key_id };
    let (key, vault) = (made().await, made().await);
    let mac = client.create_key().key_usage(aws_sdk_kms::types::KeyUsageType::GenerateVerifyMac);
    let mac = mac.key_spec(aws_sdk_kms::types::KeySpec::Hmac256).send().await.expect("created").key_metadata.expect("a key");
    let settings = [("OUBLI_IDENTITY_KEY_ID", key), ("OUBLI_VAULT_KEY_ID", vault), ("OUBLI_MAC_KEY_ID", mac.key_id)];
    let by = WrappingKey::Identity;
    let (first, _) = ports(&settings).await;
    let (second, calls) = ports(&settings).await;
    let context = BTreeMap::from([("request".to_owned(), "r1".to_owned())]);
    let other = BTreeMap::from([("request".to_owned(), "r2".to_owned())]);

    let (plain, wrapped) = first.keys.generate(by, &context).await.expect("generated");
    assert_eq!(first.keys.unwrap(by, &wrapped, &context).await, Ok(plain.clone()));
    assert_eq!(second.keys.unwrap(by, &wrapped, &context).await, Ok(plain.clone()));
    assert_eq!(second.keys.unwrap(by, &wrapped, &context).await, Ok(plain));
    assert_eq!(calls.take(), BTreeMap::from([("control.KMS.Decrypt".to_owned(), 1)]));
    let foreign_key = first.keys.unwrap(WrappingKey::Vault, &wrapped, &context).await;
    assert!(matches!(foreign_key, Err(KeyServiceError::Refused(_))), "{foreign_key:?}");
    second.keys.forget();
    assert!(second.keys.unwrap(by, &wrapped, &context).await.is_ok());
    assert_eq!(calls.take(), BTreeMap::from([("control.KMS.Decrypt".to_owned(), 1)]), "nothing was kept");
    // Neither does the cache open it.
    assert!(matches!(second.keys.unwrap(by, &wrapped, &other).await, Err(KeyServiceError::Refused(_))));
    let foreign = WrappedKey(b"not a key".to_vec());
    assert!(matches!(second.keys.unwrap(by, &foreign, &context).await, Err(KeyServiceError::Refused(_))));

    let hash = first.keys.mac(b"u1").await.expect("hashed");
    assert_eq!(second.keys.mac(b"u1").await, Ok(hash));
    assert_ne!(second.keys.mac(b"u2").await, Ok(hash));
}

#[tokio::test]
async fn messages_reach_their_queues_in_their_groups() {
    let client = aws_sdk_sqs::Client::new(&config().await);
    let mut settings = Vec::new();
    for (variable, suffix) in [("DISCOVERY", ""), ("DELETION", ""), ("LEDGER", ".fifo")] {
        let mut request = client.create_queue().queue_name(format!("{}{suffix}", unique(variable)));
        if !suffix.is_empty() {
            request = request.attributes(QueueAttributeName::FifoQueue, "true");
        }
        let url = request.send().await.expect("created").queue_url.expect("a URL");
        settings.push((format!("OUBLI_{variable}_QUEUE_URL"), url));
    }
    let named: Vec<_> = settings.iter().map(|(name, url)| (name.as_str(), url.clone())).collect();
    let (ports, calls) = ports(&named).await;
    let organization: OrganizationId = "acme".parse().expect("valid");
    let request = RequestId::from_uuid(Uuid::from_u128(1));
    let batch = |batch_index| Message::Batch {
        organization: organization.clone(),
        request,
        round: 1,
        step_index: 0,
        batch_index,
        run: 1,
        pool: WorkerPool::Standard,
    };
    let mut sent: Vec<_> = (0..23).map(batch).collect();
    sent.push(Message::Discover { organization: organization.clone(), request });
    sent.extend([Message::Seal { organization: organization.clone() }, Message::Seal { organization: organization.clone() }]);
    ports.queue.send(sent.iter().cloned().map(Envelope::now).collect()).await.expect("sent");
    assert_eq!(calls.take(), BTreeMap::from([("control.SQS.SendMessageBatch".to_owned(), 5)]));
    ports.queue.send(Vec::new()).await.expect("nothing to send");

    let mut received: Vec<(String, String)> = Vec::new();
    for (_, url) in &settings {
        loop {
            let request = client.receive_message().queue_url(url).max_number_of_messages(10);
            let request = request.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
            let messages = request.send().await.expect("received").messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            for message in messages {
                let group = message.attributes.and_then(|a| a.get(&MessageSystemAttributeName::MessageGroupId).cloned());
                assert_eq!(group.as_deref(), Some("acme"));
                received.push((url.clone(), message.body.expect("a body")));
                let handle = message.receipt_handle.expect("a handle");
                client.delete_message().queue_url(url).receipt_handle(handle).send().await.expect("deleted");
            }
        }
    }
    assert_eq!(received.len(), 26);
    let queues = [QueueName::Discovery, QueueName::Deletion, QueueName::Ledger];
    let url_of = |m: &Message| queues.iter().position(|q| *q == m.queue()).map(|at| settings[at].1.clone()).expect("a queue");
    let read = |(url, body): &(String, String)| {
        let message: Message = serde_json::from_str(body).expect("a message");
        assert_eq!(&url_of(&message), url);
        format!("{message:?}")
    };
    let seen: BTreeSet<_> = received.iter().map(read).collect();
    assert_eq!(seen, sent.iter().map(|m| format!("{m:?}")).collect());

    // Later means later.
    ports.queue.send(vec![Envelope::after(batch(99), 60)]).await.expect("sent");
    let early = client.receive_message().queue_url(&settings[1].1).send().await.expect("received");
    assert!(early.messages().is_empty());
}

/// The tags of an object of a log, and the mode in which it is locked.
async fn marks(
    client: &aws_sdk_s3::Client,
    bucket: &str,
    name: &str,
) -> (Vec<(String, String)>, Option<ObjectLockRetentionMode>) {
    let tags = client.get_object_tagging().bucket(bucket).key(name).send().await.expect("read").tag_set;
    let locked = client.get_object_retention().bucket(bucket).key(name).send().await.ok();
    let tags = tags.into_iter().map(|t| (t.key, t.value)).collect();
    (tags, locked.and_then(|l| l.retention).and_then(|r| r.mode))
}

#[tokio::test]
async fn of_a_log_what_stays_is_locked_and_what_passes_is_tagged() {
    let config = aws_sdk_s3::config::Builder::from(&config().await).force_path_style(true).build();
    let (client, bucket) = (aws_sdk_s3::Client::from_conf(config), unique("ledger"));
    let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(REGION)).build();
    let create = client.create_bucket().bucket(&bucket).create_bucket_configuration(place);
    create.object_lock_enabled_for_bucket(true).send().await.expect("created");
    let (ports, _) = ports(&[("OUBLI_LEDGER_BUCKET", bucket.clone())]).await;
    let ledger = ports.ledger.as_ref();
    let passes = vec![("oubli-passes".to_owned(), "true".to_owned())];

    let body = Bytes::from_static(b"one");
    assert_eq!(ledger.create("acme/tile/entries/000.p/3", body.clone()).await, Ok(()));
    assert_eq!(ledger.create("acme/tile/entries/000.p/3", body.clone()).await, Err(ObjectError::Exists));
    assert_eq!(marks(&client, &bucket, "acme/tile/entries/000.p/3").await, (passes.clone(), None));

    assert_eq!(ledger.replace("acme/checkpoint", body.clone(), None).await, Ok(()));
    let tag = ledger.read("acme/checkpoint").await.expect("read").expect("there").tag;
    assert_eq!(ledger.replace("acme/checkpoint", Bytes::from_static(b"two"), Some(&tag)).await, Ok(()));
    assert_eq!(ledger.replace("acme/checkpoint", body.clone(), Some(&tag)).await, Err(ObjectError::Exists));
    assert_eq!(marks(&client, &bucket, "acme/checkpoint").await, (passes, None));

    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    assert_eq!(ledger.preserve("acme/tile/0/000", body.clone(), until).await, Ok(()));
    assert_eq!(ledger.preserve("acme/tile/0/000", body, until).await, Err(ObjectError::Exists));
    let compliance = Some(ObjectLockRetentionMode::Compliance);
    assert_eq!(marks(&client, &bucket, "acme/tile/0/000").await, (vec![], compliance));
    let version = client.head_object().bucket(&bucket).key("acme/tile/0/000").send().await.expect("there").version_id;
    let gone = client.delete_object().bucket(&bucket).key("acme/tile/0/000").set_version_id(version).send().await;
    assert!(gone.is_err(), "nobody deletes it before its time");
}

#[tokio::test]
async fn an_export_is_delivered_into_a_bucket_of_the_account_that_is_expected_and_of_no_other() {
    let client = s3().await;
    let (own, theirs) = (new_bucket(&client, "exports").await, new_bucket(&client, "theirs").await);
    let expecting = async |account: &str| {
        let settings = [("OUBLI_EXPORT_BUCKET", own.clone()), ("OUBLI_DELIVERY_ACCOUNT_ID", account.to_owned())];
        ports(&settings).await.0.exports
    };
    // The emulator's own account, which all its buckets are in, and another.
    let (right, wrong) = (expecting("000000000000").await, expecting("444455556666").await);
    let upload = wrong.begin("e").await.expect("begun");
    let tag = wrong.part("e", &upload, 1, Bytes::from_static(b"sealed").into()).await.expect("sent");
    wrong.complete("e", &upload, &[(1, tag)]).await.expect("the deployment's own bucket is no delivery");

    let refused = ObjectError::Refused("AccessDenied".to_owned());
    assert_eq!(wrong.begin_delivery(&theirs, "k").await, Err(refused.clone()));
    let upload = right.begin_delivery(&theirs, "k").await.expect("begun");
    let to = DeliveryTarget { bucket: &theirs, key: "k", upload: &upload };
    assert_eq!(wrong.deliver_part("e", None, to, 1).await, Err(refused.clone()));
    let tags = [right.deliver_part("e", None, to, 1).await.expect("copied").expect("it goes on")];
    assert_eq!(wrong.complete_delivery(to, &tags).await, Err(refused.clone()));
    assert_eq!(wrong.abandon_delivery(to).await, Err(refused.clone()));
    let placed = right.complete_delivery(to, &tags).await.expect("complete").expect("it was still going on");
    let version = placed.version.as_deref();
    assert_eq!(wrong.withdraw(&theirs, "k", version).await, Err(refused));
    let stands = async || client.head_object().bucket(&theirs).key("k").send().await.is_ok();
    assert!(stands().await);
    assert_eq!(right.withdraw(&theirs, "k", version).await, Ok(WithdrawOutcome::Gone));
    assert!(!stands().await);
}

#[tokio::test]
async fn the_work_bucket_keeps_the_contract_of_the_port() {
    let (ports, ..) = bucket().await;
    oubli_simulation::contract::objects(ports.objects.as_ref(), "contract").await;
}

#[tokio::test]
async fn temporary_files_keep_the_contract_of_the_port() {
    let (ports, ..) = bucket().await;
    oubli_simulation::contract::scratch(ports.scratch.as_ref(), ports.objects.as_ref(), "contract").await;
}
