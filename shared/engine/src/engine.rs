//! The engine: its ports and what all use cases share.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    api::{RequestView, VerificationView},
    items::{
        ActiveHoldItem, GuardItem, RequestItem, SUBJECT_HOLD, WaitsIn, due_partition, due_sort, everybody_holds_partition,
        everybody_key, executing_key, freed_key, from_item, guard_key, heartbeat_key, open_key, open_of_subject_key, outbox_key,
        request_key, slot_key, subject_partition, to_item,
    },
    ports::{
        Change, Condition, Cursor, Envelope, Index, Item, Key, Mailer, Message, NoMailer, NoPdfRenderer, PdfRenderer, Ports,
        Query, Range, TableName, Write,
    },
    transaction::{Transaction, equals, set, unchanged},
};
use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType},
    datamap::DataMap,
    hold::{Hold, HoldView},
    ids::{ActorId, OrganizationId, RequestId},
    ledger::MAX_LEAF_BYTES,
    lifecycle::{self, Event},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// What a deployment sets for its workers.
#[derive(Debug, Clone)]
pub struct Config {
    /// After so many seconds the platform kills a worker: no effect begins later, and no lease is shorter.
    pub worker_timeout_seconds: u32,
    /// What the organizations' logs are named after; with the organization's id it is a log's origin.
    pub ledger_name: String,
    /// How long nobody can delete a checkpoint.
    pub checkpoints_kept_days: u32,
    /// How long the entries of a log are kept; for ever unless given.
    pub entries_kept_days: Option<u32>,
    /// How many years back people can be looked up in a log; for ever unless given.
    pub subject_index_kept_years: Option<u32>,
    /// How long a report is counted while its caller waits.
    pub report_patience_seconds: u32,
    /// Bytes of an export that are copied at once when it is delivered: what S3 copies in some seconds.
    pub delivery_part_bytes: u64,
    /// The largest record that is hidden through the vault; what a worker copies in its time unless given.
    pub largest_record_bytes: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            worker_timeout_seconds: 120,
            ledger_name: "oubli".to_owned(),
            checkpoints_kept_days: 1,
            entries_kept_days: None,
            subject_index_kept_years: None,
            report_patience_seconds: 20,
            delivery_part_bytes: 64 * 1024 * 1024,
            largest_record_bytes: None,
        }
    }
}

impl Config {
    /// Seconds before the end of a worker's time in which it begins nothing more.
    const RESERVE: i64 = 15;
    /// Seconds for which a lease outlives the longest worker.
    const MARGIN: i64 = 15;

    /// Bytes that a worker surely copies in a second, out of a store and into the vault or back.
    const COPIED_PER_SECOND: u64 = 10 * 1024 * 1024;

    /// The largest record that one worker hides, or puts back, in its time.
    pub(crate) fn largest_record(&self) -> u64 {
        let seconds = u64::from(self.worker_timeout_seconds);
        let working = seconds - Self::RESERVE.unsigned_abs().min(seconds / 4);
        self.largest_record_bytes.unwrap_or(working * Self::COPIED_PER_SECOND)
    }

    /// When a lease taken now runs out, in milliseconds.
    pub(crate) fn lease_until(&self, now: Timestamp) -> i64 {
        now.as_millisecond() + (i64::from(self.worker_timeout_seconds) + Self::MARGIN) * 1000
    }

    /// When a worker that claims now begins no more effects, in milliseconds.
    pub(crate) fn stop_at(&self, now: Timestamp) -> i64 {
        let seconds = i64::from(self.worker_timeout_seconds);
        now.as_millisecond() + (seconds - Self::RESERVE.min(seconds / 4)) * 1000
    }
}

/// What sealing adds to an event: its place, hashes and a nonce.
const SEAL_BYTES: usize = 1024;

type MapVersions = HashMap<(OrganizationId, u64), Arc<DataMap>>;

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) ports: Ports,
    pub(crate) config: Config,
    pub(crate) pdf_renderer: Arc<dyn PdfRenderer>,
    pub(crate) mailer: Arc<dyn Mailer>,
    maps: Arc<Mutex<MapVersions>>,
}

impl Engine {
    /// An engine with default settings.
    pub fn new(ports: Ports) -> Self {
        Self::with_config(ports, Config::default())
    }

    /// An engine.
    pub fn with_config(ports: Ports, config: Config) -> Self {
        Self { ports, config, pdf_renderer: Arc::new(NoPdfRenderer), mailer: Arc::new(NoMailer), maps: Arc::default() }
    }

