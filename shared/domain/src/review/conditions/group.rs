//! Comparisons, and how they are put together.

use super::comparison::Comparison;
use serde_json::Value;

/// What all must hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Group(pub Vec<Part>);

/// A part of a group.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// A comparison.
    One(Comparison),
    /// Groups that must all hold.
    All(Vec<Group>),
    /// Groups of which one must hold.
    Any(Vec<Group>),
}

impl Group {
    /// Whether it holds of a review.
    pub fn holds(&self, facts: &Value) -> bool {
        self.0.iter().all(|part| match part {
            Part::One(comparison) => comparison.holds(facts),
            Part::All(groups) => groups.iter().all(|group| group.holds(facts)),
            Part::Any(groups) => groups.iter().any(|group| group.holds(facts)),
        })
    }

    /// Adds every comparison, in the order of the body.
    pub fn comparisons<'a>(&'a self, found: &mut Vec<&'a Comparison>) {
        for part in &self.0 {
            match part {
                Part::One(comparison) => found.push(comparison),
                Part::All(groups) | Part::Any(groups) => groups.iter().for_each(|group| group.comparisons(found)),
            }
        }
    }

    /// Adds the comparisons that must hold whatever else does, and the alternatives of which one must.
    pub fn required<'a>(&'a self, required: &mut Vec<&'a Comparison>, alternatives: &mut Vec<&'a Group>) {
        for part in &self.0 {
            match part {
                Part::One(comparison) => required.push(comparison),
                Part::All(groups) => groups.iter().for_each(|group| group.required(required, alternatives)),
                Part::Any(groups) => alternatives.extend(groups),
            }
        }
    }
}
