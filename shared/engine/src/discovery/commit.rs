//! From what discovery found to a plan, or to the end of a request.

use crate::{
    EngineError, Result,
    core::{AskedScope, Core, PRODUCERS_OVERLAP, control_query, plain_item},
    discovery::{
        Discovery,
        cautions::many_parents,
        run::{scope_of, sought_map},
        twice::may_be_held_as,
        unsearched::missed,
        walk::began,
    },
    items::{
        DiscoveryItem, RequestItem, StepItem, claims_key, from_item, plan_key, request_partition, step_key, step_prefix, to_item,
    },
    ports::{Envelope, Write},
    transaction::Transaction,
};
use oubli_domain::{
    asking::Unasked,
    audit::{DataErased, EventType, commitment, exclusions},
    batch::Counts,
    datamap::{DataMap, Producer},
    hold::HoldView,
    ids::{Category, HoldId, ProducerName},
    lifecycle::{Event, Phase},
    personal::{Origin, Person},
    plan::{Kept, KeptBecause, Plan, PlannedIdentifier, PlannedStep, Unsearched, UnsearchedBecause},
    remains::Remains,
    request::RequestKind,
};
use std::collections::{BTreeMap, BTreeSet};

/// Nothing is said of a round before every producer in its scope was walked to the end.
fn walked_whole(request: &RequestItem, map: &DataMap, walked: &[(u32, DiscoveryItem)]) -> Result<()> {
    let through: BTreeSet<&ProducerName> = walked.iter().filter(|(_, w)| w.done).map(|(_, w)| &w.producer).collect();
    let scope = scope_of(map, AskedScope::of(request), &request.execution.exclusions);
    match scope.keys().find(|name| !through.contains(name)) {
        Some(name) => {
            tracing::warn!(request = %request.id, producer = %name, "not searched to its end, and a plan was to be made");
            Err(EngineError::Conflict("a producer is not searched to its end"))
        }
        None => Ok(()),
    }
}

fn named_so(plan: &Plan) -> &'static str {
    if plan.identifiers.len() == 1 { "this identifier" } else { "these identifiers" }
}

/// What its saved queries were seen to bring, which no step of an export's plan counts.
fn said_of_queries(request: &RequestItem) -> Option<String> {
    let rows = request.export().map(|export| export.query_rows).filter(|rows| *rows > 0)?;
    Some(format!("its saved queries bring at least {rows} rows besides the records counted here"))
}

/// Items written by one transaction, besides the check of the request.
const WRITTEN_TOGETHER: usize = 90;

