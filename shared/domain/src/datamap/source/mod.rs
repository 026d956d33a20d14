//! A map's text: what stands on which line, and what has not the shape of a map.

mod differences;
mod lines;
mod shape;
mod syntax;
mod tree;

#[cfg(test)]
mod tests;

pub use differences::{Change, Difference, differences};
pub use lines::Lines;
pub(super) use shape::{Misshapen, no_such, node};
pub(super) use tree::{Node, Value};
