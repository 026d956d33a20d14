//! Uploads that nobody finished.

use crate::{
    support::{WINDOW, discover, exactly},
    world::{BucketKind, Fixture},
};
use aws_sdk_s3::primitives::ByteStream;
use oubli_domain::datamap::{Location, Producer, S3Uploads};
use oubli_engine::ports::{Caution, Connector, Destruction, Found, HideMethod, PutBack, Selector, SoftDeletion, StoreError, Way};

async fn begin(world: &Fixture, key: &str, parts: i32) -> String {
    let begun = world.client.create_multipart_upload().bucket(&world.bucket).key(key).send().await.expect("begun");
    let id = begun.upload_id.expect("an id");
    for number in 1..=parts {
        let part = world.client.upload_part().bucket(&world.bucket).key(key).upload_id(&id).part_number(number);
        part.body(ByteStream::from_static(b"passport")).send().await.expect("sent");
    }
    id
}

async fn left(world: &Fixture) -> Vec<String> {
    let reply = world.client.list_multipart_uploads().bucket(&world.bucket).send().await.expect("listed");
    let mut ids: Vec<_> = reply.uploads().iter().filter_map(|u| u.upload_id().map(str::to_owned)).collect();
    ids.sort();
    ids
}

fn of(world: &Fixture) -> Producer {
    let uploads = S3Uploads { bucket: world.bucket.clone(), of: world.producer.name.clone() };
    Producer { location: Location::Uploads(uploads), ..world.producer.clone() }
}

async fn find(world: &Fixture, producer: &Producer, way: Way<'_>, limit: usize) -> Vec<Found> {
    discover(world.connector.as_ref(), producer, Selector { way, fields: &["last_modified".to_owned()], but: &[] }, limit).await.0
}

#[tokio::test]
async fn unfinished_uploads_are_found_left_alone_and_aborted() {
    for kind in [BucketKind::Plain, BucketKind::Versioned] {
        let world = Fixture::new(kind).await;
        world.put("users/u1/done", "x").await;
        let mut theirs = Vec::new();
        for (key, parts) in [("users/u1/passport.pdf", 2), ("users/u1/passport.pdf", 0), ("users/u1/photo é+.jpg", 1)] {
            theirs.push(begin(&world, key, parts).await);
        }
        let mut others = vec![begin(&world, "users/u10/x", 1).await, begin(&world, "users/u1", 1).await];
        others.sort();
        let producer = of(&world);
        let promised = world.connector.capabilities(&producer, WINDOW).await.expect("usable");
        assert_eq!((promised.hide, promised.cautions), (HideMethod::Native, vec![Caution::UnfinishedUploads]));
        let way = Way { selection: &producer.select[0], value: "u1" };
        for limit in [1, 2, 1_000] {
            let found = find(&world, &producer, way, limit).await;
            let mut ids: Vec<_> = found.iter().map(|f| f.record.key["upload_id"].as_str().expect("an id").to_owned()).collect();
            ids.sort();
            let mut expected = theirs.clone();
            expected.sort();
            assert_eq!(ids, expected, "pages of {limit}");
            assert_eq!(found.iter().map(|f| f.bytes).sum::<u64>(), 24);
            assert!(found.iter().all(|f| f.fields.text("last_modified").is_some()));
        }
        let exact = exactly("users/{}/passport.pdf");
        assert_eq!(find(&world, &producer, Way { selection: &exact, value: "u1" }, 1).await.len(), 2);

        let found = find(&world, &producer, way, 1_000).await;
        let records: Vec<_> = found.into_iter().map(|f| (f.record, None)).collect();
        let own = world.connector.soft_delete().expect("offered");
        let hidden = own.soft_delete(&producer, &records, None, WINDOW).await;
        assert_eq!(hidden, vec![Ok(SoftDeletion::Hidden(None)); 3]);
        assert_eq!(own.undelete(&producer, &records).await, vec![Ok(PutBack::Restored); 3]);
        let refs: Vec<_> = records.iter().map(|(record, _)| record.clone()).collect();
        let shown = world.connector.show(&producer, &refs).await;
        assert!(shown.iter().all(|s| matches!(s, Err(StoreError::Record { .. }))), "nobody can show them");
        let again = world.connector.reread(&producer, &refs, &[]).await;
        assert!(again.iter().all(|a| a.as_ref().is_ok_and(Option::is_some)));
        for once in [Destruction::Destroyed, Destruction::Absent] {
            assert_eq!(own.purge(&producer, &records).await, vec![Ok(once); 3]);
            assert_eq!(left(&world).await, others, "nobody else's");
        }
        assert_eq!(own.undelete(&producer, &records).await, vec![Ok(PutBack::Gone); 3]);
        assert!(find(&world, &producer, way, 1_000).await.is_empty());
        assert!(world.get("users/u1/done").await.is_some(), "what was finished is another producer's");
    }
}
