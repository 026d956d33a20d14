//! Submission, verification of identity, extension of the deadline.

use crate::{
    Engine, EngineError, ProblemCode, Refusal, Result,
    api::{NewRequest, RequestKind, RequestView, Verification},
    crypt,
    engine::transition_order,
    items::{
        OpenItem, RequestItem, VerifiedItem, open_key, open_of_subject_prefix, request_key, request_partition, subject_partition,
    },
    keyring::{self, Purpose},
    kinds,
    ports::{Condition, Envelope, Ports, Query, Range, TableName, Write},
    transaction::{Committed, Transaction},
};
use data_encoding::HEXLOWER;
use jiff::SignedDuration;
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType, commitment},
    batch::Counts,
    deadline,
    hold::HoldView,
    ids::{Category, OrganizationId, RequestId},
    lifecycle::{Event, Phase, State},
    personal::Identity,
    settings::Settings,
};

/// How far a caller's clock may be ahead.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Keyed hashes of a person's identifiers: they find the same person again without saying who it is.
pub(crate) async fn subject_keys(ports: &Ports, organization: &OrganizationId, identity: &Identity) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for (kind, identifier) in identity.known() {
        let (label, text) = kind.comparable(identifier);
        let mac = ports.keys.mac(format!("{organization}\n{label}\n{text}").as_bytes()).await?;
        keys.push(format!("{label}-{}", HEXLOWER.encode(&mac)));
    }
    Ok(keys)
}

impl Engine {
    /// Accepts a request. One of this id that is there already is answered as it is.
    ///
    /// # Errors
    /// Unknown categories, nothing in scope, or a credential that may not.
    pub async fn submit(&self, caller: &Caller, new: NewRequest) -> Result<RequestView> {
        Self::permit(caller, Action::Submit)?;
        if new.verification.is_some() {
            Self::permit(caller, Action::Attest)?;
        }
        if let Some(existing) = self.find_request(&caller.organization, &new.id).await? {
            return Ok(RequestView::from(&existing));
        }
        self.not_in_the_future(new.verification.as_ref())?;
        let (_, map) = self.data_map(&caller.organization).await?;
        check_scope(&new, &map.categories().into_iter().cloned().collect::<Vec<_>>())?;
        let settings = self.settings(&caller.organization).await?;
        let received = self.received(caller, &settings, &new, vec![]).await?;
        let (item, transaction) = self.receive(caller, &received, &new).await?;
        let current = match transaction.commit(self.ports.table.as_ref()).await? {
            Committed::Yes => item,
            Committed::Refused => {
                let there = self.find_request(&item.organization, &item.id).await?;
                there.ok_or(EngineError::Conflict("the request was removed"))?
            }
        };
        if current.state.phase == Phase::Discovering {
            self.notify_after_command(&current, Some(Envelope::now(Self::discover_message(&current)))).await?;
        }
        Ok(RequestView::from(&current))
    }

    /// A request as it came in. Its key is made only while the checks hold.
    pub(crate) async fn received(
        &self,
        caller: &Caller,
        settings: &Settings,
        new: &NewRequest,
        checks: Vec<Write>,
    ) -> Result<RequestItem> {
        let organization = &caller.organization;
        let now = self.now();
        let partition = request_partition(organization, &new.id);
        let subject_keys = subject_keys(&self.ports, organization, &new.identity).await?;
        let key = keyring::ensure_while(&self.ports, organization, &partition, Purpose::Identity, checks).await?;
        let mut opening = [0_u8; 32];
        self.ports.entropy.fill(&mut opening);
        let subject = new.identity.known().next().map(|(_, id)| id.expose().to_owned()).unwrap_or_default();
        let seal = |what: &str, plain: &[u8]| crypt::seal(&key, self.ports.entropy.as_ref(), what, plain);
        let deadlines = deadline::gdpr(now, &settings.time_zone, settings.country, false)
            .map_err(|e| EngineError::internal(format!("deadlines: {e}")))?;
        let mut item = RequestItem {
            organization: organization.clone(),
            id: new.id,
            version: 1,
            run: 1,
            state: State::START,
            failed_in: None,
            unverified: false,
            failure: None,
            kind: new.kind,
            reason: new.reason,
            scope: new.scope,
            categories: new.categories.clone(),
            exclude_categories: new.exclude_categories.clone(),
            scheduled_at: new.scheduled_at,
            subject_keys,
            sealed_identity: Some(seal("identity", &new.identity.to_sealed_form())?),
            subject_id_hash: commitment(&opening, &subject),
            sealed_opening: Some(seal("opening", &opening)?),
            submitted_by: caller.actor,
            submitted_at: now,
            verification: match &new.verification {
                Some(v) => Some(VerifiedItem { verified_at: v.verified_at, sealed_method: seal("method", v.method.as_bytes())? }),
                None => None,
            },
            verified_by: new.verification.is_some().then_some(caller.actor),
            duplicate_of: None,
            deadlines,
            extended: false,
            time_zone: settings.time_zone.clone(),
            round: 0,
            seeking: None,
            verified: None,
            sought: 0,
            map_version: 0,
            seeking_map: None,
            plan_digest: None,
            planned_at: None,
            execution_id: None,
            decided_at: None,
            first_decided_at: None,
            exclusions: vec![],
            sealed_exclusions: None,
            steps: vec![],
            current_step: 0,
            lanes: settings.lanes,
            window_seconds: settings.recovery_window_seconds,
            phase_started_at: now,
            started_at: None,
            window_ends_at: None,
            finished_at: None,
            holds: HoldView::default(),
            restore: None,
            deferred_by: vec![],
            slot: None,
            waiting_for: None,
            waiting_since: None,
            waits_in: None,
            counts: Counts::default(),
            cleaned: false,
            export: None,
            export_first: new.export_first,
            prior_export: None,
            prior_to: None,
            deliver_to: None,
            reviewed: false,
            gsi_pk: kinds::of(new.kind).listed_in(organization),
            gsi_sk: format!("{:016}#{}", now.as_millisecond().max(0), new.id),
            due_pk: None,
            due_sk: None,
        };
        if new.deliver {
            item.deliver_to = Some(delivery_bucket(settings)?);
        }
        item.duplicate_of = self.first_like(&item).await?;
        Ok(item)
    }

