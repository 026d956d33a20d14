//! By what a person is known, as the API shows it to whoever may see it.

use oubli_domain::{personal::Origin, plan::PlannedIdentifier};
use oubli_engine::api::IdentifierView;
use serde::Serialize;
use utoipa::ToSchema;

/// An identifier of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KnownIdentifier)]
pub(crate) struct IdentifierAnswer {
    /// What the plan calls it.
    #[schema(example = "i1")]
    id: String,
    /// `subject_id`, `subject_email`, or a kind of the data map.
    kind: String,
    /// What it is; null in a look without a request, which tells nobody more of a person than they gave.
    value: Option<String>,
    /// The request gives it.
    given: bool,
    /// The producer in whose records it was found.
    found_in: Option<String>,
    /// The identifier that led there.
    through: Option<String>,
    /// Records are looked for by it.
    searched_by: bool,
    /// Why not: `shared`, `behind_shared`, `unmet`, `nobody_in_particular` or `unconfirmed`.
    ambiguous: Option<&'static str>,
    /// The same in words.
    reason: Option<&'static str>,
    /// A reviewer named it as the person's.
    named: bool,
}

impl IdentifierAnswer {
    /// Those of a person.
    pub fn all(identifiers: Vec<IdentifierView>) -> Vec<Self> {
        identifiers.into_iter().map(Self::from).collect()
    }
}

impl IdentifierAnswer {
    /// The same without what they are.
    pub fn kinds(identifiers: Vec<IdentifierView>) -> Vec<Self> {
        identifiers.into_iter().map(|view| Self { value: None, ..Self::from(view) }).collect()
    }
}

impl From<IdentifierView> for IdentifierAnswer {
    fn from(view: IdentifierView) -> Self {
        let (found_in, through) = match view.origin {
            Origin::Given => (None, None),
            Origin::Found { producer, through } => (Some(producer.into()), Some(PlannedIdentifier::label(through))),
        };
        let ambiguity = view.standing.ambiguity();
        Self {
            id: view.label,
            kind: view.known.kind.into(),
            value: Some(view.known.given.expose().to_owned()),
            given: found_in.is_none(),
            found_in,
            through,
            searched_by: ambiguity.is_none(),
            ambiguous: ambiguity.map(|why| why.code()),
            reason: ambiguity.map(|why| why.words()),
            named: view.named,
        }
    }
}
