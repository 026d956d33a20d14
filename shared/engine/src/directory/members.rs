//! Members: people, however many credentials they have.

use super::{
    administration::{Administration, details},
    subjects::{GivenSubject, subject_key},
};
use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{MemberItem, Numbered, actor_key, directory, member_key, members_of, organization_partition, plain_item},
    ports::{Condition, Key},
    transaction::{Committed, Transaction, equals},
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Roles},
    audit::EventType,
    ids::{ActorId, IssuerName, OrganizationId},
    issuer::OidcSubject,
    review::MemberNumber,
};
use serde_json::Value;
use uuid::Uuid;

/// Somebody who works for an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who acts, whichever of their credentials they use.
    pub id: ActorId,
    /// What rules that say who is asked call them; none for who was a member before there were numbers, until they are changed.
    pub number: Option<MemberNumber>,
    /// Their name.
    pub name: String,
    /// Their address; no two members have the same.
    pub email: String,
    /// What they may do.
    pub roles: Roles,
    /// The teams they are in.
    pub teams: Vec<String>,
    /// Whether their credentials are accepted.
    pub active: bool,
    /// Whom issuers mean by them.
    pub oidc_subjects: Vec<OidcSubject>,
    /// Since when they are a member.
    pub created_at: Timestamp,
}

impl From<MemberItem> for Member {
    fn from(item: MemberItem) -> Self {
        let MemberItem { id, number, name, email, roles, teams, active, oidc_subjects, created_at, revision: _ } = item;
        Self { id, number, name, email, roles, teams, active, oidc_subjects, created_at }
    }
}

/// A member to add.
#[derive(Debug, Clone)]
pub struct NewMember {
    /// Their name.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What they may do.
    pub roles: Roles,
    /// The teams they are in.
    pub teams: Vec<String>,
    /// Whom issuers mean by them.
    pub oidc_subjects: Vec<GivenSubject>,
}

/// What is to be changed of a member; the rest stays.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// Their name.
    pub name: Option<String>,
    /// Their address.
    pub email: Option<String>,
    /// What they may do.
    pub roles: Option<Roles>,
    /// The teams they are in.
    pub teams: Option<Vec<String>>,
    /// Whom issuers mean by them, instead of whom before.
    pub oidc_subjects: Option<Vec<GivenSubject>>,
    /// Whether their credentials are accepted.
    pub active: Option<bool>,
}

fn email_key(organization: &OrganizationId, email: &str) -> Key {
    directory(organization_partition(organization), format!("email#{}", email.to_lowercase()))
}

impl Administration {
    /// Adds a member, whom `id` names. The same one added again is answered as they are.
    ///
    /// # Errors
    /// `member_exists` for an address that another member has; `oidc_subject_taken`; an issuer whose tokens are not taken; roles
    /// of a machine; no such organization.
    pub async fn create_member(&self, id: Uuid, new: NewMember) -> Result<Member> {
        let subjects = self.subjects_given(&new.oidc_subjects, &[]).await?;
        self.add(id, new, subjects, None).await
    }

    /// The same, with whom issuers mean by them, and the issuer on whose word it is done, if on one's.
    pub(super) async fn add(
        &self,
        id: Uuid,
        new: NewMember,
        oidc_subjects: Vec<OidcSubject>,
        on_word_of: Option<&IssuerName>,
    ) -> Result<Member> {
        let id = ActorId::from_uuid(id);
        no_machine(&new.roles)?;
        if let Some(there) = self.core.member(&self.organization, &id).await? {
            return Ok(there.into());
        }
        let NewMember { name, email, roles, teams, oidc_subjects: _ } = new;
        let created_at = self.core.now();
        let (number, numbered) = self.core.next_number(&self.organization, Numbered::Members).await?;
        let number = MemberNumber::new(number).ok();
        let item = MemberItem { id, number, name, email, roles, teams, active: true, oidc_subjects, created_at, revision: 1 };
        let settings = directory(organization_partition(&self.organization), "settings");
        let transaction = self
            .claim_email(numbered.check(settings, vec![Condition::ItemPresent]), &item)?
            .put(member_key(&self.organization, &id), &item, vec![Condition::ItemAbsent])?
            .put(actor_key(&self.organization, &id), &plain_item([("name", item.name.clone().into())]), vec![])?;
        let transaction = self.claim_subjects(transaction, &id, &[], &item.oidc_subjects)?;
        let mut facts = details([
            ("member", String::from(id).into()),
            ("roles", item.roles.to_string().into()),
            ("teams", item.teams.len().into()),
            ("oidc_subjects", item.oidc_subjects.len().into()),
        ]);
        if let Some(issuer) = on_word_of {
            facts.extend(details([("by", "issuer".into()), ("issuer", issuer.as_str().into())]));
        }
        match self.commit(transaction, EventType::MemberAdded, facts).await? {
            Committed::Yes => Ok(item.into()),
            Committed::Refused => Err(self.why_no_member(&item).await?),
        }
    }

    fn claim_email(&self, transaction: Transaction, member: &MemberItem) -> Result<Transaction> {
        let owner = plain_item([("member", String::from(member.id).into())]);
        transaction.put(email_key(&self.organization, &member.email), &owner, vec![Condition::ItemAbsent])
    }

