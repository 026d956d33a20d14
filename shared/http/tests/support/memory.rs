//! The control plane in memory, without faults.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use oubli_domain::{datamap::Store, ids::StoreName};
use oubli_engine::ports::{
    Body, ByteStream, Change, Clock, Condition, Connector, Cursor, DataKey, Entropy, Envelope, Item, Key, KeyService,
    KeyServiceError, Message, ObjectError, ObjectWriter, Objects, Page, Ports, Query, Queue, QueueError, Range, StoreError,
    Stores, Table, TableError, WrappedKey, Write,
};
use oubli_simulation::{SimExportBucket, SimLedger, SimScratch, World, scratch};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

#[derive(Default)]
struct MemoryState {
    items: BTreeMap<Key, Item>,
    objects: BTreeMap<String, Bytes>,
    messages: Vec<Message>,
    dice: u8,
    days: i64,
    down: bool,
}

/// Everything there is.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<MemoryState>>);

impl Memory {
    fn lock(&self) -> MutexGuard<'_, MemoryState> {
        self.0.lock().expect("nobody panics")
    }

    /// From now on nothing answers, or everything does again.
    pub fn down(&self, down: bool) {
        self.lock().down = down;
    }

    /// Messages sent since the last time.
    pub fn messages(&self) -> Vec<Message> {
        std::mem::take(&mut self.lock().messages)
    }

    /// Lets days go by.
    pub fn pass(&self, days: i64) {
        self.lock().days += days;
    }

    /// The names of all objects.
    pub fn objects(&self) -> Vec<String> {
        self.lock().objects.keys().cloned().collect()
    }

    /// Everything kept, as text, to look for what must not be there.
    pub fn text(&self) -> String {
        format!("{:?}", self.lock().items)
    }

    /// Ports on it.
    pub fn ports(&self) -> Ports {
        let all = Arc::new(self.clone());
        Ports {
            table: all.clone(),
            objects: all.clone(),
            exports: Arc::new(SimExportBucket(World::new(0, None, false))),
            scratch: Arc::new(SimScratch(World::new(0, None, false))),
            ledger: Arc::new(SimLedger(World::new(0, None, false))),
            signer: Arc::new(SimLedger(World::new(0, None, false))),
            keys: all.clone(),
            queue: all.clone(),
            stores: all.clone(),
            clock: all.clone(),
            entropy: all,
        }
    }

    fn up(&self) -> Result<MutexGuard<'_, MemoryState>, TableError> {
        let state = self.lock();
        if state.down { Err(TableError::Unavailable("nobody".to_owned())) } else { Ok(state) }
    }
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

fn apply(items: &mut BTreeMap<Key, Item>, write: Write) {
    let keyed = |key: &Key, mut item: Item| {
        item.insert("pk".to_owned(), key.pk.clone().into());
        item.insert("sk".to_owned(), key.sk.clone().into());
        item
    };
    match write {
        Write::Put { key, item, .. } => drop(items.insert(key.clone(), keyed(&key, item))),
        Write::Update { key, changes, .. } => {
            let mut item = keyed(&key, items.remove(&key).unwrap_or_default());
            for change in changes {
                match change {
                    Change::Set(name, value) => drop(item.insert(name.to_owned(), value)),
                    Change::Add(name, by) => {
                        let sum = item.get(name).and_then(Value::as_i64).unwrap_or_default() + by;
                        item.insert(name.to_owned(), sum.into());
                    }
                    Change::Remove(name) => drop(item.remove(name)),
                }
            }
            items.insert(key, item);
        }
        Write::Delete { key, .. } => drop(items.remove(&key)),
        Write::Check { .. } => {}
    }
}

