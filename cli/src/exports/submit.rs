//! `oubli export submit`.

use super::PATH;
use crate::{client::Client, failure::Failure, output, requests::about::About};
use clap::Args;

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    about: About,
    /// Copies kept as backups as well
    #[arg(long)]
    include_backups: bool,
}

pub fn run(client: &Client, options: Options, json: bool) -> Result<(), Failure> {
    let mut body = options.about.fields();
    body.insert("include_backups".to_owned(), options.include_backups.into());
    let answer = client.post(PATH, &body.into())?;
    if json {
        output::print_json(&answer);
    } else {
        output::print(&output::lines(&answer, &["request_id", "status", "phase", "deadline", "duplicate_of"]));
    }
    Ok(())
}
