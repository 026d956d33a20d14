//! `oubli review list`.

use super::{PATH, print};
use crate::{
    client::Client,
    failure::Failure,
    output::{self, plain, table},
};
use clap::Args;
use oubli_domain::review::{ReviewStatus, TeamId};
use serde_json::Value;

const COLUMNS: [&str; 8] = ["id", "status", "urgency", "task type", "asked", "team", "asked at", "closes at"];

/// Most characters of what is asked.
const MOST: usize = 60;

#[derive(Args)]
pub struct Options {
    /// Only those that are pending, approved, rejected or modified
    #[arg(long)]
    status: Option<ReviewStatus>,
    /// Only those of this kind, such as data_deletion
    #[arg(long)]
    task_type: Option<String>,
    /// Only those asked for by what is made with this
    #[arg(long)]
    framework: Option<String>,
    /// Only those that this team is asked, by its number
    #[arg(long, value_name = "TEAM_ID")]
    team: Option<TeamId>,
    /// Which page
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    page: u16,
    /// How many a page holds
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    page_size: u8,
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let parameters = [
        ("status", options.status.map(|status| status.to_string())),
        ("task_type", options.task_type.clone()),
        ("framework", options.framework.clone()),
        ("team_id", options.team.map(|team| team.to_string())),
        ("page", Some(options.page.to_string())),
        ("page_size", Some(options.page_size.to_string())),
    ];
    print(&client.get(PATH, &parameters)?, listed, json);
    Ok(())
}

fn listed(answer: &Value) -> String {
    let reviews = output::list(&answer["reviews"]);
    let mut text =
        if reviews.is_empty() { "There are no such reviews.".to_owned() } else { table(&COLUMNS, reviews.iter().map(row)) };
    let number = |field: &str| answer[field].as_u64().unwrap_or_default();
    let (page, pages) = (number("page"), number("total").div_ceil(number("page_size").max(1)));
    if page < pages {
        text.push_str(&format!("\n\nPage {page} of {pages}. More: --page {}", page + 1));
    }
    if answer["more"] == true {
        text.push_str("\n\nThere are older ones than were looked at.");
    }
    text
}

fn row(review: &Value) -> Vec<Value> {
    let of = |field: &str| review[field].clone();
    let (task_type, asked) = (beginning(&review["task_type"]), beginning(&review["proposed_action"]));
    let (team, asked_at, closes_at) = (of("assigned_to_team_id"), of("created_at"), of("closes_at"));
    vec![of("id"), of("status"), of("urgency"), task_type.into(), asked.into(), team, asked_at, closes_at]
}

/// How a text begins: on one line, for a row is one review.
fn beginning(text: &Value) -> String {
    let text = plain(text);
    let line = text.trim().lines().next().unwrap_or_default();
    let short: String = line.chars().take(MOST).collect();
    if short.len() < text.trim().len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_holds_the_beginning_of_a_text() {
        assert_eq!(beginning(&json!("Drop it")), "Drop it");
        assert_eq!(beginning(&json!("Drop it\n8  approved")), "Drop it…");
        assert_eq!(beginning(&json!("ü".repeat(61))), format!("{}…", "ü".repeat(60)));
        assert_eq!(beginning(&json!("")), "");
    }

    #[test]
    fn a_list_says_how_to_go_on() {
        let page = |page: u64, total: u64, more: bool| {
            let reviews = json!([{ "id": 7, "proposed_action": "x" }]);
            listed(&json!({ "reviews": reviews, "total": total, "page": page, "page_size": 20, "more": more }))
        };
        assert!(page(1, 41, false).contains("Page 1 of 3. More: --page 2"));
        assert!(!page(3, 41, false).contains("--page") && !page(1, 20, false).contains("--page"));
        assert!(page(1, 20, true).contains("older ones"));
    }
}
