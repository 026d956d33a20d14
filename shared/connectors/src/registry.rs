//! The connectors of a deployment.

use aws_config::{Region, SdkConfig};
use aws_sdk_s3::config::SharedInterceptor;
use oubli_domain::{
    datamap::{Store, StoreKind},
    ids::{AccountId, StoreName},
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
    /// Whose the buckets are, unless a store names another account: one of the same name that somebody else has is refused.
    pub owner: Option<AccountId>,
}

impl Default for Options {
    /// Buckets by host name, nobody observing.
    fn default() -> Self {
        Self { path_style: false, observer: None, owner: None }
    }
}

/// Makes the connector of a kind, in the Region of this configuration.
pub type Factory = fn(&SdkConfig, &Options) -> Arc<dyn Connector>;

type Made = HashMap<(StoreKind, Option<String>, Option<AccountId>), Arc<dyn Connector>>;

/// Connectors by kind, Region and account, each made once: clients are costly to make and cheap to share.
pub struct Registry {
    config: SdkConfig,
    options: Options,
    factories: HashMap<StoreKind, Factory>,
    made: Mutex<Made>,
}

impl Registry {
    /// No connector yet, with these credentials, timeouts and retries, in this Region unless a store names another.
    pub fn empty(config: SdkConfig, options: Options) -> Self {
        Self { config, options, factories: HashMap::new(), made: Mutex::default() }
    }

    /// Also of this kind.
    #[must_use]
    pub fn with(mut self, kind: StoreKind, factory: Factory) -> Self {
        self.factories.insert(kind, factory);
        self
    }

    fn config_for(&self, region: Option<&str>) -> SdkConfig {
        let mut config = self.config.to_builder();
        if let Some(region) = region {
            config.set_region(Region::new(region.to_owned()));
        }
        config.build()
    }
}

impl Stores for Registry {
    fn connector(&self, name: &StoreName, store: &Store) -> Result<Arc<dyn Connector>, StoreError> {
        let Some(factory) = self.factories.get(&store.connector) else {
            let reason = format!("this deployment has no connector {}", store.connector.name());
            return Err(StoreError::Unusable { store: name.to_string(), reason });
        };
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = store.account.clone().or_else(|| self.options.owner.clone());
        let connector = made.entry((store.connector, store.region.clone(), owner.clone()));
        let options = || Options { owner, ..self.options.clone() };
        Ok(connector.or_insert_with(|| factory(&self.config_for(store.region.as_deref()), &options())).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dynamodb;
    use aws_config::BehaviorVersion;

    fn config() -> SdkConfig {
        SdkConfig::builder().behavior_version(BehaviorVersion::latest()).region(Region::new("eu-west-1")).build()
    }

    #[test]
    fn every_kind_has_a_connector_that_offers_what_data_maps_may_ask_of_it() {
        let registry = Registry::new(config(), Options::default());
        for kind in StoreKind::ALL {
            let store = Store { connector: kind, region: None, account: None };
            let connector = registry.connector(&"shop".parse().expect("a name"), &store).expect("registered");
            assert_eq!(connector.queries().is_some(), kind.takes_queries(), "{}", kind.name());
        }
    }

    #[test]
    fn p6_a_store_is_looked_for_in_its_own_region() {
        let registry = Registry::new(config(), Options::default());
        let of = |region: &str| {
            let store = Store { connector: StoreKind::Dynamodb, region: Some(region.to_owned()), account: None };
            registry.connector(&"shop".parse().expect("a name"), &store).expect("registered")
        };
        assert!(Arc::ptr_eq(&of("eu-north-1"), &of("eu-north-1")) && !Arc::ptr_eq(&of("eu-north-1"), &of("us-east-1")));
        let owned = |account: &str| {
            let account = Some(account.parse().expect("an account"));
            let store = Store { connector: StoreKind::S3, region: None, account };
            registry.connector(&"files".parse().expect("a name"), &store).expect("registered")
        };
        assert!(!Arc::ptr_eq(&owned("111122223333"), &owned("444455556666")), "nor with another account's");
        assert_eq!(registry.config_for(Some("eu-north-1")).region().map(Region::as_ref), Some("eu-north-1"));
        assert_eq!(registry.config_for(None).region().map(Region::as_ref), Some("eu-west-1"));
    }

    #[test]
    fn a_kind_that_nobody_registered_is_named() {
        let store = Store { connector: StoreKind::S3, region: None, account: None };
        let registry = Registry::empty(config(), Options::default()).with(StoreKind::Dynamodb, dynamodb::connect);
        let Err(error) = registry.connector(&"files".parse().expect("a name"), &store) else { panic!("there is none") };
        assert_eq!(error.to_string(), "files cannot be used: this deployment has no connector s3");
    }
}
