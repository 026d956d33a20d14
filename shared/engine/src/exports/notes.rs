//! What is noted of an export while it is packaged, and goes with where the worker puts itself down: of what a crash loses,
//! nobody is told, and nothing is told twice.

use crate::{
    EngineError, Result,
    core::plain_item,
    crypt,
    exports::{
        Exports,
        packaging::{Notes, Packaging},
    },
    items::{MISSING, missing_key, step_key},
    ports::{Query, Range, TableName},
    transaction::{Transaction, add},
};
use oubli_archive::contents::{MOST_MISSING, Missing};

/// Records that cannot be read, listed in one item: their names may be long.
const LISTED_TOGETHER: usize = 50;

impl Exports {
    /// What was noted since it was last put down.
    pub(super) fn noted(&self, work: &mut Packaging) -> Result<Transaction> {
        let Notes { missing, processed } = std::mem::take(&mut work.notes);
        let mut transaction = Transaction::new();
        for some in missing.chunks(LISTED_TOGETHER) {
            let Some(((number, batch, place), _)) = some.first() else { continue };
            let listed: Vec<&Missing> = some.iter().map(|(_, missing)| missing).collect();
            let plain = serde_json::to_vec(&listed).map_err(|_| EngineError::internal("a record is no JSON"))?;
            let item = plain_item([("sealed", self.seal_staged(work, "missing", &plain)?.into())]);
            transaction = transaction.put(missing_key(&work.partition, *number, *batch, *place), &item, vec![])?;
        }
        for (number, (records, batches)) in processed {
            let key = step_key(&work.partition, work.request.execution.round, number);
            transaction = transaction.update(key, vec![add("hide_records", records), add("hide_batches", batches)], vec![]);
        }
        Ok(transaction)
    }

    /// The records listed as missing.
    pub(super) async fn missing(&self, work: &Packaging) -> Result<Vec<Missing>> {
        let query = Query::new(TableName::Control, work.partition.clone(), Range::Prefix(MISSING.to_owned()));
        let mut missing = Vec::new();
        for item in self.core.query_all(query).await? {
            let sealed = item.get("sealed").and_then(|s| s.as_str()).unwrap_or_default();
            let plain = crypt::open(&work.staging_key, "missing", sealed)?;
            let read: Vec<Missing> =
                serde_json::from_slice(&plain).map_err(|_| EngineError::internal("a list of missing records cannot be read"))?;
            missing.extend(read);
        }
        missing.truncate(MOST_MISSING);
        Ok(missing)
    }
}
