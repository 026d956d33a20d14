//! Selections that look through what is others', too: where there is more than their bound, nothing is said of what they
//! found, by whichever value.

use crate::{
    Result,
    discovery::{Discovery, sorting::Walk},
    items::{DiscoveryItem, batch_key, discovery_key},
    transaction::{Transaction, equals},
};
use oubli_domain::plan::UnsearchedBecause;

/// Parts taken back together.
const TOGETHER: u32 = 90;

impl Discovery {
    /// Notes how a walk stands before such a selection, at a part's end.
    pub(super) async fn begin_bounded(&self, walk: &mut Walk<'_>) -> Result<()> {
        if walk.position.taking_back {
            // Whoever was taking back what it found did not get to the end of that.
            self.take_back(walk).await?;
        }
        if walk.position.cursor.is_some() || walk.item.before.is_some() {
            return Ok(());
        }
        if !walk.buffer.is_empty() {
            self.checkpoint(walk, true, false).await?;
        }
        walk.item.before = Some(Box::new(DiscoveryItem { sealed_position: None, ..walk.item.clone() }));
        Ok(())
    }

    /// Goes on without such a selection, whose bound there was more than.
    pub(super) async fn leave_bounded(&self, walk: &mut Walk<'_>, why: UnsearchedBecause) -> Result<()> {
        self.take_back(walk).await?;
        walk.item.unsearched.get_or_insert(why);
        Ok(())
    }

    /// Takes back all that was found since the walk was noted, the last part first: should this worker die, whoever comes
    /// next finds no gap among the parts, and goes on with it.
    async fn take_back(&self, walk: &mut Walk<'_>) -> Result<()> {
        let Some(before) = walk.item.before.clone() else { return Ok(()) };
        walk.buffer.clear();
        walk.buffered = 0;
        walk.position.cursor = None;
        let run = walk.run;
        while walk.item.before.is_some() {
            let parts = before.parts.max(walk.item.parts.saturating_sub(TOGETHER));
            walk.position.taking_back = parts > before.parts;
            let as_noted = if parts == before.parts { (*before).clone() } else { walk.item.clone() };
            let after = DiscoveryItem {
                parts,
                fence: walk.item.fence,
                attempts: walk.item.attempts,
                lease_until: walk.item.lease_until,
                sealed_position: Some(self.sealed_position(walk)?),
                ..as_noted
            };
            let mine = vec![equals("fence", walk.item.fence), equals("parts", walk.item.parts)];
            let mut transaction = Transaction::new().put(discovery_key(&run.partition, run.round, walk.step), &after, mine)?;
            for part in parts..walk.item.parts {
                transaction = transaction.delete(batch_key(&run.partition, run.round, walk.step, part), vec![]);
            }
            transaction.commit_or_conflict(self.core.ports.table.as_ref(), "discovery").await?;
            walk.item = after;
        }
        if walk.seen.is_some() {
            walk.seen = Some(self.found_so_far(walk.run, walk.step).await?);
        }
        Ok(())
    }
}
