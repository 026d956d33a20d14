//! One producer, from the first selection to the last page, checkpointed after every manifest part.

use crate::{
    EngineError, Result,
    core::{is_within, telling_fields, today},
    crypt,
    discovery::{
        Discovery,
        claim::passed_over,
        sorting::{Position, Walk, fingerprint},
        sources::{Parents, Part, Run, Source},
        staying::Staying,
    },
    items::{BatchItem, DiscoveryItem, StepItem, batch_key, discovery_key, numbered, step_key},
    manifest::{self, ManifestRecord},
    ports::{Found, Query, Range, RecordRef, Selector, StoreError, TableName, Way},
    transaction::{Transaction, equals},
};
use data_encoding::HEXLOWER;
use futures::future::join_all;
use jiff::Timestamp;
use oubli_domain::{
    batch::{BatchState, RecordOutcome},
    datamap::{Producer, SelectBy, Selection},
    ids::ProducerName,
    plan::chain_part,
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

/// Parents asked for their children at the same time.
const TOGETHER: usize = 16;

/// Records of an earlier manifest read again at the same time.
const AGAIN: usize = 100;

/// How far a walk got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walked {
    /// To the end.
    Done,
    /// Until the worker's time was used up; it goes on from the checkpoint.
    Paused,
    /// Somebody else is at it.
    Busy,
}

/// What ends a walk before its end.
enum Stopped {
    Engine(EngineError),
    Store(StoreError),
}

impl From<EngineError> for Stopped {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Discovery {
    /// Walks one producer, from where it was left.
    pub(super) async fn walk(&self, run: &Run, producer: &Producer) -> Result<Walked> {
        let step = run.step_of(&producer.name)?;
        let store = run.map.stores.get(&producer.store).ok_or_else(|| EngineError::internal("a store is not in its data map"))?;
        let connector = self.core.ports.stores.connector(&producer.store, store)?;
        let Some(item) = self.claim_walk(run, producer, step, connector.as_ref()).await? else { return Ok(Walked::Busy) };
        if item.done {
            return Ok(Walked::Done);
        }
        let position = match &item.sealed_position {
            Some(sealed) => serde_json::from_slice(&crypt::open(&run.key, "position", sealed)?)
                .map_err(|_| EngineError::internal("a position cannot be read"))?,
            None => Position::default(),
        };
        let children_fields = run.fields_for_children(&producer.name);
        let told_by: Vec<&Selection> = if producer.show_only.is_empty() { vec![] } else { producer.select.iter().collect() };
        let mut lead_fields = if run.stays_with_parent(producer) { link_fields(producer) } else { vec![] };
        let within = run.map.ways_within(producer);
        let duties = run.map.duties(producer);
        let sharing = if run.compared.contains(&producer.name) { run.map.sharing_with(producer) } else { vec![] };
        let others = if sharing.is_empty() { vec![] } else { run.map.other_ways(producer) };
        lead_fields.extend(others.iter().flat_map(|other| other.way.telling_fields()).map(str::to_owned));
        let theirs = sharing.iter().flat_map(|other| &other.select);
        let mut fields = telling_fields(&duties, within.iter().flatten().copied().chain(told_by).chain(theirs));
        fields.extend(children_fields.iter().chain(&lead_fields).cloned());
        fields.extend(run.fields_telling_whose(producer));
        fields.sort();
        fields.dedup();
        let mut walk = Walk {
            run,
            producer,
            step,
            connector,
            item,
            position,
            fields,
            duties,
            within,
            sharing,
            children_fields,
            lead_fields,
            binds: run.binds(producer),
            unclear: BTreeSet::new(),
            staying: Staying::default(),
            today: today(self.core.now(), &run.time_zone)?,
            buffer: Vec::new(),
            buffered: 0,
            met: (0, 0),
            seen: None,
            again: HashSet::new(),
            restored: HashSet::new(),
            failures: HashMap::new(),
        };
        self.remember(&mut walk).await?;
        match self.walk_sources(&mut walk).await {
            Ok(walked) => Ok(walked),
            Err(Stopped::Engine(error)) => Err(error),
            Err(Stopped::Store(error)) => {
                self.pass_over(&walk, passed_over(run, producer, error)?).await?;
                Ok(Walked::Done)
            }
        }
    }