    /// The same, with something to print documents with.
    #[must_use]
    pub fn with_pdf_renderer(self, pdf_renderer: Arc<dyn PdfRenderer>) -> Self {
        Self { pdf_renderer, ..self }
    }

    /// The same, with something to send emails with.
    #[must_use]
    pub fn with_mailer(self, mailer: Arc<dyn Mailer>) -> Self {
        Self { mailer, ..self }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    /// A version of a data map never changes, so it is read once.
    pub(crate) async fn map_version(&self, organization: &OrganizationId, version: u64) -> Result<Arc<DataMap>> {
        let key = (organization.clone(), version);
        if let Some(map) = self.maps.lock().ok().and_then(|m| m.get(&key).cloned()) {
            return Ok(map);
        }
        let map = Arc::new(self.read_map(organization, version).await?);
        if let Ok(mut maps) = self.maps.lock() {
            maps.insert(key, Arc::clone(&map));
        }
        Ok(map)
    }

    pub(crate) fn permit(caller: &Caller, action: Action) -> Result<()> {
        if caller.role.may(action) {
            return Ok(());
        }
        Err(Refusal::forbidden(
            ProblemCode::Forbidden,
            "This credential's role may not do this.",
            "Use a credential with another role.",
        )
        .into())
    }

    pub(crate) async fn find_request(&self, organization: &OrganizationId, id: &RequestId) -> Result<Option<RequestItem>> {
        self.find(request_key(organization, id)).await
    }

    /// An item; none if it is not there.
    pub(crate) async fn find<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>> {
        self.ports.table.get_many(&[key]).await?.pop().flatten().map(from_item).transpose()
    }

    /// A request of the caller's organization; what another one owns does not exist.
    pub(crate) async fn owned(&self, caller: &Caller, id: &RequestId) -> Result<RequestItem> {
        let found = self.find_request(&caller.organization, id).await?;
        found.ok_or_else(|| Refusal::not_found("request").into())
    }

    /// Whether a request of the caller's organization is an export; none if there is no such request.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn is_export(&self, caller: &Caller, id: &RequestId) -> Result<Option<bool>> {
        Ok(self.find_request(&caller.organization, id).await?.map(|r| !r.kind.erases()))
    }

