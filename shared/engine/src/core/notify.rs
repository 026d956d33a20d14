//! Waking those who go on with a request.

use crate::{
    Result,
    core::Core,
    items::{RequestItem, due_partition, due_sort, heartbeat_key},
    ports::{Envelope, Message},
    transaction::{Transaction, set},
};
use jiff::Timestamp;
use oubli_domain::{ids::OrganizationId, lifecycle::Phase};

impl Core {
    pub(crate) async fn send(&self, message: Message) -> Result<()> {
        Ok(self.ports.queue.send(vec![Envelope::now(message)]).await?)
    }

    /// Sends them, if there are any.
    pub(crate) async fn send_all(&self, messages: Vec<Envelope>) -> Result<()> {
        if messages.is_empty() { Ok(()) } else { Ok(self.ports.queue.send(messages).await?) }
    }

    /// Asks for the outbox to be sealed, and for a look at a request.
    pub(crate) async fn notify_workers(&self, request: &RequestItem, message: Option<Envelope>) -> Result<()> {
        let mut envelopes = vec![Envelope::now(Message::Seal { organization: request.organization.clone() })];
        envelopes.extend(message);
        Ok(self.ports.queue.send(envelopes).await?)
    }

    /// What a person did stands, whether or not those who go on with it could be told of it: the sweeper tells them, too,
    /// and has the organization's outbox sealed.
    pub(crate) async fn left_to_sweeper(&self, organization: &OrganizationId, told: Result<()>) -> Result<()> {
        let Err(error) = told else { return Ok(()) };
        tracing::warn!(%error, %organization, "a command took effect, and nobody could be woken: the sweeper will");
        let due = due_sort(self.now(), organization.as_str());
        let look = vec![set("organization", organization.as_str()), set("due_pk", due_partition(0)), set("due_sk", due)];
        let look = Transaction::new().update(heartbeat_key(organization), look, vec![]);
        look.commit(self.ports.table.as_ref()).await.map(drop)
    }

    /// Wakes those who go on with what a person did; see [`Core::left_to_sweeper`].
    pub(crate) async fn notify_after_command(&self, request: &RequestItem, message: Option<Envelope>) -> Result<()> {
        self.left_to_sweeper(&request.organization, self.notify_workers(request, message).await).await
    }

    pub(crate) fn advance_message(request: &RequestItem) -> Message {
        Message::Advance { organization: request.organization.clone(), request: request.id }
    }

    /// What a request goes on with at once: its look, while it is in one that nobody waits for, or whatever its phase is.
    pub(crate) fn next_message(request: &RequestItem) -> Message {
        match request.state.phase {
            Phase::Verifying => Self::discover_message(request),
            _ => Self::advance_message(request),
        }
    }

    pub(crate) fn discover_message(request: &RequestItem) -> Message {
        Message::Discover { organization: request.organization.clone(), request: request.id }
    }
}

/// Seconds from now until a time, if a queue's delay can cover them; 0 without a time.
pub(crate) fn seconds_until(now: Timestamp, at: Option<Timestamp>) -> Option<u16> {
    let Some(at) = at else { return Some(0) };
    let millis = at.as_millisecond().saturating_sub(now.as_millisecond()).max(0);
    let seconds = u16::try_from((millis + 999) / 1000).ok()?;
    (seconds <= Envelope::MAX_DELAY_SECONDS).then_some(seconds)
}