    /// What was found before the checkpoint, where a record could be found twice; and what was restored or could not be
    /// handled before. One part of a manifest is held at a time, and of its records only their fingerprints stay.
    async fn remember(&self, walk: &mut Walk<'_>) -> Result<()> {
        let run = walk.run;
        if !run.may_repeat(walk.producer) {
            return Ok(());
        }
        let seen = self.found_so_far(run, walk.step).await?;
        for part in run.before(&walk.producer.name) {
            if !self.anything_stayed(run, part).await? {
                continue;
            }
            for n in 0.. {
                let Some((batch, records)) = self.part(run, part, n).await? else { break };
                let outcomes = batch.outcomes.as_ref().map(|o| o.as_slice().to_vec()).unwrap_or_default();
                let going = records.iter().filter(|r| !r.kept);
                for (record, outcome) in going.zip(outcomes) {
                    let mark = || fingerprint(&run.opening, &record.record);
                    match outcome {
                        RecordOutcome::Restored => drop(walk.restored.insert(mark())),
                        RecordOutcome::Failed => *walk.failures.entry(mark()).or_default() += 1,
                        _ => {}
                    }
                }
            }
        }
        walk.seen = Some(seen);
        Ok(())
    }

    /// What this round's manifest has of a producer.
    pub(super) async fn found_so_far(&self, run: &Run, step: u32) -> Result<HashSet<[u8; 16]>> {
        let mut seen = HashSet::new();
        let now = Part { round: run.round, step };
        for n in 0.. {
            let Some((_, records)) = self.part(run, now, n).await? else { break };
            seen.extend(records.iter().map(|r| fingerprint(&run.opening, &r.record)));
        }
        Ok(seen)
    }

    async fn anything_stayed(&self, run: &Run, part: Part) -> Result<bool> {
        let step: Option<StepItem> = self.core.find(step_key(&run.partition, part.round, part.step)).await?;
        Ok(step.is_some_and(|s| s.counts.restored + s.counts.failed > 0))
    }

    /// A producer's n-th part of a round's manifest; none after the last.
    async fn part(&self, run: &Run, of: Part, n: u32) -> Result<Option<(BatchItem, Vec<ManifestRecord>)>> {
        let Some(key) = run.key_of(of.round) else { return Ok(None) };
        let found: Option<BatchItem> = self.core.find(batch_key(&run.partition, of.round, of.step, n)).await?;
        let Some(batch) = found else { return Ok(None) };
        let records = manifest::read(&self.core.ports, key, &batch.part, &batch.part_sha256).await?;
        Ok(Some((batch, records)))
    }

    async fn walk_sources(&self, walk: &mut Walk<'_>) -> Result<Walked, Stopped> {
        let run = walk.run;
        let unclear = self.unclear_parents(run, walk.producer).await?;
        let sources = run.sources(walk.producer, &unclear)?;
        walk.unclear = unclear;
        walk.staying = self.staying_parents(walk, &sources).await?;
        while let Some(source) = sources.get(walk.position.source) {
            let done = match source {
                Source::Identity { way, but, via, tried_otherwise } => {
                    let bounded = way.selection.looks_at_others();
                    if bounded {
                        self.begin_bounded(walk).await?;
                    }
                    match self.walk_identity(walk, (*way, but), *via, *tried_otherwise).await {
                        Err(Stopped::Store(error @ StoreError::TooLarge { .. })) if bounded => {
                            self.leave_bounded(walk, passed_over(run, walk.producer, error)?).await?;
                            true
                        }
                        walked => walked?,
                    }
                }
                Source::Parent { selection, field, parents, which } => {
                    self.walk_parents(walk, (selection, field), *parents, *which).await?
                }
                Source::Again(part) => self.walk_again(walk, *part).await?,
            };
            if !done {
                self.checkpoint(walk, true, false).await?;
                return Ok(Walked::Paused);
            }
            let next = walk.position.source + 1;
            let goes_on = sources.get(next).is_some_and(|next| next.is_of_the_same_selection(source));
            let looked = walk.position.looked.take().filter(|_| goes_on);
            // Values of one selection are looked for within one bound, and taken back together.
            walk.item.before = walk.item.before.take().filter(|_| looked.is_some());
            walk.position = Position { source: next, looked, ..Position::default() };
        }
        self.checkpoint(walk, true, true).await?;
        Ok(Walked::Done)
    }

