//! What is there for a subject, without a request.

use crate::{
    EngineError, Refusal, Result,
    core::{AskedScope, Core, IdentifierView, guarded_keys, held_with},
    crypt,
    discovery::{
        CategoryInventory, Discovery, DiscoveryView,
        resolve::Start,
        run::scope_of,
        sources::{Run, telling_others},
        unsearched::missed,
        walk::Walked,
    },
    items::{DiscoveryItem, Failure, due_partition, due_sort, preview_key, resolution_key},
    keyring::{self, NewKey, Purpose},
    ports::{Condition, Envelope, Key, Message, Query, Range, TableName, Write},
    transaction::{Committed, Transaction, equals, set},
};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType, commitment},
    datamap::{DataMap, deletion_order, selection_order},
    hold::HoldView,
    ids::{DiscoveryId, OrganizationId},
    limits::{InFlight, Metered},
    personal::{Identity, Person},
    plan::{KeptBecause, Unsearched},
    request::TaskStatus,
};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::collections::BTreeSet;

/// A caller waits so long for an answer before it is told to ask again.
const ANSWER_WITHIN: SignedDuration = SignedDuration::from_secs(20);

/// After so long what a discovery gathered is removed.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How a look at a stand-alone discovery ended.
#[derive(Debug, Clone, Copy)]
enum Looked {
    /// It is over, well or not.
    Ended,
    /// It goes on from where it is.
    Paused,
    /// Somebody else is at it.
    Busy,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct PreviewItem {
    organization: OrganizationId,
    id: DiscoveryId,
    status: TaskStatus,
    started_at: Timestamp,
    sealed_identity: String,
    sealed_opening: String,
    map_version: u64,
    categories: Vec<CategoryInventory>,
    unsearched: Vec<Unsearched>,
    failure: Option<Failure>,
    /// Its seat among those under way.
    #[serde(default)]
    seat: Option<u32>,
    due_pk: String,
    due_sk: String,
}

/// That what was gathered is being removed.
const FORGETTING: &str = "forgetting";

/// How often whoever finds that another one began at the same moment tries again.
const TRIES: usize = 4;

impl Discovery {
    /// Looks for a subject's data, and answers within 20 seconds: with the inventory, or that it still runs.
    ///
    /// # Errors
    /// `data_map_missing`, `rate_limited`.
    pub async fn start_preview(&self, caller: &Caller, id: DiscoveryId, identity: Identity) -> Result<DiscoveryView> {
        Core::permit(caller, Action::Discover)?;
        let organization = &caller.organization;
        let (map_version, _) = self.core.data_map(organization).await?;
        let key = preview_key(organization, &id);
        if self.find_preview(organization, &id).await?.is_none() {
            if let Some(until) = self.core.meter(organization, Metered::Discoveries, 1).await {
                return Err(self.core.refuse_for_now(organization, Metered::Discoveries, until).into());
            }
            let NewKey { secret, kept } = keyring::new_key(&self.core.ports, organization, &key.pk, Purpose::Identity).await?;
            let mut opening = [0_u8; 32];
            self.core.ports.entropy.fill(&mut opening);
            let seal = |what: &str, plain: &[u8]| crypt::seal(&secret, self.core.ports.entropy.as_ref(), what, plain);
            let now = self.core.now();
            let item = PreviewItem {
                organization: organization.clone(),
                id,
                status: TaskStatus::Running,
                started_at: now,
                sealed_identity: seal("identity", &identity.to_sealed_form())?,
                sealed_opening: seal("opening", &opening)?,
                map_version,
                categories: vec![],
                unsearched: vec![],
                failure: None,
                seat: None,
                due_pk: due_partition(0),
                due_sk: due_sort(now + KEPT, &id.to_string()),
            };
            let subject = identity.first().map(|known| known.given.expose().to_owned()).unwrap_or_default();
            let order = format!("{id}#performed");
            let event = AuditEvent {
                subject_id_hash: Some(commitment(&opening, &subject)),
                actor: Some(caller.actor),
                details: Map::from_iter([("discovery_id".to_owned(), id.to_string().into())]),
                ..AuditEvent::new(&order, EventType::DiscoveryPerformed, now)
            };
            self.begin(key, item, kept, &order, &event).await?;
        }
        let deadline = self.core.now() + ANSWER_WITHIN;
        match self.look(organization, &id, deadline).await {
            // It is looked for all the same, and its caller told to ask again.
            Err(EngineError::Transient(_)) => self.look_later(organization, &id, Looked::Busy).await?,
            looked => self.look_later(organization, &id, looked?).await?,
        }
        self.preview(caller, id).await
    }

