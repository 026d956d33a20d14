//! What stays because something stays that it is found through, as that stands now: a plan may be days old.

use crate::{
    EngineError, Result,
    core::{duty_applies, in_one_spelling, is_found_otherwise, is_within, spellings_of_a_key, telling_fields, today},
    execution::{
        Execution,
        hide::read_together,
        worker::{Claimed, Stays},
    },
    items::{BatchItem, DiscoveryItem, batch_key, numbered},
    manifest::{self, ManifestRecord},
    ports::{Found, Query, Range, RecordRef, StoreError, TableName},
};
use futures::future::{BoxFuture, FutureExt as _};
use jiff::civil::Date;
use oubli_domain::datamap::{DataMap, OtherWay, Producer, SelectBy, Selection};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

/// Parents read at once, and their bytes as their stores counted them: as many as connectors ask for in several calls at a time.
const READ: (usize, u64) = (400, 32 * 1024 * 1024);

/// What leads on from something that stays, and how that stays.
type Link = (String, Stays);

/// What leads on from what stays, by producer and field.
type Links = HashMap<(String, String), Arc<Vec<Link>>>;

/// A manifest of this round, with what tells whether a record of it stays.
struct Round<'a> {
    claimed: &'a Claimed,
    map: &'a DataMap,
    /// Step and number of parts of each producer.
    parts: BTreeMap<String, (u32, u32)>,
    today: Date,
    links: Mutex<Links>,
}

/// Whose records are asked whether they stay.
#[derive(Clone, Copy)]
enum Whose {
    /// Those of the batch: what can lead to them is looked at alone.
    OfTheBatch,
    /// Those of a producer that leads to them, part by part: what leads to these is looked for once.
    OfParents,
}

/// Records by the values that led to them when they were planned. One that something else may lead to by now is left anyway.
#[derive(Default)]
struct Children {
    by_value: HashMap<String, Vec<usize>>,
    /// By the last part of their keys, where rows name whole keys, each in a way of its own.
    by_name: HashMap<String, Vec<(usize, String)>>,
    /// Those that have something and do not tell what: what leads to them may be any.
    untold: Vec<usize>,
}

impl Execution {
    /// The records of a batch that stay with something they are found through, and how.
    ///
    /// # Errors
    /// A store that cannot be reached: nothing is known then, and nothing goes.
    pub(super) async fn bound(&self, claimed: &Claimed, records: &[ManifestRecord]) -> Result<BTreeMap<usize, Stays>> {
        let map = self.core.map_version(&claimed.request.organization, claimed.request.execution.map_version).await?;
        if !map.stays_with_parent(&claimed.producer) || records.is_empty() {
            return Ok(BTreeMap::new());
        }
        let prefix = format!("discovery#{:03}#", claimed.request.execution.round);
        let query = Query::new(TableName::Control, claimed.partition.clone(), Range::Prefix(prefix));
        let walked: Vec<(u32, DiscoveryItem)> = numbered(self.core.query_all(query).await?)?;
        let parts = walked.into_iter().map(|(step, item)| (item.producer.to_string(), (step, item.parts))).collect();
        let today = today(self.core.now(), &claimed.request.time_zone)?;
        let round = Round { claimed, map: &map, parts, today, links: Mutex::default() };
        self.staying(&round, &claimed.producer, records, Whose::OfTheBatch).await
    }

