//! Stores as they are told apart across organizations, and places within a map.

use super::{DataMap, Producer, Store, StoreKind};
use crate::ids::StoreName;
use std::fmt;
use thiserror::Error;

/// A table or bucket, whoever names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreAddress(String);

/// A text that names no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no store: dynamodb/TABLE, dynamodb/REGION/TABLE and s3/BUCKET are accepted")]
pub struct InvalidStoreAddress;

impl StoreAddress {
    /// Every store of a map, for functions of a Region. Names of buckets are the same everywhere; those of tables are one
    /// Region's.
    pub fn of_map(map: &DataMap, region: &str) -> impl Iterator<Item = Self> {
        map.producers.iter().filter_map(move |producer| {
            let store = map.stores.get(&producer.store)?;
            Some(Self::new(store.connector, store.region.as_deref().unwrap_or(region), producer.location.name()))
        })
    }

    /// A bucket that exports are delivered to.
    pub fn of_deliveries(bucket: &str) -> Self {
        Self::new(StoreKind::OF_DELIVERIES, "", bucket)
    }

    /// A store as a person writes it. A table without a Region is in this one.
    ///
    /// # Errors
    /// It names none.
    pub fn parse(text: &str, region: &str) -> Result<Self, InvalidStoreAddress> {
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let parts: Vec<&str> = text.split('/').collect();
        let [kind, rest @ ..] = parts.as_slice() else { return Err(InvalidStoreAddress) };
        let kind = StoreKind::ALL.into_iter().find(|k| k.name() == *kind).ok_or(InvalidStoreAddress)?;
        match rest {
            [name] if plain(name) => Ok(Self::new(kind, region, name)),
            [region, name] if kind.is_regional() && plain(region) && plain(name) => Ok(Self::new(kind, region, name)),
            _ => Err(InvalidStoreAddress),
        }
    }

    fn new(kind: StoreKind, region: &str, name: &str) -> Self {
        let (region, name) = by_arn(name).map_or((region, name), |(region, _, name)| (region, name));
        if kind.is_regional() {
            Self(format!("{kind}/{region}/{name}", kind = kind.name()))
        } else {
            Self(format!("{}/{name}", kind.name()))
        }
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Region, account and name of what an ARN names. DynamoDB takes a table's for its name:
/// `arn:aws:dynamodb:eu-west-1:111122223333:table/orders`.
fn by_arn(name: &str) -> Option<(&str, &str, &str)> {
    let mut parts = name.strip_prefix("arn:")?.splitn(5, ':').skip(2);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    Some((region, account, resource.rsplit('/').next().unwrap_or(resource)))
}

/// A table or bucket, as far as a map says which: one without a Region is in the function's own, one without an account the
/// deployment's own, whichever these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    kind: StoreKind,
    region: Option<&'a str>,
    account: Option<&'a str>,
    name: &'a str,
}

impl<'a> Place<'a> {
    fn new(store: &'a Store, name: &'a str) -> Self {
        let kind = store.connector;
        // Names of buckets are the only ones in the world.
        let region = store.region.as_deref().filter(|_| kind.is_regional());
        match by_arn(name) {
            Some((region, account, name)) => Self { kind, region: Some(region), account: Some(account), name },
            None => Self { kind, region, account: None, name },
        }
    }

    /// Whether it is the same as another one, where it may be.
    pub(super) fn is_also(self, other: Self) -> Option<bool> {
        let alike = |one: Option<&str>, other: Option<&str>| match (one, other) {
            (Some(one), Some(other)) => (one == other).then_some(true),
            (one, other) => Some(one == other),
        };
        let (region, account) = (alike(self.region, other.region)?, alike(self.account, other.account)?);
        (self.kind == other.kind && self.name == other.name).then_some(region && account)
    }
}

impl DataMap {
    /// Where a producer's records are.
    pub(super) fn place_of<'a>(&'a self, producer: &'a Producer) -> Option<Place<'a>> {
        self.stores.get(&producer.store).map(|store| Place::new(store, producer.location.name()))
    }

    /// The producers whose records may be in the table or bucket of this name in a store, however they write it; each with
    /// whether they surely are.
    pub fn producers_at<'a>(&'a self, store: &StoreName, name: &'a str) -> Vec<(&'a Producer, bool)> {
        let Some(place) = self.stores.get(store).map(|store| Place::new(store, name)) else { return vec![] };
        self.producers.iter().filter_map(|producer| Some((producer, self.place_of(producer)?.is_also(place)?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_the_same_however_it_is_written() {
        let here = |text: &str| StoreAddress::parse(text, "eu-west-1").map(|a| a.to_string());
        assert_eq!(here("dynamodb/orders"), here("dynamodb/eu-west-1/orders"));
        assert_ne!(here("dynamodb/orders"), here("dynamodb/eu-central-1/orders"));
        let regional = StoreKind::ALL.into_iter().find(|kind| kind.is_regional()).expect("one");
        let by_arn = StoreAddress::new(regional, "x", "arn:aws:dynamodb:eu-west-1:111122223333:table/orders");
        assert_eq!(Ok(by_arn.to_string()), here("dynamodb/orders"));
        assert_eq!(here("s3/files"), Ok("s3/files".to_owned()));
        assert_eq!(here("s3/files"), Ok(StoreAddress::of_deliveries("files").to_string()), "delivered to, or searched");
        for wrong in ["", "orders", "s3/a/b", "dynamodb/", "dynamodb/a b", "postgres/x"] {
            assert_eq!(here(wrong), Err(InvalidStoreAddress), "{wrong}");
        }
    }

    #[test]
    fn a_place_is_another_one_surely_perhaps_or_not() {
        let store = |kind, region: Option<&str>| Store { connector: kind, region: region.map(str::to_owned), account: None };
        let of = |kind: &str| StoreKind::ALL.into_iter().find(|k| k.name() == kind).expect("a kind");
        let (here, west) = (store(of("dynamodb"), None), store(of("dynamodb"), Some("eu-west-1")));
        let (east, files) = (store(of("dynamodb"), Some("us-east-1")), store(of("s3"), None));
        let files_east = store(of("s3"), Some("us-east-1"));
        let arn = |account: &str, table: &str| format!("arn:aws:dynamodb:eu-west-1:{account}:table/{table}");
        let (mine, theirs, other) = (arn("111122223333", "app"), arn("444455556666", "app"), arn("111122223333", "other"));
        for (one, another, same) in [
            ((&here, "app"), (&here, "app"), Some(true)),
            ((&here, "app"), (&here, "other"), None),
            ((&here, "app"), (&west, "app"), Some(false)),
            ((&east, "app"), (&west, "app"), None),
            ((&here, mine.as_str()), (&here, "app"), Some(false)),
            ((&here, mine.as_str()), (&west, "app"), Some(false)),
            ((&here, mine.as_str()), (&east, "app"), None),
            ((&here, mine.as_str()), (&west, mine.as_str()), Some(true)),
            ((&here, mine.as_str()), (&here, theirs.as_str()), None),
            ((&here, mine.as_str()), (&here, other.as_str()), None),
            ((&files, "app"), (&files_east, "app"), Some(true)),
            ((&files, "app"), (&here, "app"), None),
        ] {
            let (first, second) = (Place::new(one.0, one.1), Place::new(another.0, another.1));
            assert_eq!((first.is_also(second), second.is_also(first)), (same, same), "{one:?} {another:?}");
        }
    }
}
