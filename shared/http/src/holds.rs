//! Legal holds.

use crate::{
    call::{Call, Id, NoQuery, Post, RevealQuery, scoped},
    checks::{Checks, MAX_LABEL, MAX_TEXT},
    idempotency::{Answer, once},
    json::{self, Object},
    page::{self, limit},
    problem::Problem,
    requests::{AccountAnswer, IdentifierAnswer, allowed, map_for},
    rooms::IntakeRooms,
    routes::{Routes, routes},
    shapes,
    subject::{GivenIdentifiers, IdentifierBody, asked_about},
    words::{Phase, Status},
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    datamap::DataMap,
    ids::HoldId,
    personal::Identity,
};
use oubli_engine::{
    Naming, ProblemCode,
    api::{HoldEffect, HoldEffects, LegalHoldView, NewHold},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What intake serves of them.
pub(crate) fn intake() -> Routes<IntakeRooms> {
    routes!(place, list, search, show, release)
}

/// A legal hold to place: on a person, on categories, or on categories of a person.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject_id": "cust-00042",
    "categories": ["order_history", "invoices"],
    "reason": "Dispute about a delivery",
    "reference": "4 O 117/26"
}))]
pub(crate) struct NewLegalHold {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// The organization's own id of the person.
    #[schema(value_type = Option<shapes::Identifier>)]
    subject_id: Option<String>,
    /// The person's email address.
    #[schema(value_type = Option<shapes::EmailAddress>)]
    subject_email: Option<String>,
    /// More identifiers of the person, of kinds that the data map declares.
    #[schema(max_items = 10, value_type = Option<Vec<IdentifierBody>>)]
    identifiers: Option<Vec<Object<IdentifierBody>>>,
    /// Only these categories.
    #[schema(value_type = Option<shapes::SomeCategories>)]
    categories: Option<Vec<String>>,
    /// Why, in words. Kept sealed, and out of the audit log.
    #[schema(value_type = shapes::Words)]
    reason: Option<String>,
    /// A case number or the like. Kept sealed, and out of the audit log.
    #[schema(value_type = Option<shapes::Label>)]
    reference: Option<String>,
}

impl NewLegalHold {
    fn check(self, id: HoldId, naming: &Naming, map: Option<&DataMap>) -> Result<NewHold, Problem> {
        let mut checks = Checks::default();
        let given = GivenIdentifiers::of(&self.subject_id, &self.subject_email, &self.identifiers);
        let about_person = given.any();
        let identity = if about_person { checks.identity(naming, given) } else { None };
        if !about_person && self.categories.is_none() {
            let reason = "it would cover everybody and everything";
            checks.refuse(ProblemCode::EmptyHold, "subject_id", reason, "subject_id, subject_email or categories");
        }
        let categories = checks.narrowing("categories", self.categories.as_deref(), map);
        let reason = checks.required_text("reason", self.reason, MAX_TEXT);
        let reference = checks.text("reference", self.reference, MAX_LABEL);
        let hold = reason.map(|reason| NewHold { id, identity, categories, reason, reference });
        checks.finish_with(hold)
    }
}

/// Which holds to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HoldsQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[param(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Only holds on this person. POST …/legal-holds/search keeps it out of the address.
    #[param(value_type = Option<shapes::Identifier>)]
    subject_id: Option<String>,
    /// As `subject_id`.
    #[param(value_type = Option<shapes::EmailAddress>)]
    subject_email: Option<String>,
    /// `effective` or `released`; both unless given. With `released`, a page can be shorter than its limit.
    #[param(value_type = Option<shapes::HoldStatus>)]
    status: Option<String>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<shapes::Cursor>)]
    cursor: Option<String>,
    /// How many, 1 to 100; 20 unless given.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

