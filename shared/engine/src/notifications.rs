//! Emails to those whom an organization wants told what becomes of its exports.
//!
//! What is to be told is written with the change it tells of, found again by the sweeper, and removed once it was sent:
//! a message lost costs time. One that died between sending and noting so sends it once more.

use crate::{
    Result,
    core::{Core, NotificationItem, transition_order},
    items::{RequestItem, due, notification_key, request_partition},
    ports::{Mail, Message},
    transaction::{Committed, Transaction, equals, set},
};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    audit::EventType,
    ids::{OrganizationId, RequestId},
    lifecycle::Phase,
    notification::NotificationKind,
};

/// How long whoever sends it has, before somebody else tries.
const TURN: SignedDuration = SignedDuration::from_mins(5);

/// Tries before it is given up.
const MOST_TRIES: u32 = 10;

/// What is due of a notification, by its item's name.
pub(crate) fn message_of(organization: OrganizationId, request: RequestId, name: &str) -> Option<Message> {
    let about = NotificationKind::ALL.into_iter().find(|n| n.name() == name)?;
    Some(Message::Notify { organization, request, about })
}

/// Telling people what becomes of requests.
#[derive(Clone)]
pub(crate) struct Notifications {
    pub(crate) core: Core,
}

impl Notifications {
    /// Tells people, if that is due and still true.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`]: the same call should be made again.
    pub async fn notify(&self, organization: &OrganizationId, id: &RequestId, about: NotificationKind) -> Result<()> {
        let key = notification_key(&request_partition(organization, id), about);
        let Some(item) = self.core.find::<NotificationItem>(key.clone()).await? else { return Ok(()) };
        let now = self.core.now();
        if item.not_before > now {
            return Ok(());
        }
        let same = vec![equals("tries", item.tries), equals("not_before", item.not_before.to_string())];
        let request = self.core.find_request(organization, id).await?;
        let settings = self.core.settings(organization).await?;
        let Some(request) = request
            .filter(|r| still_true(r, about, now))
            .filter(|_| !settings.notify.is_empty() && self.core.mailer.is_offered())
        else {
            Transaction::new().delete(key, same).commit(self.core.ports.table.as_ref()).await?;
            return Ok(());
        };
        let until = now + TURN;
        let claim = vec![set("tries", item.tries + 1), set("not_before", until.to_string()), set("due_sk", due(until, id).1)];
        let claim = Transaction::new().update(key.clone(), claim, same);
        if claim.commit(self.core.ports.table.as_ref()).await? == Committed::Refused {
            return Ok(());
        }
        let mail = mail(&request, about, &settings.name, settings.notify.clone());
        let (happened, reason) = match self.core.mailer.send(&mail).await {
            Ok(()) => (EventType::NotificationSent, None),
            Err(error) if item.tries + 1 < MOST_TRIES => {
                tracing::warn!(request = %id, %organization, %error, tries = item.tries + 1, "an email is sent again later");
                return Ok(());
            }
            Err(error) => {
                tracing::error!(request = %id, %organization, %error, "an email was given up");
                (EventType::NotificationFailed, Some(error.0))
            }
        };
        let order = format!("{}#{}#{:02}", transition_order(&request), about.name(), item.tries + 1);
        let mut event = self.core.event(&request, happened, &order);
        event.details.insert("notification".to_owned(), about.name().into());
        event.details.insert("recipients".to_owned(), mail.to.len().into());
        if let Some(reason) = reason {
            event.details.insert("reason".to_owned(), reason.into());
        }
        let done = Transaction::new().delete(key, vec![equals("tries", item.tries + 1)]);
        let done = self.core.outbox(done, organization, &order, &event)?;
        if done.commit(self.core.ports.table.as_ref()).await? == Committed::Yes {
            self.core.notify_workers(&request, None).await?;
        }
        Ok(())
    }
}

/// Nobody is told what is over.
fn still_true(request: &RequestItem, about: NotificationKind, now: Timestamp) -> bool {
    let open = request.export.as_ref().and_then(|e| e.expires_at).is_some_and(|end| end > now);
    match (about, request.state.phase) {
        (
            NotificationKind::ExportReady | NotificationKind::ExportExpiring | NotificationKind::ExportProblem,
            Phase::Available,
        ) => open,
        (NotificationKind::ExportProblem, Phase::Failed) => true,
        _ => false,
    }
}

fn mail(request: &RequestItem, about: NotificationKind, organization: &str, to: Vec<String>) -> Mail {
    let id = request.id;
    let export = request.export.clone().unwrap_or_default();
    let end = export.expires_at.map(|end| end.strftime("%-d %B %Y, %H:%M UTC").to_string()).unwrap_or_default();
    let open = format!("To open it: oubli export open {id}");
    let (subject, what) = match (about, &request.failure) {
        (NotificationKind::ExportReady, _) => {
            let what = format!("The export holds {} records and can be opened until {end}.\n\n{open}", export.records);
            (format!("Export {id} can be opened"), what)
        }
        (NotificationKind::ExportExpiring, _) => {
            let what = format!("The export can be opened until {end}, and is deleted then.\n\n{open}");
            (format!("Export {id} is about to expire"), what)
        }
        (NotificationKind::ExportProblem, Some(failure)) => {
            let what = format!("{} ({})\n\nTo try again: oubli export retry {id}", failure.message, failure.code);
            (format!("Export {id} failed"), what)
        }
        (NotificationKind::ExportProblem, None) => {
            let what = format!(
                "{} records could not be read and are not in it; its manifest lists them. It can be opened until {end}.\n\n{open}",
                export.missing
            );
            (format!("Export {id} is not complete"), what)
        }
    };
    let text = format!(
        "{organization}\n\n{what}\n\nYou are told because your address is among those that {organization} has set to be notified.\n"
    );
    Mail { to, subject, text }
}
