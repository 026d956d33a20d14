//! What every [`Connector`] does, whatever its store: as its port says, not as any connector happens to do it.

mod find;
mod show;
mod soft_delete;
mod vault;

use async_trait::async_trait;
use futures::TryStreamExt;
use jiff::Timestamp;
use oubli_domain::datamap::Producer;
use oubli_engine::ports::{Capabilities, Connector, HideMethod, RecordRef, Selector, Snapshot, Way};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// A store of a test's own, and hands that reach into it past the connector.
#[async_trait]
pub trait ConnectorFixture: Sync {
    /// The connector under test.
    fn connector(&self) -> &dyn Connector;

    /// One whose first selection finds a subject's records.
    fn producer(&self) -> &Producer;

    /// Writes the record of this number of a subject as an application does, over what stands there.
    async fn write(&self, subject: &str, number: u32, content: &str);

    /// Deletes it as an application does.
    async fn delete(&self, subject: &str, number: u32);

    /// All that an application reads of it; none where it finds nothing.
    async fn raw(&self, subject: &str, number: u32) -> Option<Vec<u8>>;

    /// A connector to the same store whose next effect happens and whose reply to it is lost, where that can be had.
    fn loses_a_reply(&self) -> Option<Arc<dyn Connector>>;

    /// The time by the store's clock.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The recovery window that is asked for.
const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

/// The whole contract of [`Connector`], and of what else it offers, on a store in which nothing is yet.
pub async fn connector(fixture: &dyn ConnectorFixture) {
    let test = Test { fixture, promised: promised(fixture).await };
    test.finding().await;
    test.reading().await;
    test.showing().await;
    match test.promised.hide {
        HideMethod::Vault => test.vault().await,
        HideMethod::Native => test.soft_delete().await,
    }
}

async fn promised(fixture: &dyn ConnectorFixture) -> Capabilities {
    fixture.connector().capabilities(fixture.producer(), WINDOW).await.expect("the store can be used")
}

/// A run on one store. Each check has subjects of its own.
struct Test<'a> {
    fixture: &'a dyn ConnectorFixture,
    promised: Capabilities,
}

impl Test<'_> {
    fn connector(&self) -> &dyn Connector {
        self.fixture.connector()
    }

    fn producer(&self) -> &Producer {
        self.fixture.producer()
    }

    /// Everything of a subject, and on how many pages.
    async fn find(&self, subject: &str, limit: usize) -> (Vec<RecordRef>, usize) {
        let (mut records, mut pages, mut after) = (Vec::new(), 0, None);
        loop {
            let selection = &self.producer().select[0];
            let selector = Selector { way: Way { selection, value: subject }, fields: &[], but: &[] };
            let page = self.connector().discover(self.producer(), selector, after.as_ref(), limit).await.expect("a page");
            assert!(page.records.len() <= limit, "no more than are asked for");
            records.extend(page.records.into_iter().map(|f| f.record));
            pages += 1;
            // A place to go on from is kept as text.
            let text = serde_json::to_string(&page.next).expect("a place is JSON");
            after = serde_json::from_str::<Option<Value>>(&text).expect("a place reads back");
            if after.is_none() {
                return (records, pages);
            }
        }
    }

    /// Writes a subject's only record, and finds it.
    async fn only(&self, subject: &str) -> RecordRef {
        self.fixture.write(subject, 0, "one").await;
        self.look(subject).await
    }

    /// The only record of a subject.
    async fn look(&self, subject: &str) -> RecordRef {
        let (mut found, _) = self.find(subject, 100).await;
        assert_eq!(found.len(), 1, "records of {subject}");
        found.remove(0)
    }

    async fn read(&self, record: &RecordRef) -> Option<Snapshot> {
        let mut read = self.connector().read(self.producer(), std::slice::from_ref(record), &[]).await;
        assert_eq!(read.len(), 1, "an answer for each record");
        read.remove(0).expect("it can be read")
    }

    async fn raw(&self, subject: &str) -> Option<Vec<u8>> {
        self.fixture.raw(subject, 0).await
    }
}

/// A snapshot's bytes, as many as it says.
async fn body(snapshot: Snapshot) -> Vec<u8> {
    let pieces: Vec<bytes::Bytes> = snapshot.body.try_collect().await.expect("its bytes");
    let body = pieces.concat();
    assert_eq!(body.len() as u64, snapshot.length, "a body is as long as it says");
    body
}