    /// The places of a producer's records that stay with something they are found through.
    fn staying<'a>(
        &'a self,
        round: &'a Round<'_>,
        producer: &'a Producer,
        records: &'a [ManifestRecord],
        whose: Whose,
    ) -> BoxFuture<'a, Result<BTreeMap<usize, Stays>>> {
        async move {
            let mut staying = BTreeMap::new();
            if !round.map.stays_with_parent(producer) || records.is_empty() {
                return Ok(staying);
            }
            for selection in &producer.select {
                let SelectBy::Parent { producer: parent, field } = selection.by() else { continue };
                let children = Children::of(selection, records);
                for parent in round.map.with_those_within(parent) {
                    let Some(parent) = round.map.producer(parent) else { continue };
                    let links = match whose {
                        Whose::OfTheBatch => Arc::new(self.links(round, parent, field, Some(&children)).await?),
                        Whose::OfParents => self.all_links(round, parent, field).await?,
                    };
                    for (value, how) in links.iter() {
                        // Of several that lead to it one that surely stays is enough.
                        for place in children.led_to_by(value) {
                            let known = staying.entry(place).or_insert(*how);
                            *known = (*known).max(*how);
                        }
                    }
                }
            }
            Ok(staying)
        }
        .boxed()
    }

    /// What leads on from all records of a producer that stay: looked for once, however many parts there are of what it
    /// leads to.
    async fn all_links(&self, round: &Round<'_>, producer: &Producer, field: &str) -> Result<Arc<Vec<Link>>> {
        let name = (producer.name.to_string(), field.to_owned());
        let known = || round.links.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        if let Some(links) = known() {
            return Ok(links);
        }
        let links = Arc::new(self.links(round, producer, field, None).await?);
        round.links.lock().unwrap_or_else(PoisonError::into_inner).insert(name, links.clone());
        Ok(links)
    }

    /// What leads on from records of a producer that stay: from all of them, or from those that may lead to some children.
    async fn links(&self, round: &Round<'_>, producer: &Producer, field: &str, to: Option<&Children>) -> Result<Vec<Link>> {
        let mut links = Vec::new();
        let Some((step, parts)) = round.parts.get(producer.name.as_str()).copied() else { return Ok(links) };
        for part in 0..parts {
            // Whoever runs out of time has hidden nothing, and the next one begins anew: what stays is asked as of then.
            self.in_time(round.claimed)?;
            let records = self.parents_of(round, (step, part), field, to).await?;
            self.links_of(round, producer, &records, field, &mut links).await?;
        }
        Ok(links)
    }

    /// The records of a part that may lead to any of these. What a record names may have changed since the plan, if it is
    /// no part of its key: any may have come to name one of these.
    async fn parents_of(
        &self,
        round: &Round<'_>,
        (step, part): (u32, u32),
        field: &str,
        children: Option<&Children>,
    ) -> Result<Vec<ManifestRecord>> {
        let claimed = round.claimed;
        let key = batch_key(&claimed.partition, claimed.request.execution.round, step, part);
        let batch: Option<BatchItem> = self.core.find(key).await?;
        let batch = batch.ok_or_else(|| EngineError::internal("a batch is gone"))?;
        let mut all = manifest::read(&self.core.ports, &claimed.manifest_key, &batch.part, &batch.part_sha256).await?;
        if let Some(children) = children {
            all.retain(|parent| {
                parent.record.key.get(field).is_none()
                    || parent.fields.all(field).iter().any(|value| children.led_to_by(value).next().is_some())
            });
        }
        Ok(all)
    }

    /// Adds what leads on from these, as far as they stay.
    async fn links_of(
        &self,
        round: &Round<'_>,
        producer: &Producer,
        parents: &[ManifestRecord],
        field: &str,
        links: &mut Vec<Link>,
    ) -> Result<()> {
        if parents.is_empty() {
            return Ok(());
        }
        let claimed = round.claimed;
        let store = round.map.stores.get(&producer.store);
        let store = store.ok_or_else(|| EngineError::internal("a store is not in its data map"))?;
        let connector = self.core.ports.stores.connector(&producer.store, store)?;
        let (duties, within, others) =
            (round.map.duties(producer), round.map.ways_within(producer), round.map.other_ways(producer));
        let told_by = within.iter().flatten().copied().chain(others.iter().flat_map(OtherWay::selections));
        let mut fields = telling_fields(&duties, told_by);
        // What is asked for twice is there twice, and tells nothing.
        if !fields.iter().any(|told| told == field) {
            fields.push(field.to_owned());
        }
        let execution = &claimed.request.execution;
        let by_category = execution.exclusions.iter().any(|left_out| left_out.category == producer.category)
            || execution.holds.on(&producer.category).is_some();
        let of_theirs = self.staying(round, producer, parents, Whose::OfParents).await?;
        // An index may have shown it and not what it leads to: what had it stay when it was planned has so still.
        let planned = |place: usize| parents.get(place).is_some_and(|parent| parent.binds.is_some());
        let stays = |parent: &ManifestRecord, found: &Found| -> Result<bool> {
            // What may have become another producer's, or belong to something else, is left by whoever had it.
            let left =
                is_within(&within, &found.record, &found.fields) || is_found_otherwise(&others, &parent.fields, &found.fields);
            let locked = found.locked_until.is_some_and(|day| day > round.today);
            let kept = duty_applies(&duties, &found.fields, &claimed.request.time_zone, round.today)?;
            Ok(by_category || left || locked || kept)
        };
        let all: Vec<usize> = (0..parents.len()).collect();
        for some in read_together(&all, parents, READ) {
            let refs: Vec<RecordRef> = some.iter().map(|place| parents[*place].record.clone()).collect();
            let read = connector.reread(producer, &refs, &fields).await;
            let left: Vec<RecordRef> =
                refs.iter().zip(&read).filter(|(_, read)| matches!(read, Ok(None))).map(|(record, _)| record.clone()).collect();
            let mut left = if left.is_empty() { vec![] } else { connector.read(producer, &left, &fields).await }.into_iter();
            for ((place, parent), read) in some.iter().map(|place| (*place, &parents[*place])).zip(read) {
                let with_theirs = of_theirs.get(&place).copied();
                let (now, how) = match read {
                    Ok(None) => match left.next() {
                        // It stands, and is somebody else's or another producer's by now, who may have to keep it.
                        Some(Ok(Some(stands))) => (Some(stands.fields), Stays::Surely),
                        // Gone: it keeps nothing.
                        Some(Ok(None)) | None => continue,
                        Some(Err(StoreError::Record { .. })) => (None, Stays::Perhaps),
                        Some(Err(error)) => return Err(error.into()),
                    },
                    Ok(Some(found)) if planned(place) || stays(parent, &found)? => (Some(found.fields), Stays::Surely),
                    Ok(Some(found)) => match with_theirs {
                        Some(how) => (Some(found.fields), how),
                        None => continue,
                    },
                    Err(StoreError::Record { .. }) if planned(place) || by_category => (None, Stays::Surely),
                    // Nobody can say whether it stays by its own words.
                    Err(StoreError::Record { .. }) => (None, with_theirs.unwrap_or(Stays::Perhaps)),
                    Err(error) => return Err(error.into()),
                };
                let values = parent.fields.all(field).iter().chain(now.iter().flat_map(|fields| fields.all(field)));
                links.extend(values.map(|value| (value.clone(), how)));
            }
        }
        Ok(())
    }
}

