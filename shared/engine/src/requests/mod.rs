//! What people do with requests.

mod conflicts;
mod decide;
mod queries;
mod read;
mod resolve;
mod submit;
mod undo;

pub(crate) use decide::seconds_until;
pub(crate) use submit::{not_in, subject_keys};
