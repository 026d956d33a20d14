//! The control plane's items in memory, with the semantics of DynamoDB.

use crate::{
    faults::{call, pause},
    mutant::Mutant,
    oracle,
    world::{State, World},
};
use async_trait::async_trait;
use oubli_engine::ports::{Change, Condition, Cursor, Item, Key, Page, Query, Range, Table, TableError, TableName, Write};
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
        call(&self.0, unavailable, move || Ok(page(&world.lock(), &query))).await
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
fn seen(state: &State, key: &Key, item: &Item) -> Item {
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

fn transact(state: &mut State, writes: &[Write]) -> Result<(), TableError> {
    let mut keys: Vec<&Key> = writes.iter().map(Write::key).collect();
    keys.sort();
    if keys.windows(2).any(|w| w[0] == w[1]) || writes.len() > 100 || writes.is_empty() {
        return Err(TableError::Invalid("a transaction has 1 to 100 writes, each of another item".to_owned()));
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
    if writes.iter().any(|w| w.key().sk == "request") && oracle::exported_while_touched(state) {
        state.break_promise("exports and erasures are apart", "one packages what another hides or destroys".to_owned());
    }
    Ok(())
}

fn apply(state: &mut State, write: &Write) {
    match write {
        Write::Put { key, item, .. } => {
            let mut item = item.clone();
            item.insert("pk".to_owned(), key.pk.clone().into());
            item.insert("sk".to_owned(), key.sk.clone().into());
            watch(state, key, &item);
            state.items.insert(key.clone(), item);
        }
        Write::Update { key, changes, .. } => {
            let mut item = state.items.get(key).cloned().unwrap_or_default();
            item.insert("pk".to_owned(), key.pk.clone().into());
            item.insert("sk".to_owned(), key.sk.clone().into());
            for change in changes {
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
            state.items.insert(key.clone(), item);
        }
        Write::Delete { key, .. } => {
            if state.items.remove(key).is_some() && key.table == TableName::Keys && key.sk.starts_with("vault#") {
                let instant = state.instant;
                state.keys_destroyed.push((key.pk.clone(), key.sk.clone(), instant));
            }
        }
        Write::Check { .. } => {}
    }
}

/// The oracle's eye on requests and on the outbox.
fn watch(state: &mut State, key: &Key, item: &Item) {
    if key.pk.ends_with("#outbox") {
        *state.outbox_writes.entry(key.sk.clone()).or_default() += 1;
    }
    if key.sk == "request" {
        let id = item.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let run = item.get("run").and_then(Value::as_u64).unwrap_or_default();
        let phase = item.get("state").map(Value::to_string).unwrap_or_default();
        let instant = state.instant;
        state.states_seen.entry((id, run)).or_insert((phase, instant));
    }
}

fn page(state: &State, query: &Query) -> Page {
    let (pk, sk) = query.index.map_or(("pk", "sk"), oubli_engine::ports::Index::attributes);
    let text = |item: &Item, name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    // The table's own partitions stand together; those of an index are anywhere.
    let from = Key { table: query.table, pk: query.partition.clone(), sk: String::new() };
    let owns = |key: &Key| query.index.is_some() || (key.table == query.table && key.pk == query.partition);
    let standing = if query.index.is_some() { state.items.range::<Key, _>(..) } else { state.items.range(from..) };
    let mut found: Vec<(String, Key, Item)> = standing
        .take_while(|(key, _)| owns(key))
        .filter(|(key, _)| key.table == query.table)
        .filter(|(_, item)| text(item, pk).as_deref() == Some(&query.partition))
        .filter_map(|(key, item)| text(item, sk).map(|sort| (sort, key.clone(), seen(state, key, item))))
        .filter(|(sort, _, _)| match &query.range {
            Range::All => true,
            Range::Prefix(prefix) => sort.starts_with(prefix.as_str()),
            Range::Between(low, high) => sort >= low && sort <= high,
        })
        .collect();
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
    Page { items: found.into_iter().map(|(_, _, item)| item).collect(), next }
}
