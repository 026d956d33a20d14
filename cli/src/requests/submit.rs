//! `oubli submit`.

use super::{PATH, about::About};
use crate::{
    client::{Client, path_id},
    failure::Failure,
    output, person,
};
use clap::Args;
use serde_json::{Value, json};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    about: About,
    /// full_erasure, or partial_erasure; follows from the categories unless given
    #[arg(long = "type", value_name = "TYPE")]
    request_type: Option<String>,
    /// no_longer_necessary, consent_withdrawn, objection, unlawful_processing, legal_obligation, child_data or
    /// user_request
    #[arg(long, default_value = "user_request")]
    reason: String,
    /// Leave backups alone
    #[arg(long)]
    no_backups: bool,
    /// Leave logs alone
    #[arg(long)]
    no_logs: bool,
    /// Leave derived data alone
    #[arg(long)]
    no_derived_data: bool,
    /// Do not begin before this time, with offset
    #[arg(long, value_name = "TIME")]
    scheduled_at: Option<String>,
    /// Hide nothing before an export of the same can be opened
    #[arg(long)]
    export_first: bool,
    /// The law that sets the deadline
    #[arg(long)]
    regime: Option<String>,
}

impl Options {
    fn body(self) -> Value {
        let partial = self.about.is_partial();
        let request_type =
            self.request_type.unwrap_or_else(|| if partial { "partial_erasure" } else { "full_erasure" }.to_owned());
        let mut body = self.about.fields();
        body.insert("request_type".to_owned(), request_type.into());
        body.insert("reason".to_owned(), self.reason.into());
        let scope = json!({
            "include_backups": !self.no_backups,
            "include_logs": !self.no_logs,
            "include_derived_data": !self.no_derived_data,
        });
        body.insert("scope".to_owned(), scope);
        body.insert("export_first".to_owned(), self.export_first.into());
        for (name, text) in [("scheduled_at", self.scheduled_at), ("regime", self.regime)] {
            body.extend(text.map(|text| (name.to_owned(), text.into())));
        }
        body.into()
    }
}

pub fn run(client: &Client, options: Options, json: bool) -> Result<(), Failure> {
    let waits = options.about.waits();
    let answer = client.post(PATH, &options.body())?;
    if json {
        output::print_json(&answer);
        return Ok(());
    }
    let mut text = output::lines(&answer, &["request_id", "status", "phase", "deadline", "legal_deadline", "duplicate_of"]);
    if answer["phase"] == "awaiting_verification" {
        text.push_str("\nThe person's identity must be confirmed first: oubli attest\n");
    }
    output::print(&text);
    if let Some(id) = answer["request_id"].as_str().filter(|_| waits) {
        let path = format!("{PATH}/{}", path_id(id)?);
        output::print_some(&person::known_after(client, &path, &answer, &format!("oubli show {id}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn categories_make_it_partial_and_nothing_empty_is_sent() {
        let body = |line: &[&str]| Line::try_parse_from([&["x"], line].concat()).map(|l| l.options.body());
        let full = body(&["--subject-id", "u1"]).expect("parses");
        assert_eq!((&full["request_type"], full.get("categories")), (&json!("full_erasure"), None));
        let partial = body(&["--subject-email", "a@b", "--category", "orders"]).expect("parses");
        assert_eq!((&partial["request_type"], &partial["categories"]), (&json!("partial_erasure"), &json!(["orders"])));
        let phone = body(&["--identifier", "phone=+33123456789"]).expect("parses");
        assert_eq!(phone["identifiers"], json!([{ "kind": "phone", "value": "+33123456789" }]));
        assert_eq!(partial.get("identifiers"), None);
        assert_eq!(full.get("received_at"), None);
        let received = body(&["--subject-id", "u1", "--received-at", "2026-10-20T08:00:00Z"]).expect("parses");
        assert_eq!(received["received_at"], "2026-10-20T08:00:00Z");
        assert!(body(&["--identifier", "phone"]).is_err());
        assert!(body(&[]).is_err());
        assert!(body(&["--subject-id", "u1", "--verified-at", "2026-01-01T00:00:00Z"]).is_err());
    }
}
