//! What a run of discovery looks at: its scope, and the ways to each producer's records.

use crate::ports::{DataKey, Matched};
use oubli_domain::{
    datamap::{DataMap, Location, Producer, SelectBy, Selection},
    hold::HoldView,
    ids::ProducerName,
    personal::Identity,
    plan::KeptBecause,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// One run of discovery, for a request's round or for a preview.
pub(super) struct Run {
    pub partition: String,
    pub round: u32,
    pub identity: Identity,
    pub map: Arc<DataMap>,
    /// Producers in deletion order: the place of each is its step's number.
    pub order: Vec<ProducerName>,
    pub holds: HoldView,
    pub key: DataKey,
    /// Keys of the rounds before, with what each step's records went through.
    pub earlier: Vec<(u32, DataKey)>,
    pub opening: Vec<u8>,
    pub time_zone: String,
    pub batch_size: usize,
    /// How long the organization can restore what is hidden.
    pub window: Duration,
    /// Nothing is kept from an export but what is out of its scope: duties to keep data do not keep it from its person.
    pub for_export: bool,
    pub in_scope: BTreeMap<ProducerName, Option<KeptBecause>>,
    /// Producers of which what stays is listed too, to be compared with what others find.
    pub compared: BTreeSet<ProducerName>,
    /// No page is asked for at or after this time, in milliseconds.
    pub stop_at: i64,
}

/// One way to a producer's records.
pub(super) enum Source<'a> {
    Identity(&'a Selection, &'a str, Vec<Matched>),
    Parent { selection: &'a Selection, field: &'a str, step: u32, round: u32 },
    Again { round: u32 },
}

impl Run {
    pub(super) fn step_of(&self, producer: &ProducerName) -> u32 {
        self.order.iter().position(|p| p == producer).and_then(|p| u32::try_from(p).ok()).unwrap_or_default()
    }

    pub(super) fn key_of(&self, round: u32) -> Option<&DataKey> {
        if round == self.round { Some(&self.key) } else { self.earlier.iter().find(|(r, _)| *r == round).map(|(_, k)| k) }
    }

    /// Fields that producers found through this one start from.
    pub(super) fn fields_for_children(&self, producer: &ProducerName) -> Vec<String> {
        let selections = self.map.producers.iter().filter(|p| self.in_scope.contains_key(&p.name)).flat_map(|p| &p.select);
        let fields = selections.filter_map(|s| match s.by() {
            SelectBy::Parent { producer: parent, field } if parent == producer => Some(field.clone()),
            _ => None,
        });
        let mut fields: Vec<String> = fields.collect();
        fields.sort();
        fields.dedup();
        fields
    }

    pub(super) fn sources<'a>(&'a self, producer: &'a Producer) -> Vec<Source<'a>> {
        let mut sources = Vec::new();
        let mut earlier: Vec<Matched> = Vec::new();
        for selection in &producer.select {
            match selection.by() {
                SelectBy::Identity(kind) => {
                    let Some(identifier) = self.identity.get(*kind) else { continue };
                    sources.push(Source::Identity(selection, identifier.expose(), earlier.clone()));
                    if let Selection::Key { attribute, .. } = selection {
                        earlier.push(Matched { attribute: attribute.clone(), value: identifier.expose().to_owned() });
                    }
                }
                SelectBy::Parent { producer: parent, field } => {
                    let step = self.step_of(parent);
                    let rounds = self.earlier.iter().map(|(r, _)| *r).chain([self.round]);
                    sources.extend(rounds.map(|round| Source::Parent { selection, field, step, round }));
                }
            }
        }
        sources.extend(self.earlier.iter().map(|(round, _)| Source::Again { round: *round }));
        sources
    }

    /// Whether a record could be found twice, so that those found must be remembered.
    pub(super) fn may_repeat(&self, producer: &Producer) -> bool {
        let parents = producer.select.iter().filter(|s| matches!(s.by(), SelectBy::Parent { .. })).count();
        let by_other_than_key = producer.select.iter().any(|s| match s.by() {
            SelectBy::Parent { producer: parent, field } => self.map.producer(parent).is_none_or(|p| match &p.location {
                Location::Table(t) => t.key.first() != Some(field) || t.key.len() > 1,
                Location::Bucket(_) => true,
            }),
            SelectBy::Identity(_) => false,
        });
        !self.earlier.is_empty() || parents > 1 || (parents == 1 && producer.select.len() > 1) || by_other_than_key
    }
}
