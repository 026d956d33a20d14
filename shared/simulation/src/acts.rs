//! What people and applications do meanwhile.

use crate::{
    faults::pause,
    oracle::{Asked, HoldSeen, Wanted},
    people::{caller, hold, request},
    promise,
    world::{
        World, WorldState,
        map::{DEVICE, EMAIL, ID, Name, Produces, Way, Who, parcels_of},
    },
};
use jiff::civil::Date;
use oubli_domain::{
    access::{Caller, Role},
    grounds::Reason,
    ids::{Category, OrganizationId},
    personal::{Identifier, IdentifierKind, Identity, Known, NormalForm, Standing},
    plan::Exclusion,
};
use oubli_engine::{
    Engine, EngineError,
    api::{Approval, NewHold, NewRequest, RequestKind, RestoreOrder, Scope, Verification},
};

/// A request that somebody will submit.
#[derive(Debug, Clone, Default)]
pub struct Case {
    pub asked: Asked,
    pub verified: bool,
    /// Not before so many seconds from now.
    pub later: Option<i64>,
}

/// What a person may do. Requests and holds are named by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    Submit(u128),
    Verify(u128),
    Approve {
        request: u128,
        own: bool,
        digest: bool,
        exclusions: Vec<String>,
        until: Option<Date>,
        /// They name nothing of what was not searched.
        silent: bool,
    },
    /// One or all of the ambiguous identifiers are named.
    Name {
        request: u128,
        all: bool,
    },
    Reject(u128),
    Cancel(u128),
    Restore {
        request: u128,
        categories: Vec<String>,
        uncertain: bool,
    },
    /// One of those that could not be put back is put back, or given up.
    Recover {
        request: u128,
        give_up: bool,
    },
    Retry(u128),
    Resolve(u128),
    Revoke(u128),
    PlaceHold(u128),
    ReleaseHold(u128),
}

impl Act {
    /// The request it is about.
    pub fn request(&self) -> Option<u128> {
        match self {
            Self::Submit(n) | Self::Verify(n) | Self::Reject(n) | Self::Cancel(n) => Some(*n),
            Self::Retry(n) | Self::Resolve(n) | Self::Revoke(n) => Some(*n),
            Self::Approve { request, .. } | Self::Name { request, .. } => Some(*request),
            Self::Restore { request, .. } | Self::Recover { request, .. } => Some(*request),
            Self::PlaceHold(_) | Self::ReleaseHold(_) => None,
        }
    }
}

/// The member who does most things, and the one who decides.
pub const OFFICER: u128 = 1;
const REVIEWER: u128 = 2;

/// An identity as the engine takes it, in capitals where these make no difference.
pub fn identity(who: &Who, loud: bool) -> Option<Identity> {
    Identity::new(who.0.iter().filter_map(|(kind, value)| {
        let form = match *kind {
            ID => NormalForm::Exact,
            EMAIL => NormalForm::Email,
            _ => NormalForm::Lower,
        };
        let spelled = if loud && *kind != ID { value.to_uppercase() } else { value.clone() };
        let given = Identifier::parse(&spelled).ok()?;
        let normal = form.normalize(&given, None).ok()?;
        Some(Known { kind: kind.parse().ok()?, given, normal, also: vec![] })
    }))
}

/// An identifier as the world writes it.
fn name_of(known: &Known) -> Name {
    let kind = match &known.kind {
        kind if *kind == IdentifierKind::SUBJECT_ID => ID,
        kind if *kind == IdentifierKind::SUBJECT_EMAIL => EMAIL,
        _ => DEVICE,
    };
    (kind, known.normal.expose().to_owned())
}

impl WorldState {
    /// The request of this number, as it was seen.
    pub fn seen(&self, n: u128) -> Option<&crate::oracle::Seen> {
        self.oracle.requests.get(&request(n).to_string()).filter(|s| !s.phase.is_empty())
    }

    /// Whoever acts names a record.
    fn names(&mut self, n: u128, producer: &str, record: &serde_json::Value, give_up: bool) {
        let key = record.get("id").or_else(|| record.get("key")).and_then(serde_json::Value::as_str).unwrap_or_default();
        let place = self.seen(n).and_then(|seen| Some(self.map_of(seen).producer(producer)?.place.clone()));
        let named = place.map(|place| (place, key.to_owned()));
        self.acting.restore = Some(Wanted { named, give_up, ..Wanted::default() });
    }

    /// Something of a request could not be put back.
    pub fn has_conflicts(&self, n: u128) -> bool {
        let Some(seen) = self.seen(n) else { return false };
        let steps = self.steps_of(&seen.asked.organization, &request(n).to_string());
        steps.iter().any(|(.., step)| step.get("conflicts").and_then(serde_json::Value::as_u64).is_some_and(|c| c > 0))
    }

