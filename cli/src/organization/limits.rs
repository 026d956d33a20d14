//! What an organization sets, as the command line takes it.

use clap::Args;
use oubli_domain::{access::Role, language::Language, settings::Settings};
use serde::Serialize;

/// What an organization sets; only what is given.
#[derive(Args, Serialize, Default)]
pub struct Limits {
    /// How long hidden data can be restored; 30 days unless given
    #[arg(long, value_name = "SECONDS")]
    recovery_window_seconds: Option<u32>,
    /// Whether a decision must come from a member other than the submitter; false counts only while one member alone could
    /// approve
    #[arg(long, value_name = "BOOL")]
    four_eyes: Option<bool>,
    /// Whether whoever attested a person's identity is kept from deciding on their request
    #[arg(long, value_name = "BOOL")]
    separate_attestation: Option<bool>,
    /// For how many days an attestation that a person is who they say is taken; for ever unless given, and with 0
    #[arg(long, value_name = "DAYS")]
    attestation_valid_days: Option<u32>,
    /// Whether a data map counts only once a second administrator confirmed it
    #[arg(long, value_name = "BOOL")]
    map_review: Option<bool>,
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
    /// Of how many records, rows of saved queries among them, an export needs one in any case; 10000 unless given, however
    /// many: 0
    #[arg(long, value_name = "RECORDS")]
    export_review_records: Option<u32>,
    /// Who may open exports and revoke them: privacy_officer, reviewer, auditor, administrator, service; with commas between
    #[arg(long, value_name = "ROLES", value_delimiter = ',')]
    export_openers: Option<Vec<Role>>,
    /// Whether opening an export takes a one-time code: oubli key enroll
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
    /// Whether delivered folders are named by what a person is known by, instead of a pseudonym
    #[arg(long, value_name = "BOOL")]
    delivery_names_people: Option<bool>,
    /// What the application is called in the names of folders that exports are delivered to
    #[arg(long, value_name = "TEXT")]
    delivery_app: Option<String>,
}

impl Limits {
    /// Onto settings.
    pub fn apply(&self, settings: &mut Settings) {
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
            (&mut settings.export_review_records, self.export_review_records),
        ];
        for (setting, given) in numbers {
            *setting = given.unwrap_or(*setting);
        }
        settings.four_eyes = self.four_eyes.unwrap_or(settings.four_eyes);
        settings.separate_attestation = self.separate_attestation.unwrap_or(settings.separate_attestation);
        settings.map_review = self.map_review.unwrap_or(settings.map_review);
        if let Some(days) = self.attestation_valid_days {
            settings.attestation_valid_days = Some(days).filter(|days| *days > 0);
        }
        settings.delivery_names_people = self.delivery_names_people.unwrap_or(settings.delivery_names_people);
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

#[cfg(test)]
mod tests {
    use super::*;
    use oubli_domain::deadline::Country;

    #[test]
    fn only_what_is_given_changes() {
        let mut settings = Settings::new("n".to_owned(), Country::De, "Europe/Berlin".to_owned());
        let before = settings.clone();
        Limits::default().apply(&mut settings);
        assert_eq!(settings, before);
        Limits { lanes: Some(3), ..Limits::default() }.apply(&mut settings);
        assert_eq!(settings, Settings { lanes: 3, ..before.clone() });
        Limits { lanes: Some(2), export_review_records: Some(0), ..Limits::default() }.apply(&mut settings);
        assert_eq!(settings, Settings { export_review_records: 0, ..before }, "however many");
    }
}
