//! Looking for what a data map forgot, or names otherwise than its stores do.

use super::StoreError;
use async_trait::async_trait;
use oubli_domain::datamap::Producer;
use std::collections::BTreeSet;

/// A place of a store, and what it calls the fields of some of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// Its name.
    pub name: String,
    /// Names of fields, never values; none where its records have no fields.
    pub fields: Option<BTreeSet<String>>,
}

/// A look that could not be finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSurveyed {
    /// An error code, never a record.
    pub reason: String,
    /// What whoever looks must be allowed.
    pub needs: &'static str,
}

/// What a map says of the records of a producer.
#[derive(Debug, Clone)]
pub struct Named<'a> {
    /// The producer.
    pub producer: &'a Producer,
    /// Names of fields, and paths to them.
    pub fields: Vec<&'a str>,
}

/// What some records of a place say to that. No value leaves the store's connector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sampled {
    /// How many records of the place were read.
    pub read: usize,
    /// How many of them a selection of the producer may find.
    pub own: usize,
    /// Of what was named, what none of these has; of all that were read, where none is the producer's.
    pub absent: Vec<String>,
    /// What their fields are called.
    pub names: BTreeSet<String>,
    /// Conditions of selections that no record of the place meets: the keys of the map that say them, and the field.
    pub unmet: Vec<(String, String)>,
    /// Fields that selections compare with a text, and that hold something else.
    pub no_text: Vec<NoText>,
}

/// A field that a selection compares with a text, and that holds something else, such as a list: nothing is found by that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoText {
    /// The keys of the map that name it.
    pub keys: &'static str,
    /// The field.
    pub field: String,
    /// In how many records it is none.
    pub records: usize,
    /// How many records have it.
    pub of: usize,
}

/// What no key of a place begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// The keys of the map that say it.
    pub keys: &'static str,
    /// How they would begin.
    pub text: String,
    /// How others there do; never more than the first part.
    pub others: Vec<String>,
}

/// What a function of the deployment does in stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// Looks for records.
    Search,
    /// Hides, restores and removes them.
    Erase,
    /// Copies them into an export.
    Export,
}

/// What a function must be allowed, to do its work for a producer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Need {
    /// Whose work it is.
    pub work: Work,
    /// Actions, as IAM calls them.
    pub actions: &'static [&'static str],
    /// The ARN of what they are done to; of objects, one that there may be.
    pub resource: String,
    /// The same for all that there may be, as the parameter takes it.
    pub granted: String,
    /// The deployment's parameter that grants it.
    pub parameter: &'static str,
}

/// What a store offers that can say what it holds.
#[async_trait]
pub trait Survey: Send + Sync {
    /// What its places are called: `tables`.
    fn places_are_called(&self) -> &'static str;

    /// The store's places but for those of these names, with fields of some of their records.
    ///
    /// # Errors
    /// [`NotSurveyed`]; nothing is said then.
    async fn places(&self, but: &BTreeSet<&str>) -> Result<Vec<Surveyed>, NotSurveyed>;

    /// Whether some records of a place have what a map names, for each producer. Bounded, whatever the place holds.
    ///
    /// # Errors
    /// [`NotSurveyed`].
    async fn sample(&self, place: &str, named: &[Named<'_>]) -> Result<Vec<Sampled>, NotSurveyed>;

    /// What the keys of a producer's records have to begin with, by its selections, and none does.
    ///
    /// # Errors
    /// [`NotSurveyed`].
    async fn unmet_beginnings(&self, _: &Producer) -> Result<Vec<Beginning>, NotSurveyed> {
        Ok(vec![])
    }

    /// What the deployment's functions need for a producer.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn needs(&self, producer: &Producer) -> Result<Vec<Need>, StoreError>;
}
