//! What an organization sets.

use crate::{access::Role, deadline::Country, file_name::is_device, language::Language, personal::Identifier};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Settings of one organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Name shown to people.
    pub name: String,
    /// The controller's country: its public holidays move legal deadlines.
    pub country: Country,
    /// The controller's time zone, an IANA name.
    pub time_zone: String,
    /// Seconds between hiding and purging.
    pub recovery_window_seconds: u32,
    /// A decision must come from a member other than the submitter. Off counts only while one member alone could approve.
    pub four_eyes: bool,
    /// Whoever attested a person's identity does not decide on their request either.
    #[serde(default)]
    pub separate_attestation: bool,
    /// Days for which an attestation that a person is who they say is taken; for ever unless set.
    #[serde(default)]
    pub attestation_valid_days: Option<u32>,
    /// A data map counts only once a second administrator confirmed it.
    #[serde(default)]
    pub map_review: bool,
    /// Most records in a batch.
    pub batch_size: u32,
    /// Requests of the organization that may execute at the same time.
    pub concurrent_requests: u32,
    /// Batches of one request that may be in flight at the same time.
    pub lanes: u32,
    /// Seconds after which a decision is too old to hide by without looking again.
    pub decision_valid_seconds: u32,
    /// Days after a request's end when what it gathered about the person is removed.
    pub forget_after_days: u32,
    /// Days after which a request whose identity nobody confirmed ends; never before its legal deadline.
    #[serde(default = "a_month")]
    pub unverified_ends_after_days: u32,
    /// Days after which a plan that nobody decided on ends with its request; never before the legal deadline.
    #[serde(default = "a_quarter")]
    pub unreviewed_ends_after_days: u32,
    /// Days after which a request that failed, and that nobody retried, is cancelled or goes on without what failed; never
    /// before its legal deadline.
    #[serde(default = "a_quarter")]
    pub failed_ends_after_days: u32,
    /// Seconds for which an export can be opened.
    #[serde(default = "two_weeks")]
    pub export_kept_seconds: u32,
    /// An export needs a decision before it is packaged, unless it goes before an erasure that has one.
    #[serde(default)]
    pub export_review: bool,
    /// Of more records than these an export needs one in any case; 0: however many. A number that says so, since what is not set
    /// is not written, and read as it comes. Rows that its saved queries bring count like records. Nobody knows them before they
    /// are asked for: an export that turns out to have more is planned anew, and waits for the decision then. Each export is
    /// counted by itself.
    #[serde(default = "many_records")]
    pub export_review_records: u32,
    /// Roles that may open an export, or revoke it.
    #[serde(default = "officers")]
    pub export_openers: Vec<Role>,
    /// Opening an export takes a one-time code besides the credential.
    #[serde(default)]
    pub export_step_up: bool,
    /// Identifiers that were found, not given, are used only once a reviewer named them.
    #[serde(default)]
    pub confirm_found_identifiers: bool,
    /// Addresses of those who are told by email what becomes of exports.
    #[serde(default)]
    pub notify: Vec<String>,
    /// What exports are written in, and certificates for which no other language is asked.
    #[serde(default)]
    pub language: Language,
    /// What the files of saved queries, and delivered exports, begin with.
    #[serde(default)]
    pub file_prefix: String,
    /// The organization's own bucket, which exports can be delivered to.
    #[serde(default)]
    pub delivery_bucket: Option<String>,
    /// Delivered folders are named by what a person is known by, instead of a pseudonym.
    #[serde(default)]
    pub delivery_names_people: bool,
    /// What the organization calls the application, in the names of folders that exports are delivered to; its name
    /// unless set.
    #[serde(default)]
    pub delivery_app: Option<String>,
}

const fn two_weeks() -> u32 {
    14 * 24 * 3600
}

const fn many_records() -> u32 {
    10_000
}

const fn a_month() -> u32 {
    30
}

const fn a_quarter() -> u32 {
    90
}

fn officers() -> Vec<Role> {
    vec![Role::PrivacyOfficer, Role::Administrator]
}

impl Settings {
    /// The defaults for an organization of this name, country and time zone.
    pub fn new(name: String, country: Country, time_zone: String) -> Self {
        Self {
            name,
            country,
            time_zone,
            recovery_window_seconds: 30 * 24 * 3600,
            four_eyes: true,
            separate_attestation: false,
            attestation_valid_days: None,
            map_review: false,
            batch_size: 1000,
            concurrent_requests: 4,
            lanes: 2,
            decision_valid_seconds: 24 * 3600,
            forget_after_days: 30,
            unverified_ends_after_days: a_month(),
            unreviewed_ends_after_days: a_quarter(),
            failed_ends_after_days: a_quarter(),
            export_kept_seconds: two_weeks(),
            export_review: false,
            export_review_records: many_records(),
            confirm_found_identifiers: false,
            export_openers: officers(),
            export_step_up: false,
            notify: vec![],
            language: Language::default(),
            file_prefix: String::new(),
            delivery_bucket: None,
            delivery_names_people: false,
            delivery_app: None,
        }
    }

