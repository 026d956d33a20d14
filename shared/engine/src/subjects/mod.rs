//! Naming people.

use crate::{Result, core::Core};
use oubli_domain::{access::Caller, datamap::DataMap};
use std::sync::Arc;

/// Naming people by the kinds of identifiers that the organization's data map knows.
#[derive(Clone)]
pub struct Subjects {
    pub(crate) core: Core,
}

/// How people are named in an organization.
#[derive(Debug, Clone)]
pub struct Naming {
    /// The data map that says which kinds there are; one that says nothing where there is none.
    pub map: Arc<DataMap>,
    /// The controller's country, for phone numbers that name none.
    pub country: &'static str,
}

impl Subjects {
    /// How people are named in the caller's organization.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    pub async fn naming(&self, caller: &Caller) -> Result<Naming> {
        let country = self.core.settings(&caller.organization).await?.country.code();
        Ok(Naming { map: self.core.data_map_if_any(&caller.organization).await?, country })
    }
}
