//! The versions of a data map.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, directory, directory_query, organization_partition},
    items::{RequestItem, from_item},
    ports::Key,
};
use jiff::Timestamp;
use oubli_domain::{
    datamap::{self, DataMap, InvalidMap},
    ids::OrganizationId,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(crate) fn map_key(organization: &OrganizationId, version: u64) -> Key {
    directory(organization_partition(organization), format!("map#{version:08}"))
}

#[derive(Serialize, Deserialize)]
pub(crate) struct MapItem {
    pub(crate) version: u64,
    pub(crate) yaml: String,
    pub(crate) published_at: Timestamp,
    /// As AWS knows them.
    #[serde(default)]
    pub(crate) published_by: Option<String>,
}

impl Core {
    /// The current data map, with its version.
    ///
    /// # Errors
    /// `data_map_missing` when none was published.
    pub(crate) async fn data_map(&self, organization: &OrganizationId) -> Result<(u64, DataMap)> {
        let version = self.current_map_version(organization).await?.ok_or_else(|| {
            Refusal::conflict(
                ProblemCode::DataMapMissing,
                "This organization has no data map yet.",
                "Publish one with: oubli map publish FILE.",
            )
        })?;
        Ok((version, self.map_version(organization, version).await?.as_ref().clone()))
    }

    /// The map that counts; one that says nothing where there is none.
    pub(crate) async fn data_map_if_any(&self, organization: &OrganizationId) -> Result<Arc<DataMap>> {
        match self.current_map_version(organization).await? {
            Some(version) => self.map_version(organization, version).await,
            None => Ok(Arc::default()),
        }
    }

    pub(crate) async fn current_map_version(&self, organization: &OrganizationId) -> Result<Option<u64>> {
        let page = self.ports.table.query(directory_query(organization, "map#", true, 1)).await?;
        Ok(page.items.first().and_then(|i| i.get("version")).and_then(serde_json::Value::as_u64))
    }

    /// The kinds of identifiers of a version, whether or not the rest of it is still accepted.
    pub(crate) async fn kinds_in_map(&self, organization: &OrganizationId, version: u64) -> Result<DataMap> {
        Ok(datamap::kinds_alone(&self.stored_map(organization, version).await?.yaml))
    }

    async fn stored_map(&self, organization: &OrganizationId, version: u64) -> Result<MapItem> {
        let mut items = self.ports.table.get_many(&[map_key(organization, version)]).await?;
        from_item(items.pop().flatten().ok_or_else(|| EngineError::internal("a version of the data map is gone"))?)
    }

    /// What a version says, as it was written; nothing where there is none.
    pub(crate) async fn map_text(&self, organization: &OrganizationId, version: Option<u64>) -> Result<String> {
        match version {
            Some(version) => Ok(self.stored_map(organization, version).await?.yaml),
            None => Ok(String::new()),
        }
    }

    async fn read_map(&self, organization: &OrganizationId, version: u64) -> Result<DataMap> {
        Ok(datamap::parse(&self.stored_map(organization, version).await?.yaml).map_err(refuse_map)?.0)
    }

    /// Whether another data map was published since the round began.
    pub(crate) async fn has_newer_map(&self, request: &RequestItem) -> Result<bool> {
        Ok(Some(self.data_map(&request.organization).await?.0) != request.execution.seeking_map)
    }

    /// A version of a data map never changes, so it is read once.
    pub(crate) async fn map_version(&self, organization: &OrganizationId, version: u64) -> Result<Arc<DataMap>> {
        let key = (organization.clone(), version);
        if let Some(map) = self.maps.lock().ok().and_then(|m| m.get(&key).cloned()) {
            return Ok(map);
        }
        let map = Arc::new(self.read_map(organization, version).await?);
        if let Ok(mut maps) = self.maps.lock() {
            maps.insert(key, Arc::clone(&map));
        }
        Ok(map)
    }
}

pub(crate) fn refuse_map(error: InvalidMap) -> EngineError {
    Refusal::invalid(
        ProblemCode::InvalidDataMap,
        "data_map",
        error.to_string(),
        "Mend the data map; `oubli map check` tells what is accepted.",
    )
    .into()
}
