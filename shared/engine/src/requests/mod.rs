//! What people do with requests.

mod decide;
mod queries;
mod read;
mod submit;
mod undo;

pub(crate) use decide::seconds_until;
pub(crate) use submit::{not_in, subject_keys};
