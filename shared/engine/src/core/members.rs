//! Members and their credentials, as they are written.

use crate::{
    Result,
    core::{Core, directory, directory_query, organization_partition},
    items::{from_item, key_use_key},
    ports::Key,
    transaction::{Transaction, set},
};
use ipnet::IpNet;
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Roles},
    ids::{ActorId, OrganizationId},
    issuer::OidcSubject,
    review::MemberNumber,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

/// Somebody who works for an organization.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberItem {
    pub(crate) id: ActorId,
    /// What rules call them; none for who was a member before there were numbers, until they are changed.
    #[serde(default)]
    pub(crate) number: Option<MemberNumber>,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) roles: Roles,
    #[serde(default)]
    pub(crate) teams: Vec<String>,
    pub(crate) active: bool,
    /// Whom issuers mean by them.
    #[serde(default)]
    pub(crate) oidc_subjects: Vec<OidcSubject>,
    pub(crate) created_at: Timestamp,
    /// Goes up with every change.
    pub(crate) revision: u64,
}

impl MemberItem {
    /// Whether they could approve something now.
    pub(crate) fn approves(&self) -> bool {
        self.active && self.roles.may(Action::Decide)
    }
}

/// An API key, of which only the hash is kept.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(crate) organization: OrganizationId,
    /// Whose it is; none: a machine's.
    #[serde(default)]
    pub(crate) member: Option<ActorId>,
    /// Who acts when a machine calls.
    pub(crate) actor: ActorId,
    /// Of the member's roles, those that it has.
    pub(crate) roles: Roles,
    pub(crate) name: String,
    pub(crate) secret_sha256: String,
    pub(crate) created_at: Timestamp,
    #[serde(default)]
    pub(crate) expires_at: Option<Timestamp>,
    /// Where calls with it may come from; none: from anywhere.
    #[serde(default)]
    pub(crate) sources: Vec<SourceRange>,
    #[serde(default)]
    pub(crate) revoked_at: Option<Timestamp>,
    /// The key that it stands in the place of.
    #[serde(default)]
    pub(crate) rotated_from: Option<String>,
}

/// A range of addresses, such as 203.0.113.0/24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRange(IpNet);

impl SourceRange {
    /// Whether an address lies in it. One of IPv4 may be written as IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl std::fmt::Display for SourceRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for SourceRange {
    type Err = ipnet::AddrParseError;

    fn from_str(text: &str) -> Result<Self, ipnet::AddrParseError> {
        let alone = || text.parse::<IpAddr>().ok().map(IpNet::from);
        alone().map_or_else(|| text.parse(), Ok).map(Self)
    }
}

pub(crate) fn api_key_key(key_id: &str) -> Key {
    directory(format!("key#{key_id}"), "key")
}

pub(crate) fn member_key(organization: &OrganizationId, id: &ActorId) -> Key {
    directory(organization_partition(organization), format!("member#{id}"))
}

/// Uses of keys that this process noted, by key and hour.
#[derive(Default)]
pub(crate) struct NotedUses(Mutex<HashSet<(String, i64)>>);

/// Most that are remembered: a use noted twice does no harm.
const REMEMBERED: usize = 1_000;

impl NotedUses {
    fn is_first(&self, key_id: &str, hour: i64) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= REMEMBERED {
            noted.clear();
        }
        noted.insert((key_id.to_owned(), hour))
    }
}

impl Core {
    /// A member, if there is one.
    pub(crate) async fn member(&self, organization: &OrganizationId, id: &ActorId) -> Result<Option<MemberItem>> {
        self.find(member_key(organization, id)).await
    }

    /// Notes that a key, or an issuer's token, was used, to the hour. What cannot be noted stops no call.
    pub(crate) async fn note_use(&self, organization: &OrganizationId, key_id: &str) {
        let now = self.now();
        let hour = now.as_second().div_euclid(3600);
        if !self.noted_uses.is_first(key_id, hour) {
            return;
        }
        let at = Timestamp::from_second(hour * 3600).unwrap_or(now);
        let noted = Transaction::new()
            .update(key_use_key(organization, key_id), vec![set("used_at", at.to_string())], vec![])
            .commit(self.ports.table.as_ref())
            .await;
        if let Err(error) = noted {
            tracing::warn!(reason = %error, "the use of a key could not be noted");
        }
    }
}

/// Every member of an organization.
pub(crate) async fn members_of(core: &Core, organization: &OrganizationId) -> Result<Vec<MemberItem>> {
    let items = core.query_all(directory_query(organization, "member#", false, 100)).await?;
    items.into_iter().map(from_item).collect()
}