/// Which holds to look for. What names a person stands in no address, which others may log.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "subject_id": "cust-00042", "status": "effective" }))]
pub(crate) struct HoldsSearch {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Only holds on this person.
    #[schema(value_type = Option<shapes::Identifier>)]
    subject_id: Option<String>,
    /// The person's email address.
    #[schema(value_type = Option<shapes::EmailAddress>)]
    subject_email: Option<String>,
    /// More identifiers of the person, of kinds that the data map declares.
    #[schema(max_items = 10, value_type = Option<Vec<IdentifierBody>>)]
    identifiers: Option<Vec<Object<IdentifierBody>>>,
    /// `effective` or `released`; both unless given.
    #[schema(value_type = Option<shapes::HoldStatus>)]
    status: Option<String>,
    /// `next_cursor` of the page before.
    #[schema(value_type = Option<shapes::Cursor>)]
    cursor: Option<String>,
    /// How many; 20 unless given.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

scoped!(NewLegalHold, HoldsQuery, HoldsSearch);

/// A legal hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegalHold)]
pub(crate) struct HoldAnswer {
    /// Its id.
    hold_id: String,
    /// `effective` or `released`.
    #[schema(value_type = shapes::HoldStatus)]
    status: &'static str,
    /// When it was placed: it is in force from then on.
    placed_at: Timestamp,
    /// Opaque id of whoever placed it.
    placed_by: String,
    /// When it was released; null while it is in force.
    released_at: Option<Timestamp>,
    /// Opaque id of whoever released it.
    released_by: Option<String>,
    /// `subject`, or `everybody` for a hold on categories alone.
    covers: &'static str,
    /// By what its person is known: it holds whichever of these a request gives. Null until they were looked for, a moment
    /// after it was placed, and once its words are forgotten.
    identifiers: Option<Vec<IdentifierAnswer>>,
    /// Its person may be known by more than is looked for.
    identifiers_incomplete: bool,
    /// No record that says whom it is about has any of them: one may be mistyped.
    found_nobody: bool,
    /// Only these categories; every category if there are none.
    categories: Vec<String>,
    /// Why; null for auditors, and once it is forgotten, as is `reference`.
    reason: Option<String>,
    /// A case number or the like; null where none was given, or once it is forgotten.
    reference: Option<String>,
}

const EFFECTIVE: &str = "effective";
const RELEASED: &str = "released";

impl From<LegalHoldView> for HoldAnswer {
    fn from(view: LegalHoldView) -> Self {
        let hold = view.hold;
        Self {
            hold_id: hold.id.to_string(),
            status: if hold.is_active() { EFFECTIVE } else { RELEASED },
            placed_at: hold.placed_at,
            placed_by: hold.placed_by.to_string(),
            released_at: hold.released_at,
            released_by: hold.released_by.map(Into::into),
            identifiers: view.identifiers.map(IdentifierAnswer::all),
            identifiers_incomplete: view.identifiers_incomplete,
            found_nobody: view.found_nobody,
            covers: if hold.scope.is_on_everybody() { "everybody" } else { "subject" },
            categories: hold.scope.categories.into_iter().map(Into::into).collect(),
            reason: view.reason,
            reference: view.reference,
        }
    }
}

/// A hold, and what it came too late for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegalHoldWithEffects)]
pub(crate) struct HoldWithEffects {
    #[serde(flatten)]
    hold: HoldAnswer,
    /// Open requests it touches, at most a hundred: first those of which something is hidden or under way.
    effects: Vec<EffectAnswer>,
    /// It touches more of them: the list of requests has all.
    more_effects: bool,
}

impl From<(LegalHoldView, HoldEffects)> for HoldWithEffects {
    fn from((view, effects): (LegalHoldView, HoldEffects)) -> Self {
        let HoldEffects { effects, more } = effects;
        Self { hold: view.into(), effects: effects.into_iter().map(Into::into).collect(), more_effects: more }
    }
}

/// What a hold found in one request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegalHoldEffect)]
pub(crate) struct EffectAnswer {
    /// The request.
    request_id: String,
    status: Status,
    phase: Phase,
    #[serde(flatten)]
    account: AccountAnswer,
}

impl From<HoldEffect> for EffectAnswer {
    fn from(effect: HoldEffect) -> Self {
        Self {
            request_id: effect.request_id.to_string(),
            status: Status(effect.state.status()),
            phase: Phase(effect.state.phase),
            account: effect.account.into(),
        }
    }
}

/// A page of holds, in the order placed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LegalHoldPage)]
pub(crate) struct HoldPageAnswer {
    /// The holds of the page.
    holds: Vec<HoldAnswer>,
    /// For the next page; none after the last. A page may be short, or empty, and still have a next one.
    next_cursor: Option<String>,
}

/// Place a legal hold
///
/// It is in force once this answers. The answer says, for each open request it touches, what was hidden or destroyed
/// before.
#[utoipa::path(
    post,
    path = "/v1/compliance/legal-holds",
    tag = "legal holds",
    operation_id = "place_legal_hold",
    request_body = NewLegalHold,
    responses((status = 201, description = "In force.", body = HoldWithEffects)),
)]
pub(crate) async fn place(State(engine): State<IntakeRooms>, post: Post<NewLegalHold>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |id| {
        let map = map_for(&engine, &caller, body.categories.as_ref().is_some_and(|c| !c.is_empty())).await?;
        let naming = engine.subjects().naming(&caller).await?;
        let hold = allowed(&caller, Action::Hold, body.check(HoldId::from_uuid(id), &naming, map.as_ref()))?;
        let placed = engine.holds().place_hold(&caller, hold).await?;
        Answer::new(StatusCode::CREATED, &HoldWithEffects::from(placed))
    })
    .await
}

