//! `oubli admin organization`.

use super::organization_id;
use crate::{failure::Failure, organization::Limits, output};
use clap::{Args, Subcommand};
use oubli_domain::{
    access::{Role, Roles},
    deadline::Country,
    ids::OrganizationId,
    limits::Limits as OwnLimits,
    personal::Identifier,
    settings::Settings,
};
use oubli_engine::{
    Engine,
    directory::{Administration, Member, NewKey, NewKeyWanted, NewMember},
};
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Subcommand)]
pub enum Command {
    /// Make an organization with its first administrator; one that is there already is left as it is
    Create(Box<Create>),
    /// Add an administrator with a key, where nobody else can any more
    Administrator(Add),
    /// Set what an organization may use up of the deployment, where it is not to be as for the others; show it
    Limits(Share),
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    of: Of,
    /// Its name
    #[arg(long)]
    name: String,
    /// The controller's country, whose public holidays move deadlines
    #[arg(long)]
    country: Country,
    /// The controller's time zone, such as Europe/Berlin
    #[arg(long)]
    time_zone: String,
    #[command(flatten)]
    administrator: Administrator,
    #[command(flatten)]
    limits: Limits,
}

#[derive(Args)]
pub struct Of {
    /// Its id: a to z, 0 to 9, _ and -
    #[arg(long, value_parser = organization_id)]
    id: OrganizationId,
}

#[derive(Args)]
struct Administrator {
    /// The administrator's name
    #[arg(long, value_name = "NAME")]
    administrator: String,
    /// The administrator's address
    #[arg(long, value_parser = address, value_name = "ADDRESS")]
    email: String,
}

#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    administrator: Administrator,
}

/// What an organization may use up; only what is given changes. 0 is no limit.
#[derive(Args)]
pub struct Share {
    #[command(flatten)]
    of: Of,
    /// Calls in a second, each by its x-cost in the description of the API
    #[arg(long, value_name = "COST")]
    calls_per_second: Option<u32>,
    /// What calls that come at once may cost
    #[arg(long, value_name = "COST")]
    calls_at_once: Option<u32>,
    /// Batches begun in a minute
    #[arg(long, value_name = "BATCHES")]
    batches_per_minute: Option<u32>,
    /// Discoveries without a request, begun in a minute
    #[arg(long, value_name = "DISCOVERIES")]
    discoveries_per_minute: Option<u32>,
    /// Discoveries without a request that are under way at the same time
    #[arg(long, value_name = "DISCOVERIES")]
    discoveries_in_flight: Option<u32>,
    /// Compliance reports that are made at the same time
    #[arg(long, value_name = "REPORTS")]
    reports_in_flight: Option<u32>,
    /// Calls that wait for the decision on a review at the same time; beyond it they are answered at once
    #[arg(long, value_name = "CALLS")]
    reviews_waiting: Option<u32>,
    /// Whatever is not given is as for the others again
    #[arg(long)]
    reset: bool,
}

impl Share {
    fn given(&self) -> OwnLimits {
        OwnLimits {
            calls_per_second: self.calls_per_second,
            calls_at_once: self.calls_at_once,
            batches_per_minute: self.batches_per_minute,
            discoveries_per_minute: self.discoveries_per_minute,
            discoveries_in_flight: self.discoveries_in_flight,
            reports_in_flight: self.reports_in_flight,
            reviews_waiting: self.reviews_waiting,
        }
    }
}

pub async fn run(engine: &Engine, operator: Option<&str>, command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Create(create) => {
            let mut settings = Settings::new(create.name, create.country, create.time_zone);
            create.limits.apply(&mut settings);
            let administration = engine.directory().operator(&create.of.id, operator);
            if !administration.create_organization(settings).await? {
                let text = "It is there already. Its administrators change it: oubli organization set.";
                return Err(Failure::Refused(text.to_owned()));
            }
            add(&administration, create.of.id, create.administrator, json).await
        }
        Command::Administrator(Add { of, administrator }) => {
            add(&engine.directory().operator(&of.id, operator), of.id.clone(), administrator, json).await
        }
        Command::Limits(share) => limit(&engine.directory().operator(&share.of.id, operator), &share, json).await,
    }
}

async fn limit(administration: &Administration, share: &Share, json: bool) -> Result<(), Failure> {
    let change = |stand: OwnLimits| share.given().or(if share.reset { OwnLimits::default() } else { stand });
    let limits = administration.set_limits(change).await?;
    let answer = json!({ "organization_id": share.of.id, "limits": limits });
    if json {
        output::print_json(&answer);
        return Ok(());
    }
    let own = &answer["limits"];
    let names: Vec<&str> = own.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let text = output::lines(own, &names);
    output::print(if text.is_empty() { "It has no limits of its own: those of the deployment hold." } else { &text });
    Ok(())
}

async fn add(
    administration: &Administration,
    id: OrganizationId,
    Administrator { administrator, email }: Administrator,
    json: bool,
) -> Result<(), Failure> {
    let roles = Roles::of(Role::Administrator);
    let new = NewMember { name: administrator.clone(), email, roles, teams: vec![], oidc_subjects: vec![] };
    let member = administration.create_member(Uuid::now_v7(), new).await?;
    let wanted = NewKeyWanted { member: Some(member.id), name: administrator, ..NewKeyWanted::default() };
    let key = administration.create_key(Uuid::now_v7(), wanted).await?;
    let answer = as_json(&id, &member, &key);
    if json {
        output::print_json(&answer);
    } else {
        let text = output::lines(&answer, &["organization_id", "member_id", "key", "key_id", "expires_at"]);
        output::print(&(text + "\nThe key is not shown again."));
    }
    Ok(())
}

/// An email address as clap reads it.
fn address(text: &str) -> Result<String, &'static str> {
    Identifier::parse_email(text).map(|_| text.to_owned()).map_err(|_| "it is no email address")
}

fn as_json(id: &OrganizationId, member: &Member, key: &NewKey) -> Value {
    json!({
        "organization_id": id,
        "member_id": member.id,
        "key": key.key,
        "key_id": key.key_id,
        "expires_at": key.expires_at,
    })
}
