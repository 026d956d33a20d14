//! `oubli`: erasure requests from a terminal.
#![forbid(unsafe_code)]

mod admin;
mod audit;
mod client;
mod discover;
mod exports;
mod failure;
mod hold;
mod key;
mod map;
mod mcp;
mod member;
mod object;
mod organization;
mod output;
mod person;
mod proofs;
mod query;
mod report;
mod requests;
mod review;
mod rule;
mod suggest;
mod team;

use clap::{Args, Parser, Subcommand};
use client::Client;
use failure::Failure;
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Exit codes:
  0  done
  1  refused: bad input, not allowed, or it ended otherwise than awaited
  2  the command line is wrong
  3  there is no such thing
  4  it does not fit the state of things (conflict)
  5  the service cannot be reached or is in trouble; try again

Every call that changes something carries an Idempotency-Key, so that it is safe to interrupt and repeated by itself
when the service is briefly unavailable.";

/// The right to be forgotten, from a terminal.
#[derive(Parser)]
#[command(name = "oubli", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command accepts.
#[derive(Args)]
struct Globals {
    /// Base URL of the API
    #[arg(long, env = "OUBLI_URL", global = true, value_name = "URL")]
    url: Option<String>,
    /// API key, or a token of an issuer that the organization takes; better given by the environment, where no other process
    /// reads it
    #[arg(long, env = "OUBLI_API_KEY", global = true, hide_env_values = true, value_name = "KEY")]
    api_key: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Submit an erasure request
    Submit(Box<requests::submit::Options>),
    /// List requests, newest first
    List(requests::list::Options),
    /// Show a request and its plan
    Show(requests::show::Options),
    /// Show how far a request is
    Status(requests::One),
    /// Watch a request until somebody is needed, it can still be restored, or it ends; --until final waits for its end
    Watch(requests::watch::Options),
    /// Attest that a person's identity was checked
    Attest(requests::act::Verify),
    /// Extend the legal deadline by two months
    Extend(requests::act::Extend),
    /// Approve the plan of a request and run it
    Approve(requests::approve::Options),
    /// Name ambiguous identifiers as the person's; the data is then looked for by them, too
    Identify(requests::act::Identify),
    /// Reject a request
    Reject(requests::act::Reject),
    /// Cancel a request
    Cancel(requests::act::Cancel),
    /// Put back what a request has hidden
    Restore(requests::act::Restore),
    /// Try again what failed
    Retry(requests::One),
    /// Go on without what a restore or a purge could not handle
    Resolve(requests::One),
    /// List what could not be put back
    Conflicts(requests::One),
    /// Give up the copies of what could not be put back
    GiveUp(requests::act::GiveUp),
    /// Look at what is there for a person; changes nothing
    Discover(discover::Options),
    /// Exports: a person's data as one encrypted archive
    #[command(subcommand)]
    Export(Box<exports::Command>),
    /// Saved queries, which exports run
    #[command(subcommand)]
    Query(query::Command),
    /// Legal holds
    #[command(subcommand)]
    Hold(hold::Command),
    /// Reviews: what a program or a colleague wants done, and a person decides
    #[command(subcommand)]
    Review(review::Command),
    /// Rules that say who is asked for a review
    #[command(subcommand)]
    Rule(rule::Command),
    /// Serve an agent over standard input and output, by the Model Context Protocol: it asks people for reviews
    Mcp(mcp::Options),
    /// Query the audit log
    Audit(audit::Options),
    /// Have a completed request certified
    Certificate(proofs::certificate::Options),
    /// Make a compliance report on the requests of a period
    Report(report::Options),
    /// The audit log as a whole: checkpoints, proofs, export
    #[command(subcommand)]
    Ledger(proofs::ledger::Command),
    /// Check a certificate, or an exported log, with no network
    Verify(proofs::verify::Options),
    /// The data map
    #[command(subcommand)]
    Map(map::Command),
    /// The organization's settings
    #[command(subcommand)]
    Organization(organization::Command),
    /// The organization's members
    #[command(subcommand)]
    Member(member::Command),
    /// Teams: members who are asked together
    #[command(subcommand)]
    Team(team::Command),
    /// API keys of members and machines
    #[command(subcommand)]
    Key(key::Command),
    /// What only whoever operates the deployment does, with AWS credentials and the deployment's OUBLI_* variables: new
    /// organizations and their first administrators, stores that are shared
    #[command(subcommand)]
    Admin(admin::Command),
}

