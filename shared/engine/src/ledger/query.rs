//! Questions to the log.

use crate::{
    Result,
    core::{Core, LedgerHead, List, MOST_RESULTS, subject_keys},
    ledger::{AuditPage, AuditQuery, AuditView, Ledger, outbox::Unpublished},
    ports::Cursor,
};
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEntry, AuditEvent, EventType},
    ids::{ActorId, OrganizationId},
    ledger::WIDTH,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Bundles, and pages of what is known of bundles, read for one page; a page may hold fewer entries than asked for, or none, and
/// still have a next one.
const READS_A_PAGE: u32 = 64;

/// Most requests and holds that are looked up in the index, one after another; those of whoever is in more are looked for in the
/// whole log.
const LOOKED_UP: usize = 64;

/// A query, and the requests and holds it is about if it is about some.
struct Asked<'a> {
    query: &'a AuditQuery,
    abouts: Option<BTreeSet<String>>,
}

/// What was found in the published log.
struct Found {
    entries: Vec<AuditEntry>,
    /// Where to go on.
    next: u64,
    /// There is, or may be, more.
    more: bool,
}

impl Ledger {
    /// A page of the log in its order, and behind its end what is not sealed yet.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub async fn audit(&self, caller: &Caller, query: AuditQuery) -> Result<AuditPage> {
        Core::permit(caller, Action::ReadAudit)?;
        let organization = &caller.organization;
        let limit = query.limit.clamp(1, MOST_RESULTS);
        let subject = match &query.subject {
            Some(identity) => Some(subject_keys(&self.core.ports, organization, identity.known()).await?),
            None => None,
        };
        let filters: serde_json::Map<String, Value> =
            query.filters().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let filters = json!([filters, subject]);
        // Whatever cursor comes: whoever turns pages reads as whoever opens the first.
        self.core.record_look(caller, EventType::AuditLogRead, None, &filters, query.filters()).await?;
        let list = List { caller, name: "audit log", filters };
        let cursor = self.core.read_cursor(&list, query.cursor.as_deref()).await?;
        let number = |name: &str| cursor.as_ref().and_then(|c| c.0.get(name)).and_then(Value::as_u64).unwrap_or(0);
        let (mut next, mut waiting) = (number("next"), number("waiting"));
        next = next.max(self.first_kept(organization).await?);
        let asked = Asked { abouts: self.asked_about(organization, &query).await?, query: &query };
        let mut head = self.core.log_head(organization).await?;
        let (mut entries, mut reads) = (Vec::new(), 0);
        let (unpublished, mut more) = loop {
            if head.published > next {
                // What waited is sealed by now: it may be shown again, and never passed over.
                waiting = 0;
            }
            let room = limit - entries.len();
            let page = self.found(organization, &head, &asked, next, room, &mut reads).await?;
            entries.extend(page.entries.into_iter().map(|entry| (entry, true)));
            next = page.next;
            if page.more {
                break (vec![], true);
            }
            match self.unpublished(organization, &head).await? {
                Unpublished::Events(events) => break (events, false),
                Unpublished::Moved(now) => head = now,
            }
        };
        if !more {
            let mut fitting = unpublished.into_iter().filter(|e| asked.wants(e));
            let shown = fitting.by_ref().skip(usize::try_from(waiting).unwrap_or(0)).take(limit - entries.len());
            let shown: Vec<AuditEvent> = shown.collect();
            more = fitting.next().is_some();
            waiting += shown.len() as u64;
            entries.extend(shown.into_iter().map(|event| (AuditEntry::unsealed(event), false)));
        }
        let place = [("next", Value::from(next)), ("waiting", waiting.into())];
        let place = || Cursor(place.into_iter().map(|(name, value)| (name.to_owned(), value)).collect());
        let next_cursor = self.core.show_cursor(&list, more.then(place)).await?;
        let names = self.names(organization, &entries).await?;
        let view = |(entry, sealed): (AuditEntry, bool)| {
            let executed_by = entry.event.actor.and_then(|a| names.get(&a).cloned());
            AuditView { entry, sealed, executed_by }
        };
        Ok(AuditPage { entries: entries.into_iter().map(view).collect(), next_cursor })
    }

    /// What a query wants of the published log from a place on.
    async fn found(
        &self,
        organization: &OrganizationId,
        head: &LedgerHead,
        asked: &Asked<'_>,
        mut next: u64,
        room: usize,
        reads: &mut u32,
    ) -> Result<Found> {
        let mut entries = Vec::new();
        let mut places = Places::new(self, organization, head, asked).await?;
        loop {
            // Counted where nothing is read too: a log that grows all the time must not keep a caller.
            *reads += 1;
            if *reads > READS_A_PAGE {
                return Ok(Found { entries, next, more: true });
            }
            let (from, to) = match places.next(self, organization, next, reads).await? {
                Place::In(from, to) => (from, to),
                Place::Behind(at) => return Ok(Found { entries, next: at, more: true }),
                Place::Nowhere => return Ok(Found { entries, next: next.max(head.published), more: false }),
            };
            for read in self.core.bundle(organization, head, from / WIDTH).await? {
                let index = read.entry.index;
                if !(from..to).contains(&index) || !asked.wants(&read.entry.event) {
                    continue;
                }
                if entries.len() == room {
                    return Ok(Found { entries, next: index, more: true });
                }
                entries.push(read.entry);
            }
            next = to;
        }
    }

    /// The requests and holds a query is about, if it is about some.
    async fn asked_about(&self, organization: &OrganizationId, query: &AuditQuery) -> Result<Option<BTreeSet<String>>> {
        let by_subject = match &query.subject {
            Some(identity) => Some(self.about_subject(organization, identity).await?),
            None => None,
        };
        Ok(match (query.request_id.map(|id| id.to_string()), by_subject) {
            (None, by_subject) => by_subject,
            (Some(id), None) => Some(BTreeSet::from([id])),
            (Some(id), Some(ids)) => Some(ids.into_iter().filter(|i| *i == id).collect()),
        })
    }

    async fn names(&self, organization: &OrganizationId, entries: &[(AuditEntry, bool)]) -> Result<BTreeMap<ActorId, String>> {
        let actors: BTreeSet<ActorId> = entries.iter().filter_map(|(e, _)| e.event.actor).collect();
        let mut names = BTreeMap::new();
        for actor in actors {
            if let Some(name) = self.core.actor_name(organization, &actor).await? {
                names.insert(actor, name);
            }
        }
        Ok(names)
    }
}

