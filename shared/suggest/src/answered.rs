//! Values that were looked up by key.

use crate::column::FEW;

/// A field of a place, by their numbers.
pub(crate) type At = (usize, usize);

/// How many of the values that were looked up are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Answered {
    pub found: usize,
    pub asked: usize,
}

impl Answered {
    /// Whether so many were found that the others may just be gone.
    pub(crate) fn leaves_open(self) -> bool {
        self.found * 2 >= self.asked
    }

    pub(crate) fn proves(self) -> bool {
        self.found >= FEW && self.found * 10 >= self.asked * 9
    }
}
