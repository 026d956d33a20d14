//! Publishing data maps, and what a new version means for requests under way.

use super::{
    Directory,
    administration::{Administration, By, details},
};
use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, MapItem, directory, map_key, organization_partition, refuse_map},
    items::{OpenItem, RequestItem, from_item, open_partition},
    ports::{Condition, Key, Query, Range, TableName},
    transaction::{Committed, Transaction, equals, unchanged},
};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    datamap::{self, Change, DataMap, Difference, Finding, Reach, differences, identifies_further, reach},
    ids::{ActorId, OrganizationId, ProducerName, RequestId},
    lifecycle::Phase,
    personal::IdentifierKind,
    plan::Plan,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// Most open requests that are looked at.
const LOOKED_AT: usize = 1_000;

/// Most producers that an entry of the log names.
const NAMED: usize = 50;

/// A version of a data map, as it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishedMap {
    /// Its version.
    pub version: u64,
    /// The text.
    pub yaml: String,
    /// When.
    pub published_at: Timestamp,
    /// By whom, as AWS or the directory knows them; none where nobody does.
    pub published_by: Option<String>,
}

/// A map that waits for a second member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapProposal {
    /// Names it, so that what is confirmed is what was read: SHA-256 of the text.
    pub digest: String,
    /// The text.
    pub yaml: String,
    /// Who proposed it.
    pub proposed_by: ActorId,
    /// When.
    pub proposed_at: Timestamp,
    /// The version that stood then; none where there was none. Another one voids it.
    pub replaces: Option<u64>,
}

/// What became of a map that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publishing {
    /// It counts from now on.
    Published {
        /// Its version.
        version: u64,
        /// What is worth knowing of it.
        findings: Vec<Finding>,
    },
    /// Another member has to confirm it first.
    Proposed {
        /// Names it.
        digest: String,
        /// What is worth knowing of it.
        findings: Vec<Finding>,
    },
}

/// An open request whose plan needs what a new version of the map has no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// Which.
    pub request_id: RequestId,
    /// How far it is.
    pub phase: Phase,
    /// The version that its plan was made by.
    pub map_version: u64,
    /// Producers of its plan that the new version does not have.
    pub dropped: Vec<ProducerName>,
    /// Producers of its plan that the new version searches less far by what is known of the person, or not at all.
    pub reached_less: Vec<ProducerName>,
}

/// The open requests that a new version of the map would affect.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AffectedRequests {
    /// Which.
    pub requests: Vec<Affected>,
    /// There are more open requests than were looked at.
    pub more: bool,
}

impl Publishing {
    /// The version that it became; none while somebody has to confirm it.
    pub const fn version(&self) -> Option<u64> {
        match self {
            Publishing::Published { version, .. } => Some(*version),
            Publishing::Proposed { .. } => None,
        }
    }
}

fn proposal_key(organization: &OrganizationId) -> Key {
    directory(organization_partition(organization), "map-proposal")
}

fn digest(yaml: &str) -> String {
    format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(yaml.as_bytes())))
}

impl Directory {
    /// A version of the data map as it was published, the newest unless one is named, for whoever may see it.
    ///
    /// # Errors
    /// A role that may not; none was published, or not that one.
    pub async fn map(&self, caller: &Caller, version: Option<u64>) -> Result<PublishedMap> {
        Core::permit(caller, Action::ReadOrganization)?;
        self.published_map(&caller.organization, version).await
    }

    /// The map that waits for a second member, if one does.
    ///
    /// # Errors
    /// A role that may not see it.
    pub async fn map_proposal(&self, caller: &Caller) -> Result<Option<MapProposal>> {
        Core::permit(caller, Action::ReadOrganization)?;
        self.core.find(proposal_key(&caller.organization)).await
    }

    /// What a text, published, would change: what it says otherwise than the version that stands, and the open requests that it
    /// would affect. Whoever may publish it may ask.
    ///
    /// # Errors
    /// A role that may not; `invalid_data_map`.
    pub async fn map_changes(&self, caller: &Caller, yaml: &str) -> Result<(Vec<Difference>, AffectedRequests)> {
        Core::permit(caller, Action::Administer)?;
        let organization = &caller.organization;
        let affected = self.affected_by_map(organization, yaml).await?;
        let older = self.core.map_text(organization, self.core.current_map_version(organization).await?).await?;
        Ok((differences(&older, yaml).unwrap_or_default(), affected))
    }

    /// A version of the data map as it was published, the newest unless one is named.
    ///
    /// # Errors
    /// No such organization, none was published, or not that one.
    pub async fn published_map(&self, organization: &OrganizationId, version: Option<u64>) -> Result<PublishedMap> {
        self.core.there_is(organization).await?;
        let version = match version {
            Some(version) => version,
            None => self.core.current_map_version(organization).await?.ok_or_else(|| Refusal::not_found("data map"))?,
        };
        let mut items = self.core.ports.table.get_many(&[map_key(organization, version)]).await?;
        let item = items.pop().flatten().ok_or_else(|| Refusal::not_found("version of the data map"))?;
        let MapItem { version, yaml, published_at, published_by } = from_item(item)?;
        Ok(PublishedMap { version, yaml, published_at, published_by })
    }

