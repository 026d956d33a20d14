//! Showing files.

use super::Test;
use futures::TryStreamExt as _;
use oubli_engine::ports::{ExportForm, Files, RecordRef, StoreError, Version};

impl Test<'_> {
    /// A file that was shown goes on from any of its bytes, as long as it is what was shown.
    pub(super) async fn showing(&self) {
        let ExportForm::Files(files) = self.connector().form() else { return };
        let record = self.only("show").await;
        let shown = self.connector().show(self.producer(), std::slice::from_ref(&record)).await.remove(0);
        let shown = shown.expect("it can be read").expect("it is there");
        let whole: Vec<u8> = shown.body.try_collect::<Vec<_>>().await.expect("its bytes").concat();
        assert_eq!(shown.length, whole.len() as u64);
        for from in 1..whole.len() {
            let rest = self.rest(files, &record, &shown.version, from).await.expect("the rest");
            assert_eq!(rest, whole[from..], "from {from}");
        }
        self.fixture.write("show", 0, "quite another").await;
        self.as_shown_or_not_at_all(files, &record, &shown.version, &whole).await;
        self.fixture.delete("show", 0).await;
        self.as_shown_or_not_at_all(files, &record, &shown.version, &whole).await;
    }

    async fn as_shown_or_not_at_all(&self, files: &dyn Files, record: &RecordRef, version: &Version, whole: &[u8]) {
        match self.rest(files, record, version, 1).await {
            Ok(rest) => assert_eq!(rest, whole[1..], "the bytes of what was shown"),
            Err(error) => assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}"),
        }
    }

    async fn rest(&self, files: &dyn Files, record: &RecordRef, version: &Version, from: usize) -> Result<Vec<u8>, StoreError> {
        let rest = files.rest(self.producer(), record, version, from as u64)?;
        Ok(rest.try_collect::<Vec<_>>().await?.concat())
    }
}
