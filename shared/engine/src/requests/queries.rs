//! Saved queries: registered by an organization, pinned by each export that runs them.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::Core,
    items::saved_query_key,
    ports::Condition,
    requests::Requests,
    transaction::{Committed, Transaction},
};
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEvent, EventType},
    ids::QueryName,
    saved_query::{MOST_QUERIES, SavedQuery},
};

impl Requests {
    /// Registers a query. The same one registered again is answered as it is.
    ///
    /// # Errors
    /// `saved_query_exists` for another one of this name; `too_many_saved_queries`; [`crate::EngineError::Conflict`] when
    /// somebody else registered one of this name at the same moment.
    pub async fn register_query(&self, caller: &Caller, query: SavedQuery) -> Result<SavedQuery> {
        Core::permit(caller, Action::Configure)?;
        let known = self.core.registered(&caller.organization).await?;
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
    /// `not_found`; [`crate::EngineError::Conflict`] when somebody else removed it at the same moment.
    pub async fn remove_query(&self, caller: &Caller, name: &QueryName) -> Result<SavedQuery> {
        Core::permit(caller, Action::Configure)?;
        let key = saved_query_key(&caller.organization, name);
        let there: Option<SavedQuery> = self.core.find(key.clone()).await?;
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
        Core::permit(caller, Action::Read)?;
        self.core.registered(&caller.organization).await
    }

    async fn commit_query(&self, caller: &Caller, transaction: Transaction, what: EventType, name: &QueryName) -> Result<()> {
        let order = self.core.order_of("query");
        let mut event = AuditEvent { actor: Some(caller.actor), ..AuditEvent::new(&order, what, self.core.now()) };
        event.details.insert("query".to_owned(), name.to_string().into());
        match self.core.commit_told(transaction, &caller.organization, &order, &event).await? {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(EngineError::Conflict("saved query")),
        }
    }
}
