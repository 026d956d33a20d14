//! The issuers whose tokens an organization takes.

use super::{
    Directory,
    administration::{Administration, details},
};
use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, directory, directory_query, organization_partition},
    items::{from_item, key_use_key},
    ports::{Condition, Item, Key},
    transaction::{Committed, Transaction, equals, unchanged},
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    ids::{IssuerName, OrganizationId},
    issuer::Issuer,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Most issuers of an organization.
const MOST_ISSUERS: usize = 20;

/// An issuer, as it is written.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct IssuerItem {
    pub(super) name: IssuerName,
    pub(super) taken: Issuer,
    created_at: Timestamp,
    /// Goes up with every change.
    revision: u64,
}

/// Who takes the tokens of an issuer for an audience.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AudienceOwner {
    pub(super) organization: OrganizationId,
    pub(super) name: IssuerName,
}

/// An issuer as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerView {
    /// How the organization calls it.
    pub name: IssuerName,
    /// How its tokens are taken.
    pub taken: Issuer,
    /// Since when.
    pub created_at: Timestamp,
    /// The hour in which a token of it was last used.
    pub last_used_at: Option<Timestamp>,
}

fn issuer_key(organization: &OrganizationId, name: &IssuerName) -> Key {
    directory(organization_partition(organization), format!("issuer#{name}"))
}

pub(super) fn audience_key(issuer: &str, audience: &str) -> Key {
    directory(format!("issuer#{issuer}"), format!("audience#{audience}"))
}

/// What uses of an issuer's tokens are noted by, beside keys: those have ids without hyphens.
pub(super) fn used_as(name: &IssuerName) -> String {
    format!("issuer-{name}")
}

impl Core {
    pub(super) async fn issuer(&self, owner: &AudienceOwner) -> Result<Option<IssuerItem>> {
        self.find(issuer_key(&owner.organization, &owner.name)).await
    }

    pub(super) async fn issuers(&self, organization: &OrganizationId) -> Result<Vec<IssuerItem>> {
        let items = self.query_all(directory_query(organization, "issuer#", false, 100)).await?;
        items.into_iter().map(from_item).collect()
    }
}

impl Directory {
    /// The issuers whose tokens an organization takes, by their names.
    ///
    /// # Errors
    /// A role that may not see them.
    pub async fn issuers(&self, caller: &Caller) -> Result<Vec<IssuerView>> {
        Core::permit(caller, Action::ReadOrganization)?;
        let issuers = self.core.issuers(&caller.organization).await?;
        views(&self.core, &caller.organization, issuers).await
    }
}

async fn views(core: &Core, organization: &OrganizationId, issuers: Vec<IssuerItem>) -> Result<Vec<IssuerView>> {
    if issuers.is_empty() {
        return Ok(vec![]);
    }
    let places: Vec<Key> = issuers.iter().map(|issuer| key_use_key(organization, &used_as(&issuer.name))).collect();
    let uses = core.ports.table.get_many(&places).await?;
    let view = |(issuer, used): (IssuerItem, Option<Item>)| IssuerView {
        name: issuer.name,
        taken: issuer.taken,
        created_at: issuer.created_at,
        last_used_at: used.and_then(|used| used.get("used_at")?.as_str()?.parse().ok()),
    };
    Ok(issuers.into_iter().zip(uses).map(view).collect())
}