impl Discovery {
    pub(super) async fn commit_round(&self, request: &RequestItem) -> Result<()> {
        let sought = request;
        let Some(request) = self.core.find_request(&sought.organization, &sought.id).await? else { return Ok(()) };
        // Whoever slept since it walked speaks of that round, not of the one that is looked for now.
        if (request.run, request.execution.seeking) != (sought.run, sought.execution.seeking) {
            return Ok(());
        }
        let partition = request_partition(&request.organization, &request.id);
        let round = request.execution.seeking.ok_or_else(|| EngineError::internal("no round is to be discovered"))?;
        let walked = self.walked(&partition, round).await?;
        let map_version = sought_map(&request)?;
        let map = self.core.map_version(&request.organization, map_version).await?;
        walked_whole(&request, &map, &walked)?;
        let named: Vec<_> = walked.iter().map(|(number, item)| (*number, &item.producer, item)).collect();
        let person = self.core.person_of(&request, round).await?;
        let unsearched = self.unsearched_by(&request, &map, person.as_ref(), &walked).await?;
        if let Some(reason) = self.found_twice(&request, round, &map, &named, (person.as_ref(), &unsearched)).await? {
            return self.core.fail(&request, PRODUCERS_OVERLAP, &reason).await;
        }
        let (identifiers, identifiers_incomplete) = self.identified_by(&request, person.as_ref()).await?;
        let mut plan = Plan {
            round,
            map_version,
            identifiers,
            identifiers_incomplete,
            discovered_at: began(&walked, self.core.now()),
            steps: vec![],
            kept: walked.iter().flat_map(|(_, w)| w.kept.clone()).collect(),
            unsearched,
            unasked: self.unasked_of(&request, &map).await?,
            cautions: self.cautions_on(&request).await?,
        };
        if walked.iter().all(|(_, w)| w.records == 0 && w.kept.is_empty()) {
            let missed = |w: &DiscoveryItem| plan.unsearched.iter().any(|u| u.producer == w.producer && !u.why.by_part());
            let declared = |w: &DiscoveryItem| map.producer(&w.producer).is_some_and(Producer::is_declared);
            let searched = walked.iter().filter(|(_, w)| declared(w) && !missed(w)).count();
            plan.cautions.push(match searched {
                0 => format!("nothing was searched: nothing is found by {} until somebody names it", named_so(&plan)),
                _ => format!("nobody of {} was found in the {searched} places searched", named_so(&plan)),
            });
        }
        if person
            .as_ref()
            .is_some_and(|p| p.identifiers.iter().any(|r| r.origin == Origin::Given && r.known.given.has_outer_blank()))
        {
            plan.cautions
                .push("an identifier that was given begins or ends with a blank: it is taken as it is written".to_owned());
        }
        plan.cautions.extend(said_of_queries(&request));
        if request.kind().changes_records() {
            plan.cautions.extend(many_parents(&map, &walked));
        }
        let may_be_held_as = may_be_held_as(&map, &request, &walked, (person.as_ref(), &plan.unsearched))?;
        let mut numbers = Vec::new();
        let mut items = Vec::new();
        for (number, found) in &walked {
            let producer = map.producer(&found.producer);
            let producer = producer.ok_or_else(|| EngineError::internal(format!("{} is not in its data map", found.producer)))?;
            let store = map.stores.get(&producer.store).ok_or_else(|| EngineError::internal("a store is not in its data map"))?;
            let nothing = found.records == 0 && found.kept.is_empty();
            let said = found.cautions.iter().filter(|_| producer.is_declared() || !nothing);
            plan.cautions.extend(said.map(|c| format!("{}: {c}", producer.name)));
            if found.records == 0 {
                continue;
            }
            plan.steps.push(PlannedStep {
                producer: producer.name.clone(),
                category: producer.category.clone(),
                batches: found.parts,
                records: found.records,
                bytes: found.bytes,
                parts_digest: found.parts_digest.clone(),
                found_through: found.found_through.clone(),
                found_late: found.found_late,
            });
            let step = StepItem {
                producer: producer.name.clone(),
                category: producer.category.clone(),
                batches: found.parts,
                records: found.records,
                bytes: found.bytes,
                method: found.method,
                pool: store.connector.worker_pool(),
                backup: producer.backup,
                hide_batches: 0,
                staying: found.staying,
                hide_records: 0,
                restore_batches: 0,
                restore_records: 0,
                purge_batches: 0,
                purge_records: 0,
                failed_batches: 0,
                counts: Counts::default(),
                key_destroyed: false,
                error: None,
            };
            numbers.push(*number);
            items.push((step_key(&partition, round, *number), to_item(&step)?));
        }
        if request.state.phase == Phase::Verifying && plan.records() == 0 {
            return self.complete(&request, &plan).await;
        }
        if request.state.phase == Phase::Discovering
            && request.execution.round > 0
            && self.same_content(&request, &plan, &walked).await?
        {
            return self.keep_plan(&request, may_be_held_as).await;
        }
        items.push((plan_key(&partition, round), to_item(&plan)?));
        // A worker that slept must not write counters back to zero once the plan is being executed.
        for items in items.chunks(WRITTEN_TOGETHER) {
            let mut writes = Core::unchanged(&request);
            writes.extend(items.iter().map(|(key, item)| Write::Put { key: key.clone(), item: item.clone(), when: vec![] }));
            self.core.ports.table.transact(writes).await?;
        }
        self.submit_plan_for_review(&request, &plan, (numbers, may_be_held_as)).await
    }

    /// Puts the plan before a reviewer.
    async fn submit_plan_for_review(
        &self,
        request: &RequestItem,
        plan: &Plan,
        (numbers, may_be_held_as): (Vec<u32>, BTreeSet<(Category, Category)>),
    ) -> Result<()> {
        let late = request.state.phase == Phase::Verifying;
        // Nobody but a reviewer can say whether an ambiguous identifier is the person's, and nobody alone; of an export that
        // goes before an erasure, the erasure's has.
        let of_itself = request.kind().copies_records() && request.prior_to().is_none();
        let unclear = of_itself && (plan.unclear().next().is_some() || request.execution.sealed_named.is_some());
        let reviewed = unclear || request.rules().needs_decision(&self.core, request, plan.records()).await?;
        let step = match (reviewed, late) {
            (true, true) => Event::LateArrivals,
            (true, false) => Event::Planned,
            (false, _) => Event::DecisionNotNeeded,
        };
        let mut after = self.core.moved(request, step)?;
        if let Ok(export) = after.export_mut() {
            export.reviewed = reviewed;
        }
        let first = request.execution.round == 0;
        let nobody = plan.records() == 0 && plan.kept.is_empty();
        after.execution.found_nobody = nobody && (first || request.execution.found_nobody);
        after.execution.round = plan.round;
        after.execution.seeking = None;
        after.execution.seeking_map = None;
        after.execution.map_version = plan.map_version;
        after.execution.plan_digest = Some(plan.digest());
        after.execution.planned_at = Some(plan.discovered_at);
        after.execution.execution_id = None;
        after.execution.decided_at = None;
        after.execution.steps = numbers;
        after.execution.may_be_held_as = may_be_held_as;
        after.execution.current_step = 0;
        let mut event =
            self.core.transition_event(&after, if late { EventType::LateArrivalsFound } else { EventType::PlanCreated }, None);
        event.details.insert("plan_digest".to_owned(), plan.digest().to_string().into());
        event.details.insert("records".to_owned(), plan.records().into());
        event.exclusions = exclusions(&plan.kept, &request.execution.exclusions, &plan.unsearched);
        let transaction = self.core.write_request(request, &after, Some(event))?;
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        let next = (!reviewed).then(|| Envelope::now(Core::advance_message(&after)));
        self.core.notify_workers(&after, next).await
    }