    /// Writes a discovery, its key, its event and its seat among those under way, unless somebody else began it.
    async fn begin(&self, key: Key, item: PreviewItem, kept: Transaction, order: &str, event: &AuditEvent) -> Result<()> {
        let (organization, id) = (item.organization.clone(), item.id.to_string());
        for _ in 0..TRIES {
            let seat = self.core.free_seat(&organization, InFlight::Discovery).await?;
            let item = PreviewItem { seat: seat.as_ref().map(|seat| seat.number), ..item.clone() };
            let mut transaction = kept.clone().put(key.clone(), &item, vec![Condition::ItemAbsent])?;
            if let Some(seat) = &seat {
                transaction = self.core.in_seat(transaction, &organization, InFlight::Discovery, seat, &id)?;
            }
            let transaction = self.core.outbox(transaction, &organization, order, event)?;
            let committed = transaction.commit(self.core.ports.table.as_ref()).await?;
            if committed == Committed::Yes || seat.is_none() || self.find_preview(&organization, &item.id).await?.is_some() {
                return Ok(());
            }
        }
        let soon = self.core.now() + SignedDuration::from_secs(1);
        Err(self.core.refuse_for_now(&organization, Metered::Discoveries, soon).into())
    }

    /// Goes on with a stand-alone discovery.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn continue_preview(&self, organization: &OrganizationId, id: &DiscoveryId) -> Result<()> {
        let until = self.core.now() + SignedDuration::from_secs(i64::from(self.core.config.worker_timeout_seconds) / 2);
        let looked = self.look(organization, id, until).await?;
        self.look_later(organization, id, looked).await
    }

    /// Sees to it that somebody goes on: at once, or when whoever is at it has ended or is dead.
    async fn look_later(&self, organization: &OrganizationId, id: &DiscoveryId, looked: Looked) -> Result<()> {
        let message = Message::Preview { organization: organization.clone(), discovery: *id };
        let now = self.core.now();
        let lease = self.core.config.lease_until(now) - now.as_millisecond();
        let envelope = match looked {
            Looked::Ended => return Ok(()),
            Looked::Paused => Envelope::now(message),
            Looked::Busy => Envelope::after(message, u16::try_from(lease / 1000 + 1).unwrap_or(Envelope::MAX_DELAY_SECONDS)),
        };
        Ok(self.core.ports.queue.send(vec![envelope]).await?)
    }

