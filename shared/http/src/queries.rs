//! Saved queries: what an organization shows a person besides the records of its data map.

use crate::{
    call::{Call, Id, NoQuery, Post, scoped},
    checks::{Checks, MAX_TEXT},
    idempotency::{Answer, once},
    problem::Problem,
    requests::{allowed, map_for},
    rooms::IntakeRooms,
    routes::{Routes, routes},
    shapes,
};
use axum::{Json, extract::State, http::StatusCode};
use oubli_domain::{
    access::Action,
    datamap::DataMap,
    ids::{QueryName, StoreName},
    saved_query::{MOST_BYTES, SavedQuery},
};
use oubli_engine::ProblemCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What intake serves of them.
pub(crate) fn intake() -> Routes<IntakeRooms> {
    routes!(register, list, remove)
}

/// A query to register.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "short_name": "logins",
    "category": "audit_logs",
    "store": "shop",
    "statement": "SELECT at, action FROM \"shop-audit-logs\" WHERE customer_id = ?",
    "parameters": ["subject_id"],
    "description": "When you signed in, and what you did"
}))]
pub(crate) struct NewSavedQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Names the query and its files: `{prefix}{short_name}_{time}.csv`.
    #[schema(value_type = shapes::QueryName)]
    short_name: Option<String>,
    /// The category it belongs to: who may see that may see what it shows.
    #[schema(value_type = shapes::CategoryName)]
    category: Option<String>,
    /// The store it is asked of; one of the data map.
    #[schema(value_type = shapes::StoreName)]
    store: Option<String>,
    /// What it asks, in the store's language (PartiQL for DynamoDB): one SELECT of named attributes, with a condition that
    /// an attribute is what a `?` stands for.
    #[schema(value_type = shapes::Words)]
    statement: Option<String>,
    /// What each `?` stands for, in their order: `subject_id`, `subject_email` or another kind that the data map declares.
    /// It is asked by each identifier of a kind that the person has to themselves, by none that others may have too.
    #[schema(value_type = Vec<shapes::IdentifierKind>, min_items = 1, max_items = 10)]
    parameters: Option<Vec<String>>,
    /// What a person is told of it.
    #[schema(value_type = Option<shapes::Words>)]
    description: Option<String>,
}

scoped!(NewSavedQuery);

/// Most parameters of a statement.
const MOST_PARAMETERS: usize = 10;

impl NewSavedQuery {
    fn check(self, map: Option<&DataMap>) -> Result<SavedQuery, Problem> {
        let mut checks = Checks::default();
        let name: Option<QueryName> =
            name_of(&mut checks, "short_name", self.short_name, "1 to 64 characters: a to z, 0 to 9, _ and -");
        let store: Option<StoreName> = name_of(&mut checks, "store", self.store, "a store of the data map");
        if self.category.is_none() {
            checks.missing("category", "a category of the data map");
        }
        let category = self.category.and_then(|name| checks.category("category", &name, map));
        let statement = checks.required_text("statement", self.statement, MOST_BYTES);
        let description = checks.text("description", self.description, MAX_TEXT);
        let mut parameters = Vec::new();
        if self.parameters.is_none() {
            checks.missing(
                "parameters",
                "subject_id, subject_email or a kind that the data map declares, for each ? of the statement, in their order",
            );
        }
        let given = self.parameters.unwrap_or_default();
        if given.is_empty() {
            let accepted = "at least one: a statement selects by the person";
            checks.refuse(ProblemCode::InvalidQuery, "parameters", "there is none", accepted);
        }
        if given.len() > MOST_PARAMETERS {
            checks.refuse(ProblemCode::TooMany, "parameters", "there are too many", "up to 10 of them");
        }
        for (place, given) in given.into_iter().take(MOST_PARAMETERS).enumerate() {
            let kinds = map.map(DataMap::kinds).unwrap_or_default();
            match kinds.iter().find(|kind| kind.as_str() == given) {
                Some(kind) => parameters.push(kind.clone()),
                None => {
                    let field = format!("parameters[{place}]");
                    let accepted = kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    checks.refuse(ProblemCode::InvalidValue, &field, "there is no such identifier", accepted);
                }
            }
        }
        let (Some(name), Some(store), Some(category), Some(statement), Some(map)) = (name, store, category, statement, map)
        else {
            checks.finish()?;
            return Err(Problem::forbidden(Action::Configure));
        };
        let query = SavedQuery::new(name, category, store, statement, parameters, description, map);
        let query = query
            .map_err(|invalid| checks.refuse(ProblemCode::InvalidQuery, invalid.field, &invalid.reason, invalid.accepted))
            .ok();
        checks.finish_with(query)
    }
}

