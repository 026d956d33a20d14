//! What there is of a person, seen by somebody who knows the shop and nothing of the engine.

use crate::{
    oracle,
    stores::{Rules, Versioning},
    world::{World, WorldState},
};
use bytes::Bytes;
use oubli_engine::ports::{Item, Message, TableName};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// People whose names are beginnings of each other's.
pub const SUBJECTS: [&str; 3] = ["alice", "bob", "alice2"];

impl World {
    /// A person's rows, each as JSON, and the bytes of their objects, both sorted.
    pub fn holdings(&self, subject: &str) -> (Vec<String>, Vec<String>) {
        let state = self.lock();
        let orders: BTreeSet<String> = rows(&state, "orders", "owner", |owner| owner == subject).map(|(id, _)| id).collect();
        let of_orders = rows(&state, "lines", "order", |order| orders.contains(order)).map(|(_, row)| row);
        let owned = |table| rows(&state, table, "owner", |owner| owner == subject).map(|(_, row)| row);
        let mut all: Vec<String> = owned("orders").chain(owned("invoices")).chain(of_orders).collect();
        all.sort();
        let mut objects = Vec::new();
        for (key, versions) in state.shop.buckets.get("files").into_iter().flatten() {
            if key.starts_with(&format!("u/{subject}/")) {
                let stored = versions.iter().filter(|v| !v.marker);
                let object = ("files".to_owned(), key.clone());
                objects.extend(stored.map(|v| String::from_utf8_lossy(&state.bytes_of(&object, v.id)).into_owned()));
            }
        }
        objects.sort();
        (all, objects)
    }

    /// What is left of what a request copied: objects, items beside it, and keys but the one of the identity.
    pub fn left_of(&self, request: &str) -> Vec<String> {
        let state = self.lock();
        let beside = |sk: &str| ["rows#", "entries#", "missing#", "package", "queries"].iter().any(|p| sk.starts_with(p));
        let items = state.items.keys().filter(|k| k.pk.ends_with(request)).filter(|k| match k.table {
            TableName::Keys => k.sk != "identity",
            _ => beside(&k.sk),
        });
        let items = items.map(|k| format!("{:?} {}", k.table, k.sk));
        // What a worker that died put down under a fence of its own nobody can name; and nobody can read it without its key.
        let objects = state.objects.keys().filter(|name| name.contains(request) && name.starts_with("vault/"));
        items.chain(objects.cloned()).collect()
    }

    /// What workers put down for the export of a request, by name.
    pub fn staged(&self, request: &str) -> BTreeMap<String, Bytes> {
        let state = self.lock();
        let mine = state.objects.iter().filter(|(name, _)| name.starts_with("export/") && name.contains(request));
        mine.map(|(name, body)| (name.clone(), body.clone())).collect()
    }

    /// Ends every upload, as a bucket's lifecycle does some day.
    pub fn end_uploads(&self) {
        self.lock().shelf.uploads.clear();
    }

    /// What stands in buckets of organizations, by bucket and key.
    pub fn delivered(&self) -> BTreeMap<String, Bytes> {
        self.lock().shelf.delivered.clone()
    }

    /// How many rows of a table a person owns.
    pub fn owned_rows(&self, table: &str, owner: &str) -> usize {
        let state = self.lock();
        let rows = state.shop.tables.get(table).into_iter().flat_map(|t| t.values());
        rows.filter(|row| row.fields.get("owner").is_some_and(|o| o == owner)).count()
    }

    /// Lets everything of a request be forgotten, so that its id can be used again.
    pub fn forget_request(&self, request: &str) {
        let mut state = self.lock();
        state.items.retain(|key, _| !key.pk.contains(request) && !key.sk.contains(request));
        state.objects.retain(|name, _| !name.contains(request));
    }

    /// A row of a table, as it stands.
    pub fn row(&self, table: &str, key: &str) -> Option<BTreeMap<String, String>> {
        self.lock().shop.tables.get(table)?.get(key).map(|row| row.fields.clone())
    }