    /// The open requests whose plans need what this text, published, would not have any more.
    ///
    /// # Errors
    /// No such organization, `invalid_data_map`.
    pub async fn affected_by_map(&self, organization: &OrganizationId, yaml: &str) -> Result<AffectedRequests> {
        let (newer, _) = datamap::parse(yaml).map_err(refuse_map)?;
        self.core.there_is(organization).await?;
        let mut found = AffectedRequests::default();
        let mut query = Query::new(TableName::Control, open_partition(organization), Range::All);
        let mut looked_at = 0;
        loop {
            let page = self.core.ports.table.query(query.clone()).await?;
            for item in page.items {
                if looked_at == LOOKED_AT {
                    found.more = true;
                    return Ok(found);
                }
                looked_at += 1;
                let open: OpenItem = from_item(item)?;
                if let Some(request) = self.core.find_request(organization, &open.request).await? {
                    found.requests.extend(self.affected(&request, &newer).await?);
                }
            }
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(found),
            }
        }
    }

    async fn affected(&self, request: &RequestItem, newer: &DataMap) -> Result<Option<Affected>> {
        let Some(plan) = self.core.plan_of(request).await? else { return Ok(None) };
        let producers = planned(&plan);
        let (dropped, left): (Vec<_>, Vec<_>) = producers.into_iter().partition(|name| newer.producer(name).is_none());
        // A version that is not accepted any more says nothing of how far it reached.
        let reached_less = match self.core.map_version(&request.organization, plan.map_version).await {
            Ok(older) => less(&older, newer, &plan, left),
            Err(_) => vec![],
        };
        let affected =
            Affected { request_id: request.id, phase: request.state.phase, map_version: plan.map_version, dropped, reached_less };
        Ok(Some(affected).filter(|a| !a.dropped.is_empty() || !a.reached_less.is_empty()))
    }
}

impl Administration {
    /// Publishes a new version of the data map; requests under way keep theirs until they are looked for again. Where the
    /// organization wants a second member for it, it is proposed instead.
    ///
    /// # Errors
    /// No such organization; `invalid_data_map`, naming what is wrong and where; `identifier_form_in_use`, where it would part
    /// people from their holds and requests; `store_claimed`, where a store belongs to another organization; somebody else
    /// published one, or changed the settings, at the same moment.
    pub async fn publish_map(&self, yaml: &str) -> Result<Publishing> {
        let (map, findings) = datamap::parse(yaml).map_err(refuse_map)?;
        let stand = self.core.settings_as_changed(&self.organization).await?;
        let (settings, revision) = stand.ok_or_else(|| Refusal::not_found("organization"))?;
        let mut with = Transaction::new();
        if let By::Member(member) = &self.by {
            if settings.map_review {
                let digest = self.propose(*member, yaml, &map).await?;
                return Ok(Publishing::Proposed { digest, findings });
            }
            // Where a second member is wanted meanwhile, nobody goes past them.
            let settings = directory(organization_partition(&self.organization), "settings");
            with = with.check(settings, vec![unchanged("revision", revision)]);
        }
        let current = self.core.current_map_version(&self.organization).await?;
        let version = self.publish(yaml, &map, current, with, None).await?;
        Ok(Publishing::Published { version, findings })
    }

    /// Keeps a map for somebody else to confirm, in the place of one that waits already.
    async fn propose(&self, member: ActorId, yaml: &str, map: &DataMap) -> Result<String> {
        let replaces = self.core.current_map_version(&self.organization).await?;
        if let Some(current) = replaces {
            self.forms_may_change(current, map).await?;
        }
        let digest = digest(yaml);
        let proposal = MapProposal {
            digest: digest.clone(),
            yaml: yaml.to_owned(),
            proposed_by: member,
            proposed_at: self.core.now(),
            replaces,
        };
        let put = Transaction::new().put(proposal_key(&self.organization), &proposal, vec![])?;
        let facts = self.published_facts(yaml, replaces).await?;
        match self.commit(put, EventType::DataMapProposed, facts).await? {
            Committed::Yes => Ok(digest),
            Committed::Refused => Err(EngineError::Conflict("the proposed data map")),
        }
    }

    /// Publishes the map that waits, as a second member.
    ///
    /// # Errors
    /// `not_found` where none waits; `own_proposal` to whoever proposed it; `plan_changed` where another one waits, or another
    /// version stands; and those of publishing.
    pub async fn confirm_map(&self, named: &str) -> Result<(u64, Vec<Finding>)> {
        let proposal: Option<MapProposal> = self.core.find(proposal_key(&self.organization)).await?;
        let proposal = proposal.ok_or_else(|| Refusal::not_found("proposed data map"))?;
        if self.actor() == Some(proposal.proposed_by) {
            let text = "Whoever proposed a data map does not confirm it.";
            return Err(Refusal::forbidden(ProblemCode::OwnProposal, text, "Ask another administrator.").into());
        }
        let current = self.core.current_map_version(&self.organization).await?;
        if proposal.digest != named || proposal.replaces != current {
            let text = "The proposal is not the one named, or another version of the data map was published since.";
            return Err(Refusal::conflict(ProblemCode::ChangedMeanwhile, text, "Read it again, or propose it anew.").into());
        }
        let (map, findings) = datamap::parse(&proposal.yaml).map_err(refuse_map)?;
        let done = Transaction::new().delete(proposal_key(&self.organization), vec![equals("digest", proposal.digest.as_str())]);
        let version = self.publish(&proposal.yaml, &map, current, done, Some(proposal.proposed_by)).await?;
        Ok((version, findings))
    }

