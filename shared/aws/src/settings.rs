//! What the deployment tells a function by environment variables.

use oubli_domain::{ids::AccountId, ledger::WitnessKey, limits::Limits};
use oubli_engine::ports::{QueueName, TableName, WitnessAddress, WrappingKey};
use std::{collections::BTreeMap, time::Duration};
use thiserror::Error;

const WORKER_TIMEOUT: &str = "OUBLI_WORKER_TIMEOUT_SECONDS";
const DEFAULT_WORKER_TIMEOUT_SECONDS: u64 = 120;

const LEDGER_NAME: &str = "OUBLI_LEDGER_NAME";

const CHECKPOINTS_KEPT_DAYS: &str = "OUBLI_CHECKPOINTS_KEPT_DAYS";

const WITNESSES: &str = "OUBLI_LEDGER_WITNESSES";

/// Most witnesses of a deployment.
const MOST_WITNESSES: usize = 8;

const ENTRIES_KEPT_DAYS: &str = "OUBLI_AUDIT_ENTRIES_KEPT_DAYS";

const INDEX_KEPT_YEARS: &str = "OUBLI_SUBJECT_INDEX_KEPT_YEARS";

const SENDER: &str = "OUBLI_SENDER_ADDRESS";

const ACCOUNT: &str = "OUBLI_ACCOUNT_ID";

const DELIVERY_ACCOUNT: &str = "OUBLI_DELIVERY_ACCOUNT_ID";

const CALLS_PER_SECOND: &str = "OUBLI_ORGANIZATION_CALLS_PER_SECOND";

const CALLS_AT_ONCE: &str = "OUBLI_ORGANIZATION_CALLS_AT_ONCE";

const BATCHES_PER_MINUTE: &str = "OUBLI_ORGANIZATION_BATCHES_PER_MINUTE";

const DISCOVERIES_PER_MINUTE: &str = "OUBLI_ORGANIZATION_DISCOVERIES_PER_MINUTE";

const DISCOVERIES_IN_FLIGHT: &str = "OUBLI_ORGANIZATION_DISCOVERIES_IN_FLIGHT";

const REPORTS_IN_FLIGHT: &str = "OUBLI_ORGANIZATION_REPORTS_IN_FLIGHT";

const REVIEWS_WAITING: &str = "OUBLI_ORGANIZATION_REVIEWS_WAITING";

const NAMES: [&str; 30] = [
    "OUBLI_CONTROL_TABLE",
    "OUBLI_KEYS_TABLE",
    "OUBLI_DIRECTORY_TABLE",
    "OUBLI_DECISIONS_TABLE",
    "OUBLI_LEDGER_TABLE",
    "OUBLI_WORK_BUCKET",
    "OUBLI_LEDGER_BUCKET",
    "OUBLI_EXPORT_BUCKET",
    "OUBLI_LEDGER_KEY_ID",
    LEDGER_NAME,
    CHECKPOINTS_KEPT_DAYS,
    WITNESSES,
    ENTRIES_KEPT_DAYS,
    INDEX_KEPT_YEARS,
    "OUBLI_IDENTITY_KEY_ID",
    "OUBLI_MANIFEST_KEY_ID",
    "OUBLI_VAULT_KEY_ID",
    "OUBLI_EXPORT_KEY_ID",
    "OUBLI_MAC_KEY_ID",
    SENDER,
    ACCOUNT,
    DELIVERY_ACCOUNT,
    WORKER_TIMEOUT,
    CALLS_PER_SECOND,
    CALLS_AT_ONCE,
    BATCHES_PER_MINUTE,
    DISCOVERIES_PER_MINUTE,
    DISCOVERIES_IN_FLIGHT,
    REPORTS_IN_FLIGHT,
    REVIEWS_WAITING,
];

fn queue_variable(queue: QueueName) -> String {
    format!("OUBLI_{}_QUEUE_URL", queue.name().to_uppercase())
}

