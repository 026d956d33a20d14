//! The archive that an export is: a ZIP file that a person can read. Pure: bytes in, bytes out, so that a worker can stop
//! anywhere between two files and another go on.
#![forbid(unsafe_code)]

pub mod contents;
mod html;
pub mod look;
pub mod names;
pub mod objects;
pub mod page;
pub mod paths;
pub mod rows;
pub mod tables;
mod words;
pub mod zip;