impl Children {
    fn of(selection: &Selection, records: &[ManifestRecord]) -> Self {
        let mut children = Self::default();
        for (place, record) in records.iter().enumerate() {
            if let Some(value) = selection.value_in(|name| record.fields.text(name).map(Cow::Borrowed)) {
                children.by_value.entry(in_one_spelling(&value)).or_default().push(place);
            } else if let Some(key) = selection.whole_key(|name| record.fields.text(name).map(Cow::Borrowed)) {
                children.by_name.entry(last_part(&key).to_owned()).or_default().push((place, key));
            } else if selection.telling_fields().any(|field| record.fields.is_unreadable(field)) {
                children.untold.push(place);
            }
            // What lacks what this selection goes by, or has it in another form, is led to by others.
        }
        children
    }

    fn led_to_by(&self, value: &str) -> impl Iterator<Item = usize> {
        let told = self.by_value.get(&in_one_spelling(value)).into_iter().flatten();
        let spellings = spellings_of_a_key(value);
        let names = |key: &str| spellings.iter().any(|text| **text == *key || text.ends_with(&format!("/{key}")));
        let parts: BTreeSet<&str> = spellings.iter().map(|text| last_part(text)).collect();
        let named = parts.into_iter().filter_map(|part| self.by_name.get(part)).flatten();
        let named: Vec<usize> = named.filter(|(_, key)| names(key)).map(|(place, _)| *place).collect();
        told.chain(&self.untold).copied().chain(named)
    }
}

fn last_part(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}