/// Why a setting cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// The variable is missing or empty.
    #[error("environment variable {0} is not set")]
    Missing(String),
    /// The variable's value cannot be read.
    #[error("environment variable {name} must be {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// What would be accepted.
        expected: &'static str,
    },
}

/// The settings of a process. Each is required only when it is used, since no function needs them all.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, String>,
    queues: BTreeMap<QueueName, String>,
}

impl Settings {
    /// The settings in this process's environment.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] for a number that is none.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// The settings that `lookup` knows, by the names of their environment variables.
    ///
    /// # Errors
    /// As [`Settings::from_env`].
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let set = |name: &str| lookup(name).filter(|v| !v.is_empty());
        let settings = Self {
            values: NAMES.into_iter().filter_map(|name| Some((name, set(name)?))).collect(),
            queues: QueueName::ALL.into_iter().filter_map(|queue| Some((queue, set(&queue_variable(queue))?))).collect(),
        };
        settings.worker_timeout()?;
        Ok(settings)
    }

    fn get(&self, name: &'static str) -> Result<&str, SettingsError> {
        self.values.get(name).map(String::as_str).ok_or_else(|| SettingsError::Missing(name.to_owned()))
    }

    /// A table's name.
    ///
    /// # Errors
    /// [`SettingsError::Missing`].
    pub fn table(&self, table: TableName) -> Result<&str, SettingsError> {
        self.get(match table {
            TableName::Control => "OUBLI_CONTROL_TABLE",
            TableName::Keys => "OUBLI_KEYS_TABLE",
            TableName::Directory => "OUBLI_DIRECTORY_TABLE",
            TableName::Decisions => "OUBLI_DECISIONS_TABLE",
            TableName::Ledger => "OUBLI_LEDGER_TABLE",
        })
    }

    /// The bucket of manifests and vault.
    ///
    /// # Errors
    /// [`SettingsError::Missing`].
    pub fn work_bucket(&self) -> Result<&str, SettingsError> {
        self.get("OUBLI_WORK_BUCKET")
    }

    /// The bucket of the organizations' logs.
    ///
    /// # Errors
    /// [`SettingsError::Missing`].
    pub fn ledger_bucket(&self) -> Result<&str, SettingsError> {
        self.get("OUBLI_LEDGER_BUCKET")
    }

    /// The bucket of exports.
    ///
    /// # Errors
    /// [`SettingsError::Missing`].
    pub fn export_bucket(&self) -> Result<&str, SettingsError> {
        self.get("OUBLI_EXPORT_BUCKET")
    }

    /// The KMS key that signs checkpoints.
    ///
    /// # Errors
    /// [`SettingsError::Missing`].
    pub fn log_key_id(&self) -> Result<&str, SettingsError> {
        self.get("OUBLI_LEDGER_KEY_ID")
    }

    /// What the logs are named after, such as `oubli.example.com`. It stands in every checkpoint and never changes.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] for a name that a signed note cannot carry.
    pub fn ledger_name(&self) -> Result<&str, SettingsError> {
        let name = self.values.get(LEDGER_NAME).map_or("oubli", String::as_str);
        let fits = name.len() <= 200 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._/".contains(&b));
        let expected = "up to 200 letters, digits, hyphens, dots, underscores and slashes";
        if fits { Ok(name) } else { Err(SettingsError::Invalid { name: LEDGER_NAME, expected }) }
    }

    /// How long nobody can delete a checkpoint. Ten years unless set.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`].
    pub fn checkpoints_kept_days(&self) -> Result<u32, SettingsError> {
        let Some(text) = self.values.get(CHECKPOINTS_KEPT_DAYS) else { return Ok(3653) };
        let days = text.parse().ok().filter(|d| (1..=36_500).contains(d));
        days.ok_or(SettingsError::Invalid { name: CHECKPOINTS_KEPT_DAYS, expected: "a whole number of days from 1 to 36500" })
    }

    /// Who is asked to cosign the checkpoints: a list of `key url`, separated by commas. Nobody unless set.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`].
    pub fn witnesses(&self) -> Result<Vec<WitnessAddress>, SettingsError> {
        let Some(text) = self.values.get(WITNESSES) else { return Ok(vec![]) };
        let expected = "at most eight witnesses separated by commas, each once, as NAME+HASH+KEY URL with a key of type 4 and a \
                        URL of https, or of http on this machine";
        let invalid = || SettingsError::Invalid { name: WITNESSES, expected };
        let mut witnesses: Vec<WitnessAddress> = Vec::new();
        for part in text.split(',') {
            let (key, url) = part.trim().split_once(' ').ok_or_else(invalid)?;
            let key: WitnessKey = key.parse().map_err(|_| invalid())?;
            let same = |known: &WitnessAddress| known.key.public() == key.public() || known.key.id() == key.id();
            if !is_reachable(url) || witnesses.len() == MOST_WITNESSES || witnesses.iter().any(same) {
                return Err(invalid());
            }
            witnesses.push(WitnessAddress { key, url: url.trim_end_matches('/').to_owned() });
        }
        Ok(witnesses)
    }

    /// How long the entries of logs are kept. For ever unless set, or where it is 0.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`].
    pub fn entries_kept_days(&self) -> Result<Option<u32>, SettingsError> {
        self.kept(ENTRIES_KEPT_DAYS, "a whole number of days to 36500, or 0 for ever", 36_500)
    }

    /// For how many years people can be looked up in logs. For ever unless set, or where it is 0.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`].
    pub fn subject_index_kept_years(&self) -> Result<Option<u32>, SettingsError> {
        self.kept(INDEX_KEPT_YEARS, "a whole number of years to 100, or 0 for ever", 100)
    }

    fn kept(&self, name: &'static str, expected: &'static str, most: u32) -> Result<Option<u32>, SettingsError> {
        let Some(text) = self.values.get(name) else { return Ok(None) };
        let kept: Option<u32> = text.parse().ok().filter(|kept| *kept <= most);
        kept.map(|kept| (kept > 0).then_some(kept)).ok_or(SettingsError::Invalid { name, expected })
    }

    /// What one organization may use up, unless it has limits of its own. Nothing that is not set, or 0, is limited.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`].
    pub fn limits(&self) -> Result<Limits, SettingsError> {
        let number = |name: &'static str| {
            let Some(text) = self.values.get(name) else { return Ok(None) };
            let expected = "a whole number, or 0 for no limit";
            text.parse().map(Some).map_err(|_| SettingsError::Invalid { name, expected })
        };
        let limits = Limits {
            calls_per_second: number(CALLS_PER_SECOND)?,
            calls_at_once: number(CALLS_AT_ONCE)?,
            batches_per_minute: number(BATCHES_PER_MINUTE)?,
            discoveries_per_minute: number(DISCOVERIES_PER_MINUTE)?,
            discoveries_in_flight: number(DISCOVERIES_IN_FLIGHT)?,
            reports_in_flight: number(REPORTS_IN_FLIGHT)?,
            reviews_waiting: number(REVIEWS_WAITING)?,
        };
        match limits.problems().first() {
            None => Ok(limits),
            Some((limit, _)) => {
                let name = NAMES.into_iter().find(|name| name.to_lowercase().ends_with(limit)).unwrap_or(CALLS_PER_SECOND);
                Err(SettingsError::Invalid { name, expected: "a number within the bounds that template.yaml names" })
            }
        }
    }

    /// The AWS account of this deployment.
    ///
    /// # Errors
    /// [`SettingsError::Missing`], [`SettingsError::Invalid`].
    pub fn account(&self) -> Result<AccountId, SettingsError> {
        self.account_in(ACCOUNT)
    }

    /// The AWS account of the buckets that exports are delivered to.
    ///
    /// # Errors
    /// [`SettingsError::Missing`], [`SettingsError::Invalid`].
    pub fn delivery_account(&self) -> Result<AccountId, SettingsError> {
        self.account_in(DELIVERY_ACCOUNT)
    }

    fn account_in(&self, name: &'static str) -> Result<AccountId, SettingsError> {
        self.get(name)?.parse().map_err(|_| SettingsError::Invalid { name, expected: "an AWS account, twelve digits" })
    }

    /// A KMS key that wraps data keys.
    ///
    /// # Errors
    /// [`SettingsError::Missing`].
    pub fn wrapping_key_id(&self, by: WrappingKey) -> Result<&str, SettingsError> {
        self.get(match by {
            WrappingKey::Identity => "OUBLI_IDENTITY_KEY_ID",
            WrappingKey::Manifest => "OUBLI_MANIFEST_KEY_ID",
            WrappingKey::Vault => "OUBLI_VAULT_KEY_ID",
            WrappingKey::Export => "OUBLI_EXPORT_KEY_ID",
        })
    }

    /// The KMS key of keyed hashes.
    ///
    /// # Errors
    /// [`SettingsError::Missing`].
    pub fn mac_key_id(&self) -> Result<&str, SettingsError> {
        self.get("OUBLI_MAC_KEY_ID")
    }

    /// A queue's URL.
    ///
    /// # Errors
    /// [`SettingsError::Missing`].
    pub fn queue_url(&self, queue: QueueName) -> Result<&str, SettingsError> {
        self.queues.get(&queue).map(String::as_str).ok_or_else(|| SettingsError::Missing(queue_variable(queue)))
    }

    /// The address that emails come from; none where none are sent.
    pub fn sender(&self) -> Option<&str> {
        self.values.get(SENDER).map(String::as_str)
    }

    /// How long a worker may run before it is stopped; leases are longer than this. 120 seconds unless set.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`].
    pub fn worker_timeout(&self) -> Result<Duration, SettingsError> {
        let seconds = match self.values.get(WORKER_TIMEOUT) {
            None => DEFAULT_WORKER_TIMEOUT_SECONDS,
            Some(text) => text
                .parse()
                .ok()
                .filter(|s| (1..=900).contains(s))
                .ok_or(SettingsError::Invalid { name: WORKER_TIMEOUT, expected: "a whole number of seconds from 1 to 900" })?,
        };
        Ok(Duration::from_secs(seconds))
    }
}

