//! Whom a call is about, by identifiers of any kind that the organization knows.

use crate::{checks::Checks, json::Object, problem::Problem, shapes};
use oubli_domain::{
    access::Caller,
    personal::{Identifier, IdentifierKind, Identity, InvalidIdentifier, Known},
};
use oubli_engine::{Naming, ProblemCode, Subjects};
use serde::Deserialize;
use utoipa::ToSchema;

/// An identifier of a person.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewIdentifier, example = json!({ "kind": "subject_email", "value": "mara.lindqvist@example.com" }))]
pub(crate) struct IdentifierBody {
    /// `subject_id`, `subject_email`, or a kind that the data map declares under `identifiers`.
    #[schema(value_type = shapes::IdentifierKind)]
    kind: Option<String>,
    /// As the person or a store writes it.
    #[schema(value_type = shapes::Identifier)]
    value: Option<String>,
}

/// The identifiers of a body or a query.
#[derive(Clone, Copy, Default)]
pub(crate) struct GivenIdentifiers<'a> {
    pub subject_id: Option<&'a str>,
    pub subject_email: Option<&'a str>,
    pub identifiers: Option<&'a [Object<IdentifierBody>]>,
}

impl<'a> GivenIdentifiers<'a> {
    /// Those of the fields that bodies and queries have for them.
    pub fn of(
        subject_id: &'a Option<String>,
        subject_email: &'a Option<String>,
        identifiers: &'a Option<Vec<Object<IdentifierBody>>>,
    ) -> Self {
        Self { subject_id: subject_id.as_deref(), subject_email: subject_email.as_deref(), identifiers: identifiers.as_deref() }
    }

    /// Whether anybody is named.
    pub fn any(&self) -> bool {
        self.subject_id.is_some() || self.subject_email.is_some() || self.identifiers.is_some()
    }
}

/// Whom a query or a search is about, if it is about anybody.
pub(crate) async fn asked_about(
    subjects: &Subjects,
    caller: &Caller,
    checks: &mut Checks,
    given: GivenIdentifiers<'_>,
) -> Result<Option<Identity>, Problem> {
    if !given.any() {
        return Ok(None);
    }
    let naming = subjects.naming(caller).await?;
    Ok(checks.identity(&naming, given))
}

impl Checks {
    /// Who a person is; at least one identifier.
    pub fn identity(&mut self, naming: &Naming, given: GivenIdentifiers<'_>) -> Option<Identity> {
        let accepted = "subject_id, subject_email, or identifiers with a kind and a value each";
        let listed = given.identifiers.unwrap_or_default();
        if given.subject_id.is_none() && given.subject_email.is_none() && listed.is_empty() {
            self.refuse(ProblemCode::EmptyIdentity, "subject_id", "nothing says whose data is meant", accepted);
            return None;
        }
        let built_in = [given.subject_id, given.subject_email].into_iter().flatten().count();
        if built_in + listed.len() > Identity::MOST {
            let accepted = format!("at most {} of them, subject_id and subject_email among them", Identity::MOST);
            self.refuse(ProblemCode::TooMany, "identifiers", "there are too many", accepted);
            return None;
        }
        let built_in = [
            ("subject_id", IdentifierKind::SUBJECT_ID, given.subject_id),
            ("subject_email", IdentifierKind::SUBJECT_EMAIL, given.subject_email),
        ];
        let mut known: Vec<Option<Known>> = Vec::new();
        for (field, kind, text) in built_in {
            known.extend(text.map(|text| self.known(naming, field, &kind, text)));
        }
        for (place, Object(one)) in listed.iter().enumerate() {
            known.push(self.listed(naming, &format!("identifiers[{place}]"), one));
        }
        let known: Option<Vec<Known>> = known.into_iter().collect();
        known.and_then(Identity::new)
    }

    fn listed(&mut self, naming: &Naming, field: &str, one: &IdentifierBody) -> Option<Known> {
        let kinds: Vec<String> = naming.map.kinds().iter().map(ToString::to_string).collect();
        let (kind_field, value_field) = (format!("{field}.kind"), format!("{field}.value"));
        if one.kind.is_none() {
            self.missing(&kind_field, kinds.join(", "));
        }
        if one.value.is_none() {
            self.missing(&value_field, "an identifier of that kind");
        }
        let (kind, value) = (one.kind.as_deref()?, one.value.as_deref()?);
        let Some(kind) = kind.parse::<IdentifierKind>().ok().filter(|kind| naming.map.rules_of(kind).is_some()) else {
            let reason = "the data map declares no kind of identifier of this name";
            self.refuse(ProblemCode::UnknownIdentifier, &kind_field, reason, kinds.join(", "));
            return None;
        };
        self.known(naming, &value_field, &kind, value)
    }

