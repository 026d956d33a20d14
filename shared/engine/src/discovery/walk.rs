//! One producer, from the first selection to the last page, checkpointed after every manifest part.

use super::{
    sorting::{Position, Walk, fingerprint},
    sources::{Run, Source},
};
use crate::{
    Engine, EngineError, Outcome, crypt,
    execution::{retention_fields, today},
    items::{BatchItem, DiscoveryItem, StepItem, batch_key, discovery_key, from_item, step_key},
    manifest::{self, ManifestRecord},
    ports::{Condition, Found, Matched, Query, Range, RecordRef, Selector, TableName},
    transaction::{Committed, Transaction, equals},
};
use data_encoding::HEXLOWER;
use futures::future::try_join_all;
use jiff::Timestamp;
use oubli_domain::{
    batch::{BatchState, Outcome as Fate},
    datamap::{Producer, Selection},
    plan::chain_part,
};
use serde_json::Value;
use std::{collections::HashSet, sync::Arc};

/// A part closes at so many bytes of records: what it hides later is read and copied within one worker's time.
const PART_BYTES: u64 = 64 * 1024 * 1024;

/// Parents asked for their children at the same time.
const TOGETHER: usize = 16;

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

impl Engine {
    /// Walks one producer, from where it was left.
    pub(super) async fn walk(&self, run: &Run, producer: &Producer) -> Outcome<Walked> {
        let step = run.step_of(&producer.name);
        let Some(item) = self.claim_walk(run, producer, step).await? else { return Ok(Walked::Busy) };
        if item.done {
            return Ok(Walked::Done);
        }
        let store = run
            .map
            .stores
            .get(&producer.store)
            .ok_or_else(|| EngineError::Broken("a store is not in its data map".to_owned()))?;
        let connector = self.ports.stores.connector(&producer.store, store);
        let position = match &item.sealed_position {
            Some(sealed) => serde_json::from_slice(&crypt::open(&run.key, "position", sealed)?)
                .map_err(|_| EngineError::Broken("a position cannot be read".to_owned()))?,
            None => Position::default(),
        };
        let children_fields = run.fields_for_children(&producer.name);
        let mut fields = retention_fields(producer.retention.as_ref());
        fields.extend(children_fields.iter().cloned());
        let mut walk = Walk {
            run,
            producer,
            step,
            connector,
            item,
            position,
            fields,
            children_fields,
            today: today(self.now(), &run.time_zone)?,
            buffer: Vec::new(),
            buffered: 0,
            seen: None,
            restored: HashSet::new(),
        };
        self.remember(&mut walk).await?;
        self.walk_sources(&mut walk).await
    }

    async fn claim_walk(&self, run: &Run, producer: &Producer, step: u32) -> Outcome<Option<DiscoveryItem>> {
        let key = discovery_key(&run.partition, run.round, step);
        let found = self.ports.table.get_many(std::slice::from_ref(&key)).await?.pop().flatten();
        let now = self.now();
        let lease_until = self.config.lease_until(now);
        let (item, when) = match found {
            Some(found) => {
                let before: DiscoveryItem = from_item(found)?;
                if before.done {
                    return Ok(Some(before));
                }
                if before.lease_until > now.as_millisecond() {
                    return Ok(None);
                }
                // Sealed anew at every checkpoint: whoever claims takes over exactly what it read.
                let position = match &before.sealed_position {
                    Some(sealed) => equals("sealed_position", sealed.clone()),
                    None => Condition::Missing("sealed_position"),
                };
                let unchanged = vec![equals("fence", before.fence), position];
                (DiscoveryItem { fence: before.fence + 1, lease_until, ..before }, unchanged)
            }
            None => {
                let store = run
                    .map
                    .stores
                    .get(&producer.store)
                    .ok_or_else(|| EngineError::Broken("a store is not in its data map".to_owned()))?;
                let capabilities = self.ports.stores.connector(&producer.store, store).capabilities(producer, run.window).await?;
                let item = DiscoveryItem {
                    fence: 1,
                    lease_until,
                    done: false,
                    sealed_position: None,
                    parts: 0,
                    records: 0,
                    bytes: 0,
                    parts_digest: String::new(),
                    kept: vec![],
                    method: capabilities.hide,
                    cautions: capabilities.cautions,
                    content: HEXLOWER.encode(&[0; 16]),
                    began_at: now,
                };
                (item, vec![Condition::ItemAbsent])
            }
        };
        match Transaction::new().put(key, &item, when)?.commit(self.ports.table.as_ref()).await? {
            Committed::Yes => Ok(Some(item)),
            Committed::Refused => Ok(None),
        }
    }

