//! Legal holds.

use crate::ids::{ActorId, Category, HoldId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A subject as a keyed hash, which finds the same person again without saying who it is: the kind of identifier, a hyphen
/// and the hash.
pub type SubjectKey = String;

/// What the kind ends in, in a key by which only what is found by a shared identifier is held.
const SHARED: &str = "+shared";

/// The key by which a hold on somebody meets what is found by an identifier that they share: it is a hold on nobody else
/// who has it.
pub fn shared_key(key: &str) -> SubjectKey {
    key.replacen('-', &format!("{SHARED}-"), 1)
}

/// What a hold covers. At least one of the two is given; with both, it covers that category of that subject.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldScope {
    /// Hashes of the subject's identifiers; none: every subject, unless they were forgotten.
    pub subject_keys: Vec<SubjectKey>,
    /// Categories; none: every category.
    pub categories: Vec<Category>,
    /// It was on a subject, and nobody knows any more on whom.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subject_forgotten: bool,
}

impl HoldScope {
    /// Whether it is on nobody in particular.
    pub fn is_on_everybody(&self) -> bool {
        self.subject_keys.is_empty() && !self.subject_forgotten
    }

    /// The same without whom it is on.
    #[must_use]
    pub fn forgotten(self) -> Self {
        Self { subject_forgotten: !self.is_on_everybody(), subject_keys: vec![], ..self }
    }

    /// Whether it covers a subject with any of these hashes.
    pub fn covers_subject(&self, subject_keys: &[SubjectKey]) -> bool {
        self.is_on_everybody() || self.subject_keys.iter().any(|k| subject_keys.contains(k))
    }

    /// Whether a subject can be told from its own: by an identifier of a kind that both are known by. Those that people
    /// share tell nobody apart.
    pub fn tells_apart(&self, subject_keys: &[SubjectKey]) -> bool {
        let kind = |key: &SubjectKey| key.split_once('-').map(|(kind, _)| kind.to_owned()).filter(|kind| !kind.ends_with(SHARED));
        let same = |a: &SubjectKey, b: &SubjectKey| kind(a).is_some_and(|a| Some(a) == kind(b));
        self.is_on_everybody() || self.subject_keys.iter().any(|a| subject_keys.iter().any(|b| same(a, b)))
    }

    /// Whether it covers a category.
    pub fn covers_category(&self, category: &Category) -> bool {
        self.categories.is_empty() || self.categories.contains(category)
    }
}

/// A hold as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// What it covers.
    pub scope: HoldScope,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// By whom.
    pub placed_by: ActorId,
    /// When it was released, if it was.
    pub released_at: Option<Timestamp>,
    /// By whom.
    pub released_by: Option<ActorId>,
}

impl Hold {
    /// Whether it is in force.
    pub fn is_active(&self) -> bool {
        self.released_at.is_none()
    }
}

/// What the holds in force mean for one request, as of one version of its guards and of the holds on everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HoldView {
    /// The versions of the subject's guards this was evaluated at.
    pub versions: Vec<u64>,
    /// The version of the holds on everybody this was evaluated at.
    #[serde(default)]
    pub everybody: u64,
    /// Holds that cover every category of the subject.
    pub whole: Vec<HoldId>,
    /// Categories that are held, with the holds.
    pub categories: Vec<(Category, HoldId)>,
}

