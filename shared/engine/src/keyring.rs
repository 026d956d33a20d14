//! The data keys of a request: created once, kept wrapped, destroyed in order. None is kept without what it belongs to, since
//! only who ends that would destroy it: the first key is kept by the write that begins it (`new_key`), later ones only while
//! it stands (`make_while`).

use crate::{
    EngineError, Result,
    items::data_key_key,
    ports::{Condition, DataKey, Item, Key, Ports, TableError, WrappedKey, WrappingKey, Write},
    transaction::Transaction,
};
use data_encoding::BASE64;
use oubli_domain::ids::OrganizationId;
use std::{collections::BTreeMap, fmt};

/// What a data key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The identity and the words of people, until the request is forgotten.
    Identity,
    /// A round's manifest, until its verifying discovery ends.
    Manifest(u32),
    /// What a step of a round hides, until it is purged.
    Vault(u32, u32),
    /// What an export is encrypted with, until nobody can open it any more.
    Export,
    /// What is put down while an export is packaged.
    Packaging,
    /// What somebody's one-time codes are made of.
    StepUp,
    /// The names of people in a year's index of the audit log.
    SubjectIndex(i16),
    /// Where pages of an organization's lists begin.
    Cursors,
    /// What was asked and said in the reviews of a month.
    Reviews,
}

impl Purpose {
    /// What wraps keys of this purpose.
    pub fn wrapped_by(self) -> WrappingKey {
        match self {
            Purpose::Identity | Purpose::StepUp | Purpose::SubjectIndex(_) | Purpose::Cursors | Purpose::Reviews => {
                WrappingKey::Identity
            }
            Purpose::Manifest(_) => WrappingKey::Manifest,
            Purpose::Vault(..) => WrappingKey::Vault,
            Purpose::Export | Purpose::Packaging => WrappingKey::Export,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Purpose::Identity => f.write_str("identity"),
            Purpose::Manifest(round) => write!(f, "manifest#{round:03}"),
            Purpose::Export => f.write_str("export"),
            Purpose::Packaging => f.write_str("packaging"),
            Purpose::StepUp => f.write_str("step-up"),
            Purpose::Cursors => f.write_str("cursors"),
            Purpose::Reviews => f.write_str("reviews"),
            Purpose::SubjectIndex(year) => write!(f, "subject-index#{year}"),
            Purpose::Vault(round, step) => write!(f, "vault#{round:03}#{step:03}"),
        }
    }
}

/// Where a key is kept: apart by what wraps it, so that a role can be let at some.
pub fn address(partition: &str, purpose: Purpose) -> Key {
    data_key_key(purpose.wrapped_by(), partition, &purpose.to_string())
}

pub(crate) fn context(organization: &OrganizationId, partition: &str, purpose: Purpose) -> BTreeMap<String, String> {
    let owner = partition.rsplit('#').next().unwrap_or_default();
    BTreeMap::from([
        ("organization".to_owned(), organization.to_string()),
        ("request".to_owned(), owner.to_owned()),
        ("purpose".to_owned(), purpose.to_string()),
    ])
}

/// Opens a key whose item was read already; `None` if it is destroyed or never was.
pub async fn unwrap(
    ports: &Ports,
    organization: &OrganizationId,
    partition: &str,
    purpose: Purpose,
    item: Option<&Item>,
) -> Result<Option<DataKey>> {
    let Some(item) = item else { return Ok(None) };
    let wrapped = item.get("wrapped").and_then(|v| v.as_str()).unwrap_or_default();
    let wrapped = BASE64.decode(wrapped.as_bytes()).map_err(|_| EngineError::internal("a wrapped key is not base64"))?;
    Ok(Some(ports.keys.unwrap(purpose.wrapped_by(), &WrappedKey(wrapped), &context(organization, partition, purpose)).await?))
}

/// Opens a key; `None` if it is destroyed or never was.
pub async fn find(ports: &Ports, organization: &OrganizationId, partition: &str, purpose: Purpose) -> Result<Option<DataKey>> {
    let items = ports.table.get_many(&[address(partition, purpose)]).await?;
    unwrap(ports, organization, partition, purpose, items.first().and_then(Option::as_ref)).await
}