    /// How long what is hidden can be restored.
    pub const fn recovery_window(&self) -> Duration {
        Duration::from_secs(self.recovery_window_seconds as u64)
    }

    /// Whether an export of so many records needs a decision, whoever asked for it.
    pub fn reviews_exports_of(&self, records: u64) -> bool {
        let most = u64::from(self.export_review_records);
        self.export_review || (most > 0 && records > most)
    }

    /// What is wrong with them: the field and what is accepted.
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        if jiff::tz::TimeZone::get(&self.time_zone).is_err() {
            problems.push(("time_zone", "an IANA time zone name such as Europe/Paris is accepted"));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > 200 {
            problems.push(("name", "1 to 200 characters are accepted"));
        }
        if self.export_review_records > 100_000_000 {
            problems.push(("export_review_records", "0 to 100000000 is accepted"));
        }
        if !(1..=366 * 24 * 3600).contains(&self.decision_valid_seconds) {
            problems.push(("decision_valid_seconds", "1 to 31622400, one year, is accepted"));
        }
        if self.attestation_valid_days.is_some_and(|days| !(1..=3650).contains(&days)) {
            problems.push(("attestation_valid_days", "1 to 3650, ten years, is accepted"));
        }
        if self.forget_after_days > 3650 {
            problems.push(("forget_after_days", "up to 3650, ten years, is accepted"));
        }
        if !(1..=1000).contains(&self.batch_size) {
            problems.push(("batch_size", "1 to 1000 is accepted"));
        }
        if !(1..=32).contains(&self.concurrent_requests) {
            problems.push(("concurrent_requests", "1 to 32 is accepted"));
        }
        if !(1..=32).contains(&self.lanes) {
            problems.push(("lanes", "1 to 32 is accepted"));
        }
        for (field, days) in [
            ("unverified_ends_after_days", self.unverified_ends_after_days),
            ("unreviewed_ends_after_days", self.unreviewed_ends_after_days),
            ("failed_ends_after_days", self.failed_ends_after_days),
        ] {
            if !(1..=3650).contains(&days) {
                problems.push((field, "1 to 3650, ten years, is accepted"));
            }
        }
        if !(10..=90 * 24 * 3600).contains(&self.export_kept_seconds) {
            problems.push(("export_kept_seconds", "10 to 7776000, 90 days, is accepted"));
        }
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if self.file_prefix.len() > 40 || !plain(&self.file_prefix) || self.file_prefix.starts_with(['.', '-']) {
            problems.push(("file_prefix", "up to 40 letters, digits, hyphens, dots and underscores are accepted"));
        }
        // The name of a query follows, and nobody could unpack the file.
        if is_device(&format!("{}x", self.file_prefix)) {
            problems
                .push(("file_prefix", "nothing is accepted that begins as a name which Windows gives to a device, such as con."));
        }
        if self.delivery_app.as_ref().is_some_and(|app| app.len() > 100) {
            problems.push(("delivery_app", "up to 100 bytes are accepted"));
        }
        if self.delivery_bucket.as_ref().is_some_and(|b| !(3..=63).contains(&b.len()) || !plain(b)) {
            problems.push(("delivery_bucket", "the name of an S3 bucket is accepted"));
        }
        if self.notify.len() > 10 || self.notify.iter().any(|to| Identifier::parse_email(to).is_err()) {
            problems.push(("notify", "up to 10 email addresses are accepted"));
        }
        if self.export_openers.is_empty() {
            problems.push(("export_openers", "at least one role is accepted"));
        }
        if self.recovery_window_seconds > 366 * 24 * 3600 {
            problems.push(("recovery_window_seconds", "up to 31622400, one year, is accepted"));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_prefix_makes_a_file_that_cannot_be_unpacked_everywhere() {
        let with = |prefix: &str| Settings {
            file_prefix: prefix.to_owned(),
            ..Settings::new("Demo".to_owned(), Country::De, "Europe/Berlin".to_owned())
        };
        for refused in ["con.", "NUL.", "COM1.", "lpt9.x_", "aux.", ".x", "-x", "a b", "a/"] {
            let problems = with(refused).problems();
            assert!(problems.iter().any(|(field, _)| *field == "file_prefix"), "{refused}: {problems:?}");
        }
        for accepted in ["", "acme_", "con", "con_", "com1", "company.", "shop-eu."] {
            assert_eq!(with(accepted).problems(), [], "{accepted}");
        }
    }
}
