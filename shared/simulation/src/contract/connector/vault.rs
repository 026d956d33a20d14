//! Removing on condition that nothing changed, and putting back where nothing stands.

use super::{Test, body};
use bytes::Bytes;
use futures::{StreamExt, future::join_all, stream};
use oubli_engine::ports::{Applied, Connector, Effect, Expected, PutBack, RecordRef, Returned, StoreError};
use serde_json::Value;

/// A record as it was copied.
struct Copied {
    expected: Expected,
    envelope: Value,
    body: Vec<u8>,
}

impl Copied {
    fn returned(&self) -> Returned {
        let pieces: Vec<_> = self.body.chunks(1 << 20).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
        Returned {
            record: self.expected.record.clone(),
            envelope: self.envelope.clone(),
            length: self.body.len() as u64,
            body: stream::iter(pieces).boxed(),
        }
    }
}

impl Test<'_> {
    pub(super) async fn vault(&self) {
        self.there_and_back().await;
        self.changed_behind_its_back().await;
        self.written_anew().await;
        self.each_by_itself().await;
        self.once().await;
        self.reply_lost().await;
    }

    async fn copied(&self, record: &RecordRef) -> Copied {
        let snapshot = self.read(record).await.expect("it is there");
        let expected = Expected { record: record.clone(), version: snapshot.version.clone() };
        Copied { expected, envelope: snapshot.envelope.clone(), body: body(snapshot).await }
    }

    async fn remove(&self, copied: &[&Copied]) -> Vec<Result<Applied, StoreError>> {
        self.remove_by(self.connector(), copied).await
    }

    async fn remove_by(&self, connector: &dyn Connector, copied: &[&Copied]) -> Vec<Result<Applied, StoreError>> {
        let changes: Vec<_> = copied.iter().map(|c| (c.expected.clone(), Effect::Remove)).collect();
        connector.apply(self.producer(), &changes).await
    }

    async fn put_back(&self, copied: &Copied) -> Result<PutBack, StoreError> {
        self.connector().put_back(self.producer(), vec![copied.returned()]).await.remove(0)
    }

    /// What was removed is gone, comes back byte for byte, and nobody else's was touched.
    async fn there_and_back(&self) {
        let record = self.only("back").await;
        self.only("back0").await;
        let before = self.raw("back").await.expect("it is there");
        let copied = self.copied(&record).await;
        assert_eq!(self.remove(&[&copied]).await, [Ok(Applied::Done)]);
        assert_eq!(self.raw("back").await, None);
        assert!(self.read(&record).await.is_none() && self.find("back", 10).await.0.is_empty());
        assert!(self.raw("back0").await.is_some(), "somebody else's stays");
        assert_eq!(self.remove(&[&copied]).await, [Ok(Applied::Absent)], "gone, and not by this try");

        assert_eq!(self.put_back(&copied).await, Ok(PutBack::Restored));
        assert_eq!(self.raw("back").await.as_ref(), Some(&before), "byte for byte");
        assert_eq!(self.look("back").await.key, record.key, "the same record");
        assert_eq!(self.put_back(&copied).await, Ok(PutBack::Restored), "it stands, and is equal");
        assert_eq!(self.raw("back").await, Some(before));
    }

    /// A changed record is neither removed nor written over.
    async fn changed_behind_its_back(&self) {
        let copied = self.copied(&self.only("changed").await).await;
        self.fixture.write("changed", 0, "two").await;
        let newer = self.raw("changed").await;
        assert_eq!(self.remove(&[&copied]).await, [Ok(Applied::Changed)]);
        assert_eq!(self.put_back(&copied).await, Ok(PutBack::Conflict));
        assert_eq!(self.raw("changed").await, newer);
    }

    /// Nor is what was written where a record had been.
    async fn written_anew(&self) {
        let copied = self.copied(&self.only("anew").await).await;
        assert_eq!(self.remove(&[&copied]).await, [Ok(Applied::Done)]);
        self.fixture.write("anew", 0, "two").await;
        let newer = self.raw("anew").await;
        assert_eq!(self.remove(&[&copied]).await, [Ok(Applied::Changed)]);
        assert_eq!(self.put_back(&copied).await, Ok(PutBack::Conflict));
        assert_eq!(self.raw("anew").await, newer);
    }

    /// Each record has its own answer, in the order asked.
    async fn each_by_itself(&self) {
        let mut copied = Vec::new();
        for subject in ["m0", "m1", "m2", "m3"] {
            copied.push(self.copied(&self.only(subject).await).await);
        }
        self.fixture.write("m1", 0, "two").await;
        self.fixture.delete("m2", 0).await;
        let asked = [&copied[2], &copied[0], &copied[1], &copied[3]];
        let answers = self.remove(&asked).await;
        assert_eq!(answers, [Ok(Applied::Absent), Ok(Applied::Done), Ok(Applied::Changed), Ok(Applied::Done)]);
        self.fixture.write("m2", 0, "two").await;

        let returned = asked.map(Copied::returned).into_iter().collect();
        let answers = self.connector().put_back(self.producer(), returned).await;
        let (back, conflict) = (Ok(PutBack::Restored), Ok(PutBack::Conflict));
        assert_eq!(answers, [conflict.clone(), back.clone(), conflict, back]);
    }

    /// Of many that remove at once, one is told that it did.
    async fn once(&self) {
        for number in 0..8 {
            self.fixture.write("once", number, "one").await;
        }
        let mut copied = Vec::new();
        for record in self.find("once", 100).await.0 {
            copied.push(self.copied(&record).await);
        }
        let all: Vec<&Copied> = copied.iter().collect();
        let mut done = vec![0; all.len()];
        for answers in join_all((0..8).map(|_| self.remove(&all))).await {
            for (place, answer) in answers.into_iter().enumerate() {
                match answer.expect("an answer") {
                    Applied::Done => done[place] += 1,
                    Applied::Absent => {}
                    Applied::Changed => panic!("nobody changed anything"),
                }
            }
        }
        assert_eq!(done, vec![1; all.len()]);
    }

    /// A removal whose reply was lost is not claimed by that try, nor by a later one.
    async fn reply_lost(&self) {
        let copied = self.copied(&self.only("lost").await).await;
        let Some(forgetful) = self.fixture.loses_a_reply() else { return };
        let answer = self.remove_by(forgetful.as_ref(), &[&copied]).await.remove(0);
        assert!(matches!(answer, Ok(Applied::Absent) | Err(StoreError::Unavailable { .. })), "{answer:?}");
        assert_eq!(self.raw("lost").await, None, "it happened");
        assert_eq!(self.remove(&[&copied]).await, [Ok(Applied::Absent)]);
        assert_eq!(self.put_back(&copied).await, Ok(PutBack::Restored));
    }
}