fn name_of<T: std::str::FromStr>(checks: &mut Checks, field: &str, given: Option<String>, accepted: &str) -> Option<T> {
    let Some(text) = given else {
        checks.missing(field, accepted);
        return None;
    };
    let name = text.parse().ok();
    if name.is_none() {
        checks.refuse(ProblemCode::InvalidValue, field, "it is no such name", accepted);
    }
    name
}

/// A registered query.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedQuery)]
pub(crate) struct QueryAnswer {
    /// Names the query and its files.
    short_name: String,
    /// The category it belongs to.
    category: String,
    /// The store it is asked of.
    store: String,
    /// What it asks.
    statement: String,
    /// The kinds of identifiers that each `?` stands for, in their order.
    parameters: Vec<String>,
    /// What a person is told of it.
    description: Option<String>,
    /// The columns of its table.
    columns: Vec<String>,
}

impl From<SavedQuery> for QueryAnswer {
    fn from(query: SavedQuery) -> Self {
        Self {
            short_name: query.name.into(),
            category: query.category.into(),
            store: query.store.into(),
            statement: query.statement,
            parameters: query.parameters.into_iter().map(Into::into).collect(),
            description: query.description,
            columns: query.columns,
        }
    }
}

/// Every registered query, by name; there are never more than 20.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SavedQueries)]
pub(crate) struct QueriesAnswer {
    /// The queries.
    saved_queries: Vec<QueryAnswer>,
}

/// Register a saved query
///
/// Exports asked for from now on run it, unless they name others. It is run with what each request is about, and its
/// table is in the export.
#[utoipa::path(
    post,
    path = "/v1/compliance/saved-queries",
    tag = "saved queries",
    operation_id = "register_saved_query",
    request_body = NewSavedQuery,
    responses((status = 201, description = "Registered.", body = QueryAnswer)),
)]
pub(crate) async fn register(State(engine): State<IntakeRooms>, post: Post<NewSavedQuery>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        let map = map_for(&engine, &caller, true).await?;
        let query = allowed(&caller, Action::Configure, body.check(map.as_ref()))?;
        Answer::new(StatusCode::CREATED, &QueryAnswer::from(engine.requests().register_query(&caller, query).await?))
    })
    .await
}

/// List saved queries
///
/// Those that an export runs unless it names others.
#[utoipa::path(
    get,
    path = "/v1/compliance/saved-queries",
    tag = "saved queries",
    operation_id = "list_saved_queries",
    params(NoQuery),
    responses((status = 200, description = "All of them.", body = QueriesAnswer)),
)]
pub(crate) async fn list(
    State(engine): State<IntakeRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<QueriesAnswer>, Problem> {
    let saved_queries = engine.requests().saved_queries(&caller).await?.into_iter().map(Into::into).collect();
    Ok(Json(QueriesAnswer { saved_queries }))
}

/// Remove a saved query
///
/// Exports that were asked for before still run it.
#[utoipa::path(
    delete,
    path = "/v1/compliance/saved-queries/{id}",
    tag = "saved queries",
    operation_id = "remove_saved_query",
    params(("id" = shapes::QueryName, Path, description = "Its short name."), NoQuery),
    responses((status = 200, description = "Removed.", body = QueryAnswer)),
)]
pub(crate) async fn remove(
    State(engine): State<IntakeRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(name): Id<QueryName>,
) -> Result<Json<QueryAnswer>, Problem> {
    Ok(Json(engine.requests().remove_query(&caller, &name).await?.into()))
}
