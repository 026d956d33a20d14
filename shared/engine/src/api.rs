//! What the use cases take and answer, before any HTTP: the rooms' own, at one place for those who call them.

pub use crate::record_name::{NoRecordName, RecordName};
pub use crate::{
    core::{Account, IdentifierView, NewRequest, RequestView, Verification, VerificationView, WordsView},
    discovery::{CategoryInventory, DiscoveryView},
    exports::ExportAccess,
    holds::{HoldEffect, HoldEffects, HoldPage, LegalHoldView, NewHold},
    items::{Failure, RestoreOrder},
    ledger::{AuditPage, AuditQuery, AuditView},
    reports::{ReportOrder, ReportOutcome, ReportView},
    requests::{Cancelled, ConflictPage, ConflictView, RequestDetail, RequestFilter, RequestPage, Shown, StatusView, StepView},
    reviews::Approval,
};
pub use oubli_domain::request::{RequestKind, Scope};
