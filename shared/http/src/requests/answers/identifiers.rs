//! By what a person is known, as the API shows it to whoever may see it.

use jiff::Timestamp;
use oubli_domain::{personal::Origin, plan::PlannedIdentifier};
use oubli_engine::api::{IdentifierView, WordsView};
use serde::Serialize;
use utoipa::ToSchema;

/// What somebody said of a request, and what shows that the audit log commits to it.
#[derive(Serialize, ToSchema)]
#[schema(as = SealedWords)]
pub(crate) struct WordsAnswer {
    /// `notes`, `reason`, `reasons`, `approved_by`, `verification_method` or `exclusion_reasons` (JSON, by category): what it is. The entry's detail is called so, and `_commitment`.
    #[schema(example = "notes")]
    what: String,
    /// What was said.
    text: String,
    /// 32 random bytes in hexadecimal. SHA-256 of them and the text is the commitment.
    opening: String,
    /// Opaque id of whoever said it.
    said_by: Option<String>,
    /// When it was said.
    said_at: Timestamp,
    /// The entry of the audit log that commits to it.
    audit_id: String,
}

impl From<WordsView> for WordsAnswer {
    fn from(view: WordsView) -> Self {
        let WordsView { what, text, opening, said_by, said_at, audit_id } = view;
        Self { what, text, opening, said_by: said_by.map(Into::into), said_at, audit_id }
    }
}

/// An identifier of a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KnownIdentifier)]
pub(crate) struct IdentifierAnswer {
    /// What the plan calls it.
    #[schema(example = "i1")]
    id: String,
    /// `subject_id`, `subject_email`, or a kind of the data map.
    kind: String,
    /// What it is; null unless it was asked for with `reveal=identity`, which is noted in the audit log. Discoveries never
    /// say it.
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

impl From<IdentifierView> for IdentifierAnswer {
    fn from(view: IdentifierView) -> Self {
        let (found_in, through) = match view.origin {
            Origin::Given => (None, None),
            Origin::Found { producer, through } => (Some(producer.into()), Some(PlannedIdentifier::label(through))),
        };
        let ambiguity = view.standing.ambiguity();
        Self {
            id: view.label,
            kind: view.kind.into(),
            value: view.known.map(|known| known.given.expose().to_owned()),
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
