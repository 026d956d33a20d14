//! How fast an organization goes: a bucket of each kind in the table, out of which a process takes tokens some at a time.
//!
//! A process that takes a few takes a few more the next time, up to those of a second: whoever calls much costs the table about a
//! write a second and process, and whoever calls little keeps no tokens from the organization's other processes.

use crate::{
    Result,
    core::{
        Core,
        limits::{OwnLimits, own_limits_key},
    },
    items::{bucket_key, from_item},
    ports::{Condition, Item},
    transaction::{Committed, Transaction, equals},
};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    ids::OrganizationId,
    limits::{Limits, Metered},
    rate::{Bucket, Rate, Take},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How often whoever finds that another process was faster tries again.
const TRIES: usize = 5;

/// How long a process that cannot read a bucket lets everybody in before it asks again.
const UNREAD: SignedDuration = SignedDuration::from_secs(1);

/// How long a process takes it that nothing is limited.
const UNLIMITED: SignedDuration = SignedDuration::from_secs(10);

/// How long a bucket that nobody takes from is kept after it is full, in seconds: the table removes it then.
const KEPT_FULL: i64 = 3_600;

/// Most blocks that are remembered: one that is forgotten costs its tokens.
const REMEMBERED: usize = 1_000;

/// How long a process keeps tokens that it took: as long as they are likely to be of use.
const fn kept(of: Metered) -> SignedDuration {
    match of {
        Metered::Calls | Metered::Discoveries => SignedDuration::from_secs(1),
        // A worker stays with a lane for about so long.
        Metered::Batches => SignedDuration::from_secs(10),
    }
}

#[derive(Serialize, Deserialize)]
struct BucketItem {
    /// When it is full again, in microseconds.
    full_at: i64,
    /// When the table removes it, in seconds.
    expires_at: i64,
}

/// Tokens that this process took.
#[derive(Debug, Clone, Copy)]
struct Block {
    left: u32,
    taken: u32,
    /// Used of it, and of those before it that were used up before their time.
    used: u32,
    until: Timestamp,
    /// The bucket as it was last seen, which holds more than there is by now; none where nothing is limited.
    bucket: Option<(Rate, Bucket)>,
}

impl Block {
    /// Nothing is asked until then.
    const fn unlimited(until: Timestamp) -> Self {
        Self { left: u32::MAX, taken: u32::MAX, used: 0, until, bucket: None }
    }
}

/// The blocks of a process.
#[derive(Default)]
pub(crate) struct Blocks(Mutex<HashMap<(OrganizationId, Metered), Block>>);

enum Spent {
    /// There were enough.
    Yes,
    /// The bucket was empty when it was last seen, and cannot have filled since.
    Wait(Timestamp),
    /// The bucket has to be asked.
    Ask(Ask),
}

#[derive(Clone, Copy)]
struct Ask {
    /// Tokens that are missing.
    missing: u32,
    /// Tokens that are likely to be used until the block is over.
    useful: u32,
    /// Tokens left of the block before.
    left: u32,
    /// Tokens used since the last block that was not used up.
    used: u32,
}

impl Blocks {
    fn all(&self) -> MutexGuard<'_, HashMap<(OrganizationId, Metered), Block>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spend(&self, key: &(OrganizationId, Metered), now: Timestamp, tokens: u32) -> Spent {
        let mut all = self.all();
        let Some(block) = all.get_mut(key) else {
            return Spent::Ask(Ask { missing: tokens, useful: tokens, left: 0, used: 0 });
        };
        let lasts = now < block.until;
        if lasts && block.left >= tokens {
            block.left -= tokens;
            block.used = block.used.saturating_add(tokens);
            return Spent::Yes;
        }
        let left = if lasts { block.left } else { 0 };
        let missing = tokens - left;
        // Asked again now and then all the same: somebody may have given the organization another limit.
        if lasts
            && let Some((rate, bucket)) = block.bucket
            && let Take::Wait(until) = rate.take(bucket, now, missing)
        {
            return Spent::Wait(until);
        }
        // Used up before its time: more are needed. Else as many as were.
        let (useful, used) = if lasts { (block.taken.saturating_mul(2), block.used) } else { (block.used, 0) };
        Spent::Ask(Ask { missing, useful, left, used })
    }

    fn keep(&self, key: (OrganizationId, Metered), block: Block) {
        let mut all = self.all();
        if all.len() >= REMEMBERED && !all.contains_key(&key) {
            all.clear();
        }
        all.insert(key, block);
    }
}