/// List legal holds
///
/// In the order in which they were placed: all of them, those in force, or those on a person. That a person was asked about is
/// noted in the audit log, once an hour for each.
#[utoipa::path(
    get,
    path = "/v1/compliance/legal-holds",
    tag = "legal holds",
    operation_id = "list_legal_holds",
    params(HoldsQuery),
    responses((status = 200, description = "A page, in the order placed.", body = HoldPageAnswer)),
)]
pub(crate) async fn list(
    State(engine): State<IntakeRooms>,
    Call { caller, query }: Call<HoldsQuery>,
) -> Result<Json<HoldPageAnswer>, Problem> {
    let mut checks = Checks::default();
    let given = GivenIdentifiers::of(&query.subject_id, &query.subject_email, &None);
    let identity = asked_about(&engine.subjects(), &caller, &mut checks, given).await?;
    let limit = limit(&mut checks, query.limit.as_deref());
    found(&engine, &caller, checks, identity, query.status.as_deref(), query.cursor, limit).await
}

/// Search legal holds
///
/// As the list, with whoever is meant in the body. That a person was asked about is noted in the audit log, once an hour for
/// each.
#[utoipa::path(
    post,
    path = "/v1/compliance/legal-holds/search",
    tag = "legal holds",
    operation_id = "search_legal_holds",
    request_body = Option<HoldsSearch>,
    responses((status = 200, description = "A page, in the order placed.", body = HoldPageAnswer)),
)]
pub(crate) async fn search(State(engine): State<IntakeRooms>, post: Post<HoldsSearch>) -> Result<Json<HoldPageAnswer>, Problem> {
    let Post { caller, body, .. } = post;
    let mut checks = Checks::default();
    let given = GivenIdentifiers::of(&body.subject_id, &body.subject_email, &body.identifiers);
    let identity = asked_about(&engine.subjects(), &caller, &mut checks, given).await?;
    let limit = page::limit_of_body(&mut checks, body.limit);
    found(&engine, &caller, checks, identity, body.status.as_deref(), body.cursor, limit).await
}

async fn found(
    engine: &IntakeRooms,
    caller: &Caller,
    mut checks: Checks,
    identity: Option<Identity>,
    wanted: Option<&str>,
    cursor: Option<String>,
    limit: usize,
) -> Result<Json<HoldPageAnswer>, Problem> {
    if wanted.is_some_and(|s| s != EFFECTIVE && s != RELEASED) {
        checks.refuse(ProblemCode::UnknownStatus, "status", "there is no such word for it", "effective, released");
    }
    let cursor = page::cursor(&mut checks, cursor);
    allowed(caller, Action::ReadHolds, checks.finish())?;
    let page = engine.holds().list(caller, identity, wanted == Some(EFFECTIVE), cursor, limit).await?;
    let holds = page.holds.into_iter().map(HoldAnswer::from).filter(|h| wanted.is_none_or(|w| w == h.status)).collect();
    Ok(Json(HoldPageAnswer { holds, next_cursor: page.next_cursor }))
}

