//! The connectors of a deployment.

use crate::{dynamodb::DynamoDb, s3::S3};
use aws_config::{Region, SdkConfig};
use aws_sdk_s3::config::SharedInterceptor;
use oubli_domain::{
    datamap::{Store, StoreKind},
    ids::StoreName,
};
use oubli_engine::ports::{Connector, StoreError, Stores};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What connectors need to know of their deployment.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address buckets by path, as emulators want it.
    pub path_style: bool,
    /// Sees every call, to count them.
    pub observer: Option<SharedInterceptor>,
}

impl Default for Options {
    /// Buckets by host name, nobody observing.
    fn default() -> Self {
        Self { path_style: false, observer: None }
    }
}

type Made = HashMap<(StoreKind, Option<String>), Arc<dyn Connector>>;

/// Connectors by kind and Region, each made once: clients are costly to make and cheap to share.
pub struct Registry {
    config: SdkConfig,
    options: Options,
    made: Mutex<Made>,
}

impl Registry {
    /// Connectors with these credentials, timeouts and retries, in this Region unless a store names another.
    pub fn new(config: SdkConfig, options: Options) -> Self {
        Self { config, options, made: Mutex::default() }
    }

    pub(crate) fn dynamodb(&self, region: Option<&str>) -> aws_sdk_dynamodb::Client {
        let config = self.config_for(region);
        let mut config = aws_sdk_dynamodb::config::Builder::from(&config);
        self.options.observer.clone().map(|observer| config.push_interceptor(observer));
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    fn config_for(&self, region: Option<&str>) -> SdkConfig {
        let mut config = self.config.to_builder();
        if let Some(region) = region {
            config.set_region(Region::new(region.to_owned()));
        }
        config.build()
    }

    fn make(&self, kind: StoreKind, region: Option<&str>) -> Arc<dyn Connector> {
        match kind {
            StoreKind::Dynamodb => Arc::new(DynamoDb::new(self.dynamodb(region))),
            StoreKind::S3 => {
                let config = self.config_for(region);
                let mut config = aws_sdk_s3::config::Builder::from(&config).force_path_style(self.options.path_style);
                self.options.observer.clone().map(|observer| config.push_interceptor(observer));
                Arc::new(S3::new(aws_sdk_s3::Client::from_conf(config.build())))
            }
        }
    }
}

impl Stores for Registry {
    fn connector(&self, _: &StoreName, store: &Store) -> Result<Arc<dyn Connector>, StoreError> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let connector = made.entry((store.connector, store.region.clone()));
        Ok(connector.or_insert_with(|| self.make(store.connector, store.region.as_deref())).clone())
    }
}