    /// Every page of a query, in order.
    pub(crate) async fn query_all(&self, mut query: Query) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        loop {
            let page = self.ports.table.query(query.clone()).await?;
            items.extend(page.items);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(items),
            }
        }
    }

    /// A subject's guards, in the order of its keys.
    pub(crate) async fn guards(&self, organization: &OrganizationId, subject_keys: &[String]) -> Result<Vec<Option<GuardItem>>> {
        let keys: Vec<_> = subject_keys.iter().map(|k| guard_key(organization, k)).collect();
        let items = self.ports.table.get_many(&keys).await?;
        items.into_iter().map(|i| i.map(from_item).transpose()).collect()
    }

    /// What the holds in force mean for a request. Versions are read first: a hold placed in between moves them on, and
    /// whoever relies on this view checks them.
    pub(crate) async fn evaluate_holds(&self, request: &RequestItem) -> Result<(Vec<Option<GuardItem>>, HoldView)> {
        let organization = &request.organization;
        let mut keys: Vec<_> = request.subject_keys.iter().map(|k| guard_key(organization, k)).collect();
        keys.push(everybody_key(organization, &request.id));
        let mut found = self.ports.table.get_many(&keys).await?;
        let everybody = found.pop().flatten().map(from_item::<GuardItem>).transpose()?.unwrap_or_default();
        let guards: Vec<Option<GuardItem>> = found.into_iter().map(|i| i.map(from_item).transpose()).collect::<Result<_>>()?;
        let versions = guards.iter().map(|g| g.as_ref().map_or(0, |g| g.holds_version)).collect();
        let holds = self.holds_in_force(organization, &request.subject_keys).await?;
        Ok((guards, HoldView::evaluate(versions, everybody.holds_version, &holds, &request.subject_keys)))
    }

    /// The holds in force on a subject, those on everybody among them.
    pub(crate) async fn holds_in_force(&self, organization: &OrganizationId, subject_keys: &[String]) -> Result<Vec<Hold>> {
        let of_subject = |key: &String| {
            Query::new(TableName::Control, subject_partition(organization, key), Range::Prefix(SUBJECT_HOLD.to_owned()))
        };
        let mut queries = vec![Query::new(TableName::Control, everybody_holds_partition(organization), Range::All)];
        queries.extend(subject_keys.iter().map(of_subject));
        let mut holds: Vec<Hold> = Vec::new();
        for query in queries {
            for item in self.query_all(query).await? {
                let hold = from_item::<ActiveHoldItem>(item)?.hold;
                if !holds.iter().any(|h| h.id == hold.id) {
                    holds.push(hold);
                }
            }
        }
        Ok(holds)
    }

    /// Checks that make a write void once the request was stopped or a hold came or went. No hold keeps a person's data
    /// from being shown to them: an export has only itself to check.
    pub(crate) fn fences(request: &RequestItem, transaction: Transaction) -> Transaction {
        let request_stands = vec![equals("run", request.run)];
        let transaction = transaction.check(request_key(&request.organization, &request.id), request_stands);
        if request.kind.erases() { holds_stand(transaction, request, &[]) } else { transaction }
    }

    /// The check that a request's state has not changed.
    pub(crate) fn unchanged(request: &RequestItem) -> Vec<Write> {
        vec![Write::Check { key: request_key(&request.organization, &request.id), when: vec![equals("run", request.run)] }]
    }

    /// A copy of the request after an event.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when the event does not fit its state.
    pub(crate) fn moved(&self, request: &RequestItem, event: Event) -> Result<RequestItem> {
        let state =
            lifecycle::next(request.kind, request.state, event).map_err(|_| EngineError::Conflict("the request moved on"))?;
        Ok(self.moved_to(request, state))
    }

    pub(crate) fn moved_to(&self, request: &RequestItem, state: lifecycle::State) -> RequestItem {
        let mut after = request.clone();
        let now = self.now();
        after.state = state;
        after.version += 1;
        after.run += 1;
        after.phase_started_at = now;
        after.waits_no_more();
        // Whatever is under way is looked at again soon, should the message that carries it be lost.
        after.due(now + SignedDuration::from_secs(60));
        after
    }

    /// The transaction that writes a changed request, on condition that nobody else did, with its audit event, and
    /// with what a final state takes along.
    pub(crate) fn write_request(
        &self,
        before: &RequestItem,
        after: &RequestItem,
        event: Option<AuditEvent>,
    ) -> Result<Transaction> {
        let mut transaction = Transaction::new().put(
            request_key(&after.organization, &after.id),
            after,
            vec![equals("version", before.version)],
        )?;
        if let Some(event) = event {
            let order = transition_order(after);
            transaction = self.outbox(transaction, &after.organization, &order, &event)?;
        }
        if after.state.is_final() && !before.state.is_final() {
            transaction = transaction.delete(open_key(&after.organization, &after.id), vec![]);
            for key in Self::open_of_subject(before) {
                transaction = transaction.delete(key, vec![]);
            }
        }
        if before.waits_in != after.waits_in {
            let place = |w: &WaitsIn| Key { table: TableName::Control, pk: w.pk.clone(), sk: w.sk.clone() };
            if let Some(left) = &before.waits_in {
                transaction = transaction.delete(place(left), vec![]);
            }
            if let Some(taken) = &after.waits_in {
                transaction = transaction.update(place(taken), vec![set("request", after.id.to_string())], vec![]);
            }
        }
        Ok(transaction)
    }

    /// Where an open verified request is found by its subject.
    pub(crate) fn open_of_subject(request: &RequestItem) -> Vec<Key> {
        let (organization, kind, at) = (&request.organization, request.kind, request.submitted_at);
        request.subject_keys.iter().map(|subject| open_of_subject_key(organization, subject, kind, at, &request.id)).collect()
    }

    /// Notes it there.
    pub(crate) fn note_open(mut transaction: Transaction, request: &RequestItem) -> Transaction {
        for key in Self::open_of_subject(request) {
            transaction = transaction.update(key, vec![set("request", request.id.to_string())], vec![]);
        }
        transaction
    }

    pub(crate) fn outbox(
        &self,
        transaction: Transaction,
        organization: &OrganizationId,
        order: &str,
        event: &AuditEvent,
    ) -> Result<Transaction> {
        // The log takes no longer entry, and nothing behind one would ever be sealed.
        let event = event.clone().within(MAX_LEAF_BYTES - SEAL_BYTES);
        let event = event.ok_or_else(|| EngineError::internal("an audit event is too long for a log"))?;
        transaction.put(outbox_key(organization, order), &event, vec![Condition::ItemAbsent])
    }

    /// Gives up the place among the working requests, and leaves word of it for the sweeper, should whoever does so die
    /// before it wakes somebody.
    pub(crate) fn release_slot(before: &RequestItem, after: &mut RequestItem, transaction: Transaction) -> Transaction {
        let Some(slot) = before.slot else { return transaction };
        after.slot = None;
        let word = vec![
            Change::Add("version", 1),
            set("organization", before.organization.as_str()),
            set("due_pk", due_partition(0)),
            set("due_sk", due_sort(after.phase_started_at, before.organization.as_str())),
        ];
        transaction.delete(slot_key(&before.organization, slot), vec![equals("request", before.id.to_string())]).update(
            freed_key(&before.organization),
            word,
            vec![],
        )
    }

    /// Lets the subject's next request go on.
    pub(crate) fn release_guards(request: &RequestItem, mut transaction: Transaction) -> Transaction {
        for key in &request.subject_keys {
            let guard = guard_key(&request.organization, key);
            let mine = vec![equals("executing", request.id.to_string())];
            transaction = transaction.update(guard, vec![Change::Remove("executing")], mine);
        }
        transaction.delete(executing_key(&request.organization, &request.id), vec![])
    }

    /// An audit event of a request.
    pub(crate) fn event(&self, request: &RequestItem, event_type: EventType, order: &str) -> AuditEvent {
        AuditEvent {
            request_id: Some(request.id),
            subject_id_hash: Some(request.subject_id_hash.clone()),
            ..AuditEvent::new(order, event_type, self.now())
        }
    }

    /// The audit event of a change of state that `after` is the result of.
    pub(crate) fn transition_event(&self, after: &RequestItem, event_type: EventType, actor: Option<ActorId>) -> AuditEvent {
        let mut event = self.event(after, event_type, &transition_order(after));
        event.actor = actor;
        event.details.insert("phase".to_owned(), after.state.phase.name().into());
        event.details.insert("round".to_owned(), after.round.into());
        event
    }

    /// Notes in the log that somebody read something. Reading is refused where that cannot be noted.
    pub(crate) async fn record_reading(
        &self,
        caller: &Caller,
        event_type: EventType,
        request: Option<&RequestItem>,
        details: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<()> {
        let order = format!("{}#read", self.ports.entropy.uuid(self.now()).simple());
        let event = AuditEvent {
            request_id: request.map(|r| r.id),
            subject_id_hash: request.map(|r| r.subject_id_hash.clone()),
            actor: Some(caller.actor),
            details: details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..AuditEvent::new(&order, event_type, self.now())
        };
        let transaction = self.outbox(Transaction::new(), &caller.organization, &order, &event)?;
        transaction.commit_or_conflict(self.ports.table.as_ref(), "outbox").await?;
        self.send(Message::Seal { organization: caller.organization.clone() }).await
    }

    pub(crate) async fn send(&self, message: Message) -> Result<()> {
        Ok(self.ports.queue.send(vec![Envelope::now(message)]).await?)
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

    /// Wakes those who go on with what a person did; see [`Engine::left_to_sweeper`].
    pub(crate) async fn notify_after_command(&self, request: &RequestItem, message: Option<Envelope>) -> Result<()> {
        self.left_to_sweeper(&request.organization, self.notify_workers(request, message).await).await
    }

    pub(crate) fn advance_message(request: &RequestItem) -> Message {
        Message::Advance { organization: request.organization.clone(), request: request.id }
    }

    pub(crate) fn discover_message(request: &RequestItem) -> Message {
        Message::Discover { organization: request.organization.clone(), request: request.id }
    }

    /// The organization's requests by time.
    pub(crate) fn by_time(partition: String, cursor: Option<Cursor>, limit: usize) -> Query {
        Query {
            table: TableName::Control,
            index: Some(Index::ByOrganization),
            partition,
            range: Range::All,
            descending: true,
            limit,
            after: cursor,
        }
    }
}

/// Where a change of state sorts among a request's events: after every batch event of the run before.
pub fn transition_order(after: &RequestItem) -> String {
    format!("{}#{:08}#0", after.id, after.run)
}

/// Where a batch's event sorts: after the change of state that began its run.
pub fn batch_order(request: &RequestItem, what: &str, step: u32, batch: u32) -> String {
    format!("{}#{:08}#1#{what}#{step:03}#{batch:06}", request.id, request.run)
}

/// A cursor as callers see it.
pub fn show_cursor(cursor: Option<Cursor>) -> Result<Option<String>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let text = serde_json::to_vec(&cursor).map_err(|_| EngineError::internal("a cursor does not serialize"))?;
    Ok(Some(BASE64URL_NOPAD.encode(&text)))
}

