//! The control plane's items in memory, with the semantics of DynamoDB.

use crate::{
    faults::{call, pause},
    mutant::Mutant,
    oracle, promise,
    world::{Weather, World, WorldState},
};
use async_trait::async_trait;
use oubli_engine::ports::{Change, Condition, Cursor, Index, Item, Key, Page, Query, Range, Table, TableError, Write};
use serde_json::Value;

/// The tables.
pub struct SimTable(pub World);

fn unavailable(why: &str) -> TableError {
    TableError::Unavailable(why.to_owned())
}

#[async_trait]
impl Table for SimTable {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        let world = self.0.clone();
        call(&self.0, unavailable, move || {
            let state = world.lock();
            Ok(keys.iter().map(|k| state.items.get(k).map(|i| seen(&state, k, i))).collect())
        })
        .await
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        let world = self.0.clone();
        call(&self.0, unavailable, move || {
            let mut state = world.lock();
            let mut query = query;
            // A page ends at a megabyte, wherever that is.
            if state.weather == Weather::Storm && state.cast.cut && state.chance(200) {
                query.limit = query.limit.clamp(1, 2);
            }
            Ok(page(&state, &query))
        })
        .await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let mutant = self.0.lock().mutant;
        let (together, later) = match mutant {
            Some(mutant) => mutant.bend(writes),
            None => (writes, vec![]),
        };
        let world = self.0.clone();
        call(&self.0, unavailable, move || transact(&mut world.lock(), &together)).await?;
        for write in later {
            pause().await;
            transact(&mut self.0.lock(), std::slice::from_ref(&write)).ok();
        }
        Ok(())
    }

    async fn put_all(&self, items: Vec<(Key, Item)>) -> Result<(), TableError> {
        for (key, item) in items {
            let world = self.0.clone();
            call(&self.0, unavailable, move || transact(&mut world.lock(), &[Write::Put { key, item, when: vec![] }])).await?;
        }
        Ok(())
    }

    async fn delete_all(&self, keys: Vec<Key>) -> Result<(), TableError> {
        for key in keys {
            let world = self.0.clone();
            call(&self.0, unavailable, move || transact(&mut world.lock(), &[Write::Delete { key, when: vec![] }])).await?;
        }
        Ok(())
    }
}

/// An item as a reader sees it; one mutant sees no leases, one no exports, and one no wish
/// for an export.
fn seen(state: &WorldState, key: &Key, item: &Item) -> Item {
    let mut item = item.clone();
    if state.mutant == Some(Mutant::RestoreBeforeLeaseEnds) && key.sk.starts_with("batch#") && item.contains_key("lease_until") {
        item.insert("lease_until".to_owned(), 0.into());
    }
    if state.mutant == Some(Mutant::ExportUnseen) && key.sk == "guard" {
        item.remove("exporting");
    }
    if state.mutant == Some(Mutant::PriorExportForgotten) && key.sk == "request" {
        item.insert("export_first".to_owned(), false.into());
    }
    item
}

fn holds(item: Option<&Item>, condition: &Condition) -> bool {
    let value = |name: &str| item.and_then(|i| i.get(name));
    match condition {
        Condition::ItemAbsent => item.is_none(),
        Condition::ItemPresent => item.is_some(),
        Condition::Equals(name, wanted) => value(name) == Some(wanted),
        Condition::Missing(name) => value(name).is_none(),
    }
}

/// The largest item, in bytes.
const MAX_ITEM: usize = 400 * 1024;

/// About as many bytes as an item has.
fn length(item: &Item) -> usize {
    let of = |value: &Value| match value {
        Value::String(text) => text.len(),
        Value::Array(_) | Value::Object(_) => value.to_string().len(),
        _ => 8,
    };
    item.iter().map(|(name, value)| name.len() + of(value)).sum()
}

fn transact(state: &mut WorldState, writes: &[Write]) -> Result<(), TableError> {
    let mut keys: Vec<&Key> = writes.iter().map(Write::key).collect();
    keys.sort();
    if keys.windows(2).any(|w| w[0] == w[1]) || writes.len() > 100 || writes.is_empty() {
        return Err(TableError::Invalid("a transaction has 1 to 100 writes, each of another item".to_owned()));
    }
    if writes.iter().any(|w| matches!(w, Write::Put { item, .. } if length(item) > MAX_ITEM)) {
        return Err(TableError::Invalid("an item is larger than 400 KB".to_owned()));
    }
    if state.weather == Weather::Storm && writes.len() > 1 && state.chance(5) {
        return Err(unavailable("TransactionConflict"));
    }
    let mut refused = Vec::new();
    for (place, write) in writes.iter().enumerate() {
        let (Write::Put { key, when, .. }
        | Write::Update { key, when, .. }
        | Write::Delete { key, when }
        | Write::Check { key, when }) = write;
        if !when.iter().all(|c| holds(state.items.get(key), c)) {
            refused.push(place);
        }
    }
    if !refused.is_empty() {
        state.note(|| format!("refused {}", writes[refused[0]].key().sk));
        return Err(TableError::Refused(refused));
    }
    for write in writes {
        apply(state, write);
    }
    state.note(|| writes.iter().map(|w| w.key().sk.clone()).collect::<Vec<_>>().join(" + "));
    oracle::after_transaction(state);
    if writes.iter().any(|w| w.key().sk == "request") && oracle::exported_while_touched(state) {
        state.broke(promise::EXPORT_BESIDE, || "one packages what another hides or destroys".to_owned());
    }
    Ok(())
}