impl Administration {
    /// Takes an issuer's tokens, in this way and no other. What is as it was leaves no trace.
    ///
    /// # Errors
    /// What is out of its bounds; an issuer of this machine where none is accepted; another claim than a second entry of the
    /// same issuer has; too many; `issuer_claimed`; no such organization; somebody else changed it at the same moment.
    pub async fn set_issuer(&self, name: IssuerName, taken: Issuer) -> Result<IssuerView> {
        self.accepts(&taken)?;
        let all = self.core.issuers(&self.organization).await?;
        let before = all.iter().find(|issuer| issuer.name == name);
        if let Some(before) = before.filter(|before| before.taken == taken) {
            return self.shown(before.clone()).await;
        }
        fits_beside(&all, &name, &taken)?;
        let places = |taken: &Issuer| -> BTreeSet<(String, String)> {
            taken.audiences.iter().map(|audience| (taken.issuer.to_string(), audience.clone())).collect()
        };
        let (old, new) = (before.map(|b| places(&b.taken)).unwrap_or_default(), places(&taken));
        let owner = AudienceOwner { organization: self.organization.clone(), name: name.clone() };
        let settings = directory(organization_partition(&self.organization), "settings");
        let mut transaction = Transaction::new().check(settings, vec![Condition::ItemPresent]);
        for (issuer, audience) in new.difference(&old) {
            transaction = transaction.put(audience_key(issuer, audience), &owner, vec![Condition::ItemAbsent])?;
        }
        for (issuer, audience) in old.difference(&new) {
            transaction = transaction.delete(audience_key(issuer, audience), self.ours());
        }
        let facts = changes(&name, before.map(|b| &b.taken), &taken)?;
        let revision = before.map(|b| b.revision);
        let created_at = before.map_or_else(|| self.core.now(), |b| b.created_at);
        let item = IssuerItem { name, taken, created_at, revision: revision.unwrap_or_default() + 1 };
        let place = issuer_key(&self.organization, &item.name);
        let transaction = transaction.put(place, &item, vec![unchanged("revision", revision)])?;
        match self.commit(transaction, EventType::IssuerSet, facts).await? {
            Committed::Yes => self.shown(item).await,
            Committed::Refused => Err(self.why_not_taken(&owner, new.difference(&old)).await?),
        }
    }

    /// Takes an issuer's tokens no more: no call with one is accepted from now on.
    ///
    /// # Errors
    /// `not_found`; somebody else changed it at the same moment.
    pub async fn remove_issuer(&self, name: &IssuerName) -> Result<()> {
        let owner = AudienceOwner { organization: self.organization.clone(), name: name.clone() };
        let item = self.core.issuer(&owner).await?.ok_or_else(|| Refusal::not_found("issuer"))?;
        let place = issuer_key(&self.organization, name);
        let mut transaction = Transaction::new().delete(place, vec![equals("revision", item.revision)]);
        for audience in &item.taken.audiences {
            transaction = transaction.delete(audience_key(item.taken.issuer.as_str(), audience), self.ours());
        }
        let facts = details([("name", name.as_str().into()), ("issuer", item.taken.issuer.as_str().into())]);
        match self.commit(transaction, EventType::IssuerRemoved, facts).await? {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(EngineError::Conflict("the issuer")),
        }
    }

    async fn shown(&self, item: IssuerItem) -> Result<IssuerView> {
        let view = views(&self.core, &self.organization, vec![item]).await?.pop();
        view.ok_or_else(|| EngineError::internal("an issuer cannot be shown"))
    }

    fn ours(&self) -> Vec<Condition> {
        vec![equals("organization", self.organization.to_string())]
    }

    fn accepts(&self, taken: &Issuer) -> Result<()> {
        if let Some((field, accepted)) = taken.problems().first() {
            return Err(
                Refusal::invalid(ProblemCode::InvalidValue, field, format!("{field} is out of bounds."), *accepted).into()
            );
        }
        if taken.issuer.is_local() && !self.core.config.local_issuers {
            let text = "issuer: it is on the machine that would ask it.";
            let accepted = "Accepted: an https address that anybody can reach; on this machine only in a deployment for trials.";
            return Err(Refusal::invalid(ProblemCode::InvalidValue, "issuer", text, accepted).into());
        }
        Ok(())
    }