    /// Nobody goes on looking whether anything is left. What was to be looked at is named as not looked at; but where a later
    /// round was not carried out, its own look was the last.
    pub(super) async fn complete_without_looking(&self, request: &RequestItem) -> Result<()> {
        let planned = self.core.plan_of(request).await?;
        let mut plan = if request.execution.unverified {
            self.unverified(request, planned).await?
        } else {
            let planned = planned.ok_or_else(|| EngineError::internal("the plan of a round is gone"))?;
            Plan { round: request.execution.seeking.unwrap_or(planned.round), steps: vec![], ..planned }
        };
        let (_, holds) = self.core.evaluate_holds(request).await?;
        if let Some(closing) = &request.execution.closing {
            for kept in &mut plan.kept {
                if matches!(kept.why, KeptBecause::Hold { hold } if !holds.has(&hold)) {
                    kept.why = closing.clone();
                }
            }
        }
        plan.kept.extend(self.left_by_round(request, &holds).await?);
        self.complete(request, &plan).await
    }

    /// What a round that is not carried out was to erase, and did not.
    async fn left_by_round(&self, request: &RequestItem, holds: &HoldView) -> Result<Vec<Kept>> {
        let Some(why) = &request.execution.closing else { return Ok(vec![]) };
        let partition = request_partition(&request.organization, &request.id);
        let mut left = Vec::new();
        for item in self.core.query_all(control_query(&partition, &step_prefix(request.execution.round))).await? {
            let step: StepItem = from_item(item)?;
            // No look of its own names what was retained while it was carried out.
            let records = step.records.saturating_sub(step.counts.ended() - step.counts.retained);
            if records == 0 {
                continue;
            }
            let excluded = request.execution.exclusions.iter().find(|e| e.category == step.category);
            let excluded = excluded.map(|e| KeptBecause::Excluded { until: e.retention_until });
            let held = holds.on(&step.category).map(|hold| KeptBecause::Hold { hold });
            left.push(Kept {
                producer: step.producer,
                category: step.category,
                records,
                bytes: step.bytes.saturating_sub(step.counts.bytes),
                why: held.or(excluded).unwrap_or_else(|| why.clone()),
            });
        }
        Ok(left)
    }

    /// Everything that was to be looked at, as not looked at.
    async fn unverified(&self, request: &RequestItem, approved: Option<Plan>) -> Result<Plan> {
        let map = self.core.map_version(&request.organization, request.execution.map_version).await?;
        // A look that was never made would have searched by what the plan went by.
        let round = request.execution.seeking.unwrap_or(request.execution.round);
        let planned = self.core.person_of(request, request.execution.round).await?;
        let sought = self.core.person_of(request, round).await?;
        let mut unsearched = self.unsearched_by(request, &map, sought.as_ref().or(planned.as_ref()), &[]).await?;
        // What would have been looked at in part was not looked at either.
        let scope = scope_of(&map, AskedScope::of(request), &request.execution.exclusions);
        unsearched.retain(|u| u.why == UnsearchedBecause::NoIdentifier || !scope.contains_key(&u.producer));
        let reason = match request.execution.closing {
            Some(_) => "the request was cancelled, and nobody looked again",
            None => "the look that verifies failed, and somebody went on without it",
        };
        let why = UnsearchedBecause::Unusable { reason: reason.to_owned() };
        for name in scope.into_keys() {
            let unnamed = |p: &&Producer| p.is_declared() && unsearched.iter().all(|u| u.producer != p.name);
            let Some(producer) = map.producer(&name).filter(unnamed) else { continue };
            unsearched.push(Unsearched { producer: name, category: producer.category.clone(), why: why.clone() });
        }
        let (identifiers, identifiers_incomplete) = self.identified_by(request, planned.as_ref()).await?;
        Ok(Plan {
            round,
            identifiers,
            identifiers_incomplete,
            map_version: request.execution.map_version,
            discovered_at: self.core.now(),
            steps: vec![],
            kept: approved.map(|p| p.kept).unwrap_or_default(),
            unsearched,
            unasked: vec![],
            cautions: vec![],
        })
    }