/// A caller's cursor, if it belongs to the partition asked for: nobody pages into another organization.
pub fn read_cursor(text: Option<&str>, attribute: &str, partition: &str) -> Result<Option<Cursor>> {
    let Some(text) = text else { return Ok(None) };
    let parsed = BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|b| serde_json::from_slice::<Cursor>(&b).ok());
    match parsed {
        Some(cursor) if cursor.0.get(attribute).and_then(Value::as_str) == Some(partition) => Ok(Some(cursor)),
        _ => {
            let refusal = Refusal::invalid(
                ProblemCode::InvalidCursor,
                "cursor",
                "This is not a cursor of this list.",
                "Pass next_cursor of the page before, unchanged, or none.",
            );
            Err(refusal.into())
        }
    }
}

impl From<&RequestItem> for RequestView {
    fn from(item: &RequestItem) -> Self {
        Self {
            id: item.id,
            kind: item.kind,
            reason: item.reason,
            state: item.state,
            submitted_at: item.submitted_at,
            submitted_by: item.submitted_by,
            identity: None,
            verification: item.verification.as_ref().map(|v| VerificationView { method: None, verified_at: v.verified_at }),
            scope: item.scope,
            categories: item.categories.clone(),
            exclude_categories: item.exclude_categories.clone(),
            scheduled_at: item.scheduled_at,
            duplicate_of: item.duplicate_of,
            deadlines: item.deadlines.clone(),
            extended: item.extended,
            execution_id: item.execution_id,
            started_at: item.started_at,
            window_ends_at: item.window_ends_at,
            finished_at: item.finished_at,
            failure: item.failure.clone(),
            export: item.export.clone(),
            export_first: item.export_first,
            prior_export: item.prior_export.map(|e| e.request),
            prior_to: item.prior_to,
            waiting_for: item.waiting_for.clone(),
            plan_digest: item.plan_digest.clone(),
            round: item.round,
        }
    }
}

