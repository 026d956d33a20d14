//! What takes long: only some of an organization's are under way at the same time, each in a seat of its own. A seat that
//! nobody leaves, because whoever had it died, is free after a while.

use crate::{
    ProblemCode, Refusal, RefusalKind, Result,
    core::{Core, limits::seconds_to_wait},
    items::{from_item, in_flight_key},
    ports::Condition,
    transaction::{Committed, Transaction, equals, set},
};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    ids::OrganizationId,
    limits::{InFlight, Metered},
};
use serde::{Deserialize, Serialize};

/// How long a seat outlives the worker that it is kept for: until the next one has the message.
const BETWEEN_WORKERS: i64 = 60_000;

/// How long a call that waits keeps its seat, in milliseconds: longer than any waits.
const OF_A_CALL: i64 = 10_000;

/// When whoever finds no free seat may look again.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(5);

/// How often whoever finds that another one was faster looks for a seat again.
const TRIES: usize = 4;

/// A seat, taken by what has this id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SeatItem {
    taken_by: String,
    /// When it is free, unless it is taken again, in milliseconds.
    free_at: i64,
    /// When the table removes it, in seconds.
    expires_at: i64,
}

/// A seat that is free.
pub(crate) struct Seat {
    pub(crate) number: u32,
    as_read: Condition,
}

impl Core {
    /// A free seat; none where as many as one likes may be under way.
    ///
    /// # Errors
    /// `rate_limited`: there is none.
    pub(crate) async fn free_seat(&self, organization: &OrganizationId, of: InFlight) -> Result<Option<Seat>> {
        if self.config.limits.is_none() {
            return Ok(None);
        }
        let Some(most) = self.limits(organization).await?.in_flight(of) else { return Ok(None) };
        let keys: Vec<_> = (0..most).map(|number| in_flight_key(organization, of, number)).collect();
        let now = self.now();
        for (number, found) in (0..).zip(self.ports.table.get_many(&keys).await?) {
            match found.map(from_item::<SeatItem>).transpose()? {
                None => return Ok(Some(Seat { number, as_read: Condition::ItemAbsent })),
                Some(item) if item.free_at <= now.as_millisecond() => {
                    return Ok(Some(Seat { number, as_read: equals("free_at", item.free_at) }));
                }
                Some(_) => {}
            }
        }
        let text = format!("{most} {} of this organization are under way, and no more may be at the same time.", of.name());
        Err(throttled(organization, of.name(), now, now + ASK_AGAIN, text).into())
    }

    /// Takes a seat, for what has this id, in the transaction that begins it.
    pub(crate) fn in_seat(
        &self,
        transaction: Transaction,
        organization: &OrganizationId,
        of: InFlight,
        seat: &Seat,
        id: &str,
    ) -> Result<Transaction> {
        let free_at = self.seat_is_free_at(of);
        let item = SeatItem { taken_by: id.to_owned(), free_at, expires_at: free_at / 1000 + 1 };
        transaction.put(in_flight_key(organization, of, seat.number), &item, vec![seat.as_read.clone()])
    }

    /// Takes a seat for what has this id. Answers its number; none where as many as one likes may be under way.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(crate) async fn take_seat(&self, organization: &OrganizationId, of: InFlight, id: &str) -> Result<Option<u32>> {
        for _ in 0..TRIES {
            let Some(seat) = self.free_seat(organization, of).await? else { return Ok(None) };
            let transaction = self.in_seat(Transaction::new(), organization, of, &seat, id)?;
            if transaction.commit(self.ports.table.as_ref()).await? == Committed::Yes {
                return Ok(Some(seat.number));
            }
        }
        let now = self.now();
        Err(throttled(organization, of.name(), now, now + ASK_AGAIN, "Others began at the same moment.".to_owned()).into())
    }

    /// Keeps a seat for another worker's time. Whoever lost it goes on all the same.
    pub(crate) async fn keep_seat(&self, organization: &OrganizationId, of: InFlight, number: Option<u32>, id: &str) {
        self.change_seat(organization, of, number, id, self.seat_is_free_at(of)).await;
    }

    /// Leaves a seat.
    pub(crate) async fn leave_seat(&self, organization: &OrganizationId, of: InFlight, number: Option<u32>, id: &str) {
        self.change_seat(organization, of, number, id, 0).await;
    }

    async fn change_seat(&self, organization: &OrganizationId, of: InFlight, number: Option<u32>, id: &str, free_at: i64) {
        let Some(number) = number else { return };
        let expires_at = free_at.max(self.now().as_millisecond()) / 1000 + 1;
        let changes = vec![set("free_at", free_at), set("expires_at", expires_at)];
        let mine = vec![equals("taken_by", id)];
        let changed = Transaction::new().update(in_flight_key(organization, of, number), changes, mine);
        if let Err(error) = changed.commit(self.ports.table.as_ref()).await {
            tracing::warn!(%error, %organization, of = of.name(), "a seat is as it was: it is free after a while");
        }
    }

    fn seat_is_free_at(&self, of: InFlight) -> i64 {
        match of {
            InFlight::Discovery | InFlight::Report => self.config.lease_until(self.now()) + BETWEEN_WORKERS,
            InFlight::WaitingReview => self.now().as_millisecond() + OF_A_CALL,
        }
    }

    /// A refusal of whoever took too much of what is metered.
    pub(crate) fn refuse_for_now(&self, organization: &OrganizationId, of: Metered, until: Timestamp) -> Refusal {
        let text = format!("The organization uses up more {} than it may at the moment.", of.name());
        throttled(organization, of.name(), self.now(), until, text)
    }
}

fn throttled(organization: &OrganizationId, of: &'static str, now: Timestamp, until: Timestamp, detail: String) -> Refusal {
    let seconds = seconds_to_wait(now, until);
    tracing::info!(%organization, of, seconds, "throttled");
    Refusal {
        kind: RefusalKind::Throttled { seconds },
        code: ProblemCode::RateLimited,
        detail,
        field: None,
        remedy: format!("Send the same call again after {seconds} s, as Retry-After says."),
    }
}
