//! Stores as they are told apart across organizations.

use super::{DataMap, StoreKind};
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
        // DynamoDB takes a table's ARN for its name: arn:aws:dynamodb:eu-west-1:111122223333:table/orders.
        let arn: Vec<&str> = name.splitn(6, ':').collect();
        let (region, name) = match arn.as_slice() {
            ["arn", _, _, of, _, resource] => (*of, resource.rsplit('/').next().unwrap_or(resource)),
            _ => (region, name),
        };
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
}