    fn known(&mut self, naming: &Naming, field: &str, kind: &IdentifierKind, text: &str) -> Option<Known> {
        let known = match Identifier::parse(text).and_then(|given| naming.map.known(kind, given, naming.country)) {
            Ok(known) => known,
            Err(why) => {
                self.refuse_identifier(field, why);
                return None;
            }
        };
        if naming.map.is_nobody(&known) {
            let reason = "the data map says that this is nobody";
            self.refuse(ProblemCode::IdentifierOfNobody, field, reason, "an identifier of one person");
            return None;
        }
        Some(known)
    }

    fn refuse_identifier(&mut self, field: &str, why: InvalidIdentifier) {
        let (code, accepted) = match why {
            InvalidIdentifier::Empty => (ProblemCode::EmptyIdentity, "an identifier, or the field left out".to_owned()),
            InvalidIdentifier::NotEmail => (ProblemCode::InvalidEmail, "an address such as name@example.com".to_owned()),
            InvalidIdentifier::TooLong(most) => (ProblemCode::InvalidIdentity, format!("at most {most} bytes")),
            InvalidIdentifier::Control | InvalidIdentifier::Format => {
                (ProblemCode::InvalidIdentity, "letters, digits and signs".to_owned())
            }
            InvalidIdentifier::NotPhone => (ProblemCode::InvalidIdentity, "a phone number such as +33 1 23 45 67 89".to_owned()),
            InvalidIdentifier::NotNumber => (ProblemCode::InvalidIdentity, "a decimal number such as 42".to_owned()),
        };
        self.refuse(code, field, &why.to_string(), accepted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::refusals;
    use std::sync::Arc;

    fn naming(map: &str) -> Naming {
        let text = format!(
            "version: 1\nstores: {{db: {{connector: dynamodb}}}}\n{map}\nproducers: [{{name: a, category: a, store: db, table: a, \
             key: [id], select: [{{by: subject_id, attribute: id}}]}}]"
        );
        Naming { map: Arc::new(oubli_domain::datamap::parse(&text).expect("a map").0), country: "FR" }
    }

    fn refused(naming: &Naming, given: GivenIdentifiers<'_>) -> Vec<String> {
        let mut checks = Checks::default();
        let _ = checks.identity(naming, given);
        checks.finish().err().map(|problem| refusals(&problem)).unwrap_or_default()
    }

    #[test]
    fn an_identity_is_never_empty_and_each_way_to_fail_has_a_code() {
        let codes = |subject_id: Option<&str>, subject_email: Option<&str>| {
            refused(&naming(""), GivenIdentifiers { subject_id, subject_email, identifiers: None })
        };
        assert!(codes(Some("u1"), None).is_empty());
        assert_eq!(codes(None, None), ["subject_id empty_identity"]);
        assert_eq!(codes(Some("  "), Some("a@b")), ["subject_id empty_identity"]);
        assert_eq!(codes(Some("u1"), Some("nobody")), ["subject_email invalid_email"]);
        assert_eq!(codes(Some("u\u{0}1"), None), ["subject_id invalid_identity"]);
        assert_eq!(codes(Some("u\u{200b}1"), None), ["subject_id invalid_identity"]);
        assert_eq!(codes(Some(&"x".repeat(2000)), None), ["subject_id invalid_identity"]);
    }

    #[test]
    fn kinds_are_those_of_the_data_map() {
        let naming = naming("identifiers: {phone: {form: phone}}\nnobody: [guest]");
        let listed = |kind: &str, value: &str| {
            let one = IdentifierBody { kind: Some(kind.to_owned()), value: Some(value.to_owned()) };
            refused(&naming, GivenIdentifiers { identifiers: Some(&[Object(one)]), ..GivenIdentifiers::default() })
        };
        assert!(listed("phone", "06 12 34 56 78").is_empty());
        assert_eq!(listed("phone", "12"), ["identifiers[0].value invalid_identity"]);
        assert_eq!(listed("cookie", "x"), ["identifiers[0].kind unknown_identifier"]);
        assert_eq!(listed("subject_id", "guest"), ["identifiers[0].value identifier_of_nobody"]);
        let none = refused(&naming, GivenIdentifiers { identifiers: Some(&[]), ..GivenIdentifiers::default() });
        assert_eq!(none, ["subject_id empty_identity"]);
        let half = [Object(IdentifierBody::default())];
        let half = refused(&naming, GivenIdentifiers { identifiers: Some(&half), ..GivenIdentifiers::default() });
        assert_eq!(half, ["identifiers[0].kind missing_field", "identifiers[0].value missing_field"]);
    }
}
