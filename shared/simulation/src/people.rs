//! What people and applications do meanwhile.

use crate::{
    faults::pause,
    world::{State, World},
};
use oubli_domain::{
    access::{Caller, Role},
    deadline::Country,
    grounds::Reason,
    ids::{ActorId, HoldId, OrganizationId, RequestId},
    personal::{Identifier, Identity},
    settings::Settings,
};
use oubli_engine::{
    Engine, EngineError,
    api::{Approval, NewHold, NewRequest, RequestKind, RestoreOrder, Scope, Verification},
};
use uuid::Uuid;

/// The shop's data map: orders, their lines found through them, invoices under a duty, and files.
const MAP: &str = r#"
version: 1
stores:
  db: {connector: dynamodb}
  files: {connector: s3}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}, {by: subject_email, index: by_email, attribute: email}]}
  - {name: lines, category: orders, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, index: by_order, attribute: order}]}
  - {name: invoices, category: invoices, store: db, table: invoices, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
  - {name: files, category: files, store: files, bucket: files, select: [{by: subject_id, prefix: "u/{}/"}]}
"#;

/// The person everything is about.
pub const SUBJECT: &str = "alice";
/// Their address.
pub const EMAIL: &str = "alice@example.org";

/// The organization.
#[allow(clippy::expect_used)]
pub fn organization() -> OrganizationId {
    "shop".parse().expect("a well-formed name")
}

fn caller(n: u128, role: Role) -> Caller {
    Caller { organization: organization(), actor: ActorId::from_uuid(Uuid::from_u128(n)), role }
}

/// Whoever submits.
pub fn officer() -> Caller {
    caller(1, Role::PrivacyOfficer)
}

/// Whoever decides.
pub fn reviewer() -> Caller {
    caller(2, Role::Reviewer)
}

/// The subject as requests name it.
pub fn identity() -> Option<Identity> {
    Identity::new(Identifier::parse(SUBJECT).ok(), Identifier::parse_email(EMAIL).ok())
}

/// How long what is hidden can be restored, in seconds.
pub const WINDOW: u32 = 400;

/// A shop with data, and its organization.
pub async fn open_shop(world: &World, engine: &Engine) -> Result<(), EngineError> {
    let mut settings = Settings::new("Shop".to_owned(), Country::Fr, "Europe/Paris".to_owned());
    settings.batch_size = 2;
    settings.recovery_window_seconds = WINDOW;
    settings.concurrent_requests = 1;
    settings.forget_after_days = 1;
    engine.create_organization(organization(), settings).await?;
    engine.publish_map(&organization(), MAP).await?;
    let mut state = world.lock();
    let rows = 3 + state.choose(&[0, 1, 2, 3]).copied().unwrap_or_default();
    for n in 0..rows {
        let id = format!("o{n}");
        let by_email_only = n == 1;
        let owner = if by_email_only { "guest" } else { SUBJECT };
        state.app_writes("orders", &id, &[("id", &id), ("owner", owner), ("email", EMAIL)]);
        state.app_writes("lines", &format!("l{n}"), &[("id", &format!("l{n}")), ("order", &id)]);
    }
    state.app_writes("orders", "x1", &[("id", "x1"), ("owner", "bob"), ("email", "bob@example.org")]);
    state.app_writes("lines", "x2", &[("id", "x2"), ("order", "x1")]);
    state.app_writes("invoices", "i1", &[("id", "i1"), ("owner", SUBJECT), ("issued", "2025-05-01")]);
    state.app_writes("invoices", "i2", &[("id", "i2"), ("owner", SUBJECT), ("issued", "2015-05-01")]);
    for key in ["u/alice/a", "u/alice/a", "u/alice/b", "u/alice2/a"] {
        state.app_uploads("files", key);
    }
    state.now_ms += 10_000;
    Ok(())
}

/// The application does something.
pub fn app_acts(state: &mut State) {
    let n = state.choose(&[0, 1, 2, 3, 4, 5]).copied().unwrap_or_default();
    let order = format!("o{n}");
    match state.choose(&[0, 0, 1, 2, 3, 4, 5]).copied().unwrap_or_default() {
        0 => {
            // A row that is there is changed; one that is gone may come back.
            state.app_writes("orders", &order, &[("id", &order), ("owner", SUBJECT), ("email", EMAIL)]);
        }
        1 => state.app_deletes("orders", &order),
        2 => state.app_deletes("lines", &format!("l{n}")),
        3 => state.app_writes("orders", &order, &[("id", &order), ("owner", "bob"), ("email", "bob@example.org")]),
        4 => state.app_writes("lines", &format!("l{n}"), &[("id", &format!("l{n}")), ("order", &order)]),
        _ => state.app_uploads("files", "u/alice/a"),
    }
}

/// The number of the request for a copy.
pub const EXPORT: u128 = 9;

/// Holds that people may place, by number.
pub const HOLDS: [u128; 6] = [1, 2, 3, 4, 5, 6];

/// Whether the hold of this number is on the whole subject; the others are on orders.
pub const fn covers_everything(hold: u128) -> bool {
    hold % 2 == 1
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Submit(u128),
    /// An erasure that an export goes before.
    SubmitAfterExport(u128),
    Approve(u128),
    Cancel(u128),
    Restore(u128),
    RestoreOrders(u128),
    Retry(u128),
    /// Somebody wants a copy meanwhile.
    Export(u128),
    PlaceHold(u128),
    PlaceHoldOnOrders(u128),
    ReleaseHold(u128),
}

/// The request of this number.
pub fn request(n: u128) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(n))
}

