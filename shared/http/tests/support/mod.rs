//! The whole API in a world without faults, with an organization, its data map and a key for each role.
#![allow(dead_code, reason = "each test program uses its part")]

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use oubli_domain::{
    access::{Role, Roles},
    deadline::Country,
    ids::OrganizationId,
    settings::Settings,
};
use oubli_engine::{
    Config, Engine,
    directory::{Administration, NewKeyWanted, NewMember},
    ports::Message,
};
use oubli_simulation::{SimIssuers, World, ports};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};
use tower::ServiceExt as _;
use uuid::Uuid;

const MAP: &str = "
version: 1
stores:
  shop: { connector: dynamodb }
producers:
  - { name: orders, category: orders, store: shop, table: orders, key: [id], select: [{ by: subject_id, index: by_customer, attribute: customer }] }
  - { name: chat, category: chat_history, store: shop, table: chat, key: [id], select: [{ by: subject_id, index: by_customer, attribute: customer }] }
  - name: invoices
    category: invoices
    store: shop
    table: invoices
    key: [id]
    select: [{ by: subject_id, index: by_customer, attribute: customer }]
    retention: { reason: Tax law, exception: legal_obligation }
";

/// The seconds of a day.
pub const DAY: i64 = 86_400;

/// The only person with records.
const CUSTOMER: &str = "cust-00042";

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// Status and code, to compare.
    pub fn outcome(&self) -> (u16, &str) {
        (self.status.as_u16(), self.body["code"].as_str().unwrap_or_default())
    }

    /// A text of the body.
    pub fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field} in {}", self.body)).to_owned()
    }
}

/// An engine that nothing behind it answers.
pub fn unreachable() -> Engine {
    let world = World::new(0, None, false);
    world.unreachable(true);
    Engine::new(ports(&world))
}

/// A world in which the shop has three records of its customer in each table. It is 2 November 2026, 10:00 UTC.
fn opened() -> World {
    let world = World::new(0, None, false);
    world.pass(301 * DAY + 3_600);
    for table in ["orders", "chat", "invoices"] {
        for n in 0..3 {
            world.app_writes(table, &format!("{table}-{n}"), &[("customer", CUSTOMER)]);
        }
    }
    world
}

/// Makes one call.
pub async fn send(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("a body");
    Answer { status: parts.status, headers: parts.headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
}

/// A key of a member with this role, or of a machine.
async fn new_key(operator: &Administration, name: &str, role: Role) -> String {
    let member = if role == Role::Service {
        None
    } else {
        let email = format!("{name}@shop.example");
        let new = NewMember { name: name.to_owned(), email, roles: Roles::of(role), teams: vec![], oidc_subjects: vec![] };
        Some(operator.create_member(Uuid::now_v7(), new).await.expect("a member").id)
    };
    // Some tests let two years pass.
    let expires_at = "2028-11-02T00:00:00Z".parse().ok();
    let wanted = NewKeyWanted { member, name: name.to_owned(), expires_at, ..NewKeyWanted::default() };
    operator.create_key(Uuid::now_v7(), wanted).await.expect("a key").key
}

/// Two organizations, `demo` with a key for each role, and `other` with an administrator's.
pub struct Deployment {
    pub world: World,
    engine: Engine,
    router: Router,
    keys: BTreeMap<&'static str, String>,
}

/// Who has a key in `demo`, and their role.
pub const ROLES: [(&str, Role); 5] = [
    ("officer", Role::PrivacyOfficer),
    ("reviewer", Role::Reviewer),
    ("auditor", Role::Auditor),
    ("administrator", Role::Administrator),
    ("service", Role::Service),
];

impl Deployment {
    pub async fn new() -> Self {
        Self::with(Config::default()).await
    }

    /// With these settings of its workers.
    pub async fn with(config: Config) -> Self {
        let world = opened();
        let engine = Engine::with_config(ports(&world), config).with_issuers(Arc::new(SimIssuers));
        let mut keys = BTreeMap::new();
        for (id, roles) in [("demo", ROLES.as_slice()), ("other", &[("stranger", Role::Administrator)])] {
            let id: OrganizationId = id.parse().expect("a name");
            let settings = Settings::new("Shop".to_owned(), Country::De, "Europe/Berlin".to_owned());
            let operator = engine.directory().operator(&id, None);
            operator.create_organization(settings).await.expect("created");
            // Both have the same shop, so that what keeps them apart is not that there is nothing.
            for table in ["orders", "chat", "invoices"] {
                operator.share_store(&format!("dynamodb/{table}")).await.expect("shared");
            }
            operator.publish_map(MAP).await.expect("published");
            for (name, role) in roles {
                keys.insert(*name, new_key(&operator, name, *role).await);
            }
        }
        let router = oubli_http::everything(engine.clone());
        Self { world, engine, router, keys }
    }

    /// Calls as somebody, with a body unless it is null.
    pub async fn call(&self, who: &str, method: &str, path: &str, body: &Value) -> Answer {
        self.call_with(who, method, path, body, None).await
    }

    /// Makes a call as it is.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.router, request).await
    }

    /// A call as somebody, with an idempotency key.
    pub async fn call_with(&self, who: &str, method: &str, path: &str, body: &Value, key: Option<&str>) -> Answer {
        self.call_as(&self.keys[who], method, path, body, key).await
    }

    /// The same as whoever has this credential.
    pub async fn call_as(&self, credential: &str, method: &str, path: &str, body: &Value, key: Option<&str>) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let bearer = format!("Bearer {credential}");
        let mut request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, bearer);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let bytes = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(bytes)).expect("a request");
        send(&self.router, request).await
    }

    /// A credential.
    pub fn key(&self, who: &str) -> &str {
        &self.keys[who]
    }

    /// Hands a message to the engine.
    pub async fn handle(&self, message: &Message) {
        self.engine.worker().handle(message).await.expect("handled");
    }

    /// Time passes, and everything that can happen by itself happens.
    pub async fn pass(&self, seconds: i64) {
        self.world.pass(seconds);
        self.engine.worker().sweep().await.expect("swept");
        while let Some(message) = self.world.next_message() {
            self.handle(&message).await;
        }
    }

    /// What the queue functions would do, as long as nothing is to be hidden.
    pub async fn work(&self) {
        while let Some(message) = self.world.next_message() {
            let known = matches!(message, Message::Discover { .. } | Message::Preview { .. } | Message::Seal { .. });
            if known || matches!(message, Message::Report { .. } | Message::ForgetReport { .. }) {
                self.handle(&message).await;
            }
        }
    }
}

/// What a page of `docs/` has to say; `OUBLI_UPDATE=1` rewrites it.
pub fn is_kept(page: &str, now: &str) {
    let file = format!("{}/../../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("OUBLI_UPDATE").is_some() {
        std::fs::write(&file, now).expect("docs/ can be written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == now, "docs/{page} is not what the code says: OUBLI_UPDATE=1 rewrites it");
}
