//! Drafts a data map from what stores hold.
#![forbid(unsafe_code)]
