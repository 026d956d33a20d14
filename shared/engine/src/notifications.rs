//! What people of an organization are told: of what, until when that is true, and in which words.
//!
//! What is to be told is written with the change it tells of, found again by the sweeper, and removed once it was sent:
//! a message lost costs time. One that died between sending and noting so sends it once more.

use crate::{
    EngineError, Result,
    core::{Core, NotificationItem, transition_order},
    items::{Failure, RequestItem, due, notification_key},
    ports::{Announcement, ChannelError, Message},
    transaction::{Committed, Transaction, equals, set},
};
use askama::Template;
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    audit::EventType,
    ids::{OrganizationId, RequestId},
    lifecycle::Phase,
    notification::{About, Notification, NotificationKind},
};

/// How long whoever sends it has, before somebody else tries.
const TURN: SignedDuration = SignedDuration::from_mins(5);

/// Tries before it is given up.
const MOST_TRIES: u32 = 10;

/// What is due of a notification, by its item's name.
pub(crate) fn message_of(organization: OrganizationId, about: About, name: &str) -> Option<Message> {
    let kind = NotificationKind::ALL.into_iter().find(|n| n.name() == name)?;
    Some(Message::Notify { notification: Notification { organization, about, kind } })
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
    pub async fn notify(&self, notification: &Notification) -> Result<()> {
        let Notification { organization, about, kind } = notification;
        let key = notification_key(notification);
        let Some(item) = self.core.find::<NotificationItem>(key.clone()).await? else { return Ok(()) };
        let now = self.core.now();
        if item.not_before > now {
            return Ok(());
        }
        let same = vec![equals("tries", item.tries), equals("not_before", item.not_before.to_string())];
        let request = match about {
            About::Request(id) => self.core.find_request(organization, id).await?,
        };
        let settings = self.core.settings(organization).await?;
        let Some(request) = request
            .filter(|r| still_true(r, *kind, now))
            .filter(|_| !settings.notify.is_empty() && self.core.channel.is_offered())
        else {
            Transaction::new().delete(key, same).commit(self.core.ports.table.as_ref()).await?;
            return Ok(());
        };
        let until = now + TURN;
        let claim = vec![set("tries", item.tries + 1), set("not_before", until.to_string()), set("due_sk", due(until, about).1)];
        let claim = Transaction::new().update(key.clone(), claim, same);
        if claim.commit(self.core.ports.table.as_ref()).await? == Committed::Refused {
            return Ok(());
        }
        let channel = self.core.channel.name();
        let recipients = settings.notify.len();
        // Words that cannot be written end as those that cannot be sent.
        let sent = match announcement(&request, *kind, &settings.name, settings.notify) {
            Ok(announcement) => self.core.channel.send(&announcement).await,
            Err(error) => Err(ChannelError(error.to_string())),
        };
        let (happened, reason) = match sent {
            Ok(()) => (EventType::NotificationSent, None),
            Err(error) if item.tries + 1 < MOST_TRIES => {
                let tries = item.tries + 1;
                tracing::warn!(%about, %organization, %channel, %error, tries, "a notification is sent again later");
                return Ok(());
            }
            Err(error) => {
                tracing::error!(%about, %organization, %channel, %error, "a notification was given up");
                (EventType::NotificationFailed, Some(error.0))
            }
        };
        let order = format!("{}#{}#{:02}", transition_order(&request), kind.name(), item.tries + 1);
        let mut event = self.core.event(&request, happened, &order);
        event.details.insert("notification".to_owned(), kind.name().into());
        event.details.insert("recipients".to_owned(), recipients.into());
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
fn still_true(request: &RequestItem, kind: NotificationKind, now: Timestamp) -> bool {
    let open = request.export_state().and_then(|e| e.expires_at).is_some_and(|end| end > now);
    match (kind, request.state.phase) {
        (
            NotificationKind::ExportReady | NotificationKind::ExportExpiring | NotificationKind::ExportProblem,
            Phase::Available,
        ) => open,
        (NotificationKind::ExportProblem, Phase::Failed) => true,
        _ => false,
    }
}

/// What the words about an export may say of it.
struct ExportWords<'a> {
    id: RequestId,
    records: u64,
    missing: u64,
    /// Until when it can be opened.
    end: String,
    failure: Option<&'a Failure>,
}

/// Subject and text, from the two files of a notification's folder in `templates/notifications/`.
macro_rules! written {
    ($organization:ident, $export:ident: $subject:tt, $text:tt) => {{
        #[derive(Template)]
        #[template(path = $subject, escape = "none")]
        struct Subject<'a> {
            export: &'a ExportWords<'a>,
        }

        #[derive(Template)]
        #[template(path = $text, escape = "none")]
        struct Text<'a> {
            organization: &'a str,
            export: &'a ExportWords<'a>,
        }

        // A template is read without the end of its last line.
        let text = Text { organization: $organization, export: $export }.render().map(|text| text + "\n");
        Subject { export: $export }.render().and_then(|subject| Ok((subject, text?)))
    }};
}

