//! Finding a subject's data: for a plan, to verify an erasure, or just to look.

mod commit;
mod preview;
mod run;
mod sorting;
mod sources;
mod walk;

pub(crate) use commit::stays;
