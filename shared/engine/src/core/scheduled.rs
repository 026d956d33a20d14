//! What people are to be told, written with the change it tells of.

use crate::{
    Result,
    core::Core,
    items::{RequestItem, due, notification_key, request_partition},
    ports::{Envelope, Message},
    transaction::Transaction,
};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    ids::{OrganizationId, RequestId},
    notification::NotificationKind,
};
use serde::{Deserialize, Serialize};

/// The longest time before an export's end at which that is told.
pub(crate) const BEFORE_END: SignedDuration = SignedDuration::from_hours(24);

/// Something to tell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NotificationItem {
    pub(crate) organization: OrganizationId,
    pub(crate) id: RequestId,
    pub(crate) about: NotificationKind,
    /// Not before.
    pub(crate) not_before: Timestamp,
    pub(crate) tries: u32,
    pub(crate) due_pk: String,
    pub(crate) due_sk: String,
}

impl Core {
    /// Adds to a transaction that people are to be told, at a time.
    pub(crate) fn schedule_notification(
        &self,
        transaction: Transaction,
        request: &RequestItem,
        about: NotificationKind,
        at: Timestamp,
    ) -> Result<Transaction> {
        let (due_pk, due_sk) = due(at, &request.id);
        let item = NotificationItem {
            organization: request.organization.clone(),
            id: request.id,
            about,
            not_before: at,
            tries: 0,
            due_pk,
            due_sk,
        };
        let partition = request_partition(&request.organization, &request.id);
        transaction.put(notification_key(&partition, about), &item, vec![])
    }

    /// That an export can be opened, and in time that its end is near.
    pub(crate) fn schedule_export_notifications(
        &self,
        transaction: Transaction,
        request: &RequestItem,
        end: Timestamp,
    ) -> Result<Transaction> {
        let transaction = self.schedule_notification(transaction, request, first_notification(request), self.now())?;
        let open_for = end.duration_since(self.now());
        let near = end - BEFORE_END.min(open_for / 2);
        self.schedule_notification(transaction, request, NotificationKind::ExportExpiring, near)
    }

    pub(crate) fn notify_message(request: &RequestItem, about: NotificationKind) -> Envelope {
        Envelope::now(Message::Notify { organization: request.organization.clone(), request: request.id, about })
    }
}

/// What is told of an export that can be opened from now on.
pub(crate) fn first_notification(request: &RequestItem) -> NotificationKind {
    let missing = request.export.as_ref().map_or(0, |e| e.missing);
    if missing == 0 { NotificationKind::ExportReady } else { NotificationKind::ExportProblem }
}
