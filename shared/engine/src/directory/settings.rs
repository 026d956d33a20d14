//! An organization, and what it sets.

use super::administration::{Administration, details};
use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{MemberItem, directory, members_of, organization_partition},
    ports::Condition,
    transaction::{Committed, Transaction, unchanged},
};
use oubli_domain::{audit::EventType, settings::Settings};
use serde::Serialize;
use serde_json::{Map, Value};

/// What has to be said where nothing could be put back any more.
pub const NO_RECOVERY: &str = "no recovery";

/// Settings in which anything can be written, people's names too: the log says only that they changed.
const FREE_TEXT: &[&str] = &["name", "notify", "delivery_app"];

impl Administration {
    /// Makes the organization; one that is there already is left as it is. Answers whether it was made.
    ///
    /// # Errors
    /// Settings out of their bounds; `store_claimed`, where the delivery bucket belongs to another organization; another one
    /// claimed it at the same moment.
    pub async fn create_organization(&self, settings: Settings) -> Result<bool> {
        check(&settings)?;
        if self.core.settings_if_any(&self.organization).await?.is_some() {
            return Ok(false);
        }
        let key = directory(organization_partition(&self.organization), "settings");
        let transaction = Transaction::new().put(key, &settings, vec![Condition::ItemAbsent])?;
        let mut facts = in_log(&settings)?;
        let transaction = self.claim_delivery_bucket(&settings, transaction, &mut facts).await?;
        let committed = self.commit(transaction, EventType::OrganizationCreated, facts).await?;
        if committed == Committed::Refused && self.core.settings_if_any(&self.organization).await?.is_none() {
            return Err(EngineError::Conflict("whose the delivery bucket is"));
        }
        Ok(committed == Committed::Yes)
    }

    /// Changes the organization's settings, and answers them. What is as it was leaves no trace. `confirmed` is what was said
    /// beside it. Nothing is written where other settings stand by then than those that `change` was made to.
    ///
    /// # Errors
    /// Those of `change`. Settings out of their bounds; no such organization; `identifier_form_in_use`: another country would
    /// part people from their holds and requests; `confirmation_needed`; `four_eyes_needed`; `store_claimed`: the delivery
    /// bucket belongs to another organization; somebody else changed them, or claimed that bucket, at the same moment.
    pub async fn update_settings<E: From<EngineError>>(
        &self,
        confirmed: Option<&str>,
        change: impl FnOnce(Settings) -> Result<Settings, E>,
    ) -> Result<Settings, E> {
        let stand = self.core.settings_as_changed(&self.organization).await?;
        let (before, revision) = stand.ok_or_else(|| EngineError::from(Refusal::not_found("organization")))?;
        let settings = change(before.clone())?;
        self.put_settings(&before, revision, &settings, confirmed).await?;
        Ok(settings)
    }

    /// Writes settings in the place of those that they were made of.
    async fn put_settings(
        &self,
        before: &Settings,
        revision: Option<u64>,
        settings: &Settings,
        confirmed: Option<&str>,
    ) -> Result<()> {
        check(settings)?;
        if before == settings {
            return Ok(());
        }
        if before.country != settings.country {
            self.country_may_change().await?;
        }
        if settings.recovery_window_seconds == 0 && before.recovery_window_seconds != 0 && confirmed != Some(NO_RECOVERY) {
            let text = "recovery_window_seconds: without a window nothing that is hidden can be put back.";
            let remedy = format!("Give at least 1, or \"confirm\": \"{NO_RECOVERY}\" beside it.");
            let refusal = Refusal::conflict(ProblemCode::ConfirmationNeeded, text, remedy);
            return Err(Refusal { field: Some("recovery_window_seconds".to_owned()), ..refusal }.into());
        }
        if before.four_eyes && !settings.four_eyes {
            one_approver(&members_of(&self.core, &self.organization).await?)?;
        }
        let key = directory(organization_partition(&self.organization), "settings");
        let revised = Revised { settings, revision: revision.unwrap_or_default() + 1 };
        let mut transaction = Transaction::new().put(key, &revised, vec![unchanged("revision", revision)])?;
        let mut facts = changes(before, settings)?;
        if before.delivery_bucket != settings.delivery_bucket {
            transaction = self.claim_delivery_bucket(settings, transaction, &mut facts).await?;
        }
        match self.commit(transaction, EventType::SettingsChanged, facts).await? {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(EngineError::Conflict("the settings")),
        }
    }
}

/// Settings with the number of their changes.
#[derive(Serialize)]
struct Revised<'a> {
    #[serde(flatten)]
    settings: &'a Settings,
    revision: u64,
}

/// Four eyes are given up only where there is one pair.
fn one_approver(members: &[MemberItem]) -> Result<()> {
    let approvers = members.iter().filter(|m| m.approves()).count();
    if approvers <= 1 {
        return Ok(());
    }
    let text = format!("four_eyes: {approvers} active members could approve, so nobody has to approve what they asked for.");
    let remedy = "Leave it on: it can be off only while one member alone could approve.";
    let refusal = Refusal::conflict(ProblemCode::FourEyesNeeded, text, remedy);
    Err(Refusal { field: Some("four_eyes".to_owned()), ..refusal }.into())
}

fn check(settings: &Settings) -> Result<()> {
    match settings.problems().first() {
        None => Ok(()),
        Some((field, accepted)) => Err(refuse_setting(field, *accepted).into()),
    }
}

pub(super) fn refuse_setting(field: &str, accepted: impl Into<String>) -> Refusal {
    Refusal::invalid(ProblemCode::InvalidSetting, field, format!("{field} is out of bounds."), accepted)
}

fn object(settings: &impl Serialize) -> Result<Map<String, Value>> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(all)) => Ok(all),
        _ => Err(EngineError::internal("settings do not serialize")),
    }
}

fn in_log(settings: &Settings) -> Result<Map<String, Value>> {
    let mut all = object(settings)?;
    all.retain(|name, value| !FREE_TEXT.contains(&name.as_str()) && !value.is_null());
    Ok(details([("settings", all.into())]))
}

/// Each setting that changed, before and after.
pub(super) fn changes<T: Serialize>(before: &T, after: &T) -> Result<Map<String, Value>> {
    let (before, after) = (object(before)?, object(after)?);
    let mut facts = Map::new();
    for (name, to) in after {
        let from = before.get(&name).cloned().unwrap_or_default();
        if from != to {
            let said = match (FREE_TEXT.contains(&name.as_str()), from.as_array(), to.as_array()) {
                (true, Some(from), Some(to)) => serde_json::json!({ "before": from.len(), "after": to.len() }),
                (true, ..) => serde_json::json!({ "changed": true }),
                _ => serde_json::json!({ "before": from, "after": to }),
            };
            facts.insert(name, said);
        }
    }
    Ok(facts)
}
