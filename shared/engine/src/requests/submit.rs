//! Submission, verification of identity, extension of the deadline.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, NewRequest, RequestView, Verification, not_in},
    crypt,
    items::{OpenItem, RequestItem, VerifiedItem, open_key},
    ports::{DataKey, Envelope},
    requests::Requests,
    transaction::Committed,
};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    deadline,
    ids::{Category, RequestId},
    lifecycle::{Event, Phase},
    request::RequestKind,
};

/// How far a caller's clock may be ahead.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

impl Requests {
    /// Accepts a request. One of this id that is there already is answered as it is.
    ///
    /// # Errors
    /// Unknown categories, nothing in scope, a receipt in the future or before the law, or a credential that may not.
    pub async fn submit(&self, caller: &Caller, new: NewRequest) -> Result<RequestView> {
        Core::permit(caller, Action::Submit)?;
        if new.verification.is_some() {
            Core::permit(caller, Action::Attest)?;
        }
        if let Some(existing) = self.core.find_request(&caller.organization, &new.id).await? {
            return Ok(RequestView::from(&existing));
        }
        self.attested_when_it_counts(caller, new.verification.as_ref()).await?;
        self.received_by_now(new.received_at)?;
        let (_, map) = self.core.data_map(&caller.organization).await?;
        check_scope(&new, &map.categories().into_iter().cloned().collect::<Vec<_>>())?;
        let settings = self.core.settings(&caller.organization).await?;
        let received = self.core.received(caller, &settings, &new).await?;
        let (item, transaction) = self.core.receive(caller, &received, &new).await?;
        let current = match transaction.commit(self.core.ports.table.as_ref()).await? {
            Committed::Yes => item,
            Committed::Refused => {
                let there = self.core.find_request(&item.organization, &item.id).await?;
                there.ok_or(EngineError::Conflict("the request was removed"))?
            }
        };
        if current.state.phase == Phase::Discovering {
            self.core.notify_after_command(&current, Some(Envelope::now(Core::discover_message(&current)))).await?;
        }
        Ok(RequestView::from(&current))
    }

    async fn confirm_identity(
        &self,
        caller: &Caller,
        before: &RequestItem,
        after: &RequestItem,
        (method, key): (&str, &DataKey),
    ) -> Result<()> {
        let (event, words) = self.core.identity_event(after, caller, method, key)?;
        let open = OpenItem::of(after, true);
        let transaction =
            self.core.write_request(before, after, Some(event))?.put(open_key(&after.organization, &after.id), &open, vec![])?;
        Core::note_open(transaction.and(words), after).commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        self.core.notify_after_command(after, Some(Envelope::now(Core::discover_message(after)))).await
    }

    /// Records that the person's identity was checked, on the word of the caller.
    ///
    /// # Errors
    /// `already_verified`, or a request that is over.
    pub async fn verify(&self, caller: &Caller, id: RequestId, verification: Verification) -> Result<RequestView> {
        Core::permit(caller, Action::Attest)?;
        let before = self.core.owned(caller, &id).await?;
        self.attested_when_it_counts(caller, Some(&verification)).await?;
        if before.verification.is_some() {
            return Err(Refusal::conflict(
                ProblemCode::AlreadyVerified,
                "The identity of this request is confirmed already.",
                "Nothing is to be done.",
            )
            .into());
        }
        let mut after = self.core.moved(&before, Event::IdentityConfirmed).map_err(|_| not_in(&before, "verified"))?;
        let key = self.core.identity_key(&before).await?;
        let sealed_method = crypt::seal(&key, self.core.ports.entropy.as_ref(), "method", verification.method.as_bytes())?;
        after.verification = Some(VerifiedItem { verified_at: verification.verified_at, sealed_method });
        after.verified_by = Some(caller.actor);
        after.seek();
        after.duplicate_of = self.core.first_like(&before, &before.subject_keys).await?;
        self.confirm_identity(caller, &before, &after, (&verification.method, &key)).await?;
        Ok(RequestView::from(&after))
    }

    /// Nobody has checked an identity at a time that is still to come, clocks apart, nor longer ago than the organization
    /// takes.
    async fn attested_when_it_counts(&self, caller: &Caller, verification: Option<&Verification>) -> Result<()> {
        let Some(verification) = verification else { return Ok(()) };
        let refuse = |text: &str, accepted: String| {
            Err(Refusal::invalid(ProblemCode::InvalidDate, "verification.verified_at", text, accepted).into())
        };
        let now = self.core.now();
        if verification.verified_at > now + CLOCK_SKEW {
            let text = "The identity cannot have been checked in the future.";
            return refuse(text, "A time in the past is accepted.".to_owned());
        }
        let settings = self.core.settings(&caller.organization).await?;
        let valid = settings.attestation_valid_days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        match valid {
            Some(valid) if now.duration_since(verification.verified_at) > valid + CLOCK_SKEW => {
                let days = settings.attestation_valid_days.unwrap_or_default();
                refuse("The identity was checked too long ago.", format!("A time within the last {days} days is accepted."))
            }
            _ => Ok(()),
        }
    }

