//! What the control plane keeps: keys and item shapes. The table of every kind is in the first decision record.

mod batch;
mod export;
mod hold;
mod keys;
mod request;
mod review;
mod step;

pub use batch::{BatchItem, Lease};
pub use export::{Delivery, ExportState, PriorExport};
pub use hold::{ActiveHoldItem, HoldItem};
pub use keys::{
    BEFORE_ANY_ROUND, COLUMNS, DOWNLOAD, ENTRIES, FEEDBACK, FREED, HEARTBEAT, MISSING, NOTIFICATION, REPORT, RESOLUTION, REVIEW,
    REVIEW_SHARDS, SUBJECT_HOLD, WITNESS, WORDS, active_hold_key, active_holds_partition, batch_key, batch_prefix, bucket_key,
    claims_key, columns_key, columns_prefix, cosigned_key, data_key_key, decision_key, discovery_key, download_key, entries_key,
    everybody_hold_key, everybody_holds_partition, everybody_key, everybody_keys, exception_key, executing_key,
    executing_partition, feedback_key, freed_key, guard_key, heartbeat_key, hold_key, holds_partition, idempotency_key,
    in_flight_key, key_use_key, ledger_head_key, left_key, look_key, missing_key, notification_key, notifications_partition,
    open_key, open_of_subject_key, open_of_subject_prefix, open_partition, outbox_key, outbox_partition, package_key, plan_key,
    preview_key, pruned_key, queries_key, report_key, request_key, request_partition, resolution_key, review_asked_key,
    review_counts_key, review_decision_key, review_key, review_month_key, review_months_partition, review_number_key,
    review_partition, review_row_key, reviews_partition, rows_key, saved_queries_partition, saved_query_key, slot_key,
    slots_partition, step_key, step_prefix, step_up_key, subject_hold_key, subject_index_key, subject_index_partition,
    subject_partition, unresolved_hold_key, unresolved_holds_partition, waiting_for_hold_key, waiting_for_hold_partition,
    waiting_for_subject_key, waiting_for_subject_prefix, waiting_key, waiting_partition, witness_key, words_key,
};
pub use request::{
    AskedItem, DecisionItem, ErasureItem, ExecutionItem, ExportItem, Failure, GuardItem, OpenItem, RequestItem, ResolutionItem,
    RestoreOrder, VerifiedItem, WaitsIn, due, due_partition, due_sort,
};
pub use review::{FeedbackItem, ReviewDecisionItem, ReviewItem, ReviewRow};
pub use step::{DiscoveryItem, Refused, StepItem};

use crate::{EngineError, ports::Item};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::any::type_name;

/// An item made of a typed record.
pub fn to_item<T: Serialize>(record: &T) -> Result<Item, EngineError> {
    match serde_json::to_value(record) {
        Ok(Value::Object(map)) => Ok(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        _ => Err(EngineError::internal("a record does not serialize")),
    }
}

/// A typed record read from an item.
pub fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, EngineError> {
    serde_path_to_error::deserialize(Value::Object(item)).map_err(|error| {
        // What the parser says may quote the value, which may be a person's.
        let (record, field) = (type_name::<T>(), error.path().to_string());
        // Within what is flattened the path is not known.
        let at = if field == "." { String::new() } else { format!(" at {field}") };
        EngineError::internal(format!("a stored {record} cannot be read{at}"))
    })
}

/// Typed records read from items whose sort keys end in a number, each with that number.
pub fn numbered<T: DeserializeOwned>(items: Vec<Item>) -> Result<Vec<(u32, T)>, EngineError> {
    let number = |item: &Item| item.get("sk")?.as_str()?.rsplit('#').next()?.parse().ok();
    items.into_iter().filter_map(|item| number(&item).map(|n| Ok((n, from_item(item)?)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_item_that_cannot_be_read_is_named_by_type_and_field_and_never_quoted() {
        for broken in [json!({ "executing": "alice@example.org" }), json!({ "executing": { "alice@example.org": 1 } })] {
            let Value::Object(item) = broken else { panic!("an object") };
            let error = from_item::<GuardItem>(item).expect_err("no id");
            let said = format!("{error} {error:?}");
            assert!(said.contains("GuardItem") && said.contains("executing"), "{said}");
            assert!(!said.contains("alice"), "{said}");
        }
    }
}
