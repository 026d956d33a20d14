//! What all use cases share: ports, records, transitions, guards, the audit trail, waking, paging. Knows no use case.

mod api;
mod asked_scope;
mod audit_trail;
mod batches;
mod claims;
mod cleaning;
mod config;
mod cosigned;
mod data_maps;
mod decision;
mod delivery;
mod guards;
mod holding;
mod in_flight;
mod issuer_keys;
mod ledger_head;
mod ledger_reading;
mod limits;
mod lines;
mod members;
mod notify;
mod organization;
mod paging;
mod public_keys;
mod rates;
mod records;
mod retention;
mod routing;
mod saved_queries;
mod scheduled;
mod sealed_words;
mod step_up;
mod stopping;
mod subject;
mod subject_index;
mod submission;
mod transitions;

pub use api::{Account, IdentifierView, NewRequest, RequestView, Verification, VerificationView, WordsView};
pub use batches::BatchAddress;
pub use config::Config;
pub use members::SourceRange;
pub use paging::MOST_RESULTS;
pub use step_up::NewCodes;
pub(crate) use step_up::{CodesItem, codes_key};
pub(crate) use {
    asked_scope::AskedScope,
    audit_trail::{batch_order, transition_order},
    batches::{batch_message, changes, concerned, difference, word, work_of},
    cleaning::control_query,
    cosigned::CosignedCheckpoints,
    data_maps::{MapItem, map_key, refuse_map},
    decision::to_acknowledge,
    delivery::{Copying, Delivered, Stand},
    guards::{holds_stand, take_guards},
    holding::{hold_words_partition, markers, moved_on, moved_on_for_everybody, set_hold},
    ledger_head::{LedgerHead, object},
    ledger_reading::{IndexRange, Read, about_partition, read_entry},
    limits::{OwnLimits, own_limits_key, seconds_to_wait},
    lines::{Wait, acquire_slot},
    members::{Credential, MemberItem, api_key_key, member_key, members_of},
    notify::seconds_until,
    organization::{actor_key, directory, directory_query, organization_partition},
    paging::{List, READS_A_PAGE, place_of},
    public_keys::IssuerKeys,
    records::plain_item,
    retention::{
        duty_applies, held_with, in_one_spelling, is_found_otherwise, is_on, is_within, places_that_find, spellings_of_a_key,
        started, telling_fields, today,
    },
    routing::{DefaultTeamItem, Numbered, RuleItem, TeamItem, default_team_key, rule_key, team_key},
    scheduled::{NotificationItem, first_notification},
    subject::{guarded_keys, held_keys, subject_keys},
    subject_index::{keys_partition, names, year},
    submission::Received,
    transitions::{Next, OPEN_TOGETHER, PRODUCERS_OVERLAP, not_in},
};

use crate::{
    Refusal, Result,
    ports::{Channel, IssuerDocuments, NoChannel, NoIssuers, NoPdfRenderer, NoWitness, PdfRenderer, Ports, Witness},
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    datamap::DataMap,
    ids::OrganizationId,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

type MapVersions = HashMap<(OrganizationId, u64), Arc<DataMap>>;

/// What every use case stands on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Core {
    pub(crate) ports: Ports,
    pub(crate) config: Config,
    pub(crate) pdf_renderer: Arc<dyn PdfRenderer>,
    pub(crate) channel: Arc<dyn Channel>,
    pub(crate) witness: Arc<dyn Witness>,
    pub(crate) issuers: Arc<dyn IssuerDocuments>,
    maps: Arc<Mutex<MapVersions>>,
    noted_uses: Arc<members::NotedUses>,
    fetched_keys: Arc<issuer_keys::FetchedKeys>,
    blocks: Arc<rates::Blocks>,
}

impl Core {
    pub(crate) fn new(ports: Ports, config: Config) -> Self {
        Self {
            ports,
            config,
            pdf_renderer: Arc::new(NoPdfRenderer),
            channel: Arc::new(NoChannel),
            witness: Arc::new(NoWitness),
            issuers: Arc::new(NoIssuers),
            maps: Arc::default(),
            noted_uses: Arc::default(),
            blocks: Arc::default(),
            fetched_keys: Arc::default(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    pub(crate) fn permit(caller: &Caller, action: Action) -> Result<()> {
        if caller.may(action) {
            return Ok(());
        }
        Err(Refusal::of_role(action).into())
    }
}
