//! What an organization sets.

use crate::{
    call::{Call, NoQuery, Post, scoped},
    checks::{Checks, MAX_LABEL},
    json,
    problem::Problem,
    rooms::{Gate as _, ReviewRooms},
    shapes,
    words::{CountryCode, Language, RoleName},
};
use axum::{Json, extract::State};
use oubli_domain::{access::Role, limits::Limits, settings::Settings};
use oubli_engine::{EngineError, ProblemCode, directory::NO_RECOVERY};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

/// What to change; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"recovery_window_seconds": 604_800}))]
pub(crate) struct SettingsChange {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Name shown to people.
    #[schema(value_type = Option<shapes::Label>)]
    name: Option<String>,
    /// The controller's country, whose public holidays move deadlines.
    #[schema(value_type = Option<CountryCode>)]
    country: Option<String>,
    /// The controller's time zone.
    #[schema(value_type = Option<shapes::TimeZone>)]
    time_zone: Option<String>,
    /// Seconds between hiding and purging. 0 needs `confirm`.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(maximum = 31_622_400)]
    recovery_window_seconds: Option<u32>,
    /// A decision must come from a member other than the submitter. Off counts only while one member alone could approve.
    four_eyes: Option<bool>,
    /// Whoever attested a person's identity does not decide on their request either.
    separate_attestation: Option<bool>,
    /// Days for which an attestation that a person is who they say is taken; 0: for ever.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(maximum = 3650)]
    attestation_valid_days: Option<u32>,
    /// A data map counts only once a second administrator confirmed it.
    map_review: Option<bool>,
    /// Most records in a batch.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 1, maximum = 1000)]
    batch_size: Option<u32>,
    /// Requests that may execute at the same time.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 1, maximum = 32)]
    concurrent_requests: Option<u32>,
    /// Batches of one request that may be in flight at the same time.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 1, maximum = 32)]
    lanes: Option<u32>,
    /// Seconds after which a decision is too old to hide by without looking again.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 1, maximum = 31_622_400)]
    decision_valid_seconds: Option<u32>,
    /// Days after a request's end when what it gathered about the person is removed.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(maximum = 3650)]
    forget_after_days: Option<u32>,
    /// Days after which a request whose identity nobody confirmed ends; never before its legal deadline.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 1, maximum = 3650)]
    unverified_ends_after_days: Option<u32>,
    /// Days after which a plan that nobody decided on ends; never before the legal deadline.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 1, maximum = 3650)]
    unreviewed_ends_after_days: Option<u32>,
    /// Days after which a request that failed and that nobody retried ends; never before its legal deadline.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 1, maximum = 3650)]
    failed_ends_after_days: Option<u32>,
    /// Seconds for which an export can be opened.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 10, maximum = 7_776_000)]
    export_kept_seconds: Option<u32>,
    /// An export needs a decision before it is packaged, unless it goes before an erasure that has one.
    export_review: Option<bool>,
    /// Of more records than these, rows of its saved queries among them, an export needs a decision in any case; 0: however many.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(maximum = 100_000_000)]
    export_review_records: Option<u32>,
    /// Roles that may open an export, or revoke it.
    #[schema(value_type = Option<Vec<RoleName>>, min_items = 1, max_items = 5)]
    export_openers: Option<Vec<String>>,
    /// Opening an export takes a one-time code besides the credential.
    export_step_up: Option<bool>,
    /// Identifiers that were found, not given, are used only once a reviewer named them.
    confirm_found_identifiers: Option<bool>,
    /// Addresses of those who are told by email what becomes of exports.
    #[schema(value_type = Option<Vec<shapes::EmailAddress>>, max_items = 10)]
    notify: Option<Vec<String>>,
    /// What exports are written in, and certificates for which no other language is asked.
    #[schema(value_type = Option<Language>)]
    language: Option<String>,
    /// What the files of saved queries, and delivered exports, begin with.
    #[schema(value_type = Option<shapes::FilePrefix>)]
    file_prefix: Option<String>,
    /// Delivered folders are named by what a person is known by, instead of a pseudonym.
    delivery_names_people: Option<bool>,
    /// The organization's own bucket, which exports can be delivered to; empty: none. A bucket belongs to one organization.
    #[schema(value_type = Option<shapes::OwnBucket>)]
    delivery_bucket: Option<String>,
    /// What the organization calls the application in the names of delivered folders; empty: its name.
    #[schema(max_length = 100)]
    delivery_app: Option<String>,
    /// Where nothing that is hidden could be put back any more: that this is meant.
    #[schema(value_type = Option<shapes::NoRecovery>)]
    confirm: Option<String>,
}

scoped!(SettingsChange);