    /// Parents that a producer's records stay with, and of which some could not be looked at in this round: how these stand is
    /// not known.
    async fn unclear_parents(&self, run: &Run, producer: &Producer) -> Result<BTreeSet<ProducerName>> {
        if !run.stays_with_parent(producer) {
            return Ok(BTreeSet::new());
        }
        let walked = self.walked(&run.partition, run.round).await?.into_iter().map(|(_, item)| item);
        let unclear = walked.filter(|item| item.unsearched.is_some() || !item.refused.is_empty());
        Ok(unclear.map(|item| item.producer).collect())
    }

    /// What the parents that stay lead to.
    async fn staying_parents(&self, walk: &Walk<'_>, sources: &[Source<'_>]) -> Result<Staying> {
        let mut staying = Staying::default();
        for (place, selection) in walk.producer.select.iter().enumerate() {
            let SelectBy::Parent { field, .. } = selection.by() else { continue };
            for source in sources {
                let Source::Parent { selection: by, parents, which: Parents::Staying, .. } = source else { continue };
                if *by != selection {
                    continue;
                }
                for n in 0.. {
                    let Some((_, parents)) = self.part(walk.run, *parents, n).await? else { break };
                    for (parent, why) in parents.iter().filter_map(|parent| Some((parent, parent.binds.as_ref()?))) {
                        parent.fields.all(field).iter().for_each(|value| staying.add((place, selection), value, why));
                    }
                }
            }
        }
        Ok(staying)
    }

    fn out_of_time(&self, walk: &Walk<'_>) -> bool {
        self.core.now().as_millisecond() >= walk.run.stop_at
    }