/// Whether a witness may be asked at a URL: over TLS, or on this machine.
fn is_reachable(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else { return false };
    let here = uri.host().is_some_and(|host| ["127.0.0.1", "localhost", "[::1]"].contains(&host));
    let scheme = uri.scheme_str().is_some_and(|scheme| scheme == "https" || (scheme == "http" && here));
    scheme && uri.query().is_none() && !url.contains(['#', '@', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const WITNESS: &str = "witness.example/w1+d7744454+BPck7Ua4dLPhmJVWe2MJG+7FPf0ffZ5EmxoPjVCX221W";
    const OTHER: &str = "witness.example/zweiter-zeuge+cd9857b5+BKy+WaxPX/wEDsJAcatzJiNxDizKK9cR8qgMYn7h9jEE";

    fn witnesses(text: &str) -> Result<Vec<WitnessAddress>, SettingsError> {
        Settings::read(|name| (name == WITNESSES).then(|| text.to_owned())).expect("reads").witnesses()
    }

    #[test]
    fn witnesses_are_read_with_their_urls() {
        assert_eq!(witnesses(""), Ok(vec![]));
        let text = format!("{WITNESS} https://witness.example/add/, {OTHER} http://127.0.0.1:7380");
        let read = witnesses(&text).expect("two");
        let shown: Vec<(String, &str)> = read.iter().map(|w| (w.key.to_string(), w.url.as_str())).collect();
        assert_eq!(shown, [(WITNESS.to_owned(), "https://witness.example/add"), (OTHER.to_owned(), "http://127.0.0.1:7380")]);
    }

    #[test]
    fn a_witness_that_cannot_be_asked_or_believed_is_refused() {
        let slip = WITNESS.replace("w1+", "w2+");
        for text in [
            WITNESS.to_owned(),
            format!("{slip} https://witness.example"),
            format!("{WITNESS} http://witness.example"),
            format!("{WITNESS} ftp://witness.example"),
            format!("{WITNESS} https://witness.example/?to=somewhere"),
            format!("{WITNESS} witness.example"),
            format!("{WITNESS} https://a.example,{WITNESS} https://b.example"),
            format!("{WITNESS} https://a.example,"),
            "log.example/acme+de561c91+AZsfhHkc/HZjBFhU04netcqVRJ2HXydqg4QLBgqznPxx https://a.example".to_owned(),
        ] {
            assert!(matches!(witnesses(&text), Err(SettingsError::Invalid { name: WITNESSES, .. })), "{text}");
        }
    }

    #[test]
    fn the_deployments_account_and_that_of_its_deliveries_are_told_apart() {
        let with = |own: &'static str, delivery: &'static str| {
            Settings::read(move |name| match name {
                ACCOUNT => Some(own.to_owned()),
                DELIVERY_ACCOUNT => Some(delivery.to_owned()),
                _ => None,
            })
            .expect("reads")
        };
        let both = with("111122223333", "444455556666");
        assert_eq!(both.account().expect("one").as_str(), "111122223333");
        assert_eq!(both.delivery_account().expect("one").as_str(), "444455556666");
        for wrong in ["11112222333", "1111222233334", "11112222333x"] {
            assert!(matches!(with(wrong, wrong).account(), Err(SettingsError::Invalid { name: ACCOUNT, .. })), "{wrong}");
        }
    }

    #[test]
    fn a_missing_setting_is_named_only_when_it_is_needed() {
        let settings = Settings::read(|name| (name == "OUBLI_CONTROL_TABLE").then(|| "control".to_owned())).expect("reads");
        assert_eq!(settings.table(TableName::Control), Ok("control"));
        let missing = settings.table(TableName::Ledger).expect_err("missing");
        assert_eq!(missing.to_string(), "environment variable OUBLI_LEDGER_TABLE is not set");
        assert_eq!(settings.worker_timeout(), Ok(Duration::from_secs(120)));
    }

    #[test]
    fn the_deployment_sets_what_can_be_read_and_nothing_else() {
        let template = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml"));
        let names = template.lines().filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name);
        let set: BTreeSet<String> = names.filter(|name| name.starts_with("OUBLI_")).map(str::to_owned).collect();
        let read = NAMES.into_iter().map(str::to_owned).chain(QueueName::ALL.into_iter().map(queue_variable));
        assert_eq!(set, read.collect(), "the variables of template.yaml, and those that are read: each belongs in both");
    }

    #[test]
    fn limits_are_numbers_within_bounds_and_what_is_not_set_is_not_limited() {
        let with = |name: &'static str, text: &'static str| {
            Settings::read(|asked| (asked == name).then(|| text.to_owned())).expect("reads").limits()
        };
        assert_eq!(with("OUBLI_CONTROL_TABLE", "control"), Ok(Limits::default()));
        assert_eq!(with(CALLS_AT_ONCE, "50").map(|l| l.calls_at_once), Ok(Some(50)));
        for (name, wrong) in [(BATCHES_PER_MINUTE, "many"), (REPORTS_IN_FLIGHT, "-1"), (DISCOVERIES_IN_FLIGHT, "101")] {
            let refused = with(name, wrong).expect_err("refused");
            assert!(matches!(refused, SettingsError::Invalid { name: named, .. } if named == name), "{refused}");
        }
    }

    #[test]
    fn an_empty_setting_is_missing_and_a_wrong_number_is_refused_at_once() {
        let empty = Settings::read(|_| Some(String::new())).expect("reads");
        assert_eq!(empty.work_bucket(), Err(SettingsError::Missing("OUBLI_WORK_BUCKET".to_owned())));
        for wrong in ["soon", "0", "901", "-1"] {
            let read = Settings::read(|name| (name == WORKER_TIMEOUT).then(|| wrong.to_owned()));
            assert!(matches!(read, Err(SettingsError::Invalid { name: WORKER_TIMEOUT, .. })), "{wrong}");
        }
    }
}