    async fn why_not_taken(
        &self,
        wanted: &AudienceOwner,
        places: impl Iterator<Item = &(String, String)>,
    ) -> Result<EngineError> {
        self.core.there_is(&self.organization).await?;
        for (issuer, audience) in places {
            let owner: Option<AudienceOwner> = self.core.find(audience_key(issuer, audience)).await?;
            if owner.is_some_and(|owner| owner != *wanted) {
                let text = "audiences: tokens of this issuer for one of these audiences are another's.";
                let remedy = "Have the provider issue tokens for an audience of your own. Whoever operates the deployment can \
                              take it from whoever has it: oubli admin issuer remove.";
                let refusal = Refusal::conflict(ProblemCode::IssuerClaimed, text, remedy);
                return Ok(Refusal { field: Some("audiences".to_owned()), ..refusal }.into());
            }
        }
        Ok(EngineError::Conflict("the issuer"))
    }
}

/// One issuer calls somebody by one claim, however many entries it has.
fn fits_beside(all: &[IssuerItem], name: &IssuerName, taken: &Issuer) -> Result<()> {
    let mut others = all.iter().filter(|other| other.name != *name);
    if others.clone().count() >= MOST_ISSUERS {
        let text = format!("There are {MOST_ISSUERS} issuers already.");
        return Err(Refusal::conflict(ProblemCode::TooMany, text, "Remove one that is not needed any more.").into());
    }
    let other = others.find(|other| other.taken.issuer == taken.issuer && other.taken.subject_claim != taken.subject_claim);
    match other {
        None => Ok(()),
        Some(other) => {
            let text = "subject_claim: another entry of the same issuer goes by another claim.";
            let accepted = format!("Accepted: {}.", other.taken.subject_claim);
            Err(Refusal::invalid(ProblemCode::InvalidValue, "subject_claim", text, accepted).into())
        }
    }
}

fn object(taken: &Issuer) -> Result<Map<String, Value>> {
    match serde_json::to_value(taken) {
        Ok(Value::Object(all)) => Ok(all),
        _ => Err(EngineError::internal("an issuer does not serialize")),
    }
}

/// An issuer as the log has it. What the values of its claims are may name people, and so may teams: those are in the directory,
/// which can forget them. A digest would tell them, too, to whoever tries all addresses; how many there are does not.
fn in_log(taken: &Issuer) -> Result<Map<String, Value>> {
    let mut all = object(taken)?;
    let roles = taken.roles.as_ref().map(|mapping| {
        let mut values_for: BTreeMap<&str, usize> = BTreeMap::new();
        for role in mapping.values.values().flatten() {
            *values_for.entry(role.name()).or_default() += 1;
        }
        json!({ "claim": mapping.claim, "values": mapping.values.len(), "values_for": values_for })
    });
    let teams = taken.teams.as_ref().map(|mapping| {
        let teams: BTreeSet<&String> = mapping.values.values().flatten().collect();
        json!({ "claim": mapping.claim, "values": mapping.values.len(), "teams": teams.len() })
    });
    all.insert("roles".to_owned(), roles.unwrap_or_default());
    all.insert("teams".to_owned(), teams.unwrap_or_default());
    Ok(all)
}

/// What changed of an issuer, before and after; all of one that is new. Of claims whose values are not said, whether these did.
fn changes(name: &IssuerName, before: Option<&Issuer>, after: &Issuer) -> Result<Map<String, Value>> {
    let mut facts = details([("name", name.as_str().into()), ("issuer", after.issuer.as_str().into())]);
    let mut to = in_log(after)?;
    let Some(before) = before else {
        to.retain(|field, value| field != "issuer" && !value.is_null());
        facts.insert("taken".to_owned(), to.into());
        return Ok(facts);
    };
    let (was, is, from) = (object(before)?, object(after)?, in_log(before)?);
    for (field, now) in &is {
        let then = was.get(field).unwrap_or(&Value::Null);
        if then == now {
            continue;
        }
        let mut said = json!({ "before": from.get(field), "after": to.get(field) });
        let values = (then.get("values"), now.get("values"));
        if values != (None, None) {
            said["values_changed"] = (values.0 != values.1).into();
        }
        facts.insert(field.clone(), said);
    }
    Ok(facts)
}