    /// The second look found nothing more to erase.
    async fn complete(&self, request: &RequestItem, plan: &Plan) -> Result<()> {
        let remains = Remains::new(plan, &request.execution.exclusions, &request.execution.counts);
        let clean = remains.all_asked_is_gone(request.kind() == RequestKind::PartialErasure);
        let mut after = self.core.moved(request, if clean { Event::VerifiedClean } else { Event::VerifiedWithExceptions })?;
        after.finished_at = Some(self.core.now());
        after.execution.verified = Some(plan.round);
        after.due(self.core.now());
        // Whoever cancels does not want it opened again.
        let deferring = if request.execution.abandoned { vec![] } else { self.deferring(request, plan).await? };
        if let Ok(erasure) = after.erasure_mut() {
            erasure.deferred_by = deferring;
        }
        let mut event = self.core.transition_event(&after, EventType::RequestCompleted, None);
        event.data_erased =
            DataErased { documents: request.execution.counts.erased, vectors: 0, size_bytes: request.execution.counts.bytes };
        if !request.execution.unverified {
            let looked = if request.execution.closing.is_some() { plan.discovered_at } else { self.core.now() };
            event.details.insert("verified_at".to_owned(), looked.to_string().into());
        }
        event.details.insert("already_absent".to_owned(), request.execution.counts.already_absent.into());
        event.details.insert("uncertain".to_owned(), request.execution.counts.uncertain.into());
        let partition = request_partition(&request.organization, &request.id);
        let claims = self.core.claims(request, &after, plan, &remains).await?;
        event.exclusions = claims.exclusions();
        for (what, records) in [("restored", remains.restored), ("conflicts", remains.conflicts), ("failed", remains.failed)] {
            event.details.insert(what.to_owned(), records.into());
        }
        let ambiguous: Vec<&str> = remains.ambiguous.iter().map(|i| i.label.as_str()).collect();
        if !ambiguous.is_empty() {
            event.details.insert("ambiguous_identifiers".to_owned(), ambiguous.into());
        }
        if remains.identifiers_incomplete {
            event.details.insert("identifiers_incomplete".to_owned(), true.into());
        }
        event.details.insert("claims_sha256".to_owned(), claims.digest().into());
        let claims_value = serde_json::to_value(&claims).map_err(|_| EngineError::internal("claims do not serialize"))?;
        let verified = plan_key(&partition, plan.round);
        let transaction: Transaction = self.core.write_request(request, &after, Some(event))?.put(verified, plan, vec![])?.put(
            claims_key(&partition),
            &plain_item([("claims", claims_value)]),
            vec![],
        )?;
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        self.core.notify_workers(&after, Some(Envelope::now(Core::advance_message(&after)))).await
    }

    /// The holds that keep some of it: the one that the plan names for each, and whatever else is in force on the same.
    async fn deferring(&self, request: &RequestItem, plan: &Plan) -> Result<Vec<HoldId>> {
        let mut deferring = BTreeSet::new();
        if request.execution.unverified {
            // Nobody looked what a hold keeps, or kept since the plan: whatever is in force may.
            let (_, in_force) = self.core.evaluate_holds(request).await?;
            deferring.extend(plan.unsearched.iter().flat_map(|u| in_force.all_on(&u.category).collect::<Vec<_>>()));
        }
        let named = |k: &&Kept| matches!(k.why, KeptBecause::Hold { .. });
        if plan.kept.iter().any(|k| named(&k)) {
            let (_, in_force) = self.core.evaluate_holds(request).await?;
            for kept in plan.kept.iter().filter(named) {
                deferring.extend(if let KeptBecause::Hold { hold } = kept.why { Some(hold) } else { None });
                deferring.extend(in_force.all_on(&kept.category));
            }
        }
        Ok(deferring.into_iter().collect())
    }

