//! Saved queries: registered by an organization, pinned by each export that runs them.

use crate::{
    Engine, ProblemCode, Refusal, Result,
    api::NewRequest,
    engine::record,
    items::{RequestItem, from_item, queries_key, request_partition, saved_queries_partition, saved_query_key},
    ports::{Condition, Message, Query, Range, TableName},
    transaction::{Committed, Transaction},
};
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType},
    ids::{OrganizationId, QueryName},
    saved_query::{MOST_QUERIES, SavedQuery},
};
use serde::{Deserialize, Serialize};

/// The queries of one export.
#[derive(Serialize, Deserialize)]
struct Pinned {
    queries: Vec<SavedQuery>,
    /// Those that would have been run, had the request given the identifiers they ask by.
    #[serde(default)]
    unasked: Vec<SavedQuery>,
}

impl Engine {
    /// Registers a query. The same one registered again is answered as it is.
    ///
    /// # Errors
    /// `saved_query_exists` for another one of this name; `too_many_saved_queries`.
    pub async fn register_query(&self, caller: &Caller, query: SavedQuery) -> Result<SavedQuery> {
        Self::permit(caller, Action::Configure)?;
        let known = self.registered(&caller.organization).await?;
        if let Some(there) = known.iter().find(|k| k.name == query.name) {
            if *there == query {
                return Ok(query);
            }
            let text = format!("There is another query of the name {}.", query.name);
            return Err(Refusal::conflict(ProblemCode::SavedQueryExists, text, "Remove it first, or choose another name.").into());
        }
        if known.len() >= MOST_QUERIES {
            let text = format!("There are {MOST_QUERIES} saved queries, the most there can be.");
            return Err(Refusal::conflict(ProblemCode::TooManySavedQueries, text, "Remove one first.").into());
        }
        let key = saved_query_key(&caller.organization, &query.name);
        let put = Transaction::new().put(key, &query, vec![Condition::ItemAbsent])?;
        self.commit_query(caller, put, EventType::SavedQueryRegistered, &query.name).await?;
        Ok(query)
    }

    /// Removes a query; exports that were asked for before still run it.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn remove_query(&self, caller: &Caller, name: &QueryName) -> Result<SavedQuery> {
        Self::permit(caller, Action::Configure)?;
        let key = saved_query_key(&caller.organization, name);
        let there: Option<SavedQuery> = self.find(key.clone()).await?;
        let there = there.ok_or_else(|| Refusal::not_found("saved query"))?;
        let delete = Transaction::new().delete(key, vec![Condition::ItemPresent]);
        self.commit_query(caller, delete, EventType::SavedQueryRemoved, name).await?;
        Ok(there)
    }

    /// An organization's saved queries, by name.
    ///
    /// # Errors
    /// A role that may not read.
    pub async fn saved_queries(&self, caller: &Caller) -> Result<Vec<SavedQuery>> {
        Self::permit(caller, Action::Read)?;
        self.registered(&caller.organization).await
    }

    async fn registered(&self, organization: &OrganizationId) -> Result<Vec<SavedQuery>> {
        let query = Query::new(TableName::Control, saved_queries_partition(organization), Range::All);
        self.query_all(query).await?.into_iter().map(from_item).collect()
    }

    async fn commit_query(&self, caller: &Caller, transaction: Transaction, what: EventType, name: &QueryName) -> Result<()> {
        let order = format!("{}#query", self.ports.entropy.uuid(self.now()).simple());
        let mut event = AuditEvent { actor: Some(caller.actor), ..AuditEvent::new(&order, what, self.now()) };
        event.details.insert("query".to_owned(), name.to_string().into());
        let transaction = self.outbox(transaction, &caller.organization, &order, &event)?;
        if transaction.commit(self.ports.table.as_ref()).await? == Committed::Refused {
            let text = "Somebody else changed this query at the same time.";
            return Err(Refusal::conflict(ProblemCode::SavedQueryExists, text, "Read the saved queries and try again.").into());
        }
        self.send(Message::Seal { organization: caller.organization.clone() }).await
    }

    /// Pins the queries that an export runs: those named, or all that fit what it is about.
    pub(super) async fn pin_queries(
        &self,
        transaction: Transaction,
        item: &RequestItem,
        new: &NewRequest,
    ) -> Result<Transaction> {
        let invalid = |code, text: String, remedy: &str| Refusal::invalid(code, "saved_queries", text, remedy);
        let known = self.registered(&item.organization).await?;
        let in_scope = |q: &SavedQuery| {
            (new.categories.is_empty() || new.categories.contains(&q.category)) && !new.exclude_categories.contains(&q.category)
        };
        let answerable = |q: &SavedQuery| q.parameters.iter().all(|p| new.identity.get(*p).is_some());
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
                            &accepted,
                        )
                        .into());
                    };
                    if !in_scope(query) {
                        let text = format!("The saved query {name} belongs to {}, which is left out.", query.category);
                        return Err(
                            invalid(ProblemCode::CategoryConflict, text, "Leave the query out, or its category in.").into()
                        );
                    }
                    if !answerable(query) {
                        let text = format!("The saved query {name} asks by an identifier that the request does not give.");
                        return Err(invalid(
                            ProblemCode::IdentifierNeeded,
                            text,
                            "Give subject_id and subject_email, or leave it out.",
                        )
                        .into());
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
        transaction.put(queries_key(&partition), &record(&Pinned { queries, unasked })?, vec![])
    }

    /// The same without what a reviewer left out.
    pub(crate) async fn queries_in_scope(&self, item: &RequestItem) -> Result<Vec<SavedQuery>> {
        let left_out = |q: &SavedQuery| item.exclusions.iter().any(|e| e.category == q.category);
        Ok(self.queries_of(item).await?.into_iter().filter(|q| !left_out(q)).collect())
    }

    /// The queries that an export runs.
    pub(crate) async fn queries_of(&self, item: &RequestItem) -> Result<Vec<SavedQuery>> {
        Ok(self.pinned(item).await?.map(|p| p.queries).unwrap_or_default())
    }

    /// The queries that an export would have run, had it been given the identifiers they ask by.
    pub(crate) async fn unasked_queries(&self, item: &RequestItem) -> Result<Vec<SavedQuery>> {
        Ok(self.pinned(item).await?.map(|p| p.unasked).unwrap_or_default())
    }

    async fn pinned(&self, item: &RequestItem) -> Result<Option<Pinned>> {
        if item.kind.erases() {
            return Ok(None);
        }
        let partition = request_partition(&item.organization, &item.id);
        self.find(queries_key(&partition)).await
    }
}
