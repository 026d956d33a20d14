//! What an organization may use up of the deployment: set by whoever operates it, and seen by the organization.

use super::{
    Directory,
    administration::Administration,
    settings::{changes, refuse_setting},
};
use crate::{
    EngineError, Result,
    core::{OwnLimits, own_limits_key},
    ports::Condition,
    transaction::{Committed, Transaction, equals},
};
use oubli_domain::{
    access::Caller,
    audit::EventType,
    ids::OrganizationId,
    limits::{Limits, Metered},
};

impl Directory {
    /// Lets a call in that costs so much. One that costs nothing is let in however little is left.
    ///
    /// # Errors
    /// `rate_limited`.
    pub async fn charge(&self, caller: &Caller, cost: u32) -> Result<()> {
        if cost == 0 {
            return Ok(());
        }
        match self.core.meter(&caller.organization, Metered::Calls, cost).await {
            None => Ok(()),
            Some(until) => Err(self.core.refuse_for_now(&caller.organization, Metered::Calls, until).into()),
        }
    }

    /// The limits that hold for an organization.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn limits(&self, organization: &OrganizationId) -> Result<Limits> {
        self.core.limits(organization).await
    }
}

impl Administration {
    /// Changes the organization's own limits, and answers them: for whoever operates the deployment. What they do not name is as
    /// the deployment says. What is as it was leaves no trace, and nothing is written where others stand by then than those that
    /// `change` was made to.
    ///
    /// # Errors
    /// No such organization; `invalid_setting`; somebody else changed them at the same moment.
    pub async fn set_limits(&self, change: impl FnOnce(Limits) -> Limits) -> Result<Limits> {
        self.core.there_is(&self.organization).await?;
        let stand = self.core.own_limits(&self.organization).await?;
        let before = stand.clone().unwrap_or_default();
        let limits = change(before.limits);
        if let Some((name, most)) = limits.problems().into_iter().next() {
            return Err(refuse_setting(name, format!("up to {most}, or 0 for no limit, is accepted")).into());
        }
        if before.limits == limits {
            return Ok(limits);
        }
        let as_read = stand.map_or(Condition::ItemAbsent, |own| equals("revision", own.revision));
        let own = OwnLimits { limits, revision: before.revision + 1 };
        let transaction = Transaction::new().put(own_limits_key(&self.organization), &own, vec![as_read])?;
        match self.commit(transaction, EventType::SettingsChanged, changes(&before.limits, &limits)?).await? {
            Committed::Yes => Ok(limits),
            Committed::Refused => Err(EngineError::Conflict("the limits")),
        }
    }
}
