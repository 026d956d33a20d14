//! Reviews that somebody asks for, and the rules that say who is asked: in the form of Humancheck's API, so that its clients work
//! unchanged. Those take every answer they do not know for an approval: what fits their form is never refused here.

mod ask;
mod decide;
mod feedback;
mod read;
mod rules;
mod stats;

use crate::{
    checks::Checks,
    json::as_whole,
    rooms::ReviewRooms,
    routes::{Routes, routes},
};
use oubli_engine::ProblemCode;
use serde_json::Value;

/// What review serves of it.
pub(crate) fn review() -> Routes<ReviewRooms> {
    routes!(
        ask::request_review,
        read::list_reviews,
        read::get_review,
        read::get_review_decision,
        decide::decide_review,
        decide::post_review_decision,
        feedback::give_review_feedback,
        feedback::list_review_feedback,
        stats::get_review_stats,
        rules::add_routing_rule,
        rules::list_routing_rules,
        rules::try_routing_rules,
        rules::get_routing_rule,
        rules::change_routing_rule,
        rules::remove_routing_rule,
    )
}

/// An organization as clients of others name it: by a number of their own, or by its name here.
fn named(organization: Option<&Value>) -> Option<&str> {
    organization.and_then(Value::as_str)
}

/// Whether callers may call something of their own so: by a number, or a name.
fn is_own_name(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty() && text.chars().count() <= 200,
        Value::Number(number) => number.as_f64().and_then(as_whole).is_some(),
        _ => false,
    }
}

/// Refuses what they may not call it by.
fn check_own_name(checks: &mut Checks, field: &str, value: Option<&Value>) {
    if value.is_some_and(|value| !is_own_name(value)) {
        checks.refuse(ProblemCode::InvalidType, field, "it is neither a number nor a name", "a whole number, or a text");
    }
}
