//! Publishing data maps, and what a new version means for requests under way.

use crate::{
    EngineError, Refusal, Result,
    core::{MapItem, map_key, refuse_map},
    directory::Directory,
    items::{OpenItem, RequestItem, from_item, open_partition},
    ports::{Condition, Query, Range, TableName},
    transaction::{Committed, Transaction},
};
use jiff::Timestamp;
use oubli_domain::{
    datamap::{self, DataMap, Finding, Reach, identifies_further, reach},
    ids::{OrganizationId, ProducerName, RequestId},
    lifecycle::Phase,
    personal::IdentifierKind,
    plan::Plan,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// Most open requests that are looked at.
const LOOKED_AT: usize = 1_000;

/// A version of a data map, as it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishedMap {
    /// Its version.
    pub version: u64,
    /// The text.
    pub yaml: String,
    /// When.
    pub published_at: Timestamp,
    /// By whom, as AWS knows them; none where that was not known.
    pub published_by: Option<String>,
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

impl Directory {
    /// As [`Directory::publish_map_by`], where nobody says who it is.
    ///
    /// # Errors
    /// As there.
    pub async fn publish_map(&self, organization: &OrganizationId, yaml: &str) -> Result<(u64, Vec<Finding>)> {
        self.publish_map_by(organization, yaml, None).await
    }

    /// Publishes a new version of the data map; requests under way keep theirs until they are looked for again. `by` is who
    /// does it, as AWS knows them.
    ///
    /// # Errors
    /// No such organization; `invalid_data_map`, naming what is wrong and where; `identifier_form_in_use`, where it would part
    /// people from their holds and requests.
    pub async fn publish_map_by(
        &self,
        organization: &OrganizationId,
        yaml: &str,
        by: Option<&str>,
    ) -> Result<(u64, Vec<Finding>)> {
        let (map, warnings) = datamap::parse(yaml).map_err(refuse_map)?;
        self.there_is(organization).await?;
        for _ in 0..8 {
            let current = self.core.current_map_version(organization).await?;
            if let Some(current) = current {
                self.forms_may_change(organization, current, &map).await?;
            }
            let version = current.map_or(1, |v| v + 1);
            let published_by = by.map(str::to_owned);
            let item = MapItem { version, yaml: yaml.to_owned(), published_at: self.core.now(), published_by };
            let written = Transaction::new()
                .put(map_key(organization, version), &item, vec![Condition::ItemAbsent])?
                .commit(self.core.ports.table.as_ref())
                .await?;
            if written == Committed::Yes {
                return Ok((version, warnings));
            }
        }
        Err(EngineError::Conflict("somebody else publishes data maps"))
    }

    /// A version of the data map as it was published, the newest unless one is named.
    ///
    /// # Errors
    /// No such organization, none was published, or not that one.
    pub async fn published_map(&self, organization: &OrganizationId, version: Option<u64>) -> Result<PublishedMap> {
        self.there_is(organization).await?;
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
        self.there_is(organization).await?;
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

    async fn there_is(&self, organization: &OrganizationId) -> Result<()> {
        match self.core.settings_if_any(organization).await? {
            Some(_) => Ok(()),
            None => Err(Refusal::not_found("organization").into()),
        }
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