    /// A stand-alone discovery.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn preview(&self, caller: &Caller, id: DiscoveryId) -> Result<DiscoveryView> {
        Core::permit(caller, Action::Discover)?;
        let found = self.find_preview(&caller.organization, &id).await?;
        let item = found.ok_or_else(|| Refusal::not_found("discovery"))?;
        let partition = preview_key(&caller.organization, &id).pk;
        let key = keyring::find(&self.core.ports, &caller.organization, &partition, Purpose::Identity).await?;
        let person = match key {
            Some(key) => self.core.person_in(&partition, 1, &key).await?.unwrap_or_default(),
            None => Person::default(),
        };
        Ok(DiscoveryView {
            id,
            identifiers_incomplete: person.incomplete,
            identifiers: IdentifierView::withheld(person),
            status: item.status,
            started_at: item.started_at,
            categories: item.categories,
            unsearched: item.unsearched,
            failure: item.failure,
        })
    }

    async fn find_preview(&self, organization: &OrganizationId, id: &DiscoveryId) -> Result<Option<PreviewItem>> {
        self.core.find(preview_key(organization, id)).await
    }

    async fn look(&self, organization: &OrganizationId, id: &DiscoveryId, until: Timestamp) -> Result<Looked> {
        let Some(item) = self.find_preview(organization, id).await? else { return Ok(Looked::Ended) };
        if item.status != TaskStatus::Running {
            return Ok(Looked::Ended);
        }
        let name = id.to_string();
        self.core.keep_seat(organization, InFlight::Discovery, item.seat, &name).await;
        let ended = match self.look_on(&item, until).await {
            Ok(None) => return Ok(Looked::Paused),
            Ok(Some((categories, unsearched))) => vec![
                set("status", TaskStatus::Completed.name()),
                set("categories", serde_json::to_value(categories).unwrap_or_default()),
                set("unsearched", serde_json::to_value(unsearched).unwrap_or_default()),
            ],
            Err(EngineError::Internal(fault)) => {
                let failure =
                    Failure { code: "discovery_failed".to_owned(), message: format!("{fault}. Mend the cause and look again.") };
                vec![set("status", TaskStatus::Failed.name()), set("failure", serde_json::to_value(failure).unwrap_or_default())]
            }
            Err(EngineError::Conflict(_)) => return Ok(Looked::Busy),
            Err(error) => return Err(error),
        };
        let key = preview_key(organization, id);
        // Whoever came first has ended it.
        let running = vec![equals("status", TaskStatus::Running.name())];
        let _: Committed = Transaction::new().update(key, ended, running).commit(self.core.ports.table.as_ref()).await?;
        self.core.leave_seat(organization, InFlight::Discovery, item.seat, &name).await;
        Ok(Looked::Ended)
    }

    /// What there is, and what was not looked at; none while there is more to look at.
    async fn look_on(&self, item: &PreviewItem, until: Timestamp) -> Result<Option<(Vec<CategoryInventory>, Vec<Unsearched>)>> {
        let organization = &item.organization;
        let partition = preview_key(organization, &item.id).pk;
        let secret = keyring::need(&self.core.ports, organization, &partition, Purpose::Identity).await?;
        let identity = Identity::from_sealed_form(&crypt::open(&secret, "identity", &item.sealed_identity)?);
        let identity = identity.ok_or_else(|| EngineError::internal("the identity is gone"))?;
        let map = self.core.map_version(organization, item.map_version).await?;
        let settings = self.core.settings(organization).await?;
        let country = settings.country.code();
        let person = match self.core.person_in(&partition, 1, &secret).await? {
            Some(person) => person,
            None => {
                let confirm_found = settings.confirm_found_identifiers;
                let start = Start { map: &map, country, given: &identity, earlier: None, named: &[], confirm_found };
                let person = self.resolve(start).await?;
                let resolution = self.core.sealed_person(&person, &secret)?;
                Transaction::new()
                    .put(resolution_key(&partition, 1), &resolution, vec![Condition::ItemAbsent])?
                    .check(preview_key(organization, &item.id), stands())
                    .commit_or_conflict(self.core.ports.table.as_ref(), "discovery")
                    .await?;
                person
            }
        };
        let keys = guarded_keys(&self.core.ports, organization, &map, &person).await?;
        let holds = self.core.holds_in_force(organization, &keys).await?;
        let holds = held_with(&map, HoldView::evaluate(vec![], 0, &holds, &keys));
        let stands = vec![Write::Check { key: preview_key(organization, &item.id), when: stands() }];
        let run = Run {
            key: keyring::ensure_while(&self.core.ports, organization, &partition, Purpose::Manifest(1), stands).await?,
            partition: partition.clone(),
            round: 1,
            person,
            country,
            order: deletion_order(&map).map_err(EngineError::caused_by)?,
            holds,
            earlier: vec![],
            opening: crypt::open(&secret, "opening", &item.sealed_opening)?,
            for_export: false,
            passes_over: false,
            largest_record: self.core.config.largest_record(),
            time_zone: settings.time_zone.clone(),
            batch_size: settings.batch_size as usize,
            window: settings.recovery_window(),
            in_scope: scope_of(&map, AskedScope::everything(), &[]),
            compared: BTreeSet::new(),
            telling_others: telling_others(&map),
            stop_at: until.as_millisecond(),
            map: std::sync::Arc::clone(&map),
        };
        for name in selection_order(&map).map_err(EngineError::caused_by)? {
            let Some(producer) = map.producer(&name) else { continue };
            if self.core.now() >= until {
                return Ok(None);
            }
            match self.walk(&run, producer).await? {
                Walked::Done => {}
                Walked::Paused => return Ok(None),
                Walked::Busy => return Err(EngineError::Conflict("another worker looks")),
            }
        }
        let walked = self.walked(&partition, 1).await?;
        let missed = missed(&map, AskedScope::everything(), Some(&run.person), &run.in_scope, &walked)?;
        Ok(Some((inventory(&map, &walked), missed)))
    }

    /// Removes what a stand-alone discovery gathered.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn forget_preview(&self, organization: &OrganizationId, id: &DiscoveryId) -> Result<()> {
        let key = preview_key(organization, id);
        let partition = key.pk.clone();
        // Somebody slow may look for it still, and makes no key from here on.
        let forgetting = Transaction::new().update(key, vec![set(FORGETTING, true)], vec![Condition::ItemPresent]);
        forgetting.commit(self.core.ports.table.as_ref()).await?;
        for purpose in [Purpose::Identity, Purpose::Manifest(1)] {
            keyring::destroy(&self.core.ports, &partition, purpose).await?;
        }
        self.core.delete_manifest(&partition, 1).await?;
        let query = Query::new(TableName::Control, partition.clone(), Range::All);
        let items = self.core.query_all(query).await?;
        let sort_keys = items.iter().filter_map(|i| i.get("sk").and_then(|v| v.as_str()));
        let keys: Vec<Key> =
            sort_keys.map(|sk| Key { table: TableName::Control, pk: partition.clone(), sk: sk.to_owned() }).collect();
        if keys.is_empty() { Ok(()) } else { Ok(self.core.ports.table.delete_all(keys).await?) }
    }
}

