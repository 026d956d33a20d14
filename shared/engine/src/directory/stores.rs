//! Which organization a store belongs to: a map that names another one's would search and erase its people, and exports would
//! be delivered there. What is an organization's once stays so: requests go by maps that another version replaced, and deliver,
//! and take back, where settings no longer say.

use super::administration::{Administration, details};
use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, directory, plain_item, refuse_map},
    items::from_item,
    ports::{Condition, Key},
    transaction::{Committed, Transaction},
};
use oubli_domain::{
    audit::EventType,
    datamap::{self, DataMap, InvalidStoreAddress, StoreAddress},
    ids::OrganizationId,
    settings::Settings,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Stores that are claimed at once.
const TOGETHER: usize = 25;

/// The organization that a store belongs to.
#[derive(Serialize, Deserialize)]
struct Claim {
    organization: OrganizationId,
}

fn claim_key(store: &StoreAddress) -> Key {
    directory(format!("store#{store}"), "claim")
}

fn share_key(store: &StoreAddress, with: &OrganizationId) -> Key {
    directory(format!("store#{store}"), format!("shared#{with}"))
}

impl Administration {
    /// Makes the stores of a map this organization's, unless they are already, or are shared with it.
    pub(super) async fn claim_stores(&self, map: &DataMap) -> Result<()> {
        let stores: BTreeSet<StoreAddress> = StoreAddress::of_map(map, &self.core.config.region).collect();
        let mut free = Vec::new();
        for store in &stores {
            match standing(&self.core, store, &self.organization).await? {
                Standing::Free => free.push(store),
                Standing::Ours => {}
                Standing::Theirs => return Err(theirs(store, "data_map").into()),
                Standing::Oublis => return Err(oublis(store, "data_map").into()),
            }
        }
        for some in free.chunks(TOGETHER) {
            self.claim(some).await?;
        }
        Ok(())
    }

    async fn claim(&self, stores: &[&StoreAddress]) -> Result<()> {
        let mut transaction = Transaction::new();
        for store in stores {
            transaction = self.put_claim(transaction, store)?;
        }
        let names: Vec<Value> = stores.iter().map(|store| store.to_string().into()).collect();
        match self.commit(transaction, EventType::StoresClaimed, details([("stores", names.into())])).await? {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(EngineError::Conflict("whose these stores are")),
        }
    }

    fn put_claim(&self, transaction: Transaction, store: &StoreAddress) -> Result<Transaction> {
        let claim = Claim { organization: self.organization.clone() };
        transaction.put(claim_key(store), &claim, vec![Condition::ItemAbsent])
    }

    /// Makes the bucket that exports are delivered to this organization's, unless it is already, or is shared with it: together
    /// with the settings that name it, and told by their entry.
    pub(super) async fn claim_delivery_bucket(
        &self,
        settings: &Settings,
        with: Transaction,
        facts: &mut Map<String, Value>,
    ) -> Result<Transaction> {
        let Some(bucket) = &settings.delivery_bucket else { return Ok(with) };
        let store = StoreAddress::of_deliveries(bucket);
        match standing(&self.core, &store, &self.organization).await? {
            Standing::Free => {
                facts.insert("stores_claimed".to_owned(), vec![store.to_string()].into());
                self.put_claim(with, &store)
            }
            Standing::Ours => Ok(with),
            Standing::Theirs => {
                let field = "delivery_bucket";
                Err(Refusal { field: Some(field.to_owned()), ..theirs(&store, field) }.into())
            }
            Standing::Oublis => {
                let field = "delivery_bucket";
                Err(Refusal { field: Some(field.to_owned()), ..oublis(&store, field) }.into())
            }
        }
    }

    /// Lets this organization name a store that another one has: for whoever operates the deployment.
    ///
    /// # Errors
    /// No such organization; a text that names no store.
    pub async fn share_store(&self, store: &str) -> Result<()> {
        let store = StoreAddress::parse(store, &self.core.config.region).map_err(|wrong: InvalidStoreAddress| {
            Refusal::invalid(ProblemCode::InvalidValue, "store", wrong.to_string(), "Name it as the refusal of the map does.")
        })?;
        self.share(&store).await
    }

    /// The same for every store that a map names. Answers which these are.
    ///
    /// # Errors
    /// No such organization; `invalid_data_map`.
    pub async fn share_stores_of(&self, yaml: &str) -> Result<Vec<String>> {
        let (map, _) = datamap::parse(yaml).map_err(refuse_map)?;
        let stores: BTreeSet<StoreAddress> = StoreAddress::of_map(&map, &self.core.config.region).collect();
        for store in &stores {
            self.share(store).await?;
        }
        Ok(stores.iter().map(ToString::to_string).collect())
    }

    async fn share(&self, store: &StoreAddress) -> Result<()> {
        self.core.there_is(&self.organization).await?;
        if self.core.config.own_stores.contains(store) {
            return Err(oublis(store, "store").into());
        }
        let shared = plain_item([("shared_at", self.core.now().to_string().into())]);
        let put = Transaction::new().put(share_key(store, &self.organization), &shared, vec![Condition::ItemAbsent])?;
        // One that is shared already stays so, and leaves no second entry.
        self.commit(put, EventType::StoreShared, details([("store", store.to_string().into())])).await.map(drop)
    }
}

enum Standing {
    /// It is one of the deployment's own tables and buckets.
    Oublis,
    /// Nobody has it.
    Free,
    /// The organization has it, or it is shared with it.
    Ours,
    /// Another one has it.
    Theirs,
}

async fn standing(core: &Core, store: &StoreAddress, organization: &OrganizationId) -> Result<Standing> {
    if core.config.own_stores.contains(store) {
        return Ok(Standing::Oublis);
    }
    let mut found = core.ports.table.get_many(&[claim_key(store), share_key(store, organization)]).await?.into_iter();
    let claim: Option<Claim> = found.next().flatten().map(from_item).transpose()?;
    let shared = found.next().flatten().is_some();
    Ok(match claim {
        None if shared => Standing::Ours,
        None => Standing::Free,
        Some(claim) if claim.organization == *organization || shared => Standing::Ours,
        Some(_) => Standing::Theirs,
    })
}

fn theirs(store: &StoreAddress, field: &str) -> Refusal {
    let text = format!("{field}: the {store} belongs to another organization of this deployment.");
    let remedy = "Name a store of your own. Whoever operates the deployment can share one: oubli admin store share.";
    Refusal::conflict(ProblemCode::StoreClaimed, text, remedy)
}

fn oublis(store: &StoreAddress, field: &str) -> Refusal {
    let text = format!("{field}: the {store} is Oubli's own, in which it keeps what it works with.");
    Refusal::conflict(ProblemCode::StoreClaimed, text, "Name a store of your own.")
}
