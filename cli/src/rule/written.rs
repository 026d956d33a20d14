//! `oubli rule add`, `change`.

use super::{
    One,
    whom::{Whom, whom},
};
use crate::{client::given, failure::Failure, object::object};
use clap::Args;
use oubli_domain::review::{MemberNumber, TeamId};
use serde_json::{Value, json};

#[derive(Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).multiple(true).args(["team", "user"])))]
pub struct Add {
    /// What people call it
    #[arg(long)]
    name: String,
    /// The higher, the sooner it is looked at; among equals the oldest goes first
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..=1_000_000))]
    priority: i32,
    /// What has to hold of a review, as a JSON object, or in a file; {} for every review
    #[arg(long, value_name = "JSON|@FILE")]
    conditions: String,
    /// The team that is asked, by its number
    #[arg(long, value_name = "TEAM_ID")]
    team: Option<TeamId>,
    /// The member who is asked, by their number: oubli member list
    #[arg(long, value_name = "NUMBER")]
    user: Option<MemberNumber>,
    /// It does not count yet
    #[arg(long)]
    inactive: bool,
}

impl Add {
    pub fn body(&self) -> Result<Value, Failure> {
        Ok(given([
            ("name", json!(self.name)),
            ("priority", json!(self.priority)),
            ("conditions", object("--conditions", &self.conditions)?),
            ("assign_to_team_id", json!(self.team)),
            ("assign_to_user_id", json!(self.user)),
            ("is_active", json!(!self.inactive)),
        ]))
    }
}

#[derive(Args)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true)
    .args(["name", "priority", "conditions", "team", "user", "active"])))]
pub struct Change {
    #[command(flatten)]
    one: One,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// The higher, the sooner it is looked at
    #[arg(long, value_parser = clap::value_parser!(i32).range(0..=1_000_000))]
    priority: Option<i32>,
    /// What has to hold of a review, instead of what had to before; as a JSON object, or in a file
    #[arg(long, value_name = "JSON|@FILE")]
    conditions: Option<String>,
    /// The team that is asked, by its number; none: --team ''
    #[arg(long, value_name = "TEAM_ID", value_parser = whom::<TeamId>)]
    team: Option<Whom>,
    /// The member who is asked, by their number; none: --user ''
    #[arg(long, value_name = "NUMBER", value_parser = whom::<MemberNumber>)]
    user: Option<Whom>,
    /// Whether it counts
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
}

impl Change {
    pub fn path(&self) -> String {
        self.one.path()
    }

    pub fn body(&self) -> Result<Value, Failure> {
        let conditions = self.conditions.as_deref().map(|text| object("--conditions", text)).transpose()?;
        let mut body = given([
            ("name", json!(self.name)),
            ("priority", json!(self.priority)),
            ("conditions", json!(conditions)),
            ("is_active", json!(self.active)),
        ]);
        // Nobody is said, too: it stays where it is not.
        for (field, whom) in [("assign_to_team_id", self.team), ("assign_to_user_id", self.user)] {
            if let Some(whom) = whom {
                body[field] = json!(whom);
            }
        }
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Adding {
        #[command(flatten)]
        add: Add,
    }

    #[derive(Parser)]
    struct Changing {
        #[command(flatten)]
        change: Change,
    }

    fn added(more: &[&str]) -> Option<Value> {
        let line = [&["x", "--name", "x", "--conditions", "{}"], more].concat();
        Adding::try_parse_from(line).ok()?.add.body().ok()
    }

    fn changed(line: &[&str]) -> Option<Value> {
        Changing::try_parse_from([&["x"], line].concat()).ok()?.change.body().ok()
    }

    #[test]
    fn a_change_says_what_it_changes_and_whom_it_takes_away() {
        assert_eq!(changed(&["1", "--active", "false"]), Some(json!({ "is_active": false })));
        let whom = json!({ "assign_to_team_id": null, "assign_to_user_id": 3 });
        assert_eq!(changed(&["1", "--team", "", "--user", "3"]), Some(whom));
        assert_eq!(changed(&["1", "--conditions", "{}"]), Some(json!({ "conditions": {} })));
        for wrong in [&["1"][..], &["0", "--name", "x"], &["1", "--priority", "1000001"], &["1", "--conditions", "[]"]] {
            assert_eq!(changed(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_rule_asks_somebody() {
        assert_eq!(added(&[]), None);
        let rule = json!({ "name": "x", "priority": 0, "conditions": {}, "assign_to_team_id": 1, "is_active": false });
        assert_eq!(added(&["--team", "1", "--inactive"]), Some(rule));
    }
}
