//! The end of a review, which it has once: somebody decided, or its time is over.

use crate::{
    items::{ReviewItem, review_counts_key, review_key, review_row_key},
    ports::{Change, Condition},
    transaction::{Transaction, set},
};
use jiff::Timestamp;
use oubli_domain::review::ReviewStatus;
use serde_json::json;

/// Ends a review that has not ended yet, which `at_attribute` notes.
pub(super) fn ended(
    item: &ReviewItem,
    at_attribute: &'static str,
    now: Timestamp,
    status: ReviewStatus,
    counted: Vec<Change>,
) -> Transaction {
    let (organization, id) = (&item.organization, item.id);
    let changes = vec![
        set(at_attribute, now.to_string()),
        set("updated_at", now.to_string()),
        Change::Remove("due_pk"),
        Change::Remove("due_sk"),
    ];
    let open = vec![Condition::ItemPresent, Condition::Missing("decided_at"), Condition::Missing("closed_at")];
    let listed = vec![set("status", json!(status)), set("ended_at", now.to_string())];
    Transaction::new()
        .update(review_key(organization, id), changes, open)
        .update(review_row_key(organization, id), listed, vec![Condition::ItemPresent])
        .update(review_counts_key(organization, id.number()), counted, vec![])
}