/// Show a legal hold
///
/// With the open requests it touches, also those that only other identifiers of its person name. What these are
/// is said only with `reveal=identity`.
#[utoipa::path(
    get,
    path = "/v1/compliance/legal-holds/{id}",
    tag = "legal holds",
    operation_id = "get_legal_hold",
    params(("id" = shapes::HoldId, Path, description = "The hold."), RevealQuery),
    responses((status = 200, description = "The hold.", body = HoldWithEffects)),
)]
pub(crate) async fn show(
    State(engine): State<IntakeRooms>,
    Call { caller, query }: Call<RevealQuery>,
    Id(id): Id<HoldId>,
) -> Result<Json<HoldWithEffects>, Problem> {
    let holds = engine.holds();
    let hold = if query.reveals()? { holds.reveal_hold(&caller, id).await? } else { holds.hold(&caller, id).await? };
    Ok(Json(hold.into()))
}

/// Release a legal hold
///
/// What it deferred goes on.
#[utoipa::path(
    delete,
    path = "/v1/compliance/legal-holds/{id}",
    tag = "legal holds",
    operation_id = "release_legal_hold",
    params(("id" = shapes::HoldId, Path, description = "The hold."), NoQuery),
    responses((status = 200, description = "Released.", body = HoldAnswer)),
)]
pub(crate) async fn release(
    State(engine): State<IntakeRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(id): Id<HoldId>,
) -> Result<Json<HoldAnswer>, Problem> {
    Ok(Json(engine.holds().release_hold(&caller, id).await?.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{map, naming, refusals};
    use oubli_domain::{
        hold::{Hold, HoldScope},
        ids::ActorId,
    };
    use uuid::Uuid;

    #[test]
    fn a_hold_whose_subject_is_forgotten_was_on_a_subject() {
        let covers = |subject_keys: &[&str], forgotten: bool| {
            let subject_keys = subject_keys.iter().map(|key| (*key).to_owned()).collect();
            let categories = vec!["orders".parse().expect("a name")];
            let scope = HoldScope { subject_keys, categories, subject_forgotten: false };
            let hold = Hold {
                id: HoldId::from_uuid(Uuid::nil()),
                scope: if forgotten { scope.forgotten() } else { scope },
                placed_at: Timestamp::UNIX_EPOCH,
                placed_by: ActorId::from_uuid(Uuid::nil()),
                released_at: Some(Timestamp::UNIX_EPOCH),
                released_by: None,
            };
            let view = LegalHoldView {
                hold,
                identifiers: None,
                identifiers_incomplete: false,
                found_nobody: false,
                reason: None,
                reference: None,
            };
            HoldAnswer::from(view).covers
        };
        for forgotten in [false, true] {
            assert_eq!(covers(&["subject_id-1"], forgotten), "subject");
            assert_eq!(covers(&[], forgotten), "everybody");
        }
    }

    fn check(json: &str) -> Result<NewHold, Problem> {
        let body: NewLegalHold = json::body(json.as_bytes())?;
        body.check(HoldId::from_uuid(Uuid::nil()), &naming(), Some(&map()))
    }

    #[test]
    fn a_hold_says_what_it_is_about() {
        assert!(check(r#"{"subject_id":"u1","reason":"r"}"#).is_ok());
        assert!(check(r#"{"categories":["orders"],"reason":"r","reference":"x"}"#).is_ok());
        let codes = |json: &str| refusals(&check(json).expect_err(json));
        assert_eq!(codes(r#"{"reason":"r"}"#), ["subject_id empty_hold"]);
        assert_eq!(codes(r#"{"categories":[],"reason":"r"}"#), ["categories empty_scope"]);
        assert_eq!(codes(r#"{"subject_id":"","reason":"r"}"#), ["subject_id empty_identity"]);
        assert_eq!(codes(r#"{"subject_id":"u1"}"#), ["reason missing_field"]);
        assert_eq!(codes(r#"{"categories":["x"],"reason":"r"}"#), ["categories[0] unknown_category"]);
    }
}