/// Where to look next.
enum Place {
    /// From here to there.
    In(u64, u64),
    /// Nowhere before this, and enough was read.
    Behind(u64),
    Nowhere,
}

/// Where to look, in order: stretches of the log that lie within one bundle.
enum Places {
    /// These, and no others.
    Known(VecDeque<(u64, u64)>),
    /// The whole log, but for full bundles that are known to hold nothing of it.
    All { published: u64, skip: BTreeSet<u64>, known_to: u64, filter: Box<AuditQuery> },
}

impl Places {
    async fn new(engine: &Ledger, organization: &OrganizationId, head: &LedgerHead, asked: &Asked<'_>) -> Result<Self> {
        let Some(abouts) = asked.abouts.as_ref().filter(|abouts| abouts.len() <= LOOKED_UP) else {
            let filter = Box::new(asked.query.clone());
            return Ok(Self::All { published: head.published, skip: BTreeSet::new(), known_to: 0, filter });
        };
        let mut stretches = Vec::new();
        for id in abouts {
            for stretch in engine.core.stretches(organization, id).await? {
                stretches.push((stretch.first, (stretch.first + stretch.count).min(head.published)));
            }
        }
        stretches.sort_unstable();
        let within = |(from, to): (u64, u64)| {
            (from / WIDTH..=to.saturating_sub(1) / WIDTH).map(move |n| (from.max(n * WIDTH), to.min((n + 1) * WIDTH)))
        };
        Ok(Self::Known(stretches.into_iter().filter(|(from, to)| from < to).flat_map(within).collect()))
    }

    /// The next stretch at or after this place.
    async fn next(&mut self, engine: &Ledger, organization: &OrganizationId, at: u64, reads: &mut u32) -> Result<Place> {
        match self {
            Self::Known(stretches) => {
                while let Some((from, to)) = stretches.pop_front() {
                    if to > at {
                        return Ok(Place::In(from.max(at), to));
                    }
                }
                Ok(Place::Nowhere)
            }
            Self::All { published, skip, known_to, filter } => {
                let mut at = at;
                while at < *published {
                    let bundle = at / WIDTH;
                    if bundle >= *known_to {
                        *reads += 1;
                        if *reads > READS_A_PAGE {
                            return Ok(Place::Behind(at));
                        }
                        let summaries = engine.summaries(organization, bundle).await?;
                        *known_to = summaries.last().map_or(u64::MAX, |s| s.bundle + 1);
                        skip.extend(summaries.iter().filter(|s| !may_hold(filter, s)).map(|s| s.bundle));
                    }
                    let end = ((bundle + 1) * WIDTH).min(*published);
                    if !skip.contains(&bundle) {
                        return Ok(Place::In(at, end));
                    }
                    at = end;
                }
                Ok(Place::Nowhere)
            }
        }
    }
}

fn may_hold(query: &AuditQuery, summary: &super::index::Summary) -> bool {
    query.event_type.as_ref().is_none_or(|t| summary.event_types.contains(t))
        && query.actor.is_none_or(|a| summary.actors.contains(&a.to_string()))
        && query.start.is_none_or(|start| summary.latest >= start)
        && query.end.is_none_or(|end| summary.earliest <= end)
}

impl Asked<'_> {
    fn wants(&self, event: &AuditEvent) -> bool {
        let query = self.query;
        let kind = serde_json::to_value(event.event_type).unwrap_or_default();
        let about = event.request_id.map(|id| id.to_string());
        let about = about.or_else(|| event.details.get("hold_id").and_then(|h| h.as_str()).map(str::to_owned));
        self.abouts.as_ref().is_none_or(|ids| about.is_some_and(|id| ids.contains(&id)))
            && query.event_type.as_ref().is_none_or(|t| kind.as_str() == Some(t))
            && query.start.is_none_or(|start| event.timestamp >= start)
            && query.end.is_none_or(|end| event.timestamp <= end)
            && query.actor.is_none_or(|actor| event.actor == Some(actor))
    }
}
