//! How a request comes to be.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, NewRequest, subject_keys, transition_order},
    crypt,
    items::{
        AskedItem, ExecutionItem, OpenItem, RequestItem, VerifiedItem, from_item, open_key, open_of_subject_prefix, request_key,
        request_partition, subject_partition,
    },
    keyring::{self, NewKey, Purpose},
    kinds,
    ports::{Condition, DataKey, Query, Range, TableName},
    transaction::Transaction,
};
use oubli_domain::{
    access::Caller,
    audit::{AuditEvent, EventType, commitment},
    deadline,
    ids::RequestId,
    lifecycle::{Event, State},
    request::RequestKind,
    settings::Settings,
};
use std::collections::BTreeSet;

/// Open requests of a subject that are looked at for the one that was there first.
const ALIKE: usize = 20;

/// A request as it came in, before it is written.
pub(crate) struct Received {
    pub(crate) item: RequestItem,
    /// What its identity is sealed under.
    pub(crate) key: NewKey,
}

impl Core {
    /// A request as it came in. Nothing of it is written yet.
    ///
    /// # Errors
    /// `delivery_not_set`.
    pub(crate) async fn received(&self, caller: &Caller, settings: &Settings, new: &NewRequest) -> Result<Received> {
        let organization = &caller.organization;
        let now = self.now();
        let partition = request_partition(organization, &new.id);
        let subject_keys = subject_keys(&self.ports, organization, new.identity.known()).await?;
        // A caller's clock may be a little ahead; nothing was received later than now.
        let received_at = new.received_at.map(|at| at.min(now));
        let received = received_at.unwrap_or(now);
        let deadlines = deadline::gdpr(received, &settings.time_zone, settings.country, false)
            .map_err(|e| EngineError::internal(format!("deadlines: {e}")))?;
        let delivered_to = if new.deliver { Some(delivery_bucket(settings)?) } else { None };
        let mut asked = AskedItem::new(new.kind);
        match &mut asked {
            AskedItem::FullErasure(erasure) | AskedItem::PartialErasure(erasure) => {
                erasure.window_seconds = settings.recovery_window_seconds;
                erasure.export_first = new.export_first;
            }
            AskedItem::Export(export) => export.deliver_to = delivered_to,
        }
        let key = keyring::new_key(&self.ports, organization, &partition, Purpose::Identity).await?;
        let mut opening = [0_u8; 32];
        self.ports.entropy.fill(&mut opening);
        let subject = new.identity.first().map(|known| known.given.expose().to_owned()).unwrap_or_default();
        let seal = |what: &str, plain: &[u8]| crypt::seal(&key.secret, self.ports.entropy.as_ref(), what, plain);
        let mut item = RequestItem {
            organization: organization.clone(),
            id: new.id,
            version: 1,
            run: 1,
            state: State::START,
            failed_in: None,
            failure: None,
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
            received_at,
            verification: match &new.verification {
                Some(v) => Some(VerifiedItem { verified_at: v.verified_at, sealed_method: seal("method", v.method.as_bytes())? }),
                None => None,
            },
            verified_by: new.verification.is_some().then_some(caller.actor),
            duplicate_of: None,
            deadlines,
            extended: false,
            time_zone: settings.time_zone.clone(),
            execution: ExecutionItem { lanes: settings.lanes, ..ExecutionItem::default() },
            asked,
            phase_started_at: now,
            finished_at: None,
            waiting_for: None,
            waiting_since: None,
            waits_in: None,
            cleaned: false,
            gsi_pk: kinds::of(new.kind).listed_in(organization),
            gsi_sk: format!("{:016}#{}", received.as_millisecond().max(0), new.id),
            due_pk: None,
            due_sk: None,
        };
        item.duplicate_of = self.first_like(&item, &item.subject_keys).await?;
        Ok(Received { item, key })
    }