    /// By which identifiers a round knew the person, and whether there may be more.
    async fn identified_by(&self, request: &RequestItem, person: Option<&Person>) -> Result<(Vec<PlannedIdentifier>, bool)> {
        let Some(person) = person else { return Ok((vec![], true)) };
        let opening = self.core.opening(request).await?.and_then(|o| <[u8; 32]>::try_from(o).ok());
        let opening = opening.ok_or_else(|| EngineError::internal("the opening is gone"))?;
        let commitments: Vec<String> = person.identifiers.iter().map(|r| commitment(&opening, r.known.normal.expose())).collect();
        Ok((PlannedIdentifier::of(person, &commitments), person.incomplete))
    }

    /// What this round did not look at, or only in part, or could not look at.
    async fn unsearched_by(
        &self,
        request: &RequestItem,
        map: &DataMap,
        person: Option<&Person>,
        walked: &[(u32, DiscoveryItem)],
    ) -> Result<Vec<Unsearched>> {
        let asked = AskedScope::of(request);
        let in_scope = scope_of(map, asked, &request.execution.exclusions);
        let mut all = missed(map, asked, person, &in_scope, walked)?;
        all.extend(self.dropped(request, map).await?);
        Ok(all)
    }

    /// The saved queries of an export that this round does not ask, or not by everything.
    async fn unasked_of(&self, request: &RequestItem, map: &DataMap) -> Result<Vec<Unasked>> {
        let unasked = self.core.unasked_queries(request, map).await?.into_iter();
        Ok(unasked.map(|(query, why)| Unasked { query: query.name, category: query.category, why }).collect())
    }

    /// Producers of which an earlier look found something to erase, and that the data map does not have any more: no
    /// later look, that which verifies among them, sees what became of it.
    async fn dropped(&self, request: &RequestItem, map: &DataMap) -> Result<Vec<Unsearched>> {
        let mut dropped = BTreeMap::new();
        let partition = request_partition(&request.organization, &request.id);
        let looks = request.execution.seeking.filter(|_| request.kind().changes_records()).unwrap_or_default();
        for round in 1..looks {
            for (number, walk) in self.walked(&partition, round).await? {
                if walk.records == 0 || map.producer(&walk.producer).is_some() {
                    continue;
                }
                let step: Option<StepItem> = self.core.find(step_key(&partition, round, number)).await?;
                dropped.extend(step.map(|s| (s.producer, s.category)));
            }
        }
        let why = UnsearchedBecause::Unusable { reason: "the data map does not name it any more".to_owned() };
        let named = dropped.into_iter().map(|(producer, category)| Unsearched { producer, category, why: why.clone() });
        Ok(named.collect())
    }

    /// Whether a repeated look found what was approved: the same records of the same producers, apart from what the
    /// reviewer left out, by a data map that says the same, and nothing less well searched.
    async fn same_content(&self, request: &RequestItem, plan: &Plan, walked: &[(u32, DiscoveryItem)]) -> Result<bool> {
        let Some(approved) = self.core.plan_of(request).await?.filter(|_| request.execution.execution_id.is_some()) else {
            return Ok(false);
        };
        let map = self.core.map_version(&request.organization, approved.map_version).await?;
        let same_person =
            approved.identifiers == plan.identifiers && approved.identifiers_incomplete == plan.identifiers_incomplete;
        if !same_person
            || approved.unsearched != plan.unsearched
            || approved.unasked != plan.unasked
            || map != self.core.map_version(&request.organization, plan.map_version).await?
        {
            return Ok(false);
        }
        let partition = request_partition(&request.organization, &request.id);
        let before = self.walked(&partition, request.execution.round).await?;
        let left_out = |name: &ProducerName| map.producer(name).is_some_and(|p| request.leaves_out(&p.category));
        let content = |walked: &[(u32, DiscoveryItem)]| -> Vec<(ProducerName, u64, String)> {
            let going = walked.iter().filter(|(_, w)| w.records > 0 && !left_out(&w.producer));
            going.map(|(_, w)| (w.producer.clone(), w.records, w.content.clone())).collect()
        };
        Ok(content(&before) == content(walked))
    }

    /// The repeated look found what the plan has: the approval stands.
    async fn keep_plan(&self, request: &RequestItem, may_be_held_as: BTreeSet<(Category, Category)>) -> Result<()> {
        let mut after = self.core.moved(request, Event::PlanConfirmed)?;
        after.execution.seeking = None;
        after.execution.seeking_map = None;
        after.execution.planned_at = Some(self.core.now());
        // A record may say more of itself than it did.
        after.execution.may_be_held_as = may_be_held_as;
        let event = self.core.transition_event(&after, EventType::PlanConfirmed, None);
        let transaction = self.core.write_request(request, &after, Some(event))?;
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        self.core.notify_workers(&after, Some(Envelope::now(Core::advance_message(&after)))).await
    }
}