    /// A request was received by now, clocks apart, and under the law whose period is counted.
    fn received_by_now(&self, received_at: Option<Timestamp>) -> Result<()> {
        let Some(at) = received_at else { return Ok(()) };
        let text = if at > self.core.now() + CLOCK_SKEW {
            "The request cannot have been received in the future."
        } else if at < deadline::EARLIEST_RECEIPT {
            "The GDPR did not apply yet when the request is said to have been received."
        } else {
            return Ok(());
        };
        let accepted = format!("Accepted: a time from {} to now.", deadline::EARLIEST_RECEIPT);
        Err(Refusal::invalid(ProblemCode::InvalidDate, "received_at", text, accepted).into())
    }

    /// Extends the legal deadline by two months: once, with reasons, inside the first month (Art. 12(3) GDPR).
    ///
    /// # Errors
    /// `already_extended`, `extension_too_late`, or a request that is over.
    pub async fn extend(&self, caller: &Caller, id: RequestId, reasons: String) -> Result<RequestView> {
        Core::permit(caller, Action::Extend)?;
        let before = self.core.owned(caller, &id).await?;
        if before.state.is_final() {
            return Err(not_in(&before, "extended"));
        }
        if before.extended {
            return Err(Refusal::conflict(
                ProblemCode::AlreadyExtended,
                "The deadline was extended before; it can be extended once.",
                "Answer the request.",
            )
            .into());
        }
        if self.core.now() > before.deadlines.extend_by {
            let text = format!("The person had to be told of an extension by {}.", before.deadlines.extend_by);
            return Err(Refusal::conflict(ProblemCode::ExtensionTooLate, text, "Answer the request.").into());
        }
        let settings = self.core.settings(&caller.organization).await?;
        let mut after = before.clone();
        after.version += 1;
        after.extended = true;
        after.deadlines = deadline::gdpr(before.received_at(), &settings.time_zone, settings.country, true)
            .map_err(|e| EngineError::internal(format!("deadlines: {e}")))?;
        let order = format!("{}#{:08}#2#{:08}", after.id, after.run, after.version);
        let mut event = self.core.event(&after, EventType::DeadlineExtended, &order);
        event.actor = Some(caller.actor);
        let kept = self.core.keep_words(&before, &mut event, "reasons", &reasons).await?;
        let transaction = self.core.write_request(&before, &after, None)?.and(kept);
        let transaction = self.core.outbox(transaction, &after.organization, &order, &event)?;
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        Ok(RequestView::from(&after))
    }
}

fn check_scope(new: &NewRequest, known: &[Category]) -> Result<()> {
    for (field, list) in [("categories", &new.categories), ("exclude_categories", &new.exclude_categories)] {
        if let Some(unknown) = list.iter().find(|c| !known.contains(c)) {
            let names = known.iter().map(Category::as_str).collect::<Vec<_>>().join(", ");
            let text = format!("There is no category {unknown} in the data map.");
            return Err(Refusal::invalid(ProblemCode::UnknownCategory, field, text, format!("Accepted: {names}.")).into());
        }
    }
    if let Some(both) = new.categories.iter().find(|c| new.exclude_categories.contains(c)) {
        let text = format!("Category {both} is both included and excluded.");
        return Err(Refusal::invalid(
            ProblemCode::CategoryConflict,
            "exclude_categories",
            text,
            "Name each category in one list.",
        )
        .into());
    }
    if new.kind == RequestKind::PartialErasure && new.categories.is_empty() && new.exclude_categories.is_empty() {
        let text = "A partial erasure needs categories or exclude_categories.";
        return Err(Refusal::invalid(
            ProblemCode::EmptyScope,
            "categories",
            text,
            "Name at least one category, or ask for full_erasure.",
        )
        .into());
    }
    let selected =
        |c: &&Category| (new.categories.is_empty() || new.categories.contains(c)) && !new.exclude_categories.contains(c);
    if !known.iter().any(|c| selected(&c)) {
        let text = "Nothing is left once these categories are left out.";
        return Err(
            Refusal::invalid(ProblemCode::EmptyScope, "exclude_categories", text, "Leave at least one category in.").into()
        );
    }
    Ok(())
}
