//! Entries out of the published log.