/// It is there, and nobody removes it.
fn stands() -> Vec<Condition> {
    vec![Condition::ItemPresent, Condition::Missing(FORGETTING)]
}

fn inventory(map: &DataMap, walked: &[(u32, DiscoveryItem)]) -> Vec<CategoryInventory> {
    let mut categories: Vec<CategoryInventory> = Vec::new();
    for producer in &map.producers {
        let Some((_, found)) = walked.iter().find(|(_, w)| w.producer == producer.name) else { continue };
        let kept: u64 = found.kept.iter().map(|k| k.records).sum();
        let kept_bytes: u64 = found.kept.iter().map(|k| k.bytes).sum();
        if !producer.is_declared() && found.records + kept == 0 {
            continue;
        }
        let entry = match categories.iter_mut().position(|c| c.name == producer.category) {
            Some(place) => &mut categories[place],
            None => {
                categories.push(CategoryInventory {
                    name: producer.category.clone(),
                    document_count: 0,
                    vector_count: 0,
                    total_size_bytes: 0,
                    retention_required: false,
                    retention_reason: None,
                    producers: vec![],
                    retained_until: None,
                });
                let last = categories.len() - 1;
                &mut categories[last]
            }
        };
        entry.document_count += found.records + kept;
        entry.total_size_bytes += found.bytes + kept_bytes;
        entry.producers.push((producer.name.to_string(), found.records + kept));
        for kept in &found.kept {
            let (reason, until) = match &kept.why {
                KeptBecause::Retention { reason, until } => (reason.clone(), *until),
                KeptBecause::WithParent { until, .. } => (kept.why.words().unwrap_or_default(), *until),
                KeptBecause::Locked { until } => ("locked by the store itself".to_owned(), *until),
                KeptBecause::Hold { .. } => ("under legal hold".to_owned(), None),
                KeptBecause::OutOfScope
                | KeptBecause::ExportOnly { .. }
                | KeptBecause::FieldsNotReplaced { .. }
                | KeptBecause::Excluded { .. }
                | KeptBecause::Restored
                | KeptBecause::TooLarge { .. }
                | KeptBecause::AnotherPerson
                | KeptBecause::Refused
                | KeptBecause::Cancelled => continue,
            };
            // No date means without end, which is later than any.
            let first = !std::mem::replace(&mut entry.retention_required, true);
            entry.retained_until = if first { until } else { entry.retained_until.zip(until).map(|(a, b)| a.max(b)) };
            entry.retention_reason.get_or_insert(reason);
        }
    }
    categories
}
