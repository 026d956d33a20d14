//! Looking at what is there for a subject.

use crate::{
    call::{Call, Id, Post, scoped},
    checks::Checks,
    idempotency::{Answer, once},
    json::Object,
    problem::Problem,
    requests::{FailureAnswer, IdentifierAnswer, UnsearchedAnswer, allowed},
    rooms::DiscoveryRooms,
    routes::{Routes, routes},
    shapes,
    subject::{GivenIdentifiers, IdentifierBody},
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::{Timestamp, civil::Date};
use oubli_domain::{access::Action, ids::DiscoveryId, request::TaskStatus};
use oubli_engine::{
    ProblemCode,
    api::{CategoryInventory, DiscoveryView},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What discovery serves.
pub(crate) fn discovery() -> Routes<DiscoveryRooms> {
    routes!(start, show)
}

/// Whose data to look for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "subject_id": "cust-00042", "include_metadata": true }))]
pub(crate) struct NewDiscovery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// The organization's own id of the person. This, or `subject_email`, or both.
    #[schema(value_type = Option<shapes::Identifier>)]
    subject_id: Option<String>,
    /// The person's email address.
    #[schema(value_type = Option<shapes::EmailAddress>)]
    subject_email: Option<String>,
    /// More identifiers of the person, of kinds that the data map declares.
    #[schema(max_items = 10, value_type = Option<Vec<IdentifierBody>>)]
    identifiers: Option<Vec<Object<IdentifierBody>>>,
    /// Also answer the producers behind each category, and until when some of it is kept.
    include_metadata: Option<bool>,
}

/// How much to answer.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiscoveryQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[param(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Also answer the producers behind each category, and until when some of it is kept.
    #[param(value_type = Option<bool>)]
    include_metadata: Option<String>,
}

scoped!(NewDiscovery, DiscoveryQuery);

/// What is there for a subject.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Discovery)]
pub(crate) struct DiscoveryAnswer {
    /// By which to ask for it again.
    discovery_id: String,
    /// As the call gave it; whoever asks again by the discovery's id is not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_id: Option<String>,
    /// By what the person is known, those given first; there once they were looked for.
    identifiers: Vec<IdentifierAnswer>,
    /// There may be more identifiers than were found.
    identifiers_incomplete: bool,
    /// `running`, `completed` or `failed`.
    status: String,
    /// When it began.
    started_at: Timestamp,
    /// What was found, by category. There once it is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    data_categories: Option<Vec<CategoryAnswer>>,
    /// What the identifiers given do not reach, or only in part: nothing is known of it. There once it is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    unsearched: Option<Vec<UnsearchedAnswer>>,
    /// Records found. There once it is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_items: Option<u64>,
    /// Their size. There once it is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_size_bytes: Option<u64>,
    /// Why it failed, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureAnswer>,
}

/// What is there in one category.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiscoveredCategory)]
pub(crate) struct CategoryAnswer {
    /// The category, as the data map names it.
    name: String,
    /// Records other than vectors.
    document_count: u64,
    /// Records that are vectors.
    vector_count: u64,
    /// The size of all of them.
    total_size_bytes: u64,
    /// Some of it must be kept.
    retention_required: bool,
    /// Why, in the words of the data map.
    retention_reason: Option<String>,
    /// The last day until which some of it is kept. With `include_metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retained_until: Option<Date>,
    /// The producers behind it. With `include_metadata`.
    #[serde(skip_serializing_if = "Option::is_none")]
    producers: Option<Vec<ProducerAnswer>>,
}

/// Records of one producer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiscoveredProducer)]
pub(crate) struct ProducerAnswer {
    /// The producer, as the data map names it.
    name: String,
    /// Records of it.
    count: u64,
}

impl CategoryAnswer {
    fn new(inventory: CategoryInventory, metadata: bool) -> Self {
        let producers = inventory.producers.into_iter().map(|(name, count)| ProducerAnswer { name, count });
        Self {
            name: inventory.name.into(),
            document_count: inventory.document_count,
            vector_count: inventory.vector_count,
            total_size_bytes: inventory.total_size_bytes,
            retention_required: inventory.retention_required,
            retention_reason: inventory.retention_reason,
            retained_until: inventory.retained_until.filter(|_| metadata),
            producers: metadata.then(|| producers.collect()),
        }
    }
}

