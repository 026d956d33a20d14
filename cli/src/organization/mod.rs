//! `oubli organization`: settings, and issuers.

mod issuer;
mod limits;

pub use limits::Limits;

use crate::{client::Client, failure::Failure, output};
use clap::{Args, Subcommand};
use oubli_domain::deadline::Country;
use serde_json::Value;

const PATH: &str = "/v1/organization";

#[derive(Subcommand)]
pub enum Command {
    /// Show the settings
    Show,
    /// Change those given
    Set(Box<Change>),
    /// OpenID providers whose tokens are taken instead of an API key
    #[command(subcommand)]
    Issuer(issuer::Command),
}

#[derive(Args)]
pub struct Change {
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// The controller's country, whose public holidays move deadlines
    #[arg(long)]
    country: Option<Country>,
    /// The controller's time zone, such as Europe/Berlin
    #[arg(long)]
    time_zone: Option<String>,
    #[command(flatten)]
    limits: Limits,
    /// "no recovery", beside --recovery-window-seconds 0: nothing that is hidden could be put back
    #[arg(long, value_name = "WORDS")]
    confirm: Option<String>,
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    let settings = match command {
        Command::Show => client.get(PATH, &[])?,
        Command::Set(change) => client.patch(PATH, &body(&change)?)?,
        Command::Issuer(command) => return issuer::run(client, command, json),
    };
    if json {
        output::print_json(&settings);
        return Ok(());
    }
    let limits = &settings["limits"];
    let set: Vec<&str> = names(&settings).filter(|name| *name != "limits").collect();
    let mut text = output::lines(&settings, &set);
    text.push_str("\nLimits, set by whoever operates the deployment; 0 is none\n");
    text.push_str(&output::lines(limits, &names(limits).collect::<Vec<_>>()));
    output::print(&text);
    Ok(())
}

fn names(object: &Value) -> impl Iterator<Item = &str> {
    object.as_object().into_iter().flatten().map(|(name, _)| name.as_str())
}

fn body(change: &Change) -> Result<Value, Failure> {
    let Change { name, country, time_zone, limits, confirm } = change;
    let unwritable = |e: serde_json::Error| Failure::Usage(format!("these settings cannot be written: {e}"));
    let Value::Object(mut body) = serde_json::to_value(limits).map_err(unwritable)? else {
        return Err(Failure::Usage("these settings cannot be written".to_owned()));
    };
    body.insert("country".to_owned(), serde_json::to_value(country).map_err(unwritable)?);
    for (field, text) in [("name", name), ("time_zone", time_zone), ("confirm", confirm)] {
        body.insert(field.to_owned(), text.clone().into());
    }
    // Nobody at all is told: --notify ''.
    if let Some(Value::Array(notify)) = body.get_mut("notify") {
        notify.retain(|to| to != "");
    }
    body.retain(|_, value| !value.is_null());
    if body.is_empty() {
        return Err(Failure::Usage("name what to change: oubli organization set --help".to_owned()));
    }
    Ok(body.into())
}