    /// What was found before the checkpoint, where a record could be found twice; and what was restored before.
    async fn remember(&self, walk: &mut Walk<'_>) -> Outcome<()> {
        let run = walk.run;
        if !run.may_repeat(walk.producer) {
            return Ok(());
        }
        let mut seen = HashSet::new();
        for (_, records) in self.parts(run, run.round, walk.step, 0).await? {
            seen.extend(records.iter().map(|r| fingerprint(&run.opening, &r.record)));
        }
        for (round, _) in &run.earlier {
            if !self.anything_restored(run, *round, walk.step).await? {
                continue;
            }
            for (batch, records) in self.parts(run, *round, walk.step, 0).await? {
                let fates = batch.outcomes.as_ref().map(|o| o.as_slice().to_vec()).unwrap_or_default();
                let going = records.iter().filter(|r| !r.kept);
                let restored = going.zip(fates).filter(|(_, fate)| *fate == Fate::Restored).map(|(r, _)| r);
                walk.restored.extend(restored.map(|r| fingerprint(&run.opening, &r.record)));
            }
        }
        walk.seen = Some(seen);
        Ok(())
    }

    async fn anything_restored(&self, run: &Run, round: u32, step: u32) -> Outcome<bool> {
        let step: Option<StepItem> = self.find(step_key(&run.partition, round, step)).await?;
        Ok(step.is_some_and(|s| s.counts.restored > 0))
    }

    /// Manifest parts of a step, from one on.
    async fn parts(&self, run: &Run, round: u32, step: u32, from: u32) -> Outcome<Vec<(BatchItem, Vec<ManifestRecord>)>> {
        let mut parts = Vec::new();
        let mut n = from;
        while let Some((batch, records)) = self.part(run, round, step, n).await? {
            parts.push((batch, records));
            n += 1;
        }
        Ok(parts)
    }

    async fn part(&self, run: &Run, round: u32, step: u32, n: u32) -> Outcome<Option<(BatchItem, Vec<ManifestRecord>)>> {
        let Some(key) = run.key_of(round) else { return Ok(None) };
        let found: Option<BatchItem> = self.find(batch_key(&run.partition, round, step, n)).await?;
        let Some(batch) = found else { return Ok(None) };
        let records = manifest::read(&self.ports, key, &batch.part, &batch.part_sha256).await?;
        Ok(Some((batch, records)))
    }

    async fn walk_sources(&self, walk: &mut Walk<'_>) -> Outcome<Walked> {
        let run = walk.run;
        let sources = run.sources(walk.producer);
        while let Some(source) = sources.get(walk.position.source) {
            let done = match source {
                Source::Identity(selection, value, found_otherwise) => {
                    self.walk_identity(walk, selection, value, found_otherwise).await?
                }
                Source::Parent { selection, field, step, round } => {
                    self.walk_parents(walk, selection, field, *step, *round).await?
                }
                Source::Again { round } => self.walk_again(walk, *round).await?,
            };
            if !done {
                self.checkpoint(walk, true, false).await?;
                return Ok(Walked::Paused);
            }
            walk.position = Position { source: walk.position.source + 1, ..Position::default() };
        }
        self.checkpoint(walk, true, true).await?;
        Ok(Walked::Done)
    }

    fn out_of_time(&self, walk: &Walk<'_>) -> bool {
        self.now().as_millisecond() >= walk.run.stop_at
    }