fn main() -> ExitCode {
    let Cli { globals, command } = Cli::parse();
    let json = globals.json;
    match run(globals, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(json);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(globals: Globals, command: Command) -> Result<(), Failure> {
    let json = globals.json;
    let command = match command {
        Command::Export(command) if command.is_local() => return exports::run_local(&command, json),
        Command::Verify(options) => return proofs::verify::run(&options, json),
        Command::Map(command) => return map::run(|| Client::new(globals.url, globals.api_key), &command, json),
        Command::Admin(command) => return admin::run(command, json),
        other => other,
    };
    let client = Client::new(globals.url, globals.api_key)?;
    match command {
        Command::Mcp(options) => mcp::run(client, &options),
        Command::Submit(options) => requests::submit::run(&client, *options, json),
        Command::List(options) => requests::list::run(&client, &options, json),
        Command::Show(one) => requests::show::run(&client, &one, json),
        Command::Status(one) => requests::status::run(&client, &one, json),
        Command::Watch(options) => requests::watch::run(&client, &options, json),
        Command::Attest(options) => requests::act::verify(&client, requests::PATH, &options, json),
        Command::Extend(options) => requests::act::extend(&client, &options, json),
        Command::Approve(options) => requests::approve::run(&client, requests::PATH, &options, json),
        Command::Identify(options) => requests::act::identify(&client, requests::PATH, &options, json),
        Command::Reject(options) => requests::act::reject(&client, requests::PATH, &options, json),
        Command::Cancel(options) => requests::act::cancel(&client, &options, json),
        Command::Restore(options) => requests::act::restore(&client, &options, json),
        Command::Retry(one) => requests::act::retry(&client, requests::PATH, &one, json),
        Command::Resolve(one) => requests::act::resolve(&client, &one, json),
        Command::Conflicts(one) => requests::act::conflicts(&client, &one, json),
        Command::GiveUp(options) => requests::act::give_up(&client, &options, json),
        Command::Discover(options) => discover::run(&client, &options, json),
        Command::Export(command) => exports::run(&client, *command, json),
        Command::Query(command) => query::run(&client, command, json),
        Command::Hold(command) => hold::run(&client, command, json),
        Command::Review(command) => review::run(&client, command, json),
        Command::Rule(command) => rule::run(&client, command, json),
        Command::Audit(options) => audit::run(&client, &options, json),
        Command::Certificate(options) => proofs::certificate::run(&client, &options, json),
        Command::Report(options) => report::run(&client, &options, json),
        Command::Ledger(command) => proofs::ledger::run(&client, &command, json),
        Command::Organization(command) => organization::run(&client, command, json),
        Command::Member(command) => member::run(&client, command, json),
        Command::Team(command) => team::run(&client, command, json),
        Command::Key(command) => key::run(&client, command, json),
        Command::Map(_) | Command::Admin(_) | Command::Verify(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// An option of a command's own would be given what the environment says for everybody's of the same name.
    #[test]
    fn no_command_names_an_option_as_every_command_does() {
        fn own(command: &clap::Command, names: &mut Vec<String>) {
            for one in command.get_subcommands() {
                names.extend(one.get_arguments().map(|a| a.get_id().to_string()));
                own(one, names);
            }
        }
        let (command, mut names) = (Cli::command(), vec![]);
        own(&command, &mut names);
        let shared: Vec<_> = command.get_arguments().map(|a| a.get_id().to_string()).collect();
        assert!(shared.contains(&"api_key".to_owned()) && names.len() > 100, "{shared:?}");
        assert!(names.iter().all(|name| !shared.contains(name)), "{shared:?}");
    }
}