/// The organization, as it is set.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Organization)]
pub(crate) struct OrganizationAnswer {
    /// Its id.
    #[serde(default)]
    organization_id: String,
    /// Name shown to people.
    name: String,
    /// The controller's country, whose public holidays move deadlines: an ISO 3166 code such as `FR`.
    country: String,
    /// The controller's time zone, an IANA name such as `Europe/Paris`.
    time_zone: String,
    /// Seconds between hiding and purging. 0 needs `confirm`.
    recovery_window_seconds: u32,
    /// A decision must come from a member other than the submitter. Off counts only while one member alone could approve.
    four_eyes: bool,
    /// Whoever attested a person's identity does not decide on their request either.
    separate_attestation: bool,
    /// Days for which an attestation that a person is who they say is taken; null: for ever.
    attestation_valid_days: Option<u32>,
    /// A data map counts only once a second administrator confirmed it.
    map_review: bool,
    /// Most records in a batch.
    batch_size: u32,
    /// Requests that may execute at the same time.
    concurrent_requests: u32,
    /// Batches of one request that may be in flight at the same time.
    lanes: u32,
    /// Seconds after which a decision is too old to hide by without looking again.
    decision_valid_seconds: u32,
    /// Days after a request's end when what it gathered about the person is removed.
    forget_after_days: u32,
    /// Days after which a request whose identity nobody confirmed ends; never before its legal deadline.
    unverified_ends_after_days: u32,
    /// Days after which a plan that nobody decided on ends; never before the legal deadline.
    unreviewed_ends_after_days: u32,
    /// Days after which a request that failed and that nobody retried ends; never before its legal deadline.
    failed_ends_after_days: u32,
    /// Seconds for which an export can be opened.
    export_kept_seconds: u32,
    /// An export needs a decision before it is packaged, unless it goes before an erasure that has one.
    export_review: bool,
    /// Of more records than these, rows of its saved queries among them, an export needs a decision in any case; 0: however
    /// many.
    export_review_records: u32,
    /// Roles that may open an export, or revoke it.
    export_openers: Vec<String>,
    /// Opening an export takes a one-time code besides the credential.
    export_step_up: bool,
    /// Identifiers that were found, not given, are used only once a reviewer named them.
    confirm_found_identifiers: bool,
    /// Addresses of those who are told by email what becomes of exports.
    notify: Vec<String>,
    /// What exports are written in, and certificates for which no other language is asked: `en`, `fr`, `de`.
    language: String,
    /// What the files of saved queries, and delivered exports, begin with.
    file_prefix: String,
    /// Delivered folders are named by what a person is known by, instead of a pseudonym.
    delivery_names_people: bool,
    /// The organization's own bucket, which exports can be delivered to; null: none.
    delivery_bucket: Option<String>,
    /// What the organization calls the application in the names of delivered folders; null: its name.
    delivery_app: Option<String>,
    /// What it may use up of the deployment. Whoever operates that sets it.
    #[serde(default)]
    limits: LimitsAnswer,
}

/// What an organization may use up of the deployment; null, or 0, is not limited.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = OrganizationLimits)]
pub(crate) struct LimitsAnswer {
    /// Calls in a second, each by its `x-cost` in the description of the API.
    calls_per_second: Option<u32>,
    /// What calls that come at once may cost.
    calls_at_once: Option<u32>,
    /// Batches begun in a minute.
    batches_per_minute: Option<u32>,
    /// Discoveries without a request, begun in a minute.
    discoveries_per_minute: Option<u32>,
    /// Discoveries without a request that are under way at the same time.
    discoveries_in_flight: Option<u32>,
    /// Compliance reports that are made at the same time.
    reports_in_flight: Option<u32>,
    /// Calls that wait for the decision on a review at the same time; beyond it they are answered at once.
    reviews_waiting: Option<u32>,
}

impl From<Limits> for LimitsAnswer {
    fn from(limits: Limits) -> Self {
        let Limits {
            calls_per_second,
            calls_at_once,
            batches_per_minute,
            discoveries_per_minute,
            discoveries_in_flight,
            reports_in_flight,
            reviews_waiting,
        } = limits;
        Self {
            calls_per_second,
            calls_at_once,
            batches_per_minute,
            discoveries_per_minute,
            discoveries_in_flight,
            reports_in_flight,
            reviews_waiting,
        }
    }
}

impl OrganizationAnswer {
    fn of(caller: &oubli_domain::access::Caller, settings: &Settings, limits: Limits) -> Result<Self, Problem> {
        let internal = |e: serde_json::Error| EngineError::internal(format!("settings: {e}"));
        let all = serde_json::to_value(settings).map_err(internal)?;
        let mut answer: Self = serde_json::from_value(all).map_err(internal)?;
        answer.organization_id = caller.organization.to_string();
        answer.limits = limits.into();
        Ok(answer)
    }
}

/// A word that a setting takes.
fn word<T: DeserializeOwned>(checks: &mut Checks, field: &str, text: Option<String>, accepted: &str) -> Option<T> {
    let text = text?;
    let word = serde_json::from_value(text.into()).ok();
    if word.is_none() {
        checks.refuse(ProblemCode::InvalidSetting, field, "there is no such word for it", accepted);
    }
    word
}