    /// The open request of the same subject and kind that was there first, verified, when this one became known to be of
    /// that subject: whichever was submitted before. Those that repeat this one are none.
    pub(crate) async fn first_like(&self, item: &RequestItem, keys: &[String]) -> Result<Option<RequestId>> {
        let mut listed = BTreeSet::new();
        let prefix = open_of_subject_prefix(Some(item.kind()));
        for key in keys {
            let partition = subject_partition(&item.organization, key);
            let query = Query { limit: ALIKE, ..Query::new(TableName::Control, partition, Range::Prefix(prefix.clone())) };
            let page = self.ports.table.query(query).await?;
            listed.extend(page.items.iter().filter_map(|i| i.get("sk").and_then(|sk| sk.as_str()).map(str::to_owned)));
        }
        let ids = listed.iter().filter_map(|sk| sk.rsplit('#').next()?.parse::<RequestId>().ok());
        let others = ids.filter(|id| *id != item.id).map(|id| request_key(&item.organization, &id));
        let others: Vec<_> = others.take(ALIKE).collect();
        if others.is_empty() {
            return Ok(None);
        }
        let found = self.ports.table.get_many(&others).await?.into_iter().flatten();
        let found: Vec<RequestItem> = found.map(from_item).collect::<Result<_>>()?;
        let alike = || found.iter().filter(|other| !other.state.is_final() && other.duplicate_of != Some(item.id));
        let first = alike().find(|other| other.duplicate_of.is_none()).or_else(|| alike().next());
        Ok(first.map(|other| other.id))
    }

    /// Received and what follows at once are one write, with the key: nobody dies in between.
    ///
    /// # Errors
    /// `unknown_saved_query`, `category_conflict`, `identifier_needed`.
    pub(crate) async fn receive(
        &self,
        caller: &Caller,
        Received { item: received, key }: &Received,
        new: &NewRequest,
    ) -> Result<(RequestItem, Transaction)> {
        let verified = received.verification.is_some();
        let mut first = self.transition_event(received, EventType::RequestReceived, Some(caller.actor));
        if let Some(at) = received.received_at {
            first.details.insert("received_at".to_owned(), at.to_string().into());
        }
        let mut item = self.moved(received, if verified { Event::IdentityConfirmed } else { Event::IdentityNeeded })?;
        let mut words = Transaction::new();
        let second = if let Some(verification) = &new.verification {
            item.seek();
            let (event, kept) = self.identity_event(&item, caller, &verification.method, &key.secret)?;
            words = kept;
            event
        } else {
            self.transition_event(&item, EventType::VerificationRequested, None)
        };
        let open = OpenItem::of(&item, verified);
        let transaction = Transaction::new()
            .put(request_key(&item.organization, &item.id), &item, vec![Condition::ItemAbsent])?
            .put(open_key(&item.organization, &item.id), &open, vec![])?;
        let transaction = if verified { Self::note_open(transaction, &item) } else { transaction };
        let transaction = self.outbox(transaction, &item.organization, &transition_order(received), &first)?;
        let transaction = self.outbox(transaction, &item.organization, &transition_order(&item), &second)?;
        let transaction =
            if new.kind == RequestKind::Export { self.pin_queries(transaction, &item, new).await? } else { transaction };
        let transaction = self.index_subject(transaction, &item.organization, &new.identity, &item.id.to_string()).await?;
        Ok((item, transaction.and(words).and(key.kept.clone())))
    }

    /// That somebody attested who a person is, and how they say they know, which is kept beside the log.
    pub(crate) fn identity_event(
        &self,
        after: &RequestItem,
        caller: &Caller,
        method: &str,
        key: &DataKey,
    ) -> Result<(AuditEvent, Transaction)> {
        let mut event = self.transition_event(after, EventType::IdentityVerified, Some(caller.actor));
        event.details.insert("attested".to_owned(), true.into());
        let kept = self.keep_words_under(Some(key), after, &mut event, "verification_method", method)?;
        Ok((event, kept))
    }
}

pub(crate) fn delivery_bucket(settings: &Settings) -> Result<String> {
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
