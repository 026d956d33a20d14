//! What may be left of a person once their request is through: the one source of what status, log and certificate say.

use crate::{
    asking::Unasked,
    batch::Counts,
    plan::{Kept, KeptBecause, LeftOut, Plan, PlannedIdentifier, Unsearched},
};

/// What may be left of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remains {
    /// What stays.
    pub kept: Vec<Kept>,
    /// What reviewers left out, whether anything of it was there or not.
    pub left_out: Vec<LeftOut>,
    /// What was not looked at.
    pub unsearched: Vec<Unsearched>,
    /// Saved queries that an export does not ask, or not by everything.
    pub unasked: Vec<Unasked>,
    /// Identifiers that may be the person's, and that nothing was searched by.
    pub ambiguous: Vec<PlannedIdentifier>,
    /// There may be more identifiers than were found.
    pub identifiers_incomplete: bool,
    /// Records that a person had restored.
    pub restored: u64,
    /// Records that were not put back by a restore, those given up by a person included.
    pub conflicts: u64,
    /// Records that could not be handled.
    pub failed: u64,
}

impl Remains {
    /// By the last plan, the decisions and the counts of all rounds.
    pub fn new(plan: &Plan, left_out: &[LeftOut], counts: &Counts) -> Self {
        Self {
            kept: plan.kept.clone(),
            left_out: left_out.to_vec(),
            unsearched: plan.unsearched.clone(),
            unasked: plan.unasked.clone(),
            ambiguous: plan.unclear().cloned().collect(),
            identifiers_incomplete: plan.identifiers_incomplete,
            restored: counts.restored,
            conflicts: counts.conflicts + counts.given_up,
            failed: counts.failed,
        }
    }

    /// Whether all that was asked for is gone. A partial erasure does not ask for what it leaves out; a full one asks for
    /// everything.
    pub fn all_asked_is_gone(&self, partial: bool) -> bool {
        let kept = self.kept.iter().any(|k| !(partial && k.why == KeptBecause::OutOfScope));
        let unsearched = self.unsearched.iter().any(|u| !(partial && u.why.chosen()));
        let searched = !unsearched && self.ambiguous.is_empty() && !self.identifiers_incomplete;
        !kept && searched && self.left_out.is_empty() && self.restored == 0 && self.conflicts == 0 && self.failed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::UnsearchedBecause;

    fn kept(why: KeptBecause) -> Remains {
        let name = "orders";
        let kept =
            Kept { producer: name.parse().expect("a name"), category: name.parse().expect("a name"), records: 1, bytes: 1, why };
        Remains { kept: vec![kept], ..Remains::default() }
    }

    fn unsearched(why: UnsearchedBecause) -> Remains {
        let name = "chat";
        let unsearched = Unsearched { producer: name.parse().expect("a name"), category: name.parse().expect("a name"), why };
        Remains { unsearched: vec![unsearched], ..Remains::default() }
    }

    #[test]
    fn what_a_partial_erasure_leaves_out_is_an_exception_to_a_full_one_only() {
        for remains in [kept(KeptBecause::OutOfScope), unsearched(UnsearchedBecause::NotAsked)] {
            assert!(remains.all_asked_is_gone(true), "{remains:?}");
            assert!(!remains.all_asked_is_gone(false), "{remains:?}");
        }
    }

    #[test]
    fn anything_else_that_may_be_left_is_an_exception() {
        assert!(Remains::default().all_asked_is_gone(false));
        let left_out = LeftOut {
            category: "files".parse().expect("a name"),
            retention_until: None,
            decided_by: crate::ids::ActorId::from_uuid(uuid::Uuid::nil()),
        };
        let left = [
            kept(KeptBecause::Restored),
            unsearched(UnsearchedBecause::NoIdentifier),
            unsearched(UnsearchedBecause::SomeIdentifiers),
            Remains { left_out: vec![left_out], ..Remains::default() },
            Remains { restored: 1, ..Remains::default() },
            Remains { conflicts: 1, ..Remains::default() },
            Remains { failed: 1, ..Remains::default() },
        ];
        for remains in left {
            assert!(!remains.all_asked_is_gone(true) && !remains.all_asked_is_gone(false), "{remains:?}");
        }
    }
}