/// The hold of this number.
pub fn hold(n: u128) -> HoldId {
    HoldId::from_uuid(Uuid::from_u128(n))
}

/// An export is ended once it can be opened, and tried again once it failed.
pub async fn tend(engine: &Engine, export: RequestId, phase: &str) -> Result<(), EngineError> {
    match phase {
        "available" => engine.revoke_export(&officer(), export).await.map(|_| ()),
        "failed" => engine.retry(&officer(), export).await.map(|_| ()),
        _ => Ok(()),
    }
}

/// A person acts, and tries again while things are out of reach. Answers whether it was done.
pub async fn act(world: World, engine: Engine, act: Act) -> bool {
    for _ in 0..6 {
        let before = world.lock().instant;
        let done = once(&world, &engine, act).await;
        match done {
            Ok(()) => {
                world.lock().note(|| format!("done {act:?} (since #{before})"));
                return true;
            }
            Err(EngineError::Transient(_) | EngineError::Overtaken(_)) => pause().await,
            Err(EngineError::Refused(_)) => return false,
            Err(EngineError::Broken(reason)) => {
                world.lock().break_promise("no use case breaks", format!("{act:?}: {reason}"));
                return false;
            }
        }
    }
    false
}

/// An erasure of everything about somebody, as submitted now.
pub fn new_request(world: &World, id: RequestId, identity: Identity) -> NewRequest {
    NewRequest {
        id,
        identity,
        kind: RequestKind::FullErasure,
        reason: Reason::UserRequest,
        verification: Some(Verification { method: "id".to_owned(), verified_at: world.lock().now() }),
        scope: Scope::default(),
        categories: vec![],
        exclude_categories: vec![],
        scheduled_at: None,
        export_first: false,
        saved_queries: None,
        deliver: false,
    }
}

async fn once(world: &World, engine: &Engine, act: Act) -> Result<(), EngineError> {
    match act {
        Act::Submit(n) => {
            let Some(identity) = identity() else { return Ok(()) };
            let new = new_request(world, request(n), identity);
            engine.submit(&officer(), new).await.map(|_| ())
        }
        Act::SubmitAfterExport(n) => {
            let Some(identity) = identity() else { return Ok(()) };
            world.lock().exports_first = true;
            let new = NewRequest { export_first: true, ..new_request(world, request(n), identity) };
            engine.submit(&officer(), new).await.map(|_| ())
        }
        Act::Export(n) => {
            let Some(identity) = identity() else { return Ok(()) };
            let new = NewRequest { kind: RequestKind::Export, ..new_request(world, request(n), identity) };
            engine.submit(&officer(), new).await.map(|_| ())
        }
        Act::Approve(n) => {
            let plan_digest = engine.request(&reviewer(), request(n)).await?.request.plan_digest;
            let approval = Approval { plan_digest, approved_by: None, notes: None, exclusions: vec![] };
            engine.approve(&reviewer(), request(n), approval).await.map(|_| ())
        }
        Act::Cancel(n) => engine.cancel(&officer(), request(n), None).await.map(|_| ()),
        Act::Restore(n) => engine.restore(&officer(), request(n), RestoreOrder::default()).await.map(|_| ()),
        Act::RestoreOrders(n) => {
            let order = RestoreOrder { categories: "orders".parse().into_iter().collect(), ..RestoreOrder::default() };
            engine.restore(&officer(), request(n), order).await.map(|_| ())
        }
        Act::Retry(n) => engine.retry(&officer(), request(n)).await.map(|_| ()),
        Act::PlaceHold(n) => {
            let new = NewHold {
                id: hold(n),
                identity: identity(),
                categories: vec![],
                reason: "litigation".to_owned(),
                reference: None,
            };
            engine.place_hold(&officer(), new).await.map(|_| ())
        }
        Act::PlaceHoldOnOrders(n) => {
            let categories = "orders".parse().into_iter().collect();
            let new = NewHold { id: hold(n), identity: None, categories, reason: "litigation".to_owned(), reference: None };
            engine.place_hold(&officer(), new).await.map(|_| ())
        }
        Act::ReleaseHold(n) => engine.release_hold(&officer(), hold(n)).await.map(|_| ()),
    }
}
