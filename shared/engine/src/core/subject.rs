//! Who a request, a hold or a look is about: from what was given to the person as resolved.

use crate::{
    EngineError, Result,
    core::Core,
    crypt,
    items::{RequestItem, ResolutionItem, request_partition, resolution_key},
    keyring::{self, Purpose},
    ports::{DataKey, Ports},
};
use data_encoding::HEXLOWER;
use oubli_domain::{
    datamap::DataMap,
    hold::shared_key,
    ids::OrganizationId,
    personal::{Ambiguity, Identity, Known, Person, Resolved, Standing},
};

/// Keyed hashes of identifiers, in their order: they find the same person again without saying who it is.
pub(crate) async fn subject_keys<'a>(
    ports: &Ports,
    organization: &OrganizationId,
    identifiers: impl Iterator<Item = &'a Known>,
) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for Known { kind, normal, .. } in identifiers {
        let mac = ports.keys.mac(format!("{organization}\n{kind}\n{}", normal.expose()).as_bytes()).await?;
        keys.push(format!("{kind}-{}", HEXLOWER.encode(&mac)));
    }
    Ok(keys)
}

/// A person as [`Core::sealed_person`] sealed them.
pub(super) fn opened_person(sealed: &str, key: &DataKey) -> Result<Person> {
    let person = Person::from_sealed_form(&crypt::open(key, "person", sealed)?);
    person.ok_or_else(|| EngineError::internal("a person cannot be read"))
}

/// What a person is guarded by. What is found by an identifier that people may share can be somebody else's, on whom there
/// may be a hold.
pub(crate) async fn guarded_keys(
    ports: &Ports,
    organization: &OrganizationId,
    map: &DataMap,
    person: &Person,
) -> Result<Vec<String>> {
    let guarded: Vec<&Resolved> = person.guarded().collect();
    let mut keys = subject_keys(ports, organization, guarded.iter().map(|r| &r.known)).await?;
    let selecting = |r: &Resolved| r.standing == Standing::Selects && !map.tells_apart(&r.known.kind);
    let shareable: Vec<String> =
        guarded.iter().zip(&keys).filter(|(r, _)| selecting(r)).map(|(_, key)| shared_key(key)).collect();
    keys.extend(shareable);
    Ok(keys)
}

/// What a hold on a person holds by.
pub(crate) async fn held_keys(ports: &Ports, organization: &OrganizationId, person: &Person) -> Result<Vec<String>> {
    let mut keys = subject_keys(ports, organization, person.held().map(|r| &r.known)).await?;
    let shared = person.identifiers.iter().filter(|r| r.standing == Standing::Ambiguous(Ambiguity::Shared));
    let shared = subject_keys(ports, organization, shared.map(|r| &r.known)).await?;
    keys.extend(shared.iter().map(|key| shared_key(key)));
    Ok(keys)
}

impl Core {
    /// The ambiguous identifiers that a reviewer named.
    pub(crate) fn named_of(&self, request: &RequestItem, key: &DataKey) -> Result<Vec<Known>> {
        let Some(sealed) = &request.execution.sealed_named else { return Ok(vec![]) };
        let named = Identity::from_sealed_form(&crypt::open(key, "named", sealed)?);
        let named = named.ok_or_else(|| EngineError::internal("named identifiers cannot be read"))?;
        Ok(named.known().cloned().collect())
    }

    /// Named identifiers, sealed under a request's own key.
    pub(crate) fn seal_named(&self, key: &DataKey, named: &[Known]) -> Result<Option<String>> {
        let Some(named) = Identity::new(named.iter().cloned()) else { return Ok(None) };
        crypt::seal(key, self.ports.entropy.as_ref(), "named", &named.to_sealed_form()).map(Some)
    }

    /// The key that a request's identity, and the words of people about it, are sealed under.
    pub(crate) async fn identity_key(&self, request: &RequestItem) -> Result<DataKey> {
        let partition = request_partition(&request.organization, &request.id);
        keyring::need(&self.ports, &request.organization, &partition, Purpose::Identity).await
    }

    /// A person, as a round keeps them.
    pub(crate) fn sealed_person(&self, person: &Person, key: &DataKey) -> Result<ResolutionItem> {
        let sealed_person = crypt::seal(key, self.ports.entropy.as_ref(), "person", &person.to_sealed_form())?;
        Ok(ResolutionItem { sealed_person })
    }

    /// The person as a round resolved them.
    pub(crate) async fn person_of(&self, request: &RequestItem, round: u32) -> Result<Option<Person>> {
        let partition = request_partition(&request.organization, &request.id);
        let Some(key) = keyring::find(&self.ports, &request.organization, &partition, Purpose::Identity).await? else {
            return Ok(None);
        };
        self.person_in(&partition, round, &key).await
    }

    pub(crate) async fn person_in(&self, partition: &str, round: u32, key: &DataKey) -> Result<Option<Person>> {
        let Some(item) = self.find::<ResolutionItem>(resolution_key(partition, round)).await? else { return Ok(None) };
        opened_person(&item.sealed_person, key).map(Some)
    }
}