/// An item with only these attributes.
pub fn plain_item(attributes: impl IntoIterator<Item = (&'static str, Value)>) -> Item {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Guards taken by a request that begins, on condition that they are as they were read.
pub fn take_guards(mut transaction: Transaction, request: &RequestItem, guards: &[Option<GuardItem>]) -> Transaction {
    for (key, guard) in request.subject_keys.iter().zip(guards) {
        let address = guard_key(&request.organization, key);
        let executing = set("executing", request.id.to_string());
        transaction = match guard {
            None => transaction.update(address, vec![executing], vec![Condition::ItemAbsent]),
            Some(guard) => {
                let free = unchanged("executing", guard.executing.map(|mine| mine.to_string()));
                let same = at_version(guard.holds_version);
                transaction.update(address, vec![executing], vec![free, same, Condition::Missing("exporting")])
            }
        };
    }
    transaction.check(everybody_key(&request.organization, &request.id), vec![at_version(request.holds.everybody)]).update(
        executing_key(&request.organization, &request.id),
        vec![set("request", request.id.to_string())],
        vec![],
    )
}

/// Checks that no hold came or went since those of the request were evaluated, and more of its subject's guards.
pub fn holds_stand(mut transaction: Transaction, request: &RequestItem, more: &[Condition]) -> Transaction {
    for (key, version) in request.subject_keys.iter().zip(&request.holds.versions) {
        let mut when = vec![at_version(*version)];
        when.extend(more.iter().cloned());
        transaction = transaction.check(guard_key(&request.organization, key), when);
    }
    transaction.check(everybody_key(&request.organization, &request.id), vec![at_version(request.holds.everybody)])
}

/// No hold was counted since. What was never counted has no number.
fn at_version(version: u64) -> Condition {
    if version == 0 { Condition::Missing("holds_version") } else { equals("holds_version", version) }
}

/// A typed record as an item, for writes outside transactions.
pub fn record<T: serde::Serialize>(value: &T) -> Result<Item> {
    to_item(value)
}
