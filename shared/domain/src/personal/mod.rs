//! Identifiers of people, as types that can be neither printed nor logged; what they are compared by, and who they mean.

mod forms;
mod identifier;
mod identity;
mod kind;
mod person;
mod resolution;

pub use forms::NormalForm;
pub use identifier::{Identifier, InvalidIdentifier};
pub use identity::{Identity, Known};
pub use kind::{IdentifierKind, KindRules};
pub use person::{Ambiguity, Beside, Origin, Person, Resolved, Standing};
pub use resolution::{Lookup, MOST_IDENTIFIERS, Resolver, Seen};
