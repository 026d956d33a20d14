//! Who waits, for what, and how that ends: holds, slots, people.

mod drive;
mod holds;
mod waiting;