impl SettingsChange {
    /// The settings with these changes.
    fn onto(self, mut settings: Settings) -> Result<Settings, Problem> {
        let mut checks = Checks::default();
        let s = &mut settings;
        s.name = checks.text("name", self.name, MAX_LABEL).unwrap_or_else(|| s.name.clone());
        s.country = word(&mut checks, "country", self.country, "an ISO 3166 code such as FR").unwrap_or(s.country);
        s.language = word(&mut checks, "language", self.language, "en, fr, de").unwrap_or(s.language);
        s.time_zone = self.time_zone.unwrap_or_else(|| s.time_zone.clone());
        s.file_prefix = self.file_prefix.unwrap_or_else(|| s.file_prefix.clone());
        if let Some(days) = self.attestation_valid_days {
            s.attestation_valid_days = Some(days).filter(|days| *days > 0);
        }
        s.notify = self.notify.unwrap_or_else(|| s.notify.clone());
        if self.confirm.is_some_and(|said| said != NO_RECOVERY) {
            checks.refuse(ProblemCode::InvalidValue, "confirm", "it confirms nothing", NO_RECOVERY);
        }
        if let Some(words) = self.export_openers {
            s.export_openers.clear();
            if words.len() > Role::ALL.len() {
                let accepted = format!("up to {}", Role::ALL.len());
                checks.refuse(ProblemCode::TooMany, "export_openers", "there are too many", accepted);
            }
            for (place, text) in words.iter().enumerate() {
                match text.parse::<Role>() {
                    Ok(role) => s.export_openers.push(role),
                    Err(unknown) => {
                        let accepted = Role::ALL.map(Role::name).join(", ");
                        let field = format!("export_openers[{place}]");
                        checks.refuse(ProblemCode::InvalidSetting, &field, &unknown.to_string(), accepted);
                    }
                }
            }
        }
        for (setting, given) in [(&mut s.delivery_bucket, self.delivery_bucket), (&mut s.delivery_app, self.delivery_app)] {
            if let Some(text) = given {
                *setting = Some(text).filter(|text| !text.is_empty());
            }
        }
        for (setting, given) in [
            (&mut s.recovery_window_seconds, self.recovery_window_seconds),
            (&mut s.batch_size, self.batch_size),
            (&mut s.concurrent_requests, self.concurrent_requests),
            (&mut s.lanes, self.lanes),
            (&mut s.decision_valid_seconds, self.decision_valid_seconds),
            (&mut s.forget_after_days, self.forget_after_days),
            (&mut s.unverified_ends_after_days, self.unverified_ends_after_days),
            (&mut s.unreviewed_ends_after_days, self.unreviewed_ends_after_days),
            (&mut s.failed_ends_after_days, self.failed_ends_after_days),
            (&mut s.export_kept_seconds, self.export_kept_seconds),
            (&mut s.export_review_records, self.export_review_records),
        ] {
            *setting = given.unwrap_or(*setting);
        }
        for (setting, given) in [
            (&mut s.four_eyes, self.four_eyes),
            (&mut s.separate_attestation, self.separate_attestation),
            (&mut s.map_review, self.map_review),
            (&mut s.export_review, self.export_review),
            (&mut s.export_step_up, self.export_step_up),
            (&mut s.delivery_names_people, self.delivery_names_people),
            (&mut s.confirm_found_identifiers, self.confirm_found_identifiers),
        ] {
            *setting = given.unwrap_or(*setting);
        }
        for (field, accepted) in settings.problems() {
            checks.refuse(ProblemCode::InvalidSetting, field, "it is out of bounds", accepted);
        }
        checks.finish_with(Some(settings))
    }
}

/// Show the organization
///
/// What it has set, and what it has not and is as it comes.
#[utoipa::path(
    get,
    path = "/v1/organization",
    tag = "organization",
    operation_id = "show_organization",
    params(NoQuery),
    responses((status = 200, description = "As it is set.", body = OrganizationAnswer)),
)]
pub(crate) async fn show_organization(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<OrganizationAnswer>, Problem> {
    let settings = engine.directory().settings_for(&caller).await?;
    let limits = engine.directory().limits(&caller.organization).await?;
    Ok(Json(OrganizationAnswer::of(&caller, &settings, limits)?))
}

/// Change settings
///
/// Each change is one entry of the audit log, with what it was before and after; of `name` and `delivery_app` only that they
/// changed, and of `notify` how many there are.
#[utoipa::path(
    patch,
    path = "/v1/organization",
    tag = "organization",
    operation_id = "change_settings",
    request_body = Option<SettingsChange>,
    responses((status = 200, description = "As it is set now.", body = OrganizationAnswer)),
)]
pub(crate) async fn change_settings(
    State(engine): State<ReviewRooms>,
    post: Post<SettingsChange>,
) -> Result<Json<OrganizationAnswer>, Problem> {
    let Post { caller, body, .. } = post;
    let administration = engine.directory().administration(&caller)?;
    let confirmed = body.confirm.clone().filter(|said| said == NO_RECOVERY);
    let settings = administration.update_settings(confirmed.as_deref(), |stand| body.onto(stand)).await?;
    let limits = engine.directory().limits(&caller.organization).await?;
    Ok(Json(OrganizationAnswer::of(&caller, &settings, limits)?))
}
