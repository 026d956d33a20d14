//! The door: one engine, and the rooms its use cases live in. A room knows the core and no other room.

use crate::{
    core::{Config, Core},
    directory::Directory,
    discovery::Discovery,
    exports::Exports,
    holds::Holds,
    idempotency::Idempotency,
    ledger::Ledger,
    ports::{Channel, IssuerDocuments, PdfRenderer, Ports, Witness},
    reports::Reports,
    requests::Requests,
    reviews::Reviews,
    subjects::Subjects,
    worker::Worker,
};
use std::sync::Arc;

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    core: Core,
}

impl Engine {
    /// An engine with default settings.
    pub fn new(ports: Ports) -> Self {
        Self::with_config(ports, Config::default())
    }

    /// An engine.
    pub fn with_config(ports: Ports, config: Config) -> Self {
        Self { core: Core::new(ports, config) }
    }

    /// The same, with something to print documents with.
    #[must_use]
    pub fn with_pdf_renderer(mut self, pdf_renderer: Arc<dyn PdfRenderer>) -> Self {
        self.core.pdf_renderer = pdf_renderer;
        self
    }

    /// The same, with a way to reach people.
    #[must_use]
    pub fn with_channel(mut self, channel: Arc<dyn Channel>) -> Self {
        self.core.channel = channel;
        self
    }

    /// The same, with a way to witnesses.
    #[must_use]
    pub fn with_witness(mut self, witness: Arc<dyn Witness>) -> Self {
        self.core.witness = witness;
        self
    }

    /// The same, with a way to what issuers of tokens publish.
    #[must_use]
    pub fn with_issuers(mut self, issuers: Arc<dyn IssuerDocuments>) -> Self {
        self.core.issuers = issuers;
        self
    }

    /// Submitting, watching, cancelling and restoring requests.
    pub fn requests(&self) -> Requests {
        Requests { core: self.core.clone() }
    }

    /// Deciding on plans.
    pub fn reviews(&self) -> Reviews {
        Reviews { core: self.core.clone() }
    }

    /// Keeps no key in memory: to be called when an invocation is over, after which its process may be frozen for hours.
    pub fn rest(&self) {
        self.core.ports.keys.forget();
    }

    /// Naming people.
    pub fn subjects(&self) -> Subjects {
        Subjects { core: self.core.clone() }
    }

    /// Legal holds.
    pub fn holds(&self) -> Holds {
        Holds { core: self.core.clone() }
    }

    /// Packaging exports, opening and revoking them.
    pub fn exports(&self) -> Exports {
        Exports { core: self.core.clone() }
    }

    /// Finding what is there for a subject.
    pub fn discovery(&self) -> Discovery {
        Discovery { core: self.core.clone() }
    }

    /// Sealing, querying, proving and exporting the audit log.
    pub fn ledger(&self) -> Ledger {
        Ledger { core: self.core.clone() }
    }

    /// Certificates and compliance reports.
    pub fn reports(&self) -> Reports {
        Reports { core: self.core.clone() }
    }

    /// Organizations, their settings, keys and data maps.
    pub fn directory(&self) -> Directory {
        Directory { core: self.core.clone() }
    }

    /// Answers kept for calls that are repeated.
    pub fn idempotency(&self) -> Idempotency {
        Idempotency { core: self.core.clone() }
    }

    /// What the queue functions and the sweeper do.
    pub fn worker(&self) -> Worker {
        Worker { core: self.core.clone() }
    }
}
