//! Changing an organization: each change is one transaction with its own audit entry.

use crate::{
    Result,
    core::{Core, actor_key, plain_item},
    transaction::{Committed, Transaction},
};
use oubli_domain::{
    audit::{AuditEvent, EventType},
    ids::{ActorId, OrganizationId},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Who changes it.
#[derive(Debug, Clone)]
pub(super) enum By {
    /// A member.
    Member(ActorId),
    /// Whoever operates the deployment, as AWS knows them.
    Operator(Option<String>),
}

/// What can be changed of one organization.
#[derive(Clone)]
pub struct Administration {
    pub(super) core: Core,
    pub(super) organization: OrganizationId,
    pub(super) by: By,
}

impl Administration {
    /// Who it is, as the log names them; none for an operator whom nobody can name.
    pub(super) fn actor(&self) -> Option<ActorId> {
        match &self.by {
            By::Member(member) => Some(*member),
            By::Operator(name) => name.as_ref().map(|name| {
                let mut bytes = [0; 16];
                let digest = Sha256::digest(format!("operator#{}#{name}", self.organization));
                bytes.copy_from_slice(&digest[..16]);
                ActorId::from_uuid(Uuid::new_v8(bytes))
            }),
        }
    }

    /// Writes changes and the one entry that tells of them.
    pub(super) async fn commit(
        &self,
        transaction: Transaction,
        what: EventType,
        details: Map<String, Value>,
    ) -> Result<Committed> {
        let (core, now) = (&self.core, self.core.now());
        let order = core.order_of("administration");
        let mut event = AuditEvent { actor: self.actor(), details, ..AuditEvent::new(&order, what, now) };
        let mut transaction = transaction;
        if let By::Operator(name) = &self.by {
            event.details.insert("by".to_owned(), "operator".into());
            if let (Some(name), Some(actor)) = (name, self.actor()) {
                let item = plain_item([("name", name.clone().into())]);
                transaction = transaction.put(actor_key(&self.organization, &actor), &item, vec![])?;
            }
        }
        core.commit_told(transaction, &self.organization, &order, &event).await
    }
}

/// Facts of an entry.
pub(super) fn details<const N: usize>(facts: [(&str, Value); N]) -> Map<String, Value> {
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