    fn organization_of(&self, act: &Act) -> String {
        let hold = |n: &u128| self.cast.holds.get(n).map(|h| h.organization.clone());
        let named = match act {
            Act::PlaceHold(n) | Act::ReleaseHold(n) => hold(n),
            _ => act.request().and_then(|n| self.cast.cases.get(&n)).map(|c| c.asked.organization.clone()),
        };
        named.unwrap_or_default()
    }

    /// On whose behalf an act happens.
    pub fn acting_for(&self, act: &Act) -> crate::world::Acting {
        let actor = match act {
            Act::Approve { own: false, .. } | Act::Name { .. } | Act::Reject(_) => REVIEWER,
            _ => OFFICER,
        };
        let (exclusions, until) = match act {
            Act::Approve { exclusions, until, .. } => (exclusions.clone(), *until),
            _ => (vec![], None),
        };
        let restore = match act {
            Act::Restore { categories, uncertain, .. } => {
                Some(Wanted { categories: categories.clone(), uncertain: *uncertain, ..Wanted::default() })
            }
            _ => None,
        };
        let organization = Some(self.organization_of(act));
        let resolves = matches!(act, Act::Resolve(_));
        crate::world::Acting {
            organization,
            actor: Some(actor),
            exclusions,
            until,
            restore,
            resolves,
            ..crate::world::Acting::default()
        }
    }

    /// Whoever acts is about to.
    pub fn asks(&mut self, act: &Act) {
        match act {
            Act::Submit(n) => {
                if let Some(case) = self.cast.cases.get(n).cloned() {
                    self.note(|| format!("asked {n}: {case:?}"));
                    let seen = self.oracle.requests.entry(request(*n).to_string()).or_default();
                    seen.asked = case.asked;
                    seen.verified |= case.verified;
                }
            }
            Act::Verify(n) => {
                if let Some(seen) = self.oracle.requests.get_mut(&request(*n).to_string()) {
                    seen.verified = true;
                }
            }
            Act::PlaceHold(n) => {
                if let Some(new) = self.cast.holds.get(n).cloned() {
                    self.oracle.holds.insert(*n, new);
                }
            }
            Act::ReleaseHold(n) => {
                let instant = self.instant;
                if let Some(hold) = self.oracle.holds.get_mut(n) {
                    hold.released.get_or_insert(instant);
                }
            }
            _ => {}
        }
    }

    /// It was answered.
    pub fn answered(&mut self, act: &Act) {
        let instant = self.instant;
        let (Act::PlaceHold(n) | Act::ReleaseHold(n)) = act else { return };
        let Some(hold) = self.oracle.holds.get_mut(n) else { return };
        match act {
            Act::PlaceHold(_) => drop(hold.answered.get_or_insert(instant)),
            _ => hold.release_asked = true,
        }
    }

    /// The application does something to somebody's data.
    pub fn app_acts(&mut self) {
        let shops: Vec<usize> = (0..self.cast.shops.len()).collect();
        let Some(shop) = self.choose(&shops).copied() else { return };
        let Some(map) = self.cast.shops[shop].maps.last().cloned() else { return };
        let people: Vec<usize> = (0..self.cast.people.len()).chain([0, 0]).collect();
        let (Some(producer), Some(n)) = (self.choose(&map.producers).cloned(), self.choose(&people).copied()) else { return };
        let m = self.choose(&[0, 1, 2]).copied().unwrap_or_default();
        if producer.is_bucket() { self.app_acts_on_object(&producer, n, m) } else { self.app_acts_on_row(&producer, n, m) }
    }

    fn app_acts_on_object(&mut self, producer: &Produces, n: usize, m: usize) {
        let Some(Way::Prefix(template)) = producer.ways.first() else { return };
        let id = self.cast.people[n].first(ID).unwrap_or_default();
        let key = format!("{}{m}", template.replace("{}", &id));
        match self.choose(&[0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5]).copied().unwrap_or_default() {
            0 => self.app_uploads(&producer.place, &key),
            1 => self.app_deletes_object(&producer.place, &key),
            2 => self.app_undeletes(&producer.place, &key),
            3 => drop(self.app_begins_upload(&producer.place, &key)),
            n => self.app_ends_upload(&producer.place, &key, n == 4),
        }
    }

