//! What erasures of an export's person removed, and still keep so that they can be undone.

use crate::{
    Result,
    core::AskedScope,
    exports::Exports,
    items::{RequestItem, StepItem},
    ports::HideMethod,
};
use oubli_archive::contents::Hidden;
use oubli_domain::{datamap::DataMap, lifecycle::Phase, personal::Person};
use std::sync::Arc;

/// Whom and what an export is about.
pub(super) struct Sought {
    person: Person,
    map: Arc<DataMap>,
}

impl Exports {
    pub(super) async fn sought(&self, request: &RequestItem) -> Result<Sought> {
        let map = self.core.map_version(&request.organization, request.execution.map_version).await?;
        let person = self.core.person_of(request, request.execution.round).await?.unwrap_or_default();
        Ok(Sought { person, map })
    }

    /// What an erasure of the same person hides of what the export asks for, by category: its copies are not in the
    /// export, which says so. What is hidden of anybody else is none of this person's business.
    pub(super) async fn hidden_by(&self, request: &RequestItem, sought: &Sought, erasure: &RequestItem) -> Result<Vec<Hidden>> {
        let round = erasure.execution.begun.last().copied().unwrap_or(erasure.execution.round);
        let other = self.core.person_of(erasure, round).await?.unwrap_or_default();
        if !sought.person.is_same_as(&other, |kind| sought.map.tells_apart(kind)) {
            return Ok(vec![]);
        }
        let asked = AskedScope::of(request);
        let mut hidden: Vec<Hidden> = Vec::new();
        // A purge that a hold keeps standing goes on when that ends, whenever that is.
        let until = erasure.window_ends_at().filter(|_| erasure.state.phase == Phase::Recoverable);
        for (_, step) in self.core.steps_of(erasure).await? {
            let left_out = request.leaves_out(&step.category);
            let producer = sought.map.producer(&step.producer);
            // A producer that is in the map no more has its category still.
            let unasked = match producer {
                Some(producer) => asked.leaves_out(producer).is_some(),
                None => asked.leaves_out_category(&step.category),
            };
            let records = kept(&step);
            if records == 0 || left_out || unasked {
                continue;
            }
            let category = step.category.to_string();
            match hidden.iter_mut().find(|h| h.category == category) {
                Some(there) => there.records += records,
                None => hidden.push(Hidden { request_id: erasure.id.to_string(), category, records, until }),
            }
        }
        Ok(hidden)
    }

    /// Whether nobody but a purge that stands still, or a window that is open, has to do with an erasure: then what is
    /// hidden stays so, and nothing changes under an export.
    pub(super) fn stands_still(erasure: &RequestItem) -> bool {
        match erasure.state.phase {
            Phase::Recoverable => true,
            Phase::Purging => erasure.execution.slot.is_none(),
            _ => false,
        }
    }
}

/// Records of a step whose copies are kept. What a store hides by its own means is there still, and the export shows it;
/// without its key nothing of a vault can be read again.
const fn kept(step: &StepItem) -> u64 {
    match step.method {
        HideMethod::Vault if !step.key_destroyed => step.counts.restorable(),
        HideMethod::Vault | HideMethod::Native => 0,
    }
}
