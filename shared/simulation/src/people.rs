//! The shop that tests open, and how requests are made.

use crate::world::World;
use oubli_domain::{
    access::{Caller, Role, Roles},
    deadline::Country,
    grounds::Reason,
    ids::{ActorId, HoldId, OrganizationId, RequestId},
    personal::Identity,
    settings::Settings,
};
use oubli_engine::{
    Engine, EngineError,
    api::{NewRequest, RequestKind, Scope, Verification},
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
const SUBJECT: &str = "alice";
/// Their address.
const EMAIL: &str = "alice@example.org";

/// The organization.
#[allow(clippy::expect_used)]
pub fn organization() -> OrganizationId {
    "shop".parse().expect("a well-formed name")
}

/// Somebody of an organization.
pub fn caller(organization: OrganizationId, n: u128, role: Role) -> Caller {
    Caller { organization, actor: ActorId::from_uuid(Uuid::from_u128(n)), roles: Roles::of(role) }
}

/// How long what is hidden can be restored there, in seconds.
const WINDOW: u32 = 400;

/// A shop with data, and its organization.
pub async fn open_shop(world: &World, engine: &Engine) -> Result<(), EngineError> {
    let mut settings = Settings::new("Shop".to_owned(), Country::Fr, "Europe/Paris".to_owned());
    settings.batch_size = 2;
    settings.recovery_window_seconds = WINDOW;
    settings.concurrent_requests = 1;
    settings.forget_after_days = 1;
    engine.directory().operator(&organization(), None).create_organization(settings).await?;
    engine.directory().operator(&organization(), None).publish_map(MAP).await?;
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

/// The request of this number.
pub fn request(n: u128) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(n))
}

/// The hold of this number.
pub fn hold(n: u128) -> HoldId {
    HoldId::from_uuid(Uuid::from_u128(n))
}

/// An erasure of everything about somebody, as submitted now.
pub fn new_request(world: &World, id: RequestId, identity: Identity) -> NewRequest {
    NewRequest {
        id,
        identity,
        kind: RequestKind::FullErasure,
        reason: Reason::UserRequest,
        received_at: None,
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
