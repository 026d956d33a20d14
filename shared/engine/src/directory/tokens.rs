//! Who is behind a token of an issuer: a member, and nobody else than behind their keys.

use super::{
    Directory,
    administration::By,
    authenticate::{FirstSight, unauthenticated},
    issuers::{AudienceOwner, IssuerItem, audience_key, used_as},
    members::NewMember,
    subjects::{Owner, subject_key},
    token::Token,
};
use crate::{EngineError, ProblemCode, Refusal, Result, core::MemberItem, items::from_item, ports::Key};
use oubli_domain::{
    access::{Caller, Roles},
    ids::{ActorId, OrganizationId},
    issuer::{Claims, OidcSubject, TokenRefused},
    personal::Identifier,
};
use serde_json::Value;

/// Longest name of a member, in characters.
const LONGEST_NAME: usize = 200;

/// Longest address of a member, in bytes.
const LONGEST_EMAIL: usize = 254;

impl Directory {
    pub(super) async fn by_token(&self, bearer: &str, sight: FirstSight) -> Result<Caller> {
        let token = Token::read(bearer).map_err(refused)?;
        let (organization, issuer) = self.who_takes(&token).await?;
        let refused = |why: TokenRefused| refused_of(&organization, &issuer, why);
        // Before any key is asked for: whatever is signed otherwise never is accepted.
        token.algorithm(&issuer.taken).map_err(refused)?;
        let keys = self.core.keys_of(&issuer.taken, token.key_id()).await?;
        let (claims, subject) = token.verify(&issuer.taken, &keys, self.core.now()).map_err(refused)?;
        let member = match self.owner(&organization, &subject).await? {
            None if issuer.taken.create_members && sight == FirstSight::Admits => {
                self.first_seen(&organization, &issuer, &claims, &subject).await?
            }
            found => found,
        };
        let member = member.ok_or_else(|| unknown_member(&organization, &issuer))?;
        if !member.active {
            return Err(refused(TokenRefused::NotActive));
        }
        let roles = match &issuer.taken.roles {
            None => Some(member.roles),
            Some(mapping) => Roles::new(mapping.of(&claims)).ok().and_then(|given| member.roles.within(&given)),
        };
        let roles = roles.ok_or_else(|| refused(TokenRefused::NoRoleLeft))?;
        self.core.note_use(&organization, &used_as(&issuer.name)).await;
        Ok(Caller { organization, actor: member.id, roles })
    }

    /// Who takes a token, by what it says of itself: that has to be true of it afterwards.
    async fn who_takes(&self, token: &Token<'_>) -> Result<(OrganizationId, IssuerItem)> {
        let Some((issuer, audiences)) = token.said() else { return Err(refused(TokenRefused::UnknownIssuer)) };
        let places: Vec<Key> = audiences.into_iter().map(|audience| audience_key(issuer.as_str(), audience)).collect();
        if places.is_empty() {
            return Err(refused(TokenRefused::UnknownIssuer));
        }
        let mut owners: Vec<AudienceOwner> = Vec::new();
        for item in self.core.ports.table.get_many(&places).await?.into_iter().flatten() {
            let owner: AudienceOwner = from_item(item)?;
            if !owners.contains(&owner) {
                owners.push(owner);
            }
        }
        let owner = match owners.as_slice() {
            [owner] => owner,
            [] => return Err(refused(TokenRefused::UnknownIssuer)),
            _ => return Err(refused(TokenRefused::SeveralIssuers)),
        };
        let issuer = self.core.issuer(owner).await?.ok_or_else(|| refused(TokenRefused::UnknownIssuer))?;
        Ok((owner.organization.clone(), issuer))
    }

    async fn owner(&self, organization: &OrganizationId, subject: &OidcSubject) -> Result<Option<MemberItem>> {
        let owner: Option<Owner> = self.core.find(subject_key(organization, subject)).await?;
        match owner {
            None => Ok(None),
            Some(owner) => self.core.member(organization, &owner.member).await,
        }
    }

    /// Makes whom an issuer vouches for a member; none where it says too little of them, or their address is another's, who
    /// may be somebody else.
    async fn first_seen(
        &self,
        organization: &OrganizationId,
        issuer: &IssuerItem,
        claims: &Claims,
        subject: &OidcSubject,
    ) -> Result<Option<MemberItem>> {
        let roles = issuer.taken.roles.as_ref().and_then(|mapping| Roles::new(mapping.of(claims)).ok());
        let address = claims.text("email").filter(|text| text.len() <= LONGEST_EMAIL && Identifier::parse_email(text).is_ok());
        let unproven = claims.get("email_verified") == Some(&Value::Bool(false));
        let (Some(roles), Some(email), false) = (roles, address, unproven) else {
            return Ok(None);
        };
        let called = claims.text("name").map(str::trim).filter(|name| (1..=LONGEST_NAME).contains(&name.chars().count()));
        let teams = issuer.taken.teams.as_ref().map(|mapping| mapping.of(claims)).unwrap_or_default();
        let new = NewMember {
            name: called.unwrap_or(email).to_owned(),
            email: email.to_owned(),
            roles,
            teams: teams.into_iter().collect(),
            oidc_subjects: vec![],
        };
        let id = self.core.ports.entropy.uuid(self.core.now());
        let themselves = self.by(organization.clone(), By::Member(ActorId::from_uuid(id)));
        match themselves.add(id, new, vec![subject.clone()], Some(&issuer.name)).await {
            // Made, or by another call at the same moment.
            Ok(_) | Err(EngineError::Conflict(_)) => self.owner(organization, subject).await,
            Err(EngineError::Refused(refusal)) => {
                tracing::warn!(code = %refusal.code, "somebody did not become a member at first sight");
                self.owner(organization, subject).await
            }
            Err(error) => Err(error),
        }
    }
}

fn refused(why: TokenRefused) -> EngineError {
    tracing::warn!(%why, "a token was refused");
    unauthenticated()
}

fn refused_of(organization: &OrganizationId, issuer: &IssuerItem, why: TokenRefused) -> EngineError {
    tracing::warn!(%organization, issuer = issuer.name.as_str(), %why, "a token was refused");
    unauthenticated()
}

fn unknown_member(organization: &OrganizationId, issuer: &IssuerItem) -> EngineError {
    tracing::warn!(%organization, issuer = issuer.name.as_str(), "a token means nobody who is a member");
    let text = "Your token is accepted, but no member of the organization is who it means.";
    let remedy = if issuer.taken.create_members {
        "Call GET /v1/organization/me once: it makes you a member if the token says your role and your address, which no other \
         member has. Else an administrator adds the token's subject to a member: oubli member change --oidc-subject."
    } else {
        "An administrator adds the token's subject to a member: oubli member change --oidc-subject."
    };
    Refusal::forbidden(ProblemCode::UnknownMember, text, remedy).into()
}
