//! What an organization may use up of the deployment.

use crate::{
    Result,
    core::{Core, directory, organization_partition},
    items::from_item,
    ports::{Envelope, Key},
};
use jiff::Timestamp;
use oubli_domain::{ids::OrganizationId, limits::Limits};
use serde::{Deserialize, Serialize};

/// Limits of an organization's own, with the number of their changes. Only whoever operates the deployment writes them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct OwnLimits {
    #[serde(flatten)]
    pub(crate) limits: Limits,
    pub(crate) revision: u64,
}

pub(crate) fn own_limits_key(organization: &OrganizationId) -> Key {
    directory(organization_partition(organization), "limits")
}

impl Core {
    /// The limits that hold for an organization.
    pub(crate) async fn limits(&self, organization: &OrganizationId) -> Result<Limits> {
        let Some(deployment) = self.config.limits else { return Ok(Limits::default()) };
        Ok(self.own_limits(organization).await?.map(|own| own.limits).unwrap_or_default().or(deployment))
    }

    /// An organization's own.
    pub(crate) async fn own_limits(&self, organization: &OrganizationId) -> Result<Option<OwnLimits>> {
        let found = self.ports.table.get_many(&[own_limits_key(organization)]).await?.pop().flatten();
        found.map(from_item).transpose()
    }
}

/// Whole seconds until a time, at least one and at most as long as a queue delays.
pub(crate) fn seconds_to_wait(now: Timestamp, until: Timestamp) -> u16 {
    let micros = until.as_microsecond().saturating_sub(now.as_microsecond()).max(0);
    let seconds = u16::try_from(micros.saturating_add(999_999) / 1_000_000).unwrap_or(u16::MAX);
    seconds.clamp(1, Envelope::MAX_DELAY_SECONDS)
}
