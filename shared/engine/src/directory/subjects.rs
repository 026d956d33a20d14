//! Whom issuers mean by their tokens: somebody at one of them is one member, and no other.

use super::administration::Administration;
use crate::{
    ProblemCode, Refusal, Result,
    core::{directory, organization_partition, plain_item},
    ports::{Condition, Key},
    transaction::{Transaction, equals},
};
use data_encoding::HEXLOWER;
use oubli_domain::{
    ids::{ActorId, OrganizationId},
    issuer::OidcSubject,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Most of one member.
const MOST_SUBJECTS: usize = 10;

/// Somebody at an issuer, as an administrator names them.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenSubject {
    /// The issuer, as its tokens say.
    pub issuer: String,
    /// What it calls them, in the claim that the organization goes by.
    pub subject: String,
}

/// Without what names somebody.
impl fmt::Debug for GivenSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GivenSubject").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Whose an address is, or somebody at an issuer.
#[derive(Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) member: ActorId,
}

pub(super) fn subject_key(organization: &OrganizationId, subject: &OidcSubject) -> Key {
    // Hashed, so that no part can run into another, and none is too long for a key.
    let named = serde_json::json!([subject.issuer, subject.claim, subject.subject]).to_string();
    let digest = HEXLOWER.encode(&Sha256::digest(named.as_bytes()));
    directory(organization_partition(organization), format!("oidc#{digest}"))
}

impl Administration {
    /// Those given, by the claim that the organization takes of each issuer; `had` are known whatever became of theirs.
    pub(super) async fn subjects_given(&self, given: &[GivenSubject], had: &[OidcSubject]) -> Result<Vec<OidcSubject>> {
        if given.is_empty() {
            return Ok(vec![]);
        }
        let refuse = |code, field: &str, text: String, accepted: String| Refusal::invalid(code, field, text, accepted);
        if given.len() > MOST_SUBJECTS {
            let text = format!("oidc_subjects: there are more than {MOST_SUBJECTS}.");
            return Err(refuse(ProblemCode::TooMany, "oidc_subjects", text, format!("Accepted: up to {MOST_SUBJECTS}.")).into());
        }
        let issuers = self.core.issuers(&self.organization).await?;
        let mut subjects = Vec::new();
        for (place, GivenSubject { issuer, subject }) in given.iter().enumerate() {
            if !OidcSubject::is_subject(subject) {
                let field = format!("oidc_subjects[{place}].subject");
                let text = format!("{field}: it is empty, too long, or holds characters that none has.");
                return Err(refuse(ProblemCode::InvalidValue, &field, text, "Accepted: 1 to 255 bytes.".to_owned()).into());
            }
            let taken = issuers.iter().find(|item| item.taken.issuer.as_str() == issuer).map(|item| &item.taken.subject_claim);
            let before = || had.iter().find(|one| one.issuer == *issuer && one.subject == *subject).map(|one| &one.claim);
            let claim = taken.or_else(before).ok_or_else(|| {
                let known: Vec<&str> = issuers.iter().map(|item| item.taken.issuer.as_str()).collect();
                let accepted = if known.is_empty() { "none: set one first".to_owned() } else { known.join(", ") };
                let field = format!("oidc_subjects[{place}].issuer");
                let text = format!("{field}: the organization takes no tokens of this issuer.");
                refuse(ProblemCode::InvalidValue, &field, text, format!("Accepted: {accepted}."))
            })?;
            subjects.push(OidcSubject { issuer: issuer.clone(), claim: claim.clone(), subject: subject.clone() });
        }
        subjects.sort();
        subjects.dedup();
        Ok(subjects)
    }

    /// Makes some the member's who are nobody's yet, and sets others free.
    pub(super) fn claim_subjects(
        &self,
        mut transaction: Transaction,
        member: &ActorId,
        before: &[OidcSubject],
        after: &[OidcSubject],
    ) -> Result<Transaction> {
        let owner = plain_item([("member", String::from(*member).into())]);
        for new in after.iter().filter(|one| !before.contains(one)) {
            transaction = transaction.put(subject_key(&self.organization, new), &owner, vec![Condition::ItemAbsent])?;
        }
        for gone in before.iter().filter(|one| !after.contains(one)) {
            let theirs = vec![equals("member", String::from(*member))];
            transaction = transaction.delete(subject_key(&self.organization, gone), theirs);
        }
        Ok(transaction)
    }

    /// Whether an address, or somebody at an issuer, is another member's.
    pub(super) async fn is_anothers(&self, place: Key, member: &ActorId) -> Result<bool> {
        let owner: Option<Owner> = self.core.find(place).await?;
        Ok(owner.is_some_and(|owner| owner.member != *member))
    }
}