impl Core {
    /// Takes tokens for an organization. Answers until when it has to wait, if it has to; then nothing was taken.
    ///
    /// Where the table does not answer nobody waits: a hold or a cancel that is turned away does more harm than a while of calls
    /// that nobody counts, and what all organizations together may do is limited elsewhere.
    pub(crate) async fn meter(&self, organization: &OrganizationId, of: Metered, tokens: u32) -> Option<Timestamp> {
        let deployment = self.config.limits?;
        let key = (organization.clone(), of);
        let now = self.now();
        let ask = match self.blocks.spend(&key, now, tokens) {
            Spent::Yes => return None,
            Spent::Wait(until) => return Some(until),
            Spent::Ask(ask) => ask,
        };
        match self.take_block(&key, &deployment, now, ask).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, %organization, of = of.name(), "limits cannot be read: nobody is kept waiting");
                self.blocks.keep(key, Block::unlimited(now + UNREAD));
                None
            }
        }
    }

    async fn take_block(
        &self,
        key: &(OrganizationId, Metered),
        deployment: &Limits,
        now: Timestamp,
        ask: Ask,
    ) -> Result<Option<Timestamp>> {
        let (organization, of) = key;
        let address = bucket_key(organization, *of);
        for _ in 0..TRIES {
            let found = self.ports.table.get_many(&[own_limits_key(organization), address.clone()]).await?;
            let [own, stored] = <[Option<Item>; 2]>::try_from(found).unwrap_or_default();
            let own = own.map(from_item::<OwnLimits>).transpose()?.unwrap_or_default();
            let Some(rate) = own.limits.or(*deployment).rate(*of) else {
                self.blocks.keep(key.clone(), Block::unlimited(now + UNLIMITED));
                return Ok(None);
            };
            let stored = stored.map(from_item::<BucketItem>).transpose()?.map(|item| item.full_at);
            let bucket = stored.map_or(Bucket::FULL, Bucket);
            let tokens = ask.useful.min(rate.of_a_second()).min(rate.available(bucket, now)).max(ask.missing);
            let after = match rate.take(bucket, now, tokens) {
                Take::Taken(after) => after,
                Take::Wait(until) => {
                    let block = Block {
                        left: ask.left,
                        taken: ask.left,
                        used: ask.used,
                        until: now + kept(*of),
                        bucket: Some((rate, bucket)),
                    };
                    self.blocks.keep(key.clone(), block);
                    return Ok(Some(until));
                }
            };
            let item = BucketItem { full_at: after.0, expires_at: after.0 / 1_000_000 + KEPT_FULL };
            let as_read = vec![stored.map_or(Condition::ItemAbsent, |full_at| equals("full_at", full_at))];
            let put = Transaction::new().put(address.clone(), &item, as_read)?;
            if put.commit(self.ports.table.as_ref()).await? == Committed::Yes {
                let taken = rate.at_most(tokens);
                let used = ask.used.saturating_add(ask.left).saturating_add(ask.missing);
                let left = taken.saturating_sub(ask.missing);
                let block = Block { left, taken, used, until: now + kept(*of), bucket: Some((rate, after)) };
                self.blocks.keep(key.clone(), block);
                return Ok(None);
            }
        }
        // Others of the same organization take as fast as they can.
        Ok(Some(now + SignedDuration::from_secs(1)))
    }
}
