//! `oubli audit`.

use crate::{
    client::Client,
    failure::Failure,
    output::{self, plain, table},
};
use clap::Args;
use serde_json::{Value, json};

// In a body: what names a person stands in no address.
const PATH: &str = "/v1/compliance/audit-log/search";

#[derive(Args)]
pub struct Options {
    /// Only entries of this type, such as gdpr_erasure_executed
    #[arg(long)]
    event_type: Option<String>,
    /// Not before this date, or time with offset
    #[arg(long, value_name = "DATE")]
    start_date: Option<String>,
    /// Not after this date, or time with offset
    #[arg(long, value_name = "DATE")]
    end_date: Option<String>,
    /// Only entries about this request
    #[arg(long = "request", value_name = "ID")]
    request_id: Option<String>,
    /// Only what this actor did, by its opaque id
    #[arg(long, value_name = "ID")]
    actor: Option<String>,
    /// Only what is about this person, by the organization's own id
    #[arg(long, value_name = "ID")]
    subject_id: Option<String>,
    /// Only what is about this person, by email address
    #[arg(long, value_name = "ADDRESS")]
    subject_email: Option<String>,
    /// How many a page
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u8).range(1..=100))]
    limit: u8,
    /// Go on where the page before ended
    #[arg(long)]
    cursor: Option<String>,
    /// Every page
    #[arg(long)]
    all: bool,
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let mut cursor = options.cursor.clone();
    let mut entries = Vec::new();
    loop {
        let mut page = client.ask(PATH, &options.body(cursor))?;
        cursor = page["next_cursor"].as_str().map(ToOwned::to_owned);
        if let Value::Array(more) = page["entries"].take() {
            entries.extend(more);
        }
        if cursor.is_none() || !(options.all || entries.is_empty()) {
            break;
        }
    }
    if json {
        output::print_json(&json!({ "entries": entries, "next_cursor": cursor }));
        return Ok(());
    }
    let mut text = describe(&entries);
    if let Some(cursor) = cursor {
        text.push_str(&format!("\n\nMore: --all, or --cursor {}", output::clean(&cursor)));
    }
    output::print(&text);
    Ok(())
}

impl Options {
    fn body(&self, cursor: Option<String>) -> Value {
        let given = [
            ("event_type", self.event_type.clone()),
            ("start_date", self.start_date.clone()),
            ("end_date", self.end_date.clone()),
            ("request_id", self.request_id.clone()),
            ("actor", self.actor.clone()),
            ("subject_id", self.subject_id.clone()),
            ("subject_email", self.subject_email.clone()),
            ("cursor", cursor),
        ];
        let given = given.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?))));
        given.chain([("limit".to_owned(), self.limit.into())]).collect::<serde_json::Map<_, _>>().into()
    }
}

fn describe(entries: &[Value]) -> String {
    let rows = entries.iter().map(|entry| {
        // Enough of a hash to follow the chain by eye.
        let short = |field: &str| Value::from(plain(&entry[field]).chars().skip(7).take(12).collect::<String>());
        let place = if entry["sealed"] == true { entry["index"].clone() } else { "unsealed".into() };
        let erased = &entry["data_erased"]["documents"];
        let erased = if erased == 0 { Value::Null } else { erased.clone() };
        vec![
            place,
            entry["timestamp"].clone(),
            entry["event_type"].clone(),
            entry["request_id"].clone(),
            entry["executed_by"].clone(),
            erased,
            short("hash"),
            short("previous_hash"),
        ]
    });
    table(&["index", "time", "event", "request", "by", "erased", "hash", "previous"], rows)
}