/// A key as it is kept: wrapped.
pub async fn wrapped(ports: &Ports, partition: &str, purpose: Purpose) -> Result<Vec<u8>> {
    let item = ports.table.get_many(&[address(partition, purpose)]).await?.pop().flatten();
    let text = item.and_then(|i| i.get("wrapped").and_then(|v| v.as_str()).map(str::to_owned)).unwrap_or_default();
    BASE64.decode(text.as_bytes()).map_err(|_| EngineError::internal("a wrapped key is not base64"))
}

/// Opens a key, and fails if there is none.
pub async fn need(ports: &Ports, organization: &OrganizationId, partition: &str, purpose: Purpose) -> Result<DataKey> {
    let key = find(ports, organization, partition, purpose).await?;
    key.ok_or_else(|| EngineError::internal(format!("the key {purpose} is gone")))
}

/// A key that was made, and is kept nowhere yet.
pub(crate) struct NewKey {
    /// The key.
    pub(crate) secret: DataKey,
    /// Keeps it, where there is none: a part of the write of what it belongs to.
    pub(crate) kept: Transaction,
}

/// Makes a key for what is about to begin. Whoever writes that keeps the key with it, or nobody does.
pub(crate) async fn new_key(ports: &Ports, organization: &OrganizationId, partition: &str, purpose: Purpose) -> Result<NewKey> {
    let (secret, wrapped) = ports.keys.generate(purpose.wrapped_by(), &context(organization, partition, purpose)).await?;
    let kept = Transaction::new().put(address(partition, purpose), &as_kept(&wrapped), vec![Condition::ItemAbsent])?;
    Ok(NewKey { secret, kept })
}

fn as_kept(wrapped: &WrappedKey) -> Item {
    Item::from_iter([("wrapped".to_owned(), BASE64.encode(&wrapped.0).into())])
}

/// Opens a key, made now if there is none. Only what was read back is used, so that two makers agree. For keys of what is there
/// whatever happens, as an organization is.
pub async fn ensure(ports: &Ports, organization: &OrganizationId, partition: &str, purpose: Purpose) -> Result<DataKey> {
    ensure_while(ports, organization, partition, purpose, vec![]).await
}

/// The same, but a key is made only while these checks hold: a worker that comes too late must not bring back a key
/// that was destroyed.
pub async fn ensure_while(
    ports: &Ports,
    organization: &OrganizationId,
    partition: &str,
    purpose: Purpose,
    checks: Vec<Write>,
) -> Result<DataKey> {
    if let Some(key) = find(ports, organization, partition, purpose).await? {
        return Ok(key);
    }
    make_while(ports, organization, partition, purpose, checks).await?;
    need(ports, organization, partition, purpose).await
}

/// Has a key be there, made now if there is none, and does not open it: whoever makes keys need not be who opens them.
pub async fn make_while(
    ports: &Ports,
    organization: &OrganizationId,
    partition: &str,
    purpose: Purpose,
    checks: Vec<Write>,
) -> Result<()> {
    let there =
        async || Ok::<_, EngineError>(ports.table.get_many(&[address(partition, purpose)]).await?.pop().flatten().is_some());
    if there().await? {
        return Ok(());
    }
    let (_, wrapped) = ports.keys.generate(purpose.wrapped_by(), &context(organization, partition, purpose)).await?;
    let when = vec![Condition::ItemAbsent];
    let mut writes = vec![Write::Put { key: address(partition, purpose), item: as_kept(&wrapped), when }];
    writes.extend(checks);
    match ports.table.transact(writes).await {
        Ok(()) => Ok(()),
        // Another may have made it.
        Err(TableError::Refused(_)) if there().await? => Ok(()),
        Err(TableError::Refused(_)) => Err(EngineError::Conflict("the request moved on")),
        Err(error) => Err(error.into()),
    }
}

/// Destroys a key.
pub async fn destroy(ports: &Ports, partition: &str, purpose: Purpose) -> Result<()> {
    Ok(ports.table.transact(vec![Write::Delete { key: address(partition, purpose), when: vec![] }]).await?)
}
