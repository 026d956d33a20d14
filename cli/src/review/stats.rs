//! `oubli review stats`.

use super::print;
use crate::{
    client::Client,
    failure::Failure,
    output::{lines, plain, table},
};
use serde_json::Value;

const SHOWN: [&str; 7] = [
    "total_reviews",
    "pending_reviews",
    "approved_reviews",
    "rejected_reviews",
    "timed_out_reviews",
    "modified_reviews",
    "avg_confidence_score",
];

const COUNTED: [(&str, &str); 3] =
    [("urgency", "urgency_breakdown"), ("task type", "task_type_breakdown"), ("framework", "framework_breakdown")];

pub fn run(client: &Client, json: bool) -> Result<(), Failure> {
    print(&client.get("/v1/stats", &[])?, described, json);
    Ok(())
}

fn described(stats: &Value) -> String {
    let mut text = lines(stats, &SHOWN);
    for (name, field) in COUNTED {
        if let Some(counts) = stats[field].as_object().filter(|counts| !counts.is_empty()) {
            let rows = counts.iter().map(|(of, count)| vec![Value::from(of.as_str()), count.clone()]);
            text.push_str(&format!("\n{}\n", table(&[name, "reviews"], rows)));
        }
    }
    if stats["breakdown_of"].as_u64() < stats["total_reviews"].as_u64() {
        text.push_str(&format!("\nKinds and frameworks are those of the newest {}.\n", plain(&stats["breakdown_of"])));
    }
    text
}