    /// The first verified open request of the same subject and kind: by time, then by id.
    async fn first_like(&self, item: &RequestItem) -> Result<Option<RequestId>> {
        let mut first: Option<String> = None;
        let prefix = open_of_subject_prefix(Some(item.kind));
        for key in &item.subject_keys {
            let partition = subject_partition(&item.organization, key);
            // Its own place may be one of the first two.
            let query = Query { limit: 2, ..Query::new(TableName::Control, partition, Range::Prefix(prefix.clone())) };
            let sorts = self.ports.table.query(query).await?.items.into_iter();
            let sorts = sorts.filter_map(|i| i.get("sk").and_then(|sk| sk.as_str()).map(str::to_owned));
            let found = sorts.filter(|sk| !sk.ends_with(&item.id.to_string())).min();
            first = [first, found].into_iter().flatten().min();
        }
        Ok(first.and_then(|sk| sk.rsplit('#').next().and_then(|id| id.parse().ok())))
    }

    /// Received and what follows at once are one write: nobody dies in between.
    pub(crate) async fn receive(
        &self,
        caller: &Caller,
        received: &RequestItem,
        new: &NewRequest,
    ) -> Result<(RequestItem, Transaction)> {
        let verified = received.verification.is_some();
        let first = self.transition_event(received, EventType::RequestReceived, Some(caller.actor));
        let mut item = self.moved(received, if verified { Event::IdentityConfirmed } else { Event::IdentityNeeded })?;
        let second = if verified {
            item.seek();
            self.identity_event(&item, caller)
        } else {
            self.transition_event(&item, EventType::VerificationRequested, None)
        };
        let open = OpenItem { request: item.id, subject_keys: item.subject_keys.clone(), kind: item.kind, verified };
        let transaction = Transaction::new()
            .put(request_key(&item.organization, &item.id), &item, vec![Condition::ItemAbsent])?
            .put(open_key(&item.organization, &item.id), &open, vec![])?;
        let transaction = if verified { Self::note_open(transaction, &item) } else { transaction };
        let transaction = self.outbox(transaction, &item.organization, &transition_order(received), &first)?;
        let transaction = self.outbox(transaction, &item.organization, &transition_order(&item), &second)?;
        let transaction = self.index_subject(transaction, &item.organization, &new.identity, &item.id.to_string()).await?;
        let transaction =
            if new.kind == RequestKind::Export { self.pin_queries(transaction, &item, new).await? } else { transaction };
        Ok((item, transaction))
    }

    fn identity_event(&self, after: &RequestItem, caller: &Caller) -> AuditEvent {
        let mut event = self.transition_event(after, EventType::IdentityVerified, Some(caller.actor));
        event.details.insert("attested".to_owned(), true.into());
        event
    }