fn apply(state: &mut WorldState, write: &Write) {
    let before = state.items.get(write.key()).cloned();
    let key = write.key();
    let item = match write {
        Write::Check { .. } => return,
        Write::Delete { .. } => {
            if let Some(item) = state.items.remove(key) {
                oracle::deleted_item(state, key, &item);
                lags(state, key, Some(item), None);
            }
            return;
        }
        Write::Put { item, .. } => item.clone(),
        Write::Update { changes, .. } => {
            let mut item = before.clone().unwrap_or_default();
            changes.iter().for_each(|c| change(&mut item, c));
            item
        }
    };
    let mut item = item;
    item.insert("pk".to_owned(), key.pk.clone().into());
    item.insert("sk".to_owned(), key.sk.clone().into());
    oracle::saw_item(state, key, before.as_ref(), &item);
    lags(state, key, before, Some(&item));
    state.items.insert(key.clone(), item);
}

fn change(item: &mut Item, change: &Change) {
    match change {
        Change::Set(name, value) => {
            item.insert((*name).to_owned(), value.clone());
        }
        Change::Add(name, by) => {
            let sum = item.get(*name).and_then(Value::as_i64).unwrap_or_default() + by;
            item.insert((*name).to_owned(), sum.into());
        }
        Change::Remove(name) => {
            item.remove(*name);
        }
    }
}

/// An index shows what changed only after a while.
fn lags(state: &mut WorldState, key: &Key, before: Option<Item>, after: Option<&Item>) {
    let indexed = |item: &Item| item.contains_key("gsi_pk") || item.contains_key("due_pk");
    let shown = before.as_ref().is_some_and(indexed) || after.is_some_and(indexed);
    if state.weather == Weather::Storm && state.cast.cut && shown && state.chance(200) {
        let until = state.now_ms + 2_000;
        state.stale.insert(key.clone(), (before, until));
    }
}

fn page(state: &WorldState, query: &Query) -> Page {
    let (pk, sk) = query.index.map_or(("pk", "sk"), Index::attributes);
    let in_range = |sort: &str| match &query.range {
        Range::All => true,
        Range::Prefix(prefix) => sort.starts_with(prefix.as_str()),
        Range::Between(low, high) => sort >= low.as_str() && sort <= high.as_str(),
    };
    let mut found: Vec<(String, Key, Item)> = Vec::new();
    if query.index.is_none() {
        let from = Key { table: query.table, pk: query.partition.clone(), sk: String::new() };
        let mine = state.items.range(from..).take_while(|(k, _)| k.table == query.table && k.pk == query.partition);
        found.extend(mine.filter(|(k, _)| in_range(&k.sk)).map(|(k, item)| (k.sk.clone(), k.clone(), seen(state, k, item))));
    } else {
        let old = |key: &Key| state.stale.get(key).filter(|(_, until)| *until > state.now_ms);
        let now = state.items.iter().filter(|(k, _)| k.table == query.table && old(k).is_none());
        let then = state.stale.iter().filter(|(k, _)| k.table == query.table && old(k).is_some());
        let then = then.filter_map(|(k, (item, _))| item.as_ref().map(|i| (k, i)));
        for (key, item) in now.chain(then) {
            let there = item.get(pk).and_then(Value::as_str) == Some(query.partition.as_str());
            if let Some(sort) = item.get(sk).and_then(Value::as_str).filter(|sort| there && in_range(sort)) {
                found.push((sort.to_owned(), key.clone(), seen(state, key, item)));
            }
        }
    }
    found.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    if query.descending {
        found.reverse();
    }
    let place = |cursor: &Cursor| {
        let wanted = |name: &str| cursor.0.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        (wanted(sk), wanted("pk"), wanted("sk"))
    };
    if let Some(after) = query.after.as_ref().map(place) {
        let past = |f: &(String, Key, Item)| {
            let here = (f.0.clone(), f.1.pk.clone(), f.1.sk.clone());
            if query.descending { here < after } else { here > after }
        };
        found.retain(past);
    }
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| more).map(|(_, _, item)| {
        let names = ["pk", "sk", pk, sk];
        Cursor(names.iter().filter_map(|n| item.get(*n).map(|v| ((*n).to_owned(), v.clone()))).collect())
    });
    let projected = query.index.and_then(Index::projected);
    let held = |name: &str| projected.is_none_or(|names| names.contains(&name) || ["pk", "sk", pk, sk].contains(&name));
    let shown = |(_, _, mut item): (String, Key, Item)| {
        item.retain(|name, _| held(name));
        item
    };
    Page { items: found.into_iter().map(shown).collect(), next }
}
