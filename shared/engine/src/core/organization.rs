//! What is written of an organization.

use crate::{
    EngineError, Refusal, Result,
    core::Core,
    items::from_item,
    ports::{Item, Key, Query, Range, TableName},
};
use oubli_domain::{
    ids::{ActorId, OrganizationId},
    settings::Settings,
};

pub(crate) fn directory(pk: String, sk: impl Into<String>) -> Key {
    Key { table: TableName::Directory, pk, sk: sk.into() }
}

pub(crate) fn organization_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}")
}

pub(crate) fn actor_key(organization: &OrganizationId, actor: &ActorId) -> Key {
    directory(organization_partition(organization), format!("actor#{actor}"))
}

impl Core {
    /// An organization's settings.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if there is no such organization.
    pub(crate) async fn settings(&self, organization: &OrganizationId) -> Result<Settings> {
        let settings = self.settings_if_any(organization).await?;
        settings.ok_or_else(|| EngineError::internal("the organization has no settings"))
    }

    /// Refuses an organization that there is not.
    pub(crate) async fn there_is(&self, organization: &OrganizationId) -> Result<()> {
        match self.settings_if_any(organization).await? {
            Some(_) => Ok(()),
            None => Err(Refusal::not_found("organization").into()),
        }
    }

    /// An organization's settings; none where there is no such organization.
    pub(crate) async fn settings_if_any(&self, organization: &OrganizationId) -> Result<Option<Settings>> {
        Ok(self.settings_as_changed(organization).await?.map(|(settings, _)| settings))
    }

    /// The same, with the number of their changes.
    pub(crate) async fn settings_as_changed(&self, organization: &OrganizationId) -> Result<Option<(Settings, Option<u64>)>> {
        let mut items = self.ports.table.get_many(&[directory(organization_partition(organization), "settings")]).await?;
        let Some(item) = items.pop().flatten() else { return Ok(None) };
        let revision = item.get("revision").and_then(serde_json::Value::as_u64);
        Ok(Some((from_item(upgraded(strip(item)))?, revision)))
    }

    /// The name behind an opaque actor id, while the directory knows it.
    pub(crate) async fn actor_name(&self, organization: &OrganizationId, actor: &ActorId) -> Result<Option<String>> {
        let mut items = self.ports.table.get_many(&[actor_key(organization, actor)]).await?;
        Ok(items.pop().flatten().and_then(|i| i.get("name").and_then(|v| v.as_str()).map(str::to_owned)))
    }
}

pub(crate) fn directory_query(organization: &OrganizationId, prefix: &str, descending: bool, limit: usize) -> Query {
    Query {
        table: TableName::Directory,
        index: None,
        partition: organization_partition(organization),
        range: Range::Prefix(prefix.to_owned()),
        descending,
        limit,
        after: None,
    }
}

/// Settings refuse unknown fields, and an item has its keys and the number of its changes besides.
fn strip(mut item: Item) -> Item {
    item.remove("pk");
    item.remove("sk");
    item.remove("revision");
    item
}

/// Settings written when an export's time was counted in days.
fn upgraded(mut item: Item) -> Item {
    if let Some(days) = item.remove("export_kept_days").and_then(|d| d.as_u64()) {
        item.entry("export_kept_seconds".to_owned()).or_insert_with(|| (days * 24 * 3600).into());
    }
    item
}