    fn app_acts_on_row(&mut self, producer: &Produces, n: usize, m: usize) {
        if producer.name == "profiles" {
            return self.app_acts_on_profile(producer, n);
        }
        let of = format!("{n}{m}");
        let key = match producer.ways.first() {
            Some(Way::Listed(_)) => self.choose(&parcels_of(&of)).cloned().unwrap_or_default(),
            _ => of.clone(),
        };
        let there = self.shop.tables.get(&producer.place).and_then(|t| t.get(&key)).map(|r| r.fields.clone());
        let what = self.choose(&[0, 0, 0, 1, 2, 3]).copied().unwrap_or_default();
        if what == 1 {
            return self.app_deletes(&producer.place, &key);
        }
        if producer.ways.first().is_some_and(|way| way.parent().is_some()) {
            return self.write_found_through(producer, &key, &of);
        }
        // A row that is there is changed, or changes hands; one that is gone may come back.
        let owner = if what == 2 { self.cast.people.len() - 1 } else { n };
        let who = self.cast.people[owner].clone();
        let mut issued = there.and_then(|f| f.get("issued").cloned()).unwrap_or_else(|| "2015-05-01".to_owned());
        if what == 3 {
            issued = "2025-07-01".to_owned();
        }
        self.write_about(&producer.place, &key, [ID, EMAIL, DEVICE].map(|kind| who.first(kind)), &issued);
    }

    /// A profile is deleted, or written with what is known of the person.
    fn app_acts_on_profile(&mut self, producer: &Produces, n: usize) {
        let who = self.cast.people[n].clone();
        if self.chance(250) {
            return self.app_deletes(&producer.place, &who.first(ID).unwrap_or_default());
        }
        let (address, device) = (who.first(EMAIL).filter(|_| self.chance(800)), who.first(DEVICE));
        self.write_profile(producer, &who, address, device);
    }
}

/// A person acts, and tries again while things are out of reach. Answers whether it was done.
pub async fn act(world: World, engine: Engine, act: Act) -> bool {
    for _ in 0..6 {
        let done = once(&world, &engine, &act).await;
        match done {
            Ok(()) => {
                world.note(|| format!("done {act:?}"));
                return true;
            }
            Err(EngineError::Transient(_) | EngineError::Conflict(_)) => pause().await,
            Err(EngineError::Refused(refusal)) => {
                world.note(|| format!("refused {act:?}: {}", refusal.code));
                return false;
            }
            Err(EngineError::Internal(fault)) => {
                world.lock().broke(promise::BROKE, || format!("{act:?}: {fault}"));
                return false;
            }
        }
    }
    false
}

fn categories(names: &[String]) -> Vec<Category> {
    names.iter().filter_map(|n| n.parse().ok()).collect()
}

fn new_request(world: &World, n: u128, case: &Case) -> Option<NewRequest> {
    let asked = &case.asked;
    let now = world.lock().now();
    let whole = asked.only.is_empty() && asked.not.is_empty();
    Some(NewRequest {
        id: request(n),
        identity: identity(&asked.who, asked.loud)?,
        kind: match (asked.export, whole) {
            (true, _) => RequestKind::Export,
            (false, true) => RequestKind::FullErasure,
            (false, false) => RequestKind::PartialErasure,
        },
        reason: Reason::UserRequest,
        received_at: None,
        verification: case.verified.then(|| verification(world)),
        scope: Scope { include_logs: asked.logs, ..Scope::default() },
        categories: categories(&asked.only),
        exclude_categories: categories(&asked.not),
        scheduled_at: case.later.map(|seconds| now + jiff::SignedDuration::from_secs(seconds)),
        export_first: asked.export_first,
        saved_queries: None,
        deliver: false,
    })
}

fn verification(world: &World) -> Verification {
    Verification { method: "id".to_owned(), verified_at: world.lock().now() - jiff::SignedDuration::from_secs(10) }
}

