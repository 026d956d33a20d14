//! The shop's stores, seen and changed behind Oubli's back.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{python, unique};

/// Digests by store and record.
pub type Holdings = BTreeMap<String, BTreeMap<String, String>>;

/// A customer of one test alone.
pub struct Customer {
    pub id: String,
    pub email: String,
    /// Part of the name, the address and the email.
    pub word: String,
}

impl Customer {
    /// With records of every kind.
    pub fn plant() -> Result<Self> {
        Self::plant_as(format!("cust-{}", unique()))
    }

    pub fn plant_as(id: String) -> Result<Self> {
        let planted: Value = serde_json::from_str(&python("customer.py", &["plant", &id])?)?;
        let text = |name: &str| planted[name].as_str().map(ToOwned::to_owned).context("not planted");
        Ok(Self { email: text("email")?, word: text("word")?, id })
    }

    /// What the stores hold of this customer now. Order lines are looked for even when their order is gone.
    pub fn look(&self) -> Result<Holdings> {
        Ok(serde_json::from_str(&python("customer.py", &["look", &self.id])?)?)
    }

    /// How many records each store holds, empty ones left out.
    pub fn counts(&self) -> Result<BTreeMap<String, usize>> {
        let held = self.look()?.into_iter().map(|(store, records)| (store, records.len()));
        Ok(held.filter(|(_, n)| *n > 0).collect())
    }

    /// The application writes the first chat message anew.
    pub fn rewrite(&self) -> Result<()> {
        python("customer.py", &["rewrite", &self.id]).map(drop)
    }

    /// The application deletes the first chat message.
    pub fn unwrite(&self) -> Result<()> {
        python("customer.py", &["unwrite", &self.id]).map(drop)
    }
}