fn announcement(request: &RequestItem, kind: NotificationKind, organization: &str, to: Vec<String>) -> Result<Announcement> {
    let state = request.export_state().cloned().unwrap_or_default();
    let end = state.expires_at.map(|end| end.strftime("%-d %B %Y, %H:%M UTC").to_string()).unwrap_or_default();
    let failure = request.failure.as_ref();
    let export = ExportWords { id: request.id, records: state.records, missing: state.missing, end, failure };
    let (subject, text) =
        words(kind, organization, &export).map_err(|_| EngineError::internal("a notification's words cannot be written"))?;
    Ok(Announcement { to, subject, text })
}

fn words(kind: NotificationKind, organization: &str, export: &ExportWords<'_>) -> askama::Result<(String, String)> {
    match kind {
        NotificationKind::ExportReady => {
            written!(organization, export: "notifications/export_ready/subject.txt", "notifications/export_ready/text.txt")
        }
        NotificationKind::ExportExpiring => {
            written!(organization, export: "notifications/export_expiring/subject.txt", "notifications/export_expiring/text.txt")
        }
        NotificationKind::ExportProblem => {
            written!(organization, export: "notifications/export_problem/subject.txt", "notifications/export_problem/text.txt")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "req_0190a5d8c0de7000a000000000000042";
    const WHY: &str = "You are told because your address is among those that R&D <Shop> has set to be notified.\n";

    fn said(kind: NotificationKind, failure: Option<&Failure>) -> (String, String) {
        let id = ID.parse().expect("an id");
        let end = "5 January 2026, 12:00 UTC".to_owned();
        words(kind, "R&D <Shop>", &ExportWords { id, records: 3, missing: 2, end, failure }).expect("written")
    }

    #[test]
    fn each_notification_says_its_words_and_nothing_else() {
        let open = format!("To open it: oubli export open {ID}");
        let (subject, text) = said(NotificationKind::ExportReady, None);
        assert_eq!(subject, format!("Export {ID} can be opened"));
        let what = "The export holds 3 records and can be opened until 5 January 2026, 12:00 UTC.";
        assert_eq!(text, format!("R&D <Shop>\n\n{what}\n\n{open}\n\n{WHY}"));

        let (subject, text) = said(NotificationKind::ExportExpiring, None);
        assert_eq!(subject, format!("Export {ID} is about to expire"));
        let what = "The export can be opened until 5 January 2026, 12:00 UTC, and is deleted then.";
        assert_eq!(text, format!("R&D <Shop>\n\n{what}\n\n{open}\n\n{WHY}"));

        let (subject, text) = said(NotificationKind::ExportProblem, None);
        assert_eq!(subject, format!("Export {ID} is not complete"));
        let what = "2 records could not be read and are not in it; its manifest lists them. \
                    It can be opened until 5 January 2026, 12:00 UTC.";
        assert_eq!(text, format!("R&D <Shop>\n\n{what}\n\n{open}\n\n{WHY}"));

        let failure = Failure { code: "too_large".to_owned(), message: "It is too large.".to_owned() };
        let (subject, text) = said(NotificationKind::ExportProblem, Some(&failure));
        assert_eq!(subject, format!("Export {ID} failed"));
        let what = format!("It is too large. (too_large)\n\nTo try again: oubli export retry {ID}");
        assert_eq!(text, format!("R&D <Shop>\n\n{what}\n\n{WHY}"));
    }
}