async fn once(world: &World, engine: &Engine, act: &Act) -> Result<(), EngineError> {
    let organization = world.lock().organization_of(act);
    let Ok(organization) = organization.parse::<OrganizationId>() else { return Ok(()) };
    let officer: Caller = caller(organization.clone(), OFFICER, Role::Administrator);
    let reviewer = caller(organization, REVIEWER, Role::Reviewer);
    match act {
        Act::Submit(n) => {
            let case = world.lock().cast.cases.get(n).cloned().unwrap_or_default();
            let Some(new) = new_request(world, *n, &case) else { return Ok(()) };
            if let (Some(at), Some(seen)) = (new.scheduled_at, world.lock().oracle.requests.get_mut(&new.id.to_string())) {
                // The first call may be the one that counts, though its reply was lost.
                let at = at.as_millisecond();
                seen.asked.not_before = Some(seen.asked.not_before.map_or(at, |before| before.min(at)));
            }
            engine.requests().submit(&officer, new).await.map(|_| ())
        }
        Act::Verify(n) => engine.requests().verify(&officer, request(*n), verification(world)).await.map(|_| ()),
        Act::Approve { request: n, own, digest, exclusions, until, silent } => {
            let who = if *own { &officer } else { &reviewer };
            let view = engine.requests().request(who, request(*n)).await?;
            let exclusion = |category| Exclusion { category, reason: "a dispute".to_owned(), retention_until: *until };
            let plan_digest = view.request.plan_digest.filter(|_| *digest || *silent);
            world.lock().acting.shown = plan_digest.as_ref().map(ToString::to_string);
            let exclusions = categories(exclusions).into_iter().map(exclusion).collect();
            let must_be_refused = *silent && plan_digest.is_some() && !view.to_acknowledge.is_empty();
            let acknowledged = if *silent { vec![] } else { view.to_acknowledge };
            let approval = Approval { plan_digest, approved_by: None, notes: None, exclusions, acknowledged };
            engine.reviews().approve(who, request(*n), approval).await?;
            if must_be_refused {
                world.lock().broke(promise::UNACKNOWLEDGED, || format!("request {n} was approved in silence"));
            }
            Ok(())
        }
        Act::Name { request: n, all } => name_some(world, engine, &reviewer, *n, *all).await,
        Act::Reject(n) => engine.reviews().reject(&reviewer, request(*n), "not theirs".to_owned()).await.map(|_| ()),
        Act::Cancel(n) => engine.requests().cancel(&officer, request(*n), None).await.map(|_| ()),
        Act::Restore { request: n, categories: names, uncertain } => {
            let order = RestoreOrder { categories: categories(names), include_uncertain: *uncertain, ..RestoreOrder::default() };
            engine.requests().restore(&officer, request(*n), order).await.map(|_| ())
        }
        Act::Recover { request: n, give_up } => {
            let page = engine.requests().conflicts(&officer, request(*n), None, 10).await?;
            let Some(conflict) = page.conflicts.into_iter().next() else { return Ok(()) };
            world.lock().names(*n, conflict.producer.as_str(), &conflict.record, *give_up);
            let records = vec![conflict.name];
            let order = RestoreOrder { records, give_up: *give_up, ..RestoreOrder::default() };
            engine.requests().restore(&officer, request(*n), order).await.map(|_| ())
        }
        Act::Retry(n) => engine.requests().retry(&officer, request(*n)).await.map(|_| ()),
        Act::Resolve(n) => engine.requests().resolve(&officer, request(*n)).await.map(|_| ()),
        Act::Revoke(n) => engine.exports().revoke_export(&officer, request(*n)).await.map(|_| ()),
        Act::PlaceHold(n) => {
            let new: HoldSeen = world.lock().cast.holds.get(n).cloned().unwrap_or_default();
            let new = NewHold {
                id: hold(*n),
                identity: new.who.as_ref().and_then(|who| identity(who, new.loud)),
                categories: categories(&new.categories),
                reason: "litigation".to_owned(),
                reference: None,
            };
            engine.holds().place_hold(&officer, new).await.map(|_| ())
        }
        Act::ReleaseHold(n) => engine.holds().release_hold(&officer, hold(*n)).await.map(|_| ()),
    }
}

/// A reviewer says which of the ambiguous identifiers are the person's.
async fn name_some(world: &World, engine: &Engine, reviewer: &Caller, n: u128, all: bool) -> Result<(), EngineError> {
    let view = engine.requests().reveal(reviewer, request(n)).await?;
    let ambiguous: Vec<(String, Name)> = view
        .identifiers
        .iter()
        .filter(|i| matches!(i.standing, Standing::Ambiguous(_)))
        .filter_map(|i| Some((i.label.clone(), name_of(i.known.as_ref()?))))
        .collect();
    let chosen = if all { ambiguous } else { world.lock().choose(&ambiguous).cloned().into_iter().collect() };
    if chosen.is_empty() {
        return Ok(());
    }
    if let Some(seen) = world.lock().oracle.requests.get_mut(&request(n).to_string()) {
        seen.named.0.extend(chosen.iter().map(|(_, name)| name.clone()));
    }
    let (labels, names): (Vec<String>, Vec<Name>) = chosen.into_iter().unzip();
    engine.reviews().name_identifiers(reviewer, request(n), &labels, view.request.plan_digest.as_ref()).await?;
    if let Some(seen) = world.lock().oracle.requests.get_mut(&request(n).to_string()) {
        seen.surely_named.0.extend(names);
    }
    Ok(())
}