    async fn walk_identity(
        &self,
        walk: &mut Walk<'_>,
        (way, but): (Way<'_>, &[Way<'_>]),
        via: u32,
        tried_otherwise: bool,
    ) -> Result<bool, Stopped> {
        loop {
            let fields = walk.fields.clone();
            let selector = Selector { way, fields: &fields, but };
            let after = walk.position.cursor.clone().or_else(|| walk.position.looked.clone());
            let page = match walk.connector.discover(walk.producer, selector, after.as_ref(), walk.room()).await {
                Ok(page) => page,
                Err(StoreError::Record { reason, .. }) => {
                    // Its normal form is what the store can compare with.
                    if !tried_otherwise {
                        walk.refuse(reason);
                    }
                    return Ok(true);
                }
                Err(error) => return Err(error.into()),
            };
            walk.take(page.records, via, way.selection, None);
            walk.position.cursor = page.next;
            walk.position.looked = page.looked.or(walk.position.looked.take());
            let more = walk.position.cursor.is_some();
            if !more {
                return Ok(true);
            }
            self.checkpoint(walk, false, false).await?;
            if self.out_of_time(walk) {
                return Ok(false);
            }
        }
    }

    /// Children of every parent in a round's manifest, several parents at a time.
    async fn walk_parents(
        &self,
        walk: &mut Walk<'_>,
        (selection, field): (&Selection, &str),
        of: Part,
        which: Parents,
    ) -> Result<bool, Stopped> {
        let run = walk.run;
        let others = run.map.more_specific(walk.producer, selection);
        while let Some((_, parents)) = self.part(walk.run, of, walk.position.part).await? {
            // Also by the look that verifies: the parents may be gone then.
            if walk.position.is_at_the_start_of_a_part() {
                for _ in parents.iter().filter(|parent| which.are(parent) && parent.fields.is_unreadable(field)) {
                    walk.refuse(format!("{field} holds what is no text or number where this is found through it"));
                }
            }
            loop {
                let fields = walk.fields.clone();
                let room = walk.room();
                let first = walk.position.cursor.clone();
                let nobody = &walk.run.map.nobody;
                // A word that is nobody may be written as an object's address, too.
                let of_nobody: Vec<Way<'_>> = nobody.iter().map(|value| Way { selection, value }).collect();
                let together = if first.is_some() { 1 } else { TOGETHER.min(room) };
                // An empty value would select everything or nothing: it selects nothing.
                let these = parents.iter().enumerate().skip(walk.position.record).filter(|(_, parent)| which.are(parent));
                let values = these.flat_map(|(record, parent)| {
                    let values = parent.fields.all(field).iter().enumerate();
                    let values = values.filter(|(_, text)| !text.is_empty() && !nobody.contains(text));
                    values.map(move |(value, text)| ((record, value), text.as_str(), parent))
                });
                let begin = (walk.position.record, walk.position.value);
                let chunk: Vec<_> = values.filter(|(place, ..)| *place >= begin).take(together).collect();
                if chunk.is_empty() {
                    break;
                }
                // They share the room: what all of them bring still fits.
                let share = room / chunk.len();
                let producer = walk.producer;
                let connector = Arc::clone(&walk.connector);
                let pages = join_all(chunk.iter().map(|(_, value, _)| {
                    let way = Way { selection, value };
                    let (connector, first, fields) = (&connector, first.as_ref(), &fields);
                    let (others, of_nobody) = (&others, &of_nobody);
                    async move {
                        let theirs = others.iter().map(|selection| Way { selection, value: way.value });
                        let but: Vec<Way<'_>> = theirs.chain(of_nobody.iter().copied()).collect();
                        let selector = Selector { way, fields, but: &but };
                        connector.discover(producer, selector, first, share).await
                    }
                }))
                .await;
                for (page, ((record, value), _, parent)) in pages.into_iter().zip(chunk) {
                    let page = match page {
                        Ok(page) => page,
                        Err(StoreError::Record { reason, .. }) => {
                            walk.refuse(reason);
                            Default::default()
                        }
                        Err(error) => return Err(error.into()),
                    };
                    let stays_with = parent.binds.as_ref().filter(|_| which == Parents::Staying);
                    walk.take(page.records, parent.via, selection, stays_with);
                    walk.position.record = record;
                    walk.position.cursor = page.next;
                    if walk.position.cursor.is_some() {
                        walk.position.value = value;
                        break;
                    }
                    walk.position.value = value + 1;
                }
                self.checkpoint(walk, false, false).await?;
                if self.out_of_time(walk) {
                    return Ok(false);
                }
            }
            walk.position = Position { source: walk.position.source, part: walk.position.part + 1, ..Position::default() };
        }
        Ok(true)
    }

    /// Every record of an earlier round's manifest, read again consistently: indexes may lag.
    async fn walk_again(&self, walk: &mut Walk<'_>, part: Part) -> Result<bool, Stopped> {
        while let Some((_, records)) = self.part(walk.run, part, walk.position.part).await? {
            while let Some(rest) = records.get(walk.position.record..).filter(|rest| !rest.is_empty()) {
                let some = rest.iter().take(AGAIN.min(walk.room()));
                let read = some.len();
                let new: Vec<&ManifestRecord> = some.filter(|r| !r.anothers && walk.is_new(&r.record)).collect();
                let vias: Vec<u32> = new.iter().map(|r| r.via).collect();
                // It may have been found by another map.
                let refs: Vec<RecordRef> = new.into_iter().map(|r| RecordRef { selection: None, ..r.record.clone() }).collect();
                let fields = walk.fields.clone();
                let mut standing: Vec<(Found, u32)> = Vec::new();
                for (read, via) in walk.connector.reread(walk.producer, &refs, &fields).await.into_iter().zip(vias) {
                    match read {
                        Ok(found) => standing.extend(found.map(|found| (found, via))),
                        Err(StoreError::Record { reason, .. }) => walk.refuse(reason),
                        Err(error) => return Err(error.into()),
                    }
                }
                // What has become a more specific producer's since is found as that.
                standing.retain(|(found, _)| !is_within(&walk.within, &found.record, &found.fields));
                for (found, via) in standing {
                    walk.take_one(found, via, None);
                }
                walk.position.record += read;
                self.checkpoint(walk, false, false).await?;
                if self.out_of_time(walk) {
                    return Ok(false);
                }
            }
            walk.position = Position { source: walk.position.source, part: walk.position.part + 1, ..Position::default() };
        }
        Ok(true)
    }

    /// Writes what is buffered as a part, if it is enough or if it must be, with the place to go on from.
    pub(super) async fn checkpoint(&self, walk: &mut Walk<'_>, flush: bool, done: bool) -> Result<()> {
        if !walk.is_full() && !flush {
            return Ok(());
        }
        let run = walk.run;
        let mut after = walk.item.clone();
        let mut batches = Vec::new();
        for part in walk.parts() {
            let name = manifest::part_name(&run.partition, run.round, walk.step, after.parts, after.fence);
            let digest = manifest::write(&self.core.ports, &run.key, &name, part).await?;
            let batch = planned(part, name, &digest);
            after.records += u64::from(batch.records);
            after.staying += u32::from(batch.state == BatchState::Skipped);
            after.bytes += batch.bytes;
            after.parts_digest = chain_part(&after.parts_digest, &digest);
            batches.push((batch_key(&run.partition, run.round, walk.step, after.parts), batch));
            after.parts += 1;
        }
        after.content = walk.content(&after.content);
        walk.count_found_through(&mut after.found_through);
        after.found_late += walk.found_late();
        after.attempts = 0;
        after.done = done;
        after.sealed_position = Some(self.sealed_position(walk)?);
        let now = self.core.now();
        after.lease_until =
            if done || self.core.now().as_millisecond() >= run.stop_at { 0 } else { self.core.config.lease_until(now) };
        let key = discovery_key(&run.partition, run.round, walk.step);
        let mine = vec![equals("fence", walk.item.fence), equals("parts", walk.item.parts)];
        let mut transaction = Transaction::new().put(key, &after, mine)?;
        for (key, batch) in batches {
            transaction = transaction.put(key, &batch, vec![])?;
        }
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "discovery").await?;
        walk.item = after;
        walk.buffer.clear();
        walk.buffered = 0;
        Ok(())
    }

    /// The place to go on from.
    pub(super) fn sealed_position(&self, walk: &Walk<'_>) -> Result<String> {
        let position = serde_json::to_vec(&walk.position).map_err(|_| EngineError::internal("a position does not serialize"))?;
        crypt::seal(&walk.run.key, self.core.ports.entropy.as_ref(), "position", &position)
    }

    /// What each producer's walk found, with its step's number.
    pub(super) async fn walked(&self, partition: &str, round: u32) -> Result<Vec<(u32, DiscoveryItem)>> {
        let query = Query::new(TableName::Control, partition.to_owned(), Range::Prefix(format!("discovery#{round:03}#")));
        numbered(self.core.query_all(query).await?)
    }
}