impl DiscoveryAnswer {
    fn new(view: DiscoveryView, metadata: bool) -> Self {
        let completed = view.status == TaskStatus::Completed;
        let total = |count: fn(&CategoryInventory) -> u64| completed.then(|| view.categories.iter().map(count).sum());
        Self {
            discovery_id: view.id.to_string(),
            subject_id: None,
            identifiers: IdentifierAnswer::all(view.identifiers),
            identifiers_incomplete: view.identifiers_incomplete,
            total_items: total(|c| c.document_count + c.vector_count),
            total_size_bytes: total(|c| c.total_size_bytes),
            data_categories: completed.then(|| view.categories.into_iter().map(|c| CategoryAnswer::new(c, metadata)).collect()),
            unsearched: completed.then(|| view.unsearched.into_iter().map(Into::into).collect()),
            status: view.status.name().to_owned(),
            started_at: view.started_at,
            failure: view.failure.map(Into::into),
        }
    }
}

/// Look for a subject's data
///
/// Answers 200 with what is there, or 202 with a `discovery_id` if it takes longer than 20 seconds. Nothing is
/// changed, and what was found is forgotten by policy.
#[utoipa::path(
    post,
    path = "/v1/compliance/data-discovery",
    tag = "data discovery",
    operation_id = "discover_data",
    request_body = NewDiscovery,
    responses(
        (status = 200, description = "It ended; `status` says how.", body = DiscoveryAnswer),
        (status = 202, description = "It runs on; ask again by its id.", body = DiscoveryAnswer),
    ),
)]
pub(crate) async fn start(State(engine): State<DiscoveryRooms>, post: Post<NewDiscovery>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |id| {
        let mut checks = Checks::default();
        let naming = engine.subjects().naming(&caller).await?;
        let given = GivenIdentifiers::of(&body.subject_id, &body.subject_email, &body.identifiers);
        let identity = checks.identity(&naming, given);
        let identity = allowed(&caller, Action::Discover, checks.finish_with(identity))?;
        let view = engine.discovery().start_preview(&caller, DiscoveryId::from_uuid(id), identity).await?;
        let status = if view.status == TaskStatus::Running { StatusCode::ACCEPTED } else { StatusCode::OK };
        let answer = DiscoveryAnswer::new(view, body.include_metadata.unwrap_or_default());
        Answer::new(status, &DiscoveryAnswer { subject_id: body.subject_id, ..answer })
    })
    .await
}

/// Show what a discovery found
///
/// A discovery is forgotten a day after it began.
#[utoipa::path(
    get,
    path = "/v1/compliance/data-discovery/{id}",
    tag = "data discovery",
    operation_id = "get_discovery",
    params(("id" = shapes::DiscoveryId, Path, description = "The discovery."), DiscoveryQuery),
    responses((status = 200, description = "What it found, or that it still runs.", body = DiscoveryAnswer)),
)]
pub(crate) async fn show(
    State(engine): State<DiscoveryRooms>,
    Call { caller, query }: Call<DiscoveryQuery>,
    Id(id): Id<DiscoveryId>,
) -> Result<Json<DiscoveryAnswer>, Problem> {
    let metadata = match query.include_metadata.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::field(ProblemCode::InvalidValue, "include_metadata", "it is neither", "true or false")),
    };
    Ok(Json(DiscoveryAnswer::new(engine.discovery().preview(&caller, id).await?, metadata)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    fn view(status: TaskStatus) -> DiscoveryView {
        let category = |name: &str, documents, vectors| CategoryInventory {
            name: name.parse().expect("name"),
            document_count: documents,
            vector_count: vectors,
            total_size_bytes: 10,
            retention_required: false,
            retention_reason: None,
            producers: vec![("p".to_owned(), documents)],
            retained_until: None,
        };
        DiscoveryView {
            identifiers: vec![],
            identifiers_incomplete: false,
            id: DiscoveryId::from_uuid(Uuid::nil()),
            status,
            started_at: Timestamp::UNIX_EPOCH,
            categories: vec![category("orders", 3, 0), category("chat", 0, 4)],
            unsearched: vec![],
            failure: None,
        }
    }

    #[test]
    fn totals_are_there_once_it_is_completed() {
        let done = serde_json::to_value(DiscoveryAnswer::new(view(TaskStatus::Completed), false)).expect("serializes");
        assert_eq!((&done["total_items"], &done["total_size_bytes"]), (&json!(7), &json!(20)));
        assert!(done["data_categories"][0].get("producers").is_none());
        let running = serde_json::to_value(DiscoveryAnswer::new(view(TaskStatus::Running), true)).expect("serializes");
        assert!(running.get("data_categories").is_none() && running.get("total_items").is_none());
        assert!(running.get("unsearched").is_none());
        let all = serde_json::to_value(DiscoveryAnswer::new(view(TaskStatus::Completed), true)).expect("serializes");
        assert_eq!(all["data_categories"][0]["producers"][0]["count"], 3);
    }
}
