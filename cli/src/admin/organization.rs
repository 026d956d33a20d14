//! `oubli admin organization`.

use super::organization_id;
use crate::{failure::Failure, output};
use clap::{Args, Subcommand};
use oubli_domain::{access::Role, deadline::Country, ids::OrganizationId, language::Language, settings::Settings};
use oubli_engine::{Engine, EngineError};
use serde_json::{Value, json};

#[derive(Subcommand)]
pub enum Command {
    /// Make an organization; one that is there already is left as it is
    Create(Create),
    /// Show an organization's settings, or change those given
    Settings(Change),
}

#[derive(Args)]
pub struct Create {
    /// Its id: a to z, 0 to 9, _ and -
    #[arg(long, value_parser = organization_id)]
    id: OrganizationId,
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
    limits: Limits,
}

#[derive(Args)]
pub struct Change {
    /// Its id
    #[arg(long, value_parser = organization_id)]
    id: OrganizationId,
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
}

#[derive(Args)]
struct Limits {
    /// How long hidden data can be restored; 30 days unless given
    #[arg(long, value_name = "SECONDS")]
    recovery_window_seconds: Option<u32>,
    /// Whether a decision must come from somebody other than the submitter; false only for organizations of one person
    #[arg(long, value_name = "BOOL")]
    four_eyes: Option<bool>,
    /// Most records in a batch; 1000 unless given
    #[arg(long, value_name = "RECORDS")]
    batch_size: Option<u32>,
    /// Requests that may execute at the same time
    #[arg(long, value_name = "REQUESTS")]
    concurrent_requests: Option<u32>,
    /// Batches of one request that may be in flight at the same time
    #[arg(long, value_name = "BATCHES")]
    lanes: Option<u32>,
    /// After how long a decision is too old to hide by without looking again
    #[arg(long, value_name = "SECONDS")]
    decision_valid_seconds: Option<u32>,
    /// When what an ended request gathered about a person is removed
    #[arg(long, value_name = "DAYS")]
    forget_after_days: Option<u32>,
    /// Days after which a request that nobody verified ends, never before its legal deadline; 30 unless given
    #[arg(long, value_name = "DAYS")]
    unverified_ends_after_days: Option<u32>,
    /// Days after which a plan that nobody decided on ends, never before the legal deadline; 90 unless given
    #[arg(long, value_name = "DAYS")]
    unreviewed_ends_after_days: Option<u32>,
    /// Days after which a request that failed before it touched anything ends, never before its legal deadline; 90
    /// unless given
    #[arg(long, value_name = "DAYS")]
    failed_ends_after_days: Option<u32>,
    /// For how long an export can be opened; 14 days unless given
    #[arg(long, value_name = "SECONDS")]
    export_kept_seconds: Option<u32>,
    /// Whether an export needs a decision; one that goes before an approved erasure never does
    #[arg(long, value_name = "BOOL")]
    export_review: Option<bool>,
    /// Who may open exports and revoke them: privacy_officer, reviewer, auditor, administrator, service; with commas between
    #[arg(long, value_name = "ROLES", value_delimiter = ',')]
    export_openers: Option<Vec<Role>>,
    /// Whether opening an export takes a one-time code: oubli admin key enroll
    #[arg(long, value_name = "BOOL")]
    export_step_up: Option<bool>,
    /// Whether identifiers that were found, not given, are used only once a reviewer named them: oubli identify
    #[arg(long, value_name = "BOOL")]
    confirm_found_identifiers: Option<bool>,
    /// Addresses to tell by email what becomes of exports, with commas between; none: --notify ''
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',')]
    notify: Option<Vec<String>>,
    /// What exports, and certificates for which no language is asked, are written in: en, fr, de; en unless given
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<Language>,
    /// What the files of saved queries and delivered exports begin with
    #[arg(long, value_name = "TEXT")]
    file_prefix: Option<String>,
    /// The organization's own bucket, which exports can be delivered to; none: --delivery-bucket ''
    #[arg(long, value_name = "BUCKET")]
    delivery_bucket: Option<String>,
    /// What the application is called in the names of folders that exports are delivered to
    #[arg(long, value_name = "TEXT")]
    delivery_app: Option<String>,
}

