//! Finding, and reading what was found.

use super::{Test, body};
use oubli_engine::ports::{Listing, OldVersions, RecordRef, Selector, Snapshot, StoreError, Way};
use serde_json::Value;

/// Records of one subject: more than a page holds.
const MANY: u32 = 25;

/// Whose identity looks like that of `u1`.
const ALIKE: [&str; 5] = ["u10", "u", "xu1", "U1", "u1-"];

impl Test<'_> {
    /// To the last page, each record once, and nobody else's.
    pub(super) async fn finding(&self) {
        for number in 0..MANY {
            self.fixture.write("u1", number, "mine").await;
        }
        for subject in ALIKE {
            self.fixture.write(subject, 0, "somebody else's").await;
        }
        if self.promised.listing == Listing::Consistent {
            assert_eq!(self.find("u1", 1_000).await.0.len(), MANY as usize, "what was written is found at once");
        }
        for limit in [1_000, 7, 1] {
            let (found, pages) = self.find("u1", limit).await;
            assert_eq!(distinct(&found), MANY as usize, "pages of {limit}");
            assert_eq!(found.len(), MANY as usize, "nothing twice on pages of {limit}");
            assert!(pages > 1 || limit == 1_000, "{pages} pages of {limit}");
        }
        for subject in ALIKE {
            assert_eq!(self.find(subject, 1_000).await.0.len(), 1, "records of {subject}");
        }
        assert_eq!(self.find("nobody", 1_000).await.0.len(), 0);
        self.finding_nobody().await;
    }

    /// An empty identity selects nothing: the store refuses it, or finds nothing.
    async fn finding_nobody(&self) {
        let selection = &self.producer().select[0];
        let selector = Selector { way: Way { selection, value: "" }, fields: &[], but: &[] };
        match self.connector().discover(self.producer(), selector, None, 1_000).await {
            Ok(page) => assert!(page.records.is_empty() && page.next.is_none(), "an empty identity finds nothing"),
            Err(error) => assert!(matches!(error, StoreError::Record { .. }), "it is the identity's fault: {error}"),
        }
    }

    /// Answers come in the order asked, also where some of what is asked for is gone or is asked for twice.
    pub(super) async fn reading(&self) {
        let mut records = Vec::new();
        for subject in ["r0", "r1", "r2", "r3"] {
            records.push(self.only(subject).await);
        }
        self.fixture.delete("r2", 0).await;
        // An old version of a record is a record, too.
        let gone = self.promised.old_versions == OldVersions::None;
        let order = [3, 2, 0, 3, 1];
        let asked: Vec<RecordRef> = order.iter().map(|n| records[*n].clone()).collect();

        let again = self.connector().reread(self.producer(), &asked, &[]).await;
        let again: Vec<_> = again.into_iter().map(|a| a.expect("read again").map(|f| f.record.key)).collect();
        let expected = |n: &usize| (*n != 2 || !gone).then(|| records[*n].key.clone());
        assert_eq!(again, order.iter().map(expected).collect::<Vec<_>>());

        let mut alone = Vec::new();
        for record in &records {
            alone.push(bytes(self.connector().show(self.producer(), std::slice::from_ref(record)).await).await.remove(0));
        }
        assert_eq!(alone.iter().map(Option::is_none).collect::<Vec<_>>(), [false, false, gone, false]);
        assert!(alone[0] != alone[1] && alone[1] != alone[3], "bodies that tell records apart");
        let expected = |order: &[usize]| order.iter().map(|n| alone[*n].clone()).collect::<Vec<_>>();
        assert_eq!(bytes(self.connector().show(self.producer(), &asked).await).await, expected(&order));

        // Whoever keeps old versions hides by itself: only what stands is read to be kept.
        let order: Vec<usize> = order.into_iter().filter(|n| gone || *n != 2).collect();
        let asked: Vec<RecordRef> = order.iter().map(|n| records[*n].clone()).collect();
        assert_eq!(bytes(self.connector().read(self.producer(), &asked, &[]).await).await, expected(&order));
    }
}

/// The bytes of all that is there, and still its subject's.
async fn bytes(answers: Vec<Result<Option<Snapshot>, StoreError>>) -> Vec<Option<Vec<u8>>> {
    let mut all = Vec::new();
    for answer in answers {
        let snapshot = answer.expect("it can be read");
        assert!(snapshot.as_ref().is_none_or(|s| s.still_selected), "it is still its subject's");
        all.push(match snapshot {
            Some(snapshot) => Some(body(snapshot).await),
            None => None,
        });
    }
    all
}

fn distinct(records: &[RecordRef]) -> usize {
    let keys: std::collections::BTreeSet<String> = records.iter().map(|r| Value::to_string(&r.key)).collect();
    keys.len()
}
