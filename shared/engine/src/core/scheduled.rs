//! What people are to be told, written with the change it tells of.

use crate::{
    Result,
    core::Core,
    items::{RequestItem, due, notification_key},
    ports::{Envelope, Message},
    transaction::Transaction,
};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    ids::OrganizationId,
    notification::{About, Notification, NotificationKind},
};
use serde::{Deserialize, Serialize};

/// The longest time before an export's end at which that is told.
const BEFORE_END: SignedDuration = SignedDuration::from_hours(24);

/// Something to tell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct NotificationItem {
    pub(crate) organization: OrganizationId,
    /// By the name that the index of what is due holds.
    #[serde(rename = "id")]
    pub(crate) about: About,
    pub(crate) kind: NotificationKind,
    /// Not before.
    pub(crate) not_before: Timestamp,
    pub(crate) tries: u32,
    pub(crate) due_pk: String,
    pub(crate) due_sk: String,
}

impl RequestItem {
    /// What is to be told of it.
    pub(crate) fn notification(&self, kind: NotificationKind) -> Notification {
        Notification { organization: self.organization.clone(), about: About::Request(self.id), kind }
    }
}

impl Core {
    /// Adds to a transaction that people are to be told, at a time.
    pub(crate) fn schedule_notification(
        &self,
        transaction: Transaction,
        notification: Notification,
        at: Timestamp,
    ) -> Result<Transaction> {
        let key = notification_key(&notification);
        let Notification { organization, about, kind } = notification;
        let (due_pk, due_sk) = due(at, &about);
        let item = NotificationItem { organization, about, kind, not_before: at, tries: 0, due_pk, due_sk };
        transaction.put(key, &item, vec![])
    }

    /// That an export can be opened, and in time that its end is near.
    pub(crate) fn schedule_export_notifications(
        &self,
        transaction: Transaction,
        request: &RequestItem,
        end: Timestamp,
    ) -> Result<Transaction> {
        let transaction = self.schedule_notification(transaction, first_notification(request), self.now())?;
        let open_for = end.duration_since(self.now());
        let near = end - BEFORE_END.min(open_for / 2);
        self.schedule_notification(transaction, request.notification(NotificationKind::ExportExpiring), near)
    }

    pub(crate) fn notify_message(notification: Notification) -> Envelope {
        Envelope::now(Message::Notify { notification })
    }
}

/// What is told of an export that can be opened from now on.
pub(crate) fn first_notification(request: &RequestItem) -> Notification {
    let missing = request.export_state().map_or(0, |e| e.missing);
    request.notification(if missing == 0 { NotificationKind::ExportReady } else { NotificationKind::ExportProblem })
}