impl Limits {
    fn apply(&self, settings: &mut Settings) {
        let numbers = [
            (&mut settings.recovery_window_seconds, self.recovery_window_seconds),
            (&mut settings.batch_size, self.batch_size),
            (&mut settings.concurrent_requests, self.concurrent_requests),
            (&mut settings.lanes, self.lanes),
            (&mut settings.decision_valid_seconds, self.decision_valid_seconds),
            (&mut settings.forget_after_days, self.forget_after_days),
            (&mut settings.unverified_ends_after_days, self.unverified_ends_after_days),
            (&mut settings.unreviewed_ends_after_days, self.unreviewed_ends_after_days),
            (&mut settings.failed_ends_after_days, self.failed_ends_after_days),
            (&mut settings.export_kept_seconds, self.export_kept_seconds),
        ];
        for (setting, given) in numbers {
            *setting = given.unwrap_or(*setting);
        }
        settings.four_eyes = self.four_eyes.unwrap_or(settings.four_eyes);
        settings.export_review = self.export_review.unwrap_or(settings.export_review);
        settings.export_step_up = self.export_step_up.unwrap_or(settings.export_step_up);
        settings.confirm_found_identifiers = self.confirm_found_identifiers.unwrap_or(settings.confirm_found_identifiers);
        if let Some(notify) = &self.notify {
            settings.notify = notify.iter().filter(|to| !to.is_empty()).cloned().collect();
        }
        settings.language = self.language.unwrap_or(settings.language);
        settings.file_prefix = self.file_prefix.clone().unwrap_or_else(|| settings.file_prefix.clone());
        for (setting, given) in
            [(&mut settings.delivery_bucket, &self.delivery_bucket), (&mut settings.delivery_app, &self.delivery_app)]
        {
            if let Some(text) = given {
                *setting = Some(text.clone()).filter(|t| !t.is_empty());
            }
        }
        settings.export_openers = self.export_openers.clone().unwrap_or_else(|| settings.export_openers.clone());
    }
}

pub async fn run(engine: &Engine, command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Create(create) => {
            let mut settings = Settings::new(create.name, create.country, create.time_zone);
            create.limits.apply(&mut settings);
            engine.directory().create_organization(create.id.clone(), settings.clone()).await?;
            let stands = engine.directory().settings(&create.id).await?;
            print(&create.id, &stands, json)?;
            if !json && stands != settings {
                output::print("\nIt was there already, with these settings; `oubli admin organization settings` changes them.");
            }
        }
        Command::Settings(change) => {
            let mut settings = engine.directory().settings(&change.id).await?;
            let before = settings.clone();
            settings.name = change.name.unwrap_or(settings.name);
            settings.country = change.country.unwrap_or(settings.country);
            settings.time_zone = change.time_zone.unwrap_or(settings.time_zone);
            change.limits.apply(&mut settings);
            if settings != before {
                engine.directory().update_settings(&change.id, settings.clone()).await?;
            }
            print(&change.id, &settings, json)?;
        }
    }
    Ok(())
}

fn print(id: &OrganizationId, settings: &Settings, json: bool) -> Result<(), Failure> {
    let settings = serde_json::to_value(settings).map_err(|e| EngineError::internal(format!("settings: {e}")))?;
    if json {
        output::print_json(&json!({ "id": id, "settings": settings }));
        return Ok(());
    }
    let names: Vec<&str> = settings.as_object().map(|s| s.keys().map(String::as_str).collect()).unwrap_or_default();
    let mut all = settings.clone();
    all["id"] = Value::from(id.to_string());
    output::print(&output::lines(&all, &[&["id"], names.as_slice()].concat()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_changes() {
        let mut settings = Settings::new("n".to_owned(), Country::De, "Europe/Berlin".to_owned());
        let before = settings.clone();
        let none = Limits {
            recovery_window_seconds: None,
            four_eyes: None,
            batch_size: None,
            concurrent_requests: None,
            lanes: None,
            decision_valid_seconds: None,
            forget_after_days: None,
            unverified_ends_after_days: None,
            unreviewed_ends_after_days: None,
            failed_ends_after_days: None,
            export_kept_seconds: None,
            export_review: None,
            export_openers: None,
            export_step_up: None,
            confirm_found_identifiers: None,
            notify: None,
            language: None,
            file_prefix: None,
            delivery_bucket: None,
            delivery_app: None,
        };
        none.apply(&mut settings);
        assert_eq!(settings, before);
        Limits { recovery_window_seconds: Some(5), four_eyes: Some(false), ..none }.apply(&mut settings);
        assert_eq!((settings.recovery_window_seconds, settings.four_eyes), (5, false));
        assert_eq!(settings.batch_size, before.batch_size);
    }
}
