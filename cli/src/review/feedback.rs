//! `oubli review feedback`.

use super::{One, print};
use crate::{
    client::{Client, given},
    failure::Failure,
    output::{lines, list},
};
use clap::Args;
use serde_json::{Value, json};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    one: One,
    /// From 1 to 5
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=5))]
    rating: Option<u8>,
    /// In words; kept sealed
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let path = options.one.path("/feedback");
    if options.rating.is_none() && options.comment.is_none() {
        print(&client.get(&path, &[])?, listed, json);
        return Ok(());
    }
    let body = given([("rating", json!(options.rating)), ("comment", json!(options.comment))]);
    print(&client.post(&path, &body)?, described, json);
    Ok(())
}

fn described(said: &Value) -> String {
    lines(said, &["review_id", "id", "rating", "comment", "given_by", "timestamp"])
}

fn listed(answer: &Value) -> String {
    let said = list(&answer["feedback"]);
    if said.is_empty() {
        return "Nobody has said anything of it.".to_owned();
    }
    said.iter().map(described).collect::<Vec<_>>().join("\n")
}
