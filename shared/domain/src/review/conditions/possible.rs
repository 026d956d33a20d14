//! Whether conditions can hold at all. A rule that can never match is a mistake, and nobody would notice.

use super::{
    compare::{order, same},
    comparison::Comparison,
    fault::{ConditionFault, InvalidConditions},
    group::Group,
    operator::Operator,
    path::{Domain, FieldPath},
};
use crate::review::urgency::Urgency;
use serde_json::Value;
use std::{cmp::Ordering, collections::BTreeMap};

/// Refuses what can never hold: a comparison by itself, or those of one field that must hold together. What an `or` offers
/// is looked at by itself, not beside what stands around it.
pub(super) fn check(group: &Group) -> Result<(), InvalidConditions> {
    let (mut required, mut alternatives) = (Vec::new(), Vec::new());
    group.required(&mut required, &mut alternatives);
    let mut by_field: BTreeMap<&FieldPath, Vec<&Comparison>> = BTreeMap::new();
    for comparison in required {
        let domain = comparison.path.domain();
        if comparison.operator == Operator::In && comparison.expected.as_array().is_some_and(Vec::is_empty) {
            return Err(never(comparison, "nothing is in an empty list", "at least one value is accepted"));
        }
        if !possible(domain, &[comparison]) {
            return Err(never(comparison, "no review can fulfil it", domain.accepted()));
        }
        by_field.entry(&comparison.path).or_default().push(comparison);
    }
    for (path, together) in &by_field {
        if let ([.., last], false) = (together.as_slice(), possible(path.domain(), together)) {
            let reason = "no review can fulfil it and what must hold of the same field besides";
            return Err(never(last, reason, path.domain().accepted()));
        }
    }
    alternatives.into_iter().try_for_each(check)
}

fn never(comparison: &Comparison, reason: &'static str, accepted: &'static str) -> InvalidConditions {
    InvalidConditions::new(comparison.place.as_str(), ConditionFault::NeverHolds, reason, accepted)
}

/// Whether something that a review can say in a field fulfils all of these comparisons of that field. Where that is hard to
/// tell, it says yes.
fn possible(domain: Domain, all: &[&Comparison]) -> bool {
    match candidates(domain, all) {
        Some(candidates) => candidates.iter().any(|value| domain.has(value) && all.iter().all(|c| c.holds_of(value))),
        None => Kind::ALL.into_iter().any(|kind| kind.is_of(domain) && all.iter().all(|c| kind.suits(c))) && is_open(domain, all),
    }
}

/// All values that could fulfil them, where they are few.
fn candidates(domain: Domain, all: &[&Comparison]) -> Option<Vec<Value>> {
    if domain == Domain::Urgency {
        return Some(Urgency::ALL.iter().map(|urgency| urgency.name().into()).collect());
    }
    let asks = |operator: Operator| all.iter().find(move |comparison| comparison.operator == operator);
    if let Some(equal) = asks(Operator::Equal) {
        return Some(vec![equal.expected.clone()]);
    }
    asks(Operator::In)?.expected.as_array().cloned()
}

/// Kinds of values, as far as comparisons tell them apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    List,
    Other,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Text, Kind::Number, Kind::List, Kind::Other];

    /// Whether a review can say something of this kind in such a field.
    fn is_of(self, domain: Domain) -> bool {
        match domain {
            Domain::Text | Domain::Urgency => self == Kind::Text,
            Domain::Score => self == Kind::Number,
            Domain::Any => true,
        }
    }

    /// Whether a comparison can hold of something of this kind.
    fn suits(self, comparison: &Comparison) -> bool {
        match comparison.operator {
            Operator::Less | Operator::Greater | Operator::AtMost | Operator::AtLeast => {
                self == if comparison.expected.is_string() { Kind::Text } else { Kind::Number }
            }
            Operator::Contains => self == Kind::List || (self == Kind::Text && comparison.expected.is_string()),
            Operator::Matches => self == Kind::Text,
            _ => true,
        }
    }
}

/// Whether the bounds leave room between them, and nothing is asked for that is not wanted.
fn is_open(domain: Domain, all: &[&Comparison]) -> bool {
    let implied = match domain {
        Domain::Score => vec![(Operator::AtLeast, Value::from(0)), (Operator::AtMost, Value::from(1))],
        _ => vec![],
    };
    let asked = all.iter().map(|comparison| (comparison.operator, &comparison.expected));
    let bounds: Vec<(Operator, &Value)> = implied.iter().map(|(operator, bound)| (*operator, bound)).chain(asked).collect();
    let those = |a: Operator, b: Operator| bounds.iter().filter(move |(operator, _)| *operator == a || *operator == b);
    let fit = |lower: &(Operator, &Value), upper: &(Operator, &Value)| match order(lower.1, upper.1) {
        Some(Ordering::Less) => true,
        Some(Ordering::Equal) => lower.0 == Operator::AtLeast && upper.0 == Operator::AtMost,
        _ => false,
    };
    let room = those(Operator::AtLeast, Operator::Greater)
        .all(|lower| those(Operator::AtMost, Operator::Less).all(|upper| fit(lower, upper)));
    let wanted = |part: &Value| those(Operator::NotContains, Operator::NotContains).all(|(_, other)| !same(part, other));
    room && those(Operator::Contains, Operator::Contains).all(|(_, part)| wanted(part))
}