    async fn why_no_member(&self, wanted: &MemberItem) -> Result<EngineError> {
        self.core.there_is(&self.organization).await?;
        if self.is_anothers(email_key(&self.organization, &wanted.email), &wanted.id).await? {
            let text = "email: another member has this address.";
            let remedy = "Give this person's own address. Somebody who has one already gets further keys, not another member.";
            let refusal = Refusal::conflict(ProblemCode::MemberExists, text, remedy);
            return Ok(Refusal { field: Some("email".to_owned()), ..refusal }.into());
        }
        for subject in &wanted.oidc_subjects {
            if self.is_anothers(subject_key(&self.organization, subject), &wanted.id).await? {
                let text = "oidc_subjects: one of them is another member's.";
                let remedy = "Take it from whoever has it first: whoever a token means is one member.";
                let refusal = Refusal::conflict(ProblemCode::OidcSubjectTaken, text, remedy);
                return Ok(Refusal { field: Some("oidc_subjects".to_owned()), ..refusal }.into());
            }
        }
        Ok(EngineError::Conflict("members"))
    }

    /// Changes a member. What is as it was leaves no trace.
    ///
    /// # Errors
    /// `not_found`; `member_exists`; `oidc_subject_taken`; an issuer whose tokens are not taken; `last_administrator` where nobody
    /// active could administer any more; somebody else changed them at the same moment.
    pub async fn change_member(&self, id: &ActorId, change: MemberChange) -> Result<Member> {
        let before = self.core.member(&self.organization, id).await?.ok_or_else(|| Refusal::not_found("member"))?;
        let mut after = before.clone();
        after.name = change.name.unwrap_or(after.name);
        after.email = change.email.unwrap_or(after.email);
        after.roles = change.roles.unwrap_or(after.roles);
        after.teams = change.teams.unwrap_or(after.teams);
        after.active = change.active.unwrap_or(after.active);
        if let Some(given) = change.oidc_subjects {
            after.oidc_subjects = self.subjects_given(&given, &before.oidc_subjects).await?;
        }
        no_machine(&after.roles)?;
        if after == before {
            return Ok(after.into());
        }
        after.revision += 1;
        let unchanged = vec![equals("revision", before.revision)];
        let mut transaction = Transaction::new();
        if after.number.is_none() {
            let (number, numbered) = self.core.next_number(&self.organization, Numbered::Members).await?;
            after.number = MemberNumber::new(number).ok();
            transaction = numbered;
        }
        let mut transaction = transaction.put(member_key(&self.organization, id), &after, unchanged)?.put(
            actor_key(&self.organization, id),
            &plain_item([("name", after.name.clone().into())]),
            vec![],
        )?;
        let place = email_key(&self.organization, &after.email);
        if place != email_key(&self.organization, &before.email) {
            transaction = self.claim_email(transaction, &after)?.delete(email_key(&self.organization, &before.email), vec![]);
        }
        transaction = self.claim_subjects(transaction, id, &before.oidc_subjects, &after.oidc_subjects)?;
        if administers(&before) && !administers(&after) {
            transaction = self.another_administrator(transaction, id).await?;
        }
        match self.commit(transaction, EventType::MemberChanged, changes(&before, &after)).await? {
            Committed::Yes => Ok(after.into()),
            Committed::Refused => Err(self.why_no_member(&after).await?),
        }
    }

    /// Goes on only while somebody else can administer, also when two go at the same moment.
    async fn another_administrator(&self, transaction: Transaction, leaving: &ActorId) -> Result<Transaction> {
        let others = members_of(&self.core, &self.organization).await?;
        let other = others.into_iter().find(|m| m.id != *leaving && administers(m)).ok_or_else(|| {
            let text = "Nobody active could administer the organization any more.";
            Refusal::conflict(ProblemCode::LastAdministrator, text, "Make somebody else an administrator first.")
        })?;
        Ok(transaction.check(member_key(&self.organization, &other.id), vec![equals("revision", other.revision)]))
    }
}

fn administers(member: &MemberItem) -> bool {
    member.active && member.roles.may(Action::Administer)
}

fn no_machine(roles: &Roles) -> Result<()> {
    if !roles.is_service() {
        return Ok(());
    }
    let text = "roles: service is a machine's, which is no member.";
    Err(Refusal::invalid(ProblemCode::InvalidValue, "roles", text, format!("Accepted: {}.", Roles::of_members())).into())
}

/// What changed, without names, addresses, teams and what issuers call them: those are in the directory, which can forget them.
fn changes(before: &MemberItem, after: &MemberItem) -> serde_json::Map<String, Value> {
    let mut facts = details([("member", String::from(after.id).into())]);
    let mut note = |what: &str, from: Value, to: Value| {
        if from != to {
            facts.insert(what.to_owned(), serde_json::json!({ "before": from, "after": to }));
        }
    };
    note("roles", before.roles.to_string().into(), after.roles.to_string().into());
    note("active", before.active.into(), after.active.into());
    let renamed = [
        ("name", before.name != after.name),
        ("email", before.email != after.email),
        ("teams", before.teams != after.teams),
        ("oidc_subjects", before.oidc_subjects != after.oidc_subjects),
    ];
    let renamed: Vec<Value> = renamed.into_iter().filter(|(_, is)| *is).map(|(what, _)| what.into()).collect();
    if !renamed.is_empty() {
        facts.insert("changed".to_owned(), renamed.into());
    }
    facts
}
