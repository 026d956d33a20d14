//! The saved queries that a request runs.

use crate::{
    ProblemCode, Refusal, Result,
    core::{Core, NewRequest},
    items::{RequestItem, from_item, queries_key, request_partition, saved_queries_partition},
    ports::{Query, Range, TableName},
    transaction::Transaction,
};
use oubli_domain::{
    asking::UnaskedBecause,
    datamap::{DataMap, identifies_further},
    ids::OrganizationId,
    saved_query::SavedQuery,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The queries of one export.
#[derive(Serialize, Deserialize)]
struct Pinned {
    queries: Vec<SavedQuery>,
    /// Those that would have been run, had the request given the identifiers they ask by.
    #[serde(default)]
    unasked: Vec<SavedQuery>,
}

impl Core {
    pub(crate) async fn registered(&self, organization: &OrganizationId) -> Result<Vec<SavedQuery>> {
        let query = Query::new(TableName::Control, saved_queries_partition(organization), Range::All);
        self.query_all(query).await?.into_iter().map(from_item).collect()
    }

    /// Pins the queries that an export runs: those named, or all that fit what it is about.
    pub(crate) async fn pin_queries(
        &self,
        transaction: Transaction,
        item: &RequestItem,
        new: &NewRequest,
    ) -> Result<Transaction> {
        let invalid = |code, text: String, remedy: String| Refusal::invalid(code, "saved_queries", text, remedy);
        let known = self.registered(&item.organization).await?;
        let in_scope = |q: &SavedQuery| {
            (new.categories.is_empty() || new.categories.contains(&q.category)) && !new.exclude_categories.contains(&q.category)
        };
        let (_, map) = self.data_map(&item.organization).await?;
        // What is found later may answer it, too.
        let known_kinds = identifies_further(&map, &new.identity.known().map(|k| k.kind.clone()).collect());
        let answerable = |q: &SavedQuery| q.parameters.iter().all(|p| known_kinds.contains(p));
        let (queries, unasked): (Vec<SavedQuery>, Vec<SavedQuery>) = match &new.saved_queries {
            None => known.into_iter().filter(in_scope).partition(answerable),
            Some(named) => {
                let mut queries = Vec::new();
                for name in named {
                    let Some(query) = known.iter().find(|k| k.name == *name) else {
                        let names = known.iter().map(|k| k.name.as_str()).collect::<Vec<_>>().join(", ");
                        let accepted =
                            if names.is_empty() { "None is registered.".to_owned() } else { format!("Accepted: {names}.") };
                        return Err(invalid(
                            ProblemCode::UnknownSavedQuery,
                            format!("There is no saved query {name}."),
                            accepted,
                        )
                        .into());
                    };
                    if !in_scope(query) {
                        let text = format!("The saved query {name} belongs to {}, which is left out.", query.category);
                        return Err(invalid(
                            ProblemCode::CategoryConflict,
                            text,
                            "Leave the query out, or its category in.".to_owned(),
                        )
                        .into());
                    }
                    if !answerable(query) {
                        let text = format!("The saved query {name} asks by an identifier that the request does not give.");
                        let kinds = query.parameters.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
                        let kinds = kinds.into_iter().collect::<Vec<_>>().join(", ");
                        let remedy = format!("Give what it asks by, {kinds}, or leave the query out.");
                        return Err(invalid(ProblemCode::IdentifierNeeded, text, remedy).into());
                    }
                    queries.push(query.clone());
                }
                (queries, vec![])
            }
        };
        if queries.is_empty() && unasked.is_empty() {
            return Ok(transaction);
        }
        let partition = request_partition(&item.organization, &item.id);
        transaction.put(queries_key(&partition), &Pinned { queries, unasked }, vec![])
    }

    /// The queries that an export asks, without what a reviewer left out.
    pub(crate) async fn queries_in_scope(&self, item: &RequestItem) -> Result<Vec<SavedQuery>> {
        let left_out = |q: &SavedQuery| item.leaves_out(&q.category);
        Ok(self.queries_of(item).await?.into_iter().filter(|q| !left_out(q)).collect())
    }

    /// The queries that an export asks: those whose identifiers its person has to themselves.
    pub(crate) async fn queries_of(&self, item: &RequestItem) -> Result<Vec<SavedQuery>> {
        let asked = |why: &Option<UnaskedBecause>| why.as_ref().is_none_or(UnaskedBecause::by_part);
        Ok(self.asked_and_not(item).await?.into_iter().filter(|(_, why)| asked(why)).map(|(query, _)| query).collect())
    }

    /// The queries of an export that are not answered, or not by everything that is known of its person, and why.
    pub(crate) async fn unasked_queries(&self, item: &RequestItem, map: &DataMap) -> Result<Vec<(SavedQuery, UnaskedBecause)>> {
        let unasked = self.asked_and_not(item).await?.into_iter().filter_map(|(query, why)| {
            let unusable = query.misfit(map).map(|reason| UnaskedBecause::Unusable { reason });
            unusable.or(why).map(|why| (query, why))
        });
        Ok(unasked.collect())
    }

    async fn asked_and_not(&self, item: &RequestItem) -> Result<Vec<(SavedQuery, Option<UnaskedBecause>)>> {
        let Some(Pinned { queries, unasked }) = self.pinned(item).await? else { return Ok(vec![]) };
        let round = item.execution.seeking.unwrap_or(item.execution.round);
        let person = self.person_of(item, round).await?;
        let queries = queries.into_iter().map(|query| (query, None));
        let unasked = unasked.into_iter().map(|query| (query, Some(UnaskedBecause::NoIdentifier)));
        let by_person = |(query, unresolved): (SavedQuery, Option<UnaskedBecause>)| {
            let why = person.as_ref().map_or(unresolved, |person| UnaskedBecause::of(&query, person));
            (query, why)
        };
        Ok(queries.chain(unasked).map(by_person).collect())
    }

    async fn pinned(&self, item: &RequestItem) -> Result<Option<Pinned>> {
        if !item.kind().copies_records() {
            return Ok(None);
        }
        let partition = request_partition(&item.organization, &item.id);
        self.find(queries_key(&partition)).await
    }
}
