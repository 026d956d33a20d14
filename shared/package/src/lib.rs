//! The archive that an export is: a ZIP file that a person can read, inside an encrypted message that the AWS Encryption
//! SDK opens. Pure: bytes in, bytes out, so that a worker can put it down anywhere between two files and another go on.
#![forbid(unsafe_code)]

pub mod archive;
pub mod contents;
pub mod message;
pub mod names;
pub mod page;
pub mod rows;
