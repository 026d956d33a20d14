//! Looking at everything that is due.

use crate::{
    EngineError, Result,
    items::{FREED, HEARTBEAT, NOTIFICATION, REPORT, REVIEW, RequestItem, WITNESS, due_partition, due_sort},
    notifications::message_of,
    ports::{Envelope, Index, Item, Message, Query, Range, TableName},
    worker::Worker,
};
use oubli_domain::{ids::OrganizationId, lifecycle::Phase, review::ReviewId};
use std::collections::BTreeSet;

impl Worker {
    /// Looks at everything that is due.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn sweep(&self) -> Result<usize> {
        let now = self.core.now();
        let mut found = 0;
        // One sealing takes all that waits in an outbox.
        let mut sealed: BTreeSet<OrganizationId> = BTreeSet::new();
        for shard in 0..RequestItem::DUE_SHARDS {
            let until_now = Range::Between(String::new(), due_sort(now, "~"));
            let mut query = Query {
                index: Some(Index::ByDue),
                limit: 100,
                ..Query::new(TableName::Control, due_partition(shard), until_now)
            };
            loop {
                let page = self.core.ports.table.query(query.clone()).await?;
                let mut messages: Vec<Envelope> = Vec::new();
                for item in page.items {
                    match due_messages(item) {
                        Ok(due) => {
                            found += 1;
                            messages.extend(due.into_iter().map(Envelope::now));
                        }
                        // One item that cannot be read must not keep the others waiting.
                        Err(error) => tracing::error!(%error, "a due item was passed over"),
                    }
                }
                let unsealed: BTreeSet<OrganizationId> =
                    messages.iter().map(|e| e.message.organization().clone()).filter(|o| !sealed.contains(o)).collect();
                sealed.extend(unsealed.iter().cloned());
                messages.extend(unsealed.into_iter().map(|organization| Envelope::now(Message::Seal { organization })));
                self.core.send_all(messages).await?;
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
        }
        Ok(found)
    }
}

/// What is due of an item found in the index.
fn due_messages(item: Item) -> Result<Vec<Message>> {
    let text = |name: &str| item.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let broken = |_| EngineError::internal("a due item cannot be read");
    let organization: OrganizationId = text("organization").parse().map_err(broken)?;
    let kind = item.get("sk").and_then(|v| v.as_str());
    if kind == Some(HEARTBEAT) {
        return Ok(vec![Message::Retire { organization: organization.clone() }, Message::Seal { organization }]);
    }
    if kind.is_some_and(|k| k.starts_with(WITNESS)) {
        // Whoever finds nothing to seal asks the witnesses that are due.
        return Ok(vec![Message::Seal { organization }]);
    }
    if kind == Some(FREED) {
        return Ok(vec![Message::Freed { organization }]);
    }
    if let Some(hold) = kind.and_then(|k| k.parse().ok()) {
        return Ok(vec![Message::Released { organization, hold }]);
    }
    if kind == Some("preview") {
        return Ok(vec![Message::Forget { organization, discovery: text("id").parse().map_err(broken)? }]);
    }
    if kind == Some(REVIEW) {
        let review = item.get("id").and_then(serde_json::Value::as_u64).and_then(|id| ReviewId::new(id).ok());
        let review = review.ok_or_else(|| EngineError::internal("a due item cannot be read"))?;
        return Ok(vec![Message::TimeOutReview { organization, review }]);
    }
    if kind == Some(REPORT) {
        return Ok(vec![Message::ForgetReport { organization, report: text("id").parse().map_err(broken)? }]);
    }
    if let Some(notification) = kind.and_then(|k| k.strip_prefix(NOTIFICATION)) {
        let about = text("id").parse().map_err(broken)?;
        return Ok(message_of(organization, about, notification).into_iter().collect());
    }
    let request = text("id").parse().map_err(broken)?;
    // An item that says nothing of a phase is looked at all the same.
    let phase = item.get("state").and_then(|s| s.get("phase")).cloned().and_then(|p| serde_json::from_value::<Phase>(p).ok());
    Ok(vec![match phase {
        Some(Phase::Discovering | Phase::Verifying) => Message::Discover { organization, request },
        _ => Message::Sweep { organization, request },
    }])
}