/// The fields that tell by which value a record is found through another.
fn link_fields(producer: &Producer) -> Vec<String> {
    let through = producer.select.iter().filter(|way| matches!(way.by(), SelectBy::Parent { .. }));
    through.flat_map(Selection::telling_fields).map(str::to_owned).collect()
}

/// A batch that nobody has worked on yet.
fn planned(part: &[ManifestRecord], name: String, digest: &[u8; 32]) -> BatchItem {
    let going = part.iter().filter(|r| !r.kept);
    let (records, bytes) = going.fold((0_u32, 0_u64), |(n, b), r| (n + 1, b + r.bytes));
    BatchItem {
        state: if records == 0 { BatchState::Skipped } else { BatchState::Pending },
        fence: 0,
        lease_until: 0,
        claimed_from: None,
        attempts: 0,
        not_before: 0,
        turn_at: None,
        turn_run: None,
        part: name,
        part_sha256: HEXLOWER.encode(digest),
        records,
        bytes,
        outcomes: None,
        destroyed: None,
        bytes_destroyed: 0,
        vault_fence: 0,
        bytes_hidden: 0,
        hidden_at: None,
        conflict_at: None,
        failed_run: 0,
        restore_run: 0,
        unanswered: false,
        error: None,
    }
}

/// When a run began: the earliest of its walks.
pub(super) fn began(walked: &[(u32, DiscoveryItem)], otherwise: Timestamp) -> Timestamp {
    walked.iter().map(|(_, w)| w.began_at).min().unwrap_or(otherwise)
}