    /// Takes back the map that waits.
    ///
    /// # Errors
    /// `not_found` where none waits.
    pub async fn discard_map(&self) -> Result<()> {
        let key = proposal_key(&self.organization);
        let proposal: Option<MapProposal> = self.core.find(key.clone()).await?;
        let proposal = proposal.ok_or_else(|| Refusal::not_found("proposed data map"))?;
        let delete = Transaction::new().delete(key, vec![equals("digest", proposal.digest.as_str())]);
        let facts = details([("digest", proposal.digest.into())]);
        match self.commit(delete, EventType::DataMapDiscarded, facts).await? {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(EngineError::Conflict("the proposed data map")),
        }
    }

    async fn publish(
        &self,
        yaml: &str,
        map: &DataMap,
        current: Option<u64>,
        with: Transaction,
        proposed_by: Option<ActorId>,
    ) -> Result<u64> {
        if let Some(current) = current {
            self.forms_may_change(current, map).await?;
        }
        self.claim_stores(map).await?;
        let version = current.map_or(1, |v| v + 1);
        let published_by = match (&self.by, self.actor()) {
            (By::Operator(name), _) => name.clone(),
            (By::Member(_), Some(actor)) => self.core.actor_name(&self.organization, &actor).await?,
            (By::Member(_), None) => None,
        };
        let item = MapItem { version, yaml: yaml.to_owned(), published_at: self.core.now(), published_by };
        let put = with.put(map_key(&self.organization, version), &item, vec![Condition::ItemAbsent])?;
        let mut facts = self.published_facts(yaml, current).await?;
        facts.insert("version".to_owned(), version.into());
        if let Some(proposed_by) = proposed_by {
            facts.insert("proposed_by".to_owned(), String::from(proposed_by).into());
        }
        match self.commit(put, EventType::DataMapPublished, facts).await? {
            Committed::Yes => Ok(version),
            Committed::Refused => Err(EngineError::Conflict("somebody else publishes data maps")),
        }
    }

    /// What an entry of the log says of a map: which text, and what is searched, or kept, no more.
    async fn published_facts(&self, yaml: &str, replaces: Option<u64>) -> Result<Map<String, Value>> {
        let older = self.core.map_text(&self.organization, replaces).await?;
        let all = differences(&older, yaml).unwrap_or_default();
        let of_producers = || all.iter().filter(|d| d.section == "producers");
        let dropped = of_producers().filter(|d| d.change == Change::Dropped && d.key.is_none());
        let retention = of_producers().filter(|d| {
            let about = d.key.as_deref().is_some_and(|key| key == "retention" || key.starts_with("retention."));
            about && d.change != Change::Added
        });
        let names = |found: &mut dyn Iterator<Item = &Difference>| -> Vec<Value> {
            let names: BTreeSet<&String> = found.filter_map(|d| d.name.as_ref()).collect();
            names.into_iter().take(NAMED).map(|name| name.as_str().into()).collect()
        };
        Ok(details([
            ("digest", digest(yaml).into()),
            ("replaces", replaces.into()),
            ("differences", all.len().into()),
            ("producers_dropped", names(&mut dropped.into_iter()).into()),
            ("retention_changed", names(&mut retention.into_iter()).into()),
        ]))
    }
}

/// The producers of which a plan says something, each once.
fn planned(plan: &Plan) -> BTreeSet<ProducerName> {
    plan.steps.iter().map(|step| &step.producer).chain(plan.kept.iter().map(|kept| &kept.producer)).cloned().collect()
}

/// Those of these producers that a newer map searches less far, by the kinds of identifiers that a plan was made by.
fn less(older: &DataMap, newer: &DataMap, plan: &Plan, producers: Vec<ProducerName>) -> Vec<ProducerName> {
    let kinds: BTreeSet<IdentifierKind> = plan.identifiers.iter().map(|identifier| identifier.kind.clone()).collect();
    let by = |map: &DataMap| reach(map, &identifies_further(map, &kinds)).unwrap_or_default();
    let (before, after) = (by(older), by(newer));
    let far = |reached: Option<&Reach>| match reached {
        None | Some(Reach::None) => 0,
        Some(Reach::Part) => 1,
        Some(Reach::Whole) => 2,
    };
    producers.into_iter().filter(|name| far(after.get(name)) < far(before.get(name))).collect()
}
