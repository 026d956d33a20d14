//! `oubli review`: what somebody wants done, and a person decides.

mod ask;
mod decide;
mod feedback;
mod list;
mod show;
mod stats;

use crate::{client::Client, failure::Failure, output};
use clap::{Args, Subcommand};
use oubli_domain::review::{DecisionType, ReviewId};
use serde_json::Value;

const PATH: &str = "/v1/reviews";

#[derive(Subcommand)]
pub enum Command {
    /// List reviews, newest first
    List(list::Options),
    /// Show a review: what is asked and why, who is asked, and what was decided
    Show(One),
    /// Ask for a review
    Ask(Box<ask::Options>),
    /// Approve what a review asks for
    Approve(decide::Plain),
    /// Reject what a review asks for
    Reject(decide::Plain),
    /// Say what is to be done instead of what a review asks for
    Modify(decide::Modify),
    /// Say something of a review; without a rating and a comment, show what was said
    Feedback(feedback::Options),
    /// Count reviews
    Stats,
}

#[derive(Args)]
pub struct One {
    /// The review's number
    #[arg(value_name = "ID")]
    id: ReviewId,
}

impl One {
    /// A path under this review.
    fn path(&self, below: &str) -> String {
        format!("{PATH}/{}{below}", self.id)
    }
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List(options) => list::run(client, &options, json),
        Command::Show(one) => {
            print(&client.get(&one.path(""), &[])?, show::described, json);
            Ok(())
        }
        Command::Ask(options) => ask::run(client, &options, json),
        Command::Approve(plain) => decide::run(client, plain.said(DecisionType::Approve), json),
        Command::Reject(plain) => decide::run(client, plain.said(DecisionType::Reject), json),
        Command::Modify(modify) => decide::run(client, modify.said(), json),
        Command::Feedback(options) => feedback::run(client, &options, json),
        Command::Stats => stats::run(client, json),
    }
}

/// Prints an answer, or what it says.
fn print(answer: &Value, text: fn(&Value) -> String, json: bool) {
    if json {
        output::print_json(answer);
    } else {
        output::print(&text(answer));
    }
}
