//! The engine's ports on AWS: DynamoDB, S3, SQS, KMS and SES; and witnesses, and what issuers of tokens publish, over HTTP.
#![forbid(unsafe_code)]

mod calls;
mod export_bucket;
mod failure;
mod issuers;
mod keys;
mod ledger;
mod mail;
mod objects;
mod queue;
mod scratch;
mod settings;
mod system;
mod table;
pub mod telemetry;
mod witness;
pub mod worker;

pub use calls::{Calls, Plane};
pub use export_bucket::S3ExportBucket;
pub use issuers::HttpsIssuers;
pub use keys::Kms;
pub use ledger::{LedgerBucket, LedgerSigner};
pub use mail::Ses;
pub use objects::WorkBucket;
pub use queue::Sqs;
pub use scratch::TemporaryFiles;
pub use settings::{Settings, SettingsError};
pub use system::{SystemClock, SystemEntropy};
pub use table::DynamoDb;
pub use witness::HttpWitness;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use oubli_domain::{datamap::StoreAddress, ids::AccountId};
use oubli_engine::{
    Config, Engine,
    ports::{Ports, Stores, TableName},
};
use std::{sync::Arc, time::Duration};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
const ATTEMPTS: u32 = 5;

/// The AWS side of a process: its settings, its credentials and Region, and its count of calls.
#[derive(Debug, Clone)]
pub struct Aws {
    settings: Arc<Settings>,
    config: SdkConfig,
    calls: Calls,
    path_style: bool,
    local_issuers: bool,
}

impl Aws {
    /// Reads everything from the environment, once per process.
    ///
    /// # Errors
    /// [`SettingsError`] for a setting that cannot be read; a missing one shows when it is needed.
    pub async fn from_env() -> Result<Self, SettingsError> {
        let settings = Settings::from_env()?;
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT);
        let config = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts.build())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .load()
            .await;
        let aws = Self::new(settings, config, Calls::from_env());
        let path_style = aws.path_style || std::env::var("OUBLI_S3_PATH_STYLE").is_ok_and(|v| v == "1");
        // No parameter of the deployment sets it: what answers on a function's own machine is no issuer.
        let local_issuers = std::env::var("OUBLI_LOCAL_ISSUERS").is_ok_and(|v| v == "1");
        Ok(Self { path_style, local_issuers, ..aws })
    }

    /// As told, with nothing from the environment.
    pub fn new(settings: Settings, config: SdkConfig, calls: Calls) -> Self {
        // Emulators answer on one host name for all buckets.
        let path_style = config.endpoint_url().is_some();
        Self { settings: Arc::new(settings), config, calls, path_style, local_issuers: false }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Credentials, Region, timeouts and retries, for further clients.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The count of calls; nothing is counted unless `OUBLI_COUNT_CALLS` is `1`.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Whether buckets are addressed by path instead of by host name.
    pub fn path_style(&self) -> bool {
        self.path_style
    }

    /// Everything an engine stands on, with these stores of the customer's.
    pub fn ports(&self, stores: Arc<dyn Stores>) -> Ports {
        Ports {
            table: Arc::new(DynamoDb::new(self.dynamodb(), self.settings.clone())),
            objects: Arc::new(WorkBucket::new(self.s3(), self.settings.clone())),
            exports: Arc::new(S3ExportBucket::new(self.s3(), self.settings.clone())),
            scratch: Arc::new(TemporaryFiles),
            ledger: Arc::new(LedgerBucket::new(self.s3(), self.settings.clone())),
            signer: Arc::new(LedgerSigner::new(self.kms(), self.settings.clone())),
            keys: Arc::new(Kms::new(self.kms(), self.settings.clone())),
            queue: Arc::new(Sqs::new(self.sqs(), self.settings.clone())),
            stores,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }

    /// An engine whose leases outlive this deployment's workers.
    ///
    /// # Errors
    /// [`SettingsError::Invalid`] for a worker timeout out of its bounds.
    pub fn engine(&self, stores: Arc<dyn Stores>) -> Result<Engine, SettingsError> {
        let seconds = self.settings.worker_timeout()?.as_secs();
        let region = self.config.region().map(ToString::to_string).unwrap_or_default();
        let config = Config {
            own_stores: own_stores(&self.settings, &region),
            worker_timeout_seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
            region,
            ledger_name: self.settings.ledger_name()?.to_owned(),
            checkpoints_kept_days: self.settings.checkpoints_kept_days()?,
            witnesses: self.settings.witnesses()?,
            entries_kept_days: self.settings.entries_kept_days()?,
            subject_index_kept_years: self.settings.subject_index_kept_years()?,
            local_issuers: self.local_issuers,
            limits: Some(self.settings.limits()?),
            ..Config::default()
        };
        let issuers = Arc::new(HttpsIssuers::new(self.local_issuers));
        Ok(Engine::with_config(self.ports(stores), config).with_issuers(issuers))
    }

    /// Who calls, as AWS knows them; none where it does not say.
    pub async fn caller(&self) -> Option<String> {
        let reply = aws_sdk_sts::Client::new(&self.config).get_caller_identity().send().await;
        reply.ok()?.arn
    }

    /// In which account whoever calls is; none where AWS does not say.
    pub async fn callers_account(&self) -> Option<AccountId> {
        let reply = aws_sdk_sts::Client::new(&self.config).get_caller_identity().send().await;
        reply.ok()?.account?.parse().ok()
    }

    /// The account of this deployment.
    ///
    /// # Errors
    /// [`SettingsError::Missing`], [`SettingsError::Invalid`].
    pub fn account(&self) -> Result<Option<AccountId>, SettingsError> {
        self.settings.account().map(Some)
    }

    /// What sends emails.
    pub fn email(&self) -> Arc<Ses> {
        let mut config = aws_sdk_sesv2::config::Builder::from(&self.config);
        self.calls.interceptor(Plane::Control).map(|counter| config.push_interceptor(counter));
        Arc::new(Ses::new(aws_sdk_sesv2::Client::from_conf(config.build()), self.settings.clone()))
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.config);
        self.calls.interceptor(Plane::Control).map(|counter| config.push_interceptor(counter));
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let mut config = aws_sdk_s3::config::Builder::from(&self.config).force_path_style(self.path_style);
        self.calls.interceptor(Plane::Control).map(|counter| config.push_interceptor(counter));
        aws_sdk_s3::Client::from_conf(config.build())
    }

    fn kms(&self) -> aws_sdk_kms::Client {
        let mut config = aws_sdk_kms::config::Builder::from(&self.config);
        self.calls.interceptor(Plane::Control).map(|counter| config.push_interceptor(counter));
        aws_sdk_kms::Client::from_conf(config.build())
    }

    fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.config);
        self.calls.interceptor(Plane::Control).map(|counter| config.push_interceptor(counter));
        aws_sdk_sqs::Client::from_conf(config.build())
    }
}

/// The deployment's own tables and buckets.
fn own_stores(settings: &Settings, region: &str) -> Vec<StoreAddress> {
    let tables = TableName::ALL.into_iter().filter_map(|table| settings.table(table).ok()).map(|name| format!("dynamodb/{name}"));
    let buckets = [settings.work_bucket(), settings.ledger_bucket(), settings.export_bucket()];
    let buckets = buckets.into_iter().filter_map(Result::ok).map(|name| format!("s3/{name}"));
    tables.chain(buckets).filter_map(|name| StoreAddress::parse(&name, region).ok()).collect()
}