    async fn walk_identity(
        &self,
        walk: &mut Walk<'_>,
        selection: &Selection,
        value: &str,
        found_otherwise: &[Matched],
    ) -> Outcome<bool> {
        loop {
            let fields = walk.fields.clone();
            let selector = Selector { selection, value, fields: &fields, found_otherwise };
            let after = walk.position.cursor.clone();
            let page = walk.connector.discover(walk.producer, selector, after.as_ref(), walk.room()).await?;
            walk.take(page.records);
            walk.position.cursor = page.next;
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
        selection: &Selection,
        field: &str,
        step: u32,
        round: u32,
    ) -> Outcome<bool> {
        while let Some((_, parents)) = self.part(walk.run, round, step, walk.position.part).await? {
            while walk.position.record < parents.len() {
                let fields = walk.fields.clone();
                let chunk: Vec<&str> = parents[walk.position.record..]
                    .iter()
                    .take(if walk.position.cursor.is_some() { 1 } else { TOGETHER })
                    .map(|p| p.fields.get(field).map_or("", String::as_str))
                    .collect();
                let first = walk.position.cursor.clone();
                let room = walk.room();
                let producer = walk.producer;
                let connector = Arc::clone(&walk.connector);
                let pages = try_join_all(chunk.iter().map(|value| {
                    let selector = Selector { selection, value, fields: &fields, found_otherwise: &[] };
                    let (connector, first) = (&connector, first.as_ref());
                    async move {
                        // An empty value would select everything or nothing: it selects nothing.
                        if value.is_empty() {
                            Ok(Default::default())
                        } else {
                            connector.discover(producer, selector, first, room).await
                        }
                    }
                }))
                .await?;
                for page in pages {
                    walk.take(page.records);
                    walk.position.cursor = page.next;
                    if walk.position.cursor.is_some() {
                        break;
                    }
                    walk.position.record += 1;
                }
                self.checkpoint(walk, false, false).await?;
                if self.out_of_time(walk) {
                    return Ok(false);
                }
            }
            walk.position = Position { source: walk.position.source, part: walk.position.part + 1, record: 0, cursor: None };
        }
        Ok(true)
    }

    /// Every record of an earlier round's manifest, read again consistently: indexes may lag.
    async fn walk_again(&self, walk: &mut Walk<'_>, round: u32) -> Outcome<bool> {
        while let Some((_, records)) = self.part(walk.run, round, walk.step, walk.position.part).await? {
            for chunk in records.chunks(100) {
                let refs: Vec<RecordRef> = chunk.iter().map(|r| r.record.clone()).collect();
                let fields = walk.fields.clone();
                let standing = walk.connector.reread(walk.producer, &refs, &fields).await;
                let standing: Vec<Option<Found>> = standing.into_iter().collect::<Result<_, _>>()?;
                walk.take(standing.into_iter().flatten().collect());
            }
            walk.position.part += 1;
            self.checkpoint(walk, false, false).await?;
            if self.out_of_time(walk) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes what is buffered as a part, if it is enough or if it must be, with the place to go on from.
    async fn checkpoint(&self, walk: &mut Walk<'_>, flush: bool, done: bool) -> Outcome<()> {
        let full = walk.buffer.len() >= walk.run.batch_size || walk.buffered >= PART_BYTES;
        if !full && !flush {
            return Ok(());
        }
        let run = walk.run;
        let mut after = walk.item.clone();
        let mut batch = None;
        if !walk.buffer.is_empty() {
            let name = manifest::part_name(&run.partition, run.round, walk.step, after.parts, after.fence);
            let digest = manifest::write(&self.ports, &run.key, &name, &walk.buffer).await?;
            let going = walk.buffer.iter().filter(|r| !r.kept);
            let (records, bytes) = going.fold((0_u32, 0_u64), |(n, b), r| (n + 1, b + r.bytes));
            batch = Some((
                after.parts,
                BatchItem {
                    state: if records == 0 { BatchState::Skipped } else { BatchState::Pending },
                    fence: 0,
                    lease_until: 0,
                    claimed_from: None,
                    attempts: 0,
                    not_before: 0,
                    part: name,
                    part_sha256: HEXLOWER.encode(&digest),
                    records,
                    bytes,
                    outcomes: None,
                    vault_fence: 0,
                    bytes_hidden: 0,
                    hidden_at: None,
                    conflict_at: None,
                    failed_run: 0,
                    restore_run: 0,
                    error: None,
                },
            ));
            after.parts += 1;
            after.records += u64::from(records);
            after.bytes += bytes;
            after.parts_digest = chain_part(&after.parts_digest, &digest);
            after.content = walk.content(&after.content);
        }
        after.done = done;
        let position =
            serde_json::to_vec(&walk.position).map_err(|_| EngineError::Broken("a position does not serialize".to_owned()))?;
        after.sealed_position = Some(crypt::seal(&run.key, self.ports.entropy.as_ref(), "position", &position)?);
        let now = self.now();
        after.lease_until = if done || self.now().as_millisecond() >= run.stop_at { 0 } else { self.config.lease_until(now) };
        let key = discovery_key(&run.partition, run.round, walk.step);
        let mine = vec![equals("fence", walk.item.fence), equals("parts", walk.item.parts)];
        let mut transaction = Transaction::new().put(key, &after, mine)?;
        if let Some((n, batch)) = &batch {
            transaction = transaction.put(batch_key(&run.partition, run.round, walk.step, *n), batch, vec![])?;
        }
        transaction.commit_or_overtaken(self.ports.table.as_ref(), "discovery").await?;
        walk.item = after;
        walk.buffer.clear();
        walk.buffered = 0;
        Ok(())
    }

    /// What each producer's walk found, with its step's number.
    pub(super) async fn walked(&self, partition: &str, round: u32) -> Outcome<Vec<(u32, DiscoveryItem)>> {
        let query = Query::new(TableName::Jobs, partition.to_owned(), Range::Prefix(format!("discovery#{round:03}#")));
        let number =
            |sk: Option<&Value>| sk.and_then(Value::as_str).and_then(|s| s.rsplit('#').next()).and_then(|n| n.parse().ok());
        let items = self.query_all(query).await?;
        items.into_iter().filter_map(|i| number(i.get("sk")).map(|n| Ok((n, from_item(i)?)))).collect()
    }
}

/// When a run began: the earliest of its walks.
pub(super) fn began(walked: &[(u32, DiscoveryItem)], otherwise: Timestamp) -> Timestamp {
    walked.iter().map(|(_, w)| w.began_at).min().unwrap_or(otherwise)
}
