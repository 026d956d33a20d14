//! The rules of Oubli: types, life cycle, deadlines, data map, plan and audit entries.
//!
//! Everything here is pure. Time is passed in, nothing reads a clock, a network or a random source, and no type
//! knows which database or cloud it will be stored in.
#![forbid(unsafe_code)]

pub mod access;
pub mod asking;
pub mod audit;
pub mod batch;
pub mod capabilities;
pub mod datamap;
pub mod deadline;
pub mod decimal;
pub mod file_name;
pub mod grounds;
pub mod hold;
pub mod ids;
pub mod issuer;
pub mod language;
pub mod ledger;
pub mod lifecycle;
pub mod limits;
pub mod notification;
pub mod personal;
pub mod plan;
pub mod progress;
pub mod rate;
pub mod remains;
pub mod replacement;
pub mod report;
pub mod request;
pub mod review;
pub mod saved_query;
pub mod settings;
pub mod spreadsheet;
pub mod written_time;
