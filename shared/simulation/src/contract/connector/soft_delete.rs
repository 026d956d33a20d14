//! Hiding by the store's own means, taking that back, and destroying what is hidden.

use super::{Test, WINDOW};
use jiff::Timestamp;
use oubli_engine::ports::{Destruction, PutBack, RecordRef, SoftDelete, SoftDeletion, StoreError, Tombstone};

type Hidden = (RecordRef, Option<Tombstone>);

impl Test<'_> {
    pub(super) async fn soft_delete(&self) {
        self.hidden_and_shown().await;
        self.hidden_and_destroyed().await;
        self.covered_by_somebody().await;
        self.covered_after_us().await;
        self.written_after_us().await;
        self.shown_by_somebody().await;
        self.each_by_itself_hidden().await;
        self.hide_reply_lost().await;
    }

    fn own(&self) -> &dyn SoftDelete {
        self.connector().soft_delete().expect("whoever hides by itself offers it")
    }

    async fn hide_again(&self, hidden: &Hidden, tried_since: Option<Timestamp>) -> SoftDeletion {
        let all = self.own().soft_delete(self.producer(), std::slice::from_ref(hidden), tried_since, WINDOW).await;
        one(all).expect("an answer")
    }

    /// Hides a visible record for the first time.
    async fn hide(&self, record: &RecordRef) -> Hidden {
        match self.hide_again(&(record.clone(), None), None).await {
            SoftDeletion::Hidden(Some(tombstone)) => (record.clone(), Some(tombstone)),
            other => panic!("{other:?}"),
        }
    }

    async fn undelete(&self, hidden: &Hidden) -> Result<PutBack, StoreError> {
        one(self.own().undelete(self.producer(), std::slice::from_ref(hidden)).await)
    }

    async fn purge(&self, hidden: &Hidden) -> Result<Destruction, StoreError> {
        one(self.own().purge(self.producer(), std::slice::from_ref(hidden)).await)
    }

    /// Nobody reads what is hidden, trying again hides nothing twice, and what is shown is as it was.
    async fn hidden_and_shown(&self) {
        let record = self.only("shown").await;
        self.only("shown0").await;
        let before = self.raw("shown").await;
        let since = self.fixture.now();
        let hidden = self.hide(&record).await;
        let tombstone = hidden.1.clone().expect("a tombstone");
        assert_eq!(self.raw("shown").await, None);
        assert!(self.raw("shown0").await.is_some(), "somebody else's stays");

        let unnoted = (record.clone(), None);
        let already = SoftDeletion::AlreadyHidden(tombstone.clone());
        assert_eq!(self.hide_again(&hidden, Some(since)).await, already, "by the tombstone that was noted");
        assert_eq!(self.hide_again(&unnoted, Some(since)).await, already, "by one that nobody noted");
        assert_eq!(self.hide_again(&unnoted, None).await, SoftDeletion::Hidden(None), "nobody of ours had tried");
        for asked in [&hidden, &unnoted] {
            let told = one(self.own().soft_deleted(self.producer(), std::slice::from_ref(asked), since).await);
            assert_eq!(told, Ok(Some(tombstone.clone())));
        }

        assert_eq!(self.undelete(&hidden).await, Ok(PutBack::Restored));
        assert_eq!(self.raw("shown").await, before, "byte for byte");
        assert_eq!(self.undelete(&hidden).await, Ok(PutBack::Restored), "it stands");
        assert_eq!(self.look("shown").await.key, record.key, "nothing is left of the hiding");
        let told = one(self.own().soft_deleted(self.producer(), &[unnoted], since).await);
        assert_eq!(told, Ok(None));
    }

    /// What is destroyed is gone for good, with what hid it.
    async fn hidden_and_destroyed(&self) {
        let record = self.only("destroyed").await;
        self.only("destroyed0").await;
        let hidden = self.hide(&record).await;
        assert_eq!(self.purge(&hidden).await, Ok(Destruction::Destroyed));
        assert_eq!(self.raw("destroyed").await, None);
        assert!(self.find("destroyed", 10).await.0.is_empty(), "nothing of it is left");
        assert!(self.raw("destroyed0").await.is_some(), "somebody else's stays");
        assert_eq!(self.purge(&hidden).await, Ok(Destruction::Destroyed), "gone already");
        assert_eq!(self.undelete(&hidden).await, Ok(PutBack::Gone));
        assert_eq!(self.hide_again(&(record, None), None).await, SoftDeletion::Absent);
    }

    /// What somebody had deleted before us is hidden without a tombstone of ours, and their deletion is not undone.
    async fn covered_by_somebody(&self) {
        let record = self.only("covered").await;
        self.fixture.delete("covered", 0).await;
        let covered = (record, None);
        assert_eq!(self.hide_again(&covered, None).await, SoftDeletion::Hidden(None));
        assert_eq!(self.undelete(&covered).await, Ok(PutBack::Restored), "it is as it was");
        assert_eq!(self.raw("covered").await, None);
        assert_eq!(self.purge(&covered).await, Ok(Destruction::Destroyed));
        assert!(self.find("covered", 10).await.0.is_empty());
    }

    /// What somebody deleted after us stays deleted.
    async fn covered_after_us(&self) {
        let hidden = self.hide(&self.only("after").await).await;
        self.fixture.delete("after", 0).await;
        assert_eq!(self.undelete(&hidden).await, Ok(PutBack::Conflict));
        assert_eq!(self.raw("after").await, None);
    }

    /// What somebody wrote since stays, whatever becomes of what is hidden.
    async fn written_after_us(&self) {
        for (subject, destroy) in [("newer", false), ("newest", true)] {
            let hidden = self.hide(&self.only(subject).await).await;
            self.fixture.write(subject, 0, "two").await;
            let newer = self.raw(subject).await;
            if destroy {
                assert_eq!(self.purge(&hidden).await, Ok(Destruction::Destroyed));
                assert_ne!(self.look(subject).await.key, hidden.0.key, "another record");
            } else {
                assert_eq!(self.undelete(&hidden).await, Ok(PutBack::Conflict));
            }
            assert_eq!(self.raw(subject).await, newer);
        }
    }

    /// What stands for everybody to see is not destroyed.
    async fn shown_by_somebody(&self) {
        let hidden = self.hide(&self.only("stands").await).await;
        let shown = self.undelete(&hidden).await;
        assert_eq!(shown, Ok(PutBack::Restored));
        assert_eq!(self.purge(&hidden).await, Ok(Destruction::Stands));
        assert!(self.raw("stands").await.is_some());
    }

    /// Each record has its own answer, in the order asked.
    async fn each_by_itself_hidden(&self) {
        let mut records = Vec::new();
        for subject in ["h0", "h1", "h2"] {
            records.push(self.only(subject).await);
        }
        self.fixture.delete("h1", 0).await;
        let gone = self.hide(&records[2]).await;
        assert_eq!(self.purge(&gone).await, Ok(Destruction::Destroyed));
        let asked: Vec<Hidden> = [2, 0, 1].iter().map(|n| (records[*n].clone(), None)).collect();
        let answers = self.own().soft_delete(self.producer(), &asked, None, WINDOW).await;
        let [Ok(SoftDeletion::Absent), Ok(SoftDeletion::Hidden(Some(tombstone))), Ok(SoftDeletion::Hidden(None))] = &answers[..]
        else {
            panic!("{answers:?}")
        };
        let hidden = [gone, (records[0].clone(), Some(tombstone.clone())), (records[1].clone(), None)];
        let back = self.own().undelete(self.producer(), &hidden).await;
        assert_eq!(back, [Ok(PutBack::Gone), Ok(PutBack::Restored), Ok(PutBack::Restored)]);
        let purged = self.own().purge(self.producer(), &hidden).await;
        assert_eq!(purged, [Ok(Destruction::Destroyed), Ok(Destruction::Stands), Ok(Destruction::Destroyed)]);
    }

    /// A hide whose reply was lost is found by the next try, whole.
    async fn hide_reply_lost(&self) {
        let record = self.only("lost").await;
        let before = self.raw("lost").await;
        let since = self.fixture.now();
        let unnoted = (record.clone(), None);
        let Some(forgetful) = self.fixture.loses_a_reply() else { return };
        let own = forgetful.soft_delete().expect("offered");
        // Whether this very try finds out by itself is its own affair.
        let _ = own.soft_delete(self.producer(), std::slice::from_ref(&unnoted), None, WINDOW).await;
        assert_eq!(self.raw("lost").await, None, "it happened");
        let tombstone = match self.hide_again(&unnoted, Some(since)).await {
            SoftDeletion::AlreadyHidden(tombstone) => tombstone,
            other => panic!("{other:?}"),
        };
        assert_eq!(self.undelete(&(record, Some(tombstone))).await, Ok(PutBack::Restored));
        assert_eq!(self.raw("lost").await, before);
    }
}

fn one<T>(mut answers: Vec<T>) -> T {
    assert_eq!(answers.len(), 1, "an answer for each record");
    answers.remove(0)
}