#[async_trait]
impl Table for Memory {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        let state = self.up()?;
        Ok(keys.iter().map(|k| state.items.get(k).cloned()).collect())
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        let state = self.up()?;
        let (pk, sk) = query.index.map_or(("pk", "sk"), oubli_engine::ports::Index::attributes);
        let text = |item: &Item, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut found: Vec<_> = state
            .items
            .iter()
            .filter(|(key, item)| key.table == query.table && text(item, pk) == query.partition && item.contains_key(sk))
            .filter(|(_, item)| match &query.range {
                Range::All => true,
                Range::Prefix(prefix) => text(item, sk).starts_with(prefix.as_str()),
                Range::Between(low, high) => (low..=high).contains(&&text(item, sk)),
            })
            .map(|(key, item)| ((text(item, sk), key.sk.clone()), item.clone()))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        if query.descending {
            found.reverse();
        }
        if let Some(Cursor(after)) = query.after {
            let last = (text(&after, sk), text(&after, "sk"));
            let place = found.iter().position(|(place, _)| *place == last).map_or(0, |p| p + 1);
            found.drain(..place);
        }
        let more = found.len() > query.limit;
        found.truncate(query.limit);
        let keys = |item: &Item| ["pk", "sk", pk, sk].iter().map(|n| ((*n).to_owned(), item[*n].clone())).collect();
        let next = found.last().filter(|_| more).map(|(_, item)| Cursor(keys(item)));
        Ok(Page { items: found.into_iter().map(|(_, item)| item).collect(), next })
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), TableError> {
        let mut state = self.up()?;
        let refused: Vec<_> = writes
            .iter()
            .enumerate()
            .filter(|(_, write)| {
                let (Write::Put { key, when, .. }
                | Write::Update { key, when, .. }
                | Write::Delete { key, when }
                | Write::Check { key, when }) = write;
                !when.iter().all(|c| holds(state.items.get(key), c))
            })
            .map(|(place, _)| place)
            .collect();
        if !refused.is_empty() {
            return Err(TableError::Refused(refused));
        }
        writes.into_iter().for_each(|write| apply(&mut state.items, write));
        Ok(())
    }

    async fn put_all(&self, items: Vec<(Key, Item)>) -> Result<(), TableError> {
        let mut state = self.up()?;
        items.into_iter().for_each(|(key, item)| apply(&mut state.items, Write::Put { key, item, when: vec![] }));
        Ok(())
    }

    async fn delete_all(&self, keys: Vec<Key>) -> Result<(), TableError> {
        let mut state = self.up()?;
        keys.iter().for_each(|key| drop(state.items.remove(key)));
        Ok(())
    }
}

#[async_trait]
impl Objects for Memory {
    async fn put(&self, name: &str, body: Body) -> Result<(), ObjectError> {
        let body = scratch::bytes(body)?;
        match self.lock().objects.insert(name.to_owned(), body) {
            None => Ok(()),
            Some(_) => Err(ObjectError::Exists),
        }
    }

    async fn writer(&self, _: &str) -> Result<Box<dyn ObjectWriter>, ObjectError> {
        unreachable!("nothing is hidden here")
    }

    async fn reader(&self, name: &str) -> Result<Option<ByteStream>, ObjectError> {
        let found = self.lock().objects.get(name).cloned();
        Ok(found.map(|bytes| Box::pin(futures::stream::iter([Ok(bytes)])) as ByteStream))
    }

    async fn delete(&self, names: &[String]) -> Result<(), ObjectError> {
        let mut state = self.lock();
        names.iter().for_each(|name| drop(state.objects.remove(name)));
        Ok(())
    }
}

#[async_trait]
impl KeyService for Memory {
    async fn generate(&self, _: &BTreeMap<String, String>) -> Result<(DataKey, WrappedKey), KeyServiceError> {
        Ok((DataKey([9; 32]), WrappedKey(vec![9; 32])))
    }

    async fn unwrap(&self, _: &WrappedKey, _: &BTreeMap<String, String>) -> Result<DataKey, KeyServiceError> {
        Ok(DataKey([9; 32]))
    }

    fn name(&self) -> Result<String, KeyServiceError> {
        Ok("arn:aws:kms:eu-west-1:111122223333:key/test".to_owned())
    }

    async fn mac(&self, message: &[u8]) -> Result<[u8; 32], KeyServiceError> {
        // Told apart by content and order; nobody attacks it here.
        let mut mac = [0_u8; 32];
        for (place, byte) in message.iter().enumerate() {
            mac[place % 32] = mac[place % 32].wrapping_mul(31).wrapping_add(*byte);
        }
        Ok(mac)
    }
}

#[async_trait]
impl Queue for Memory {
    async fn send(&self, envelopes: Vec<Envelope>) -> Result<(), QueueError> {
        self.lock().messages.extend(envelopes.into_iter().map(|e| e.message));
        Ok(())
    }
}

#[async_trait]
impl Clock for Memory {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-11-02T10:00:00Z".parse().expect("a time");
        start + jiff::SignedDuration::from_hours(24 * self.lock().days)
    }

    async fn sleep(&self, _: Duration) {}
}

impl Entropy for Memory {
    fn fill(&self, buffer: &mut [u8]) {
        let mut state = self.lock();
        for byte in buffer {
            state.dice = state.dice.wrapping_mul(5).wrapping_add(89);
            *byte = state.dice;
        }
    }
}

impl Stores for Memory {
    fn connector(&self, _: &StoreName, _: &Store) -> Result<Arc<dyn Connector>, StoreError> {
        Ok(Arc::new(super::shop::FixedStore))
    }
}