impl HoldView {
    /// What these holds mean for a subject.
    pub fn evaluate<'a>(
        versions: Vec<u64>,
        everybody: u64,
        holds: impl IntoIterator<Item = &'a Hold>,
        subject_keys: &[SubjectKey],
    ) -> Self {
        let mut view = HoldView { versions, everybody, ..HoldView::default() };
        for hold in holds.into_iter().filter(|h| h.is_active() && h.scope.covers_subject(subject_keys)) {
            if hold.scope.categories.is_empty() {
                view.whole.push(hold.id);
            }
            view.categories.extend(hold.scope.categories.iter().map(|c| (c.clone(), hold.id)));
        }
        view
    }

    /// The same, where a hold on a category holds others with it. `with` answers these for a category.
    #[must_use]
    pub fn with_others(mut self, with: impl Fn(&Category) -> BTreeSet<Category>) -> Self {
        let named = self.categories.clone();
        for (category, hold) in &named {
            for other in with(category) {
                if !self.categories.iter().any(|(c, id)| *c == other && id == hold) {
                    self.categories.push((other, *hold));
                }
            }
        }
        self
    }

    /// The first hold on this category, if any.
    pub fn on(&self, category: &Category) -> Option<HoldId> {
        self.whole.first().copied().or_else(|| self.categories.iter().find(|(c, _)| c == category).map(|(_, id)| *id))
    }

    /// Every hold on this category.
    pub fn all_on(&self, category: &Category) -> impl Iterator<Item = HoldId> {
        let named = self.categories.iter().filter(move |(c, _)| c == category).map(|(_, id)| *id);
        self.whole.iter().copied().chain(named)
    }

    /// Whether this hold is among them.
    pub fn has(&self, hold: &HoldId) -> bool {
        self.whole.contains(hold) || self.categories.iter().any(|(_, id)| id == hold)
    }

    /// Whether anything is held.
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.categories.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn hold(n: u128, subjects: &[&str], categories: &[&str]) -> Hold {
        Hold {
            id: HoldId::from_uuid(Uuid::from_u128(n)),
            scope: HoldScope {
                subject_keys: subjects.iter().map(|s| (*s).to_owned()).collect(),
                categories: categories.iter().map(|c| c.parse().expect("name")).collect(),
                subject_forgotten: false,
            },
            placed_at: Timestamp::UNIX_EPOCH,
            placed_by: ActorId::from_uuid(Uuid::nil()),
            released_at: None,
            released_by: None,
        }
    }

    #[test]
    fn a_hold_covers_its_subject_its_category_or_both() {
        let keys = ["s1".to_owned()];
        let orders: Category = "orders".parse().expect("name");
        let chat: Category = "chat".parse().expect("name");
        let view = |h: &Hold| HoldView::evaluate(vec![1], 0, [h], &keys);
        assert!(view(&hold(1, &["s1"], &[])).on(&chat).is_some());
        assert!(view(&hold(1, &[], &["orders"])).on(&orders).is_some());
        assert!(view(&hold(1, &[], &["orders"])).on(&chat).is_none());
        assert!(view(&hold(1, &["s2"], &["orders"])).is_empty());
    }

    #[test]
    fn p2_a_hold_covers_whoever_shares_any_one_of_its_identifiers() {
        let scope = hold(1, &["id-1", "email-1", "phone-1"], &[]).scope;
        for key in &scope.subject_keys {
            assert!(scope.covers_subject(std::slice::from_ref(key)), "{key}");
            assert!(scope.covers_subject(&["id-2".to_owned(), key.clone()]), "{key}, and another");
        }
        assert!(!scope.covers_subject(&["id-2".to_owned(), "email-2".to_owned()]) && !scope.covers_subject(&[]));
    }

    #[test]
    fn a_subject_known_by_another_kind_of_identifier_cannot_be_told_apart() {
        let by_id = hold(1, &["id-1"], &[]).scope;
        let apart = |keys: &[&str]| by_id.tells_apart(&keys.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>());
        assert!(apart(&["id-1"]) && apart(&["id-2"]) && apart(&["id-2", "email-1"]));
        assert!(!apart(&["email-1"]));
        let shared = hold(1, &["id-1", "email+shared-1"], &[]).scope;
        assert!(!shared.tells_apart(&["email-2".to_owned(), "email+shared-2".to_owned()]), "it may be theirs too");
        assert!(shared.covers_subject(&["email+shared-1".to_owned()]) && !shared.covers_subject(&["email-1".to_owned()]));
        assert!(hold(1, &[], &["orders"]).scope.tells_apart(&["email-1".to_owned()]), "it is about nobody in particular");
    }

    #[test]
    fn a_hold_whose_subject_is_forgotten_covers_nobody_and_is_not_on_everybody() {
        for categories in [&[][..], &["orders"]] {
            let scope = hold(1, &["id-1"], categories).scope.forgotten();
            assert!(!scope.is_on_everybody() && !scope.covers_subject(&["id-1".to_owned()]), "{scope:?}");
            assert!(scope.subject_keys.is_empty() && !scope.tells_apart(&["id-1".to_owned()]), "{scope:?}");
            assert_eq!(scope.clone().forgotten(), scope);
            let kept = serde_json::to_value(&scope).expect("json");
            assert_eq!(serde_json::from_value::<HoldScope>(kept).expect("a scope"), scope);
        }
        let everybody = hold(1, &[], &["orders"]).scope;
        assert_eq!(everybody.clone().forgotten(), everybody);
        let before = serde_json::json!({ "subject_keys": ["id-1"], "categories": [] });
        assert_eq!(serde_json::to_value(hold(1, &["id-1"], &[]).scope).expect("json"), before, "as it was kept before");
    }

    #[test]
    fn every_hold_on_a_category_is_known() {
        let orders: Category = "orders".parse().expect("name");
        let holds = [hold(1, &["s1"], &[]), hold(2, &[], &["orders"]), hold(3, &[], &["chat"]), hold(4, &["s1"], &["orders"])];
        let view = HoldView::evaluate(vec![1], 0, &holds, &["s1".to_owned()]);
        assert_eq!(view.all_on(&orders).collect::<Vec<_>>(), [holds[0].id, holds[1].id, holds[3].id]);
        assert!(view.has(&holds[2].id));
    }

    #[test]
    fn a_hold_on_a_category_holds_those_that_it_holds_with_it() {
        let category = |name: &str| -> Category { name.parse().expect("name") };
        let held = hold(1, &["s1"], &["orders"]);
        let view = HoldView::evaluate(vec![1], 0, [&held, &hold(2, &["s1"], &["chat"])], &["s1".to_owned()]);
        let with = |c: &Category| if c.as_str() == "orders" { BTreeSet::from([c.clone(), category("lines")]) } else { [].into() };
        let view = view.with_others(with);
        assert_eq!(view.on(&category("lines")), Some(held.id));
        assert_eq!(view.categories.len(), 3, "each once");
    }

    #[test]
    fn a_released_hold_covers_nothing() {
        let mut h = hold(1, &["s1"], &[]);
        assert!(h.is_active());
        h.released_at = Some(Timestamp::UNIX_EPOCH);
        assert!(HoldView::evaluate(vec![1], 0, [&h], &["s1".to_owned()]).is_empty());
    }
}
