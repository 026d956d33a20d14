//! `oubli review approve`, `reject`, `modify`.

use super::{One, print};
use crate::{
    client::{Client, given},
    failure::Failure,
    output::lines,
};
use clap::Args;
use oubli_domain::review::DecisionType;
use serde_json::{Value, json};

#[derive(Args)]
pub struct Plain {
    #[command(flatten)]
    one: One,
    /// Why, and anything else; kept sealed
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
}

#[derive(Args)]
pub struct Modify {
    #[command(flatten)]
    one: One,
    /// What is to be done instead: a sentence, then one JSON object, such as: Only the chats. {"categories": ["chat_history"]}
    #[arg(long, value_name = "TEXT")]
    action: String,
    /// Why, and anything else; kept sealed
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
}

/// What is decided, and of which review.
pub struct Decision {
    one: One,
    decides: DecisionType,
    instead: Option<String>,
    notes: Option<String>,
}

impl Plain {
    pub fn said(self, decides: DecisionType) -> Decision {
        Decision { one: self.one, decides, instead: None, notes: self.notes }
    }
}

impl Modify {
    pub fn said(self) -> Decision {
        Decision { one: self.one, decides: DecisionType::Modify, instead: Some(self.action), notes: self.notes }
    }
}

pub fn run(client: &Client, decision: Decision, json: bool) -> Result<(), Failure> {
    let body = given([
        ("decision_type", json!(decision.decides.name())),
        ("modified_action", json!(decision.instead)),
        ("notes", json!(decision.notes)),
    ]);
    print(&client.post(&decision.one.path("/decide"), &body)?, described, json);
    Ok(())
}

fn described(decision: &Value) -> String {
    lines(decision, &["review_id", "decision_type", "modified_action", "notes", "decided_by", "timestamp"])
}