    async fn confirm_identity(&self, caller: &Caller, before: &RequestItem, after: &RequestItem) -> Result<()> {
        let event = self.identity_event(after, caller);
        let open = OpenItem { request: after.id, subject_keys: after.subject_keys.clone(), kind: after.kind, verified: true };
        let transaction =
            self.write_request(before, after, Some(event))?.put(open_key(&after.organization, &after.id), &open, vec![])?;
        Self::note_open(transaction, after).commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        self.notify_after_command(after, Some(Envelope::now(Self::discover_message(after)))).await
    }

    /// Records that the person's identity was checked, on the word of the caller.
    ///
    /// # Errors
    /// `already_verified`, or a request that is over.
    pub async fn verify(&self, caller: &Caller, id: RequestId, verification: Verification) -> Result<RequestView> {
        Self::permit(caller, Action::Attest)?;
        let before = self.owned(caller, &id).await?;
        self.not_in_the_future(Some(&verification))?;
        if before.verification.is_some() {
            return Err(Refusal::conflict(
                ProblemCode::AlreadyVerified,
                "The identity of this request is confirmed already.",
                "Nothing is to be done.",
            )
            .into());
        }
        let mut after = self.moved(&before, Event::IdentityConfirmed).map_err(|_| not_in(&before, "verified"))?;
        let partition = request_partition(&before.organization, &before.id);
        let key = keyring::need(&self.ports, &before.organization, &partition, Purpose::Identity).await?;
        let sealed_method = crypt::seal(&key, self.ports.entropy.as_ref(), "method", verification.method.as_bytes())?;
        after.verification = Some(VerifiedItem { verified_at: verification.verified_at, sealed_method });
        after.verified_by = Some(caller.actor);
        after.seek();
        after.duplicate_of = self.first_like(&before).await?;
        self.confirm_identity(caller, &before, &after).await?;
        Ok(RequestView::from(&after))
    }

    /// Nobody has checked an identity at a time that is still to come, clocks apart.
    fn not_in_the_future(&self, verification: Option<&Verification>) -> Result<()> {
        let latest = self.now() + CLOCK_SKEW;
        if verification.is_none_or(|v| v.verified_at <= latest) {
            return Ok(());
        }
        let text = "The identity cannot have been checked in the future.";
        Err(Refusal::invalid(ProblemCode::InvalidDate, "verification.verified_at", text, "A time in the past is accepted.")
            .into())
    }

    /// Extends the legal deadline by two months: once, with reasons, inside the first month (Art. 12(3) GDPR).
    ///
    /// # Errors
    /// `already_extended`, `extension_too_late`, or a request that is over.
    pub async fn extend(&self, caller: &Caller, id: RequestId, reasons: String) -> Result<RequestView> {
        Self::permit(caller, Action::Extend)?;
        let before = self.owned(caller, &id).await?;
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
        if self.now() > before.deadlines.extend_by {
            let text = format!("The person had to be told of an extension by {}.", before.deadlines.extend_by);
            return Err(Refusal::conflict(ProblemCode::ExtensionTooLate, text, "Answer the request.").into());
        }
        let settings = self.settings(&caller.organization).await?;
        let mut after = before.clone();
        after.version += 1;
        after.extended = true;
        after.deadlines = deadline::gdpr(before.submitted_at, &settings.time_zone, settings.country, true)
            .map_err(|e| EngineError::internal(format!("deadlines: {e}")))?;
        let mut salt = [0_u8; 32];
        self.ports.entropy.fill(&mut salt);
        let order = format!("{}#{:08}#2#{:08}", after.id, after.run, after.version);
        let mut event = self.event(&after, EventType::DeadlineExtended, &order);
        event.actor = Some(caller.actor);
        event.details.insert("reasons_commitment".to_owned(), commitment(&salt, &reasons).into());
        let transaction = self.write_request(&before, &after, None)?;
        let transaction = self.outbox(transaction, &after.organization, &order, &event)?;
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        Ok(RequestView::from(&after))
    }
}

/// A refusal that says in which phase the request is.
pub(crate) fn not_in(request: &RequestItem, what: &str) -> EngineError {
    let phase = request.state.phase.name();
    let cancelled = if request.state.cancelled && request.state.phase != Phase::Cancelled { " and cancelled" } else { "" };
    let text = format!("A request that is {phase}{cancelled} cannot be {what}.");
    Refusal::conflict(ProblemCode::InvalidState, text, "GET its status to see where it is.").into()
}

fn delivery_bucket(settings: &Settings) -> Result<String> {
    settings.delivery_bucket.clone().ok_or_else(|| {
        let text = "Your organization has not said which bucket exports are delivered to.";
        Refusal::invalid(
            ProblemCode::DeliveryNotSet,
            "deliver",
            text,
            "false, or a delivery_bucket in the organization's settings.",
        )
        .into()
    })
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