    /// Versions of objects, markers left out, by key and version.
    pub fn versions(&self, bucket: &str, prefix: &str) -> Vec<(String, u64)> {
        let state = self.lock();
        let objects = state.shop.buckets.get(bucket).into_iter().flatten().filter(|(key, _)| key.starts_with(prefix));
        objects.flat_map(|(key, vs)| vs.iter().filter(|v| !v.marker).map(move |v| (key.clone(), v.id))).collect()
    }

    /// Keys of uploads to a bucket that nobody finished.
    pub fn uploads(&self, bucket: &str) -> Vec<String> {
        self.lock().shop.uploads.get(bucket).into_iter().flatten().map(|(key, _)| key.clone()).collect()
    }

    /// The application begins an upload.
    pub fn app_begins_upload(&self, bucket: &str, key: &str) {
        self.lock().app_begins_upload(bucket, key);
    }

    /// The application finishes an upload: it becomes an object.
    pub fn app_finishes_upload(&self, bucket: &str, key: &str) {
        self.lock().app_ends_upload(bucket, key, true);
    }

    /// A bucket keeps no old versions, and never did.
    pub fn without_versions(&self, bucket: &str) {
        let plain = Rules { versioning: Versioning::Never, expiry_ms: None };
        self.lock().shop.rules.insert(bucket.to_owned(), plain);
    }

    /// The application writes a row.
    pub fn app_writes(&self, table: &str, key: &str, fields: &[(&str, &str)]) {
        self.lock().app_writes(table, key, fields);
    }

    /// The application deletes a row.
    pub fn app_deletes(&self, table: &str, key: &str) {
        self.lock().app_deletes(table, key);
    }

    /// How many keys seal what is hidden.
    pub fn vault_keys(&self) -> usize {
        let state = self.lock();
        state.items.keys().filter(|k| k.table == TableName::Keys && k.sk.starts_with("vault#")).count()
    }

    /// Wrapped keys of what is not there: nobody would ever destroy them.
    pub fn ownerless_keys(&self) -> Vec<String> {
        oracle::ownerless(&self.lock())
    }

    /// What somebody's one-time codes were made of, all that there is.
    pub fn keys_of_codes(&self) -> usize {
        let state = self.lock();
        state.items.keys().filter(|k| k.table == TableName::Keys && k.sk == "step-up").count()
    }

    /// Takes a message that is due off the queues, the earliest first.
    pub fn next_message(&self) -> Option<Message> {
        let mut state = self.lock();
        let now = state.now_ms;
        let due = (0..state.messages.len()).filter(|n| state.messages[*n].visible_at <= now);
        let first = due.min_by_key(|n| state.messages[*n].visible_at)?;
        Some(state.messages.remove(first).message)
    }

    /// How often an audit event of this order was written.
    pub fn times_noted(&self, order: &str) -> u32 {
        self.lock().oracle.outbox.iter().filter(|((_, noted), _)| noted == order).map(|(_, times)| *times).sum()
    }

    /// The instant at which a request was first seen in a phase.
    pub fn first_in(&self, request: &str, phase: &str) -> Option<u64> {
        let state = self.lock();
        let seen = state.oracle.requests.get(request)?;
        seen.runs.values().filter(|(was, _)| was == phase).map(|(_, instant)| *instant).min()
    }

    /// Every guard.
    pub fn guards(&self) -> Vec<Item> {
        self.lock().items.iter().filter(|(k, _)| k.sk == "guard").map(|(_, item)| item.clone()).collect()
    }

    /// Every item as text, to look for what must not be there.
    pub fn items_text(&self) -> String {
        format!("{:?}", self.lock().items)
    }

    /// Events that are not sealed.
    pub fn outbox(&self) -> Vec<Value> {
        let state = self.lock();
        let waiting = state.items.iter().filter(|(k, _)| k.pk.ends_with("#outbox"));
        waiting.map(|(_, item)| Value::Object(item.clone())).collect()
    }
}

fn rows<'a>(
    state: &'a WorldState,
    table: &str,
    field: &'a str,
    wanted: impl Fn(&str) -> bool + 'a,
) -> impl Iterator<Item = (String, String)> + 'a {
    let rows = state.shop.tables.get(table).into_iter().flatten();
    rows.filter(move |(_, row)| row.fields.get(field).is_some_and(|value| wanted(value)))
        .map(|(id, row)| (id.clone(), serde_json::to_string(&row.fields).unwrap_or_default()))
}
