//! The data map.

use crate::{
    call::{Call, NoQuery, Post, Scoped, scoped},
    checks::Checks,
    idempotency::{Answer, once},
    problem::Problem,
    requests::{allowed, plan_digest},
    rooms::{Gate as _, ReviewRooms},
    shapes,
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use oubli_domain::{
    access::Action,
    datamap::{Change, Difference, Finding, MAX_BYTES, Severity},
};
use oubli_engine::{
    ProblemCode,
    directory::{Affected, MapProposal, PublishedMap, Publishing},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A data map as text.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"yaml": "version: 1\nstores:\n  shop: {connector: dynamodb}\nproducers:\n  - name: profiles\n    category: profile\n    store: shop\n    table: shop-profiles\n    key: [customer_id]\n    select: [{by: subject_id, attribute: customer_id}]\n"}))]
pub(crate) struct MapBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// The text, YAML: docs/data-map.md.
    #[schema(value_type = String)]
    yaml: Option<String>,
}

impl Scoped for MapBody {
    fn organization_id(&self) -> Option<&str> {
        self.organization_id.as_deref()
    }

    /// What a map may have, written as JSON.
    fn most_bytes() -> usize {
        2 * MAX_BYTES
    }
}

/// Which proposal is confirmed.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"digest": "sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"}))]
pub(crate) struct ConfirmBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Its digest, so that what is confirmed is what was read.
    #[schema(value_type = shapes::Digest)]
    digest: Option<String>,
}

/// Which version of the map to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MapQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[param(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// The newest unless given.
    #[param(value_type = Option<shapes::MapVersion>)]
    version: Option<String>,
}

scoped!(ConfirmBody, MapQuery);

impl MapBody {
    fn check(self) -> Result<String, Problem> {
        let mut checks = Checks::default();
        if self.yaml.is_none() {
            checks.missing("yaml", "the text of a data map");
        }
        checks.finish_with(self.yaml)
    }
}

/// A published version of the map.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PublishedMap)]
pub(crate) struct MapAnswer {
    /// Its version.
    version: u64,
    /// The text.
    yaml: String,
    /// When it was published.
    published_at: Timestamp,
    /// By whom; null where nobody knows any more.
    published_by: Option<String>,
}

impl From<PublishedMap> for MapAnswer {
    fn from(map: PublishedMap) -> Self {
        let PublishedMap { version, yaml, published_at, published_by } = map;
        Self { version, yaml, published_at, published_by }
    }
}

/// Something worth knowing of a map.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MapFinding)]
pub(crate) struct FindingAnswer {
    /// `warning`: the map works, but somebody should look.
    severity: &'static str,
    /// The line that it is about, where it is about one.
    line: Option<u64>,
    /// The key that it is about: `orders.retention.from`.
    field: Option<String>,
    /// What, and what to do.
    message: String,
}

impl From<Finding> for FindingAnswer {
    fn from(finding: Finding) -> Self {
        let severity = match finding.severity {
            Severity::Warning => "warning",
            Severity::Refused => "refused",
        };
        Self { severity, line: finding.line, field: finding.field, message: finding.message }
    }
}

/// What became of a map.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MapPublished)]
pub(crate) struct PublishedAnswer {
    /// The version that it became; null while somebody has to confirm it.
    version: Option<u64>,
    /// Names the proposal that somebody else has to confirm; null where it is published.
    proposal: Option<String>,
    /// What is worth knowing of it.
    findings: Vec<FindingAnswer>,
}

/// Something that two maps say differently.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MapDifference)]
pub(crate) struct DifferenceAnswer {
    /// The part of the map: `producers`, `identifiers`.
    section: String,
    /// What there: the producer's name, the kind of identifier.
    name: Option<String>,
    /// `added`, `dropped` or `changed`.
    change: &'static str,
    /// The keys that lead to it; null where the whole of it is meant.
    key: Option<String>,
    /// What the version that stands says.
    from: Option<String>,
    /// What the new one says.
    to: Option<String>,
}

impl From<Difference> for DifferenceAnswer {
    fn from(difference: Difference) -> Self {
        let change = match difference.change {
            Change::Added => "added",
            Change::Dropped => "dropped",
            Change::Changed => "changed",
        };
        let Difference { section, name, key, from, to, .. } = difference;
        Self { section, name, change, key, from, to }
    }
}

/// An open request whose plan needs what the new map has no more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MapAffects)]
pub(crate) struct AffectedAnswer {
    /// Which.
    request_id: String,
    /// How far it is.
    phase: &'static str,
    /// The version that its plan was made by.
    map_version: u64,
    /// Producers of its plan that the new map does not have.
    dropped: Vec<String>,
    /// Producers of its plan that the new map searches less far, or not at all.
    reached_less: Vec<String>,
}

impl From<Affected> for AffectedAnswer {
    fn from(affected: Affected) -> Self {
        let names = |producers: Vec<oubli_domain::ids::ProducerName>| producers.into_iter().map(Into::into).collect();
        Self {
            request_id: affected.request_id.into(),
            phase: affected.phase.name(),
            map_version: affected.map_version,
            dropped: names(affected.dropped),
            reached_less: names(affected.reached_less),
        }
    }
}

/// What a map would change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MapPreview)]
pub(crate) struct PreviewAnswer {
    /// What it says otherwise than the version that stands.
    differences: Vec<DifferenceAnswer>,
    /// Open requests that it would affect.
    affected: Vec<AffectedAnswer>,
    /// There are more open requests than were looked at.
    more_affected: bool,
}

/// A map that waits for a second member.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MapProposal)]
pub(crate) struct ProposalAnswer {
    /// Names it.
    digest: String,
    /// The text.
    yaml: String,
    /// Who proposed it.
    proposed_by: String,
    /// When.
    proposed_at: Timestamp,
    /// The version that stood then; null where there was none. Another one voids it.
    replaces: Option<u64>,
}

impl From<MapProposal> for ProposalAnswer {
    fn from(proposal: MapProposal) -> Self {
        let MapProposal { digest, yaml, proposed_by, proposed_at, replaces } = proposal;
        Self { digest, yaml, proposed_by: proposed_by.into(), proposed_at, replaces }
    }
}

/// A proposal that was taken back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MapDiscarded)]
pub(crate) struct DiscardedAnswer {
    /// That it was.
    discarded: bool,
}

fn published(publishing: Publishing) -> PublishedAnswer {
    match publishing {
        Publishing::Published { version, findings } => {
            PublishedAnswer { version: Some(version), proposal: None, findings: findings.into_iter().map(Into::into).collect() }
        }
        Publishing::Proposed { digest, findings } => {
            PublishedAnswer { version: None, proposal: Some(digest), findings: findings.into_iter().map(Into::into).collect() }
        }
    }
}

/// Show the data map
///
/// As it was published, or an earlier version of it.
#[utoipa::path(
    get,
    path = "/v1/organization/map",
    tag = "organization",
    operation_id = "show_map",
    params(MapQuery),
    responses((status = 200, description = "The version.", body = MapAnswer)),
)]
pub(crate) async fn show_map(
    State(engine): State<ReviewRooms>,
    Call { caller, query }: Call<MapQuery>,
) -> Result<Json<MapAnswer>, Problem> {
    let mut checks = Checks::default();
    let version = query.version.and_then(|text| {
        let version = text.parse::<u64>().ok().filter(|version| (1..=shapes::MOST).contains(version));
        if version.is_none() {
            checks.refuse(ProblemCode::InvalidValue, "version", "it is no version", "a whole number from 1");
        }
        version
    });
    allowed(&caller, Action::ReadOrganization, checks.finish())?;
    Ok(Json(engine.directory().map(&caller, version).await?.into()))
}

/// Publish a data map
///
/// Requests under way keep their version until they are looked for again. Where the organization wants two members for it
/// (`map_review`), it waits for another administrator.
#[utoipa::path(
    put,
    path = "/v1/organization/map",
    tag = "organization",
    operation_id = "publish_map",
    request_body = MapBody,
    responses((status = 200, description = "Published, or proposed.", body = PublishedAnswer)),
)]
pub(crate) async fn publish_map(
    State(engine): State<ReviewRooms>,
    post: Post<MapBody>,
) -> Result<Json<PublishedAnswer>, Problem> {
    let yaml = allowed(&post.caller, Action::Administer, post.body.check())?;
    Ok(Json(published(engine.directory().administration(&post.caller)?.publish_map(&yaml).await?)))
}

/// Show what a data map would change
///
/// What it says otherwise than the version that stands, and the open requests it would affect. Nothing is published.
#[utoipa::path(
    post,
    path = "/v1/organization/map/preview",
    tag = "organization",
    operation_id = "preview_map",
    request_body = MapBody,
    responses((status = 200, description = "What would change.", body = PreviewAnswer)),
)]
pub(crate) async fn preview_map(State(engine): State<ReviewRooms>, post: Post<MapBody>) -> Result<Json<PreviewAnswer>, Problem> {
    let yaml = allowed(&post.caller, Action::Administer, post.body.check())?;
    let (differences, affected) = engine.directory().map_changes(&post.caller, &yaml).await?;
    Ok(Json(PreviewAnswer {
        differences: differences.into_iter().map(Into::into).collect(),
        more_affected: affected.more,
        affected: affected.requests.into_iter().map(Into::into).collect(),
    }))
}

/// Show the data map that waits for a second member
///
/// There is one only where the organization wants two members for it (`map_review`).
#[utoipa::path(
    get,
    path = "/v1/organization/map/proposal",
    tag = "organization",
    operation_id = "show_map_proposal",
    params(NoQuery),
    responses((status = 200, description = "The proposal.", body = ProposalAnswer)),
)]
pub(crate) async fn show_proposal(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<ProposalAnswer>, Problem> {
    let proposal = engine.directory().map_proposal(&caller).await?;
    proposal.map(|p| Json(p.into())).ok_or_else(|| oubli_engine::Refusal::not_found("proposed data map").into())
}

/// Confirm the data map that waits
///
/// As another administrator than the one who proposed it.
#[utoipa::path(
    post,
    path = "/v1/organization/map/confirm",
    tag = "organization",
    operation_id = "confirm_map",
    request_body = ConfirmBody,
    responses((status = 200, description = "Published.", body = PublishedAnswer)),
)]
pub(crate) async fn confirm_map(State(engine): State<ReviewRooms>, post: Post<ConfirmBody>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        let mut checks = Checks::default();
        if body.digest.is_none() {
            checks.missing("digest", "digest of the proposal");
        }
        let digest = plan_digest(&mut checks, "digest", body.digest);
        let digest = allowed(&caller, Action::Administer, checks.finish_with(digest))?;
        let (version, findings) = engine.directory().administration(&caller)?.confirm_map(&String::from(digest)).await?;
        Answer::new(StatusCode::OK, &published(Publishing::Published { version, findings }))
    })
    .await
}

/// Take back the data map that waits
///
/// The version that stands goes on.
#[utoipa::path(
    delete,
    path = "/v1/organization/map/proposal",
    tag = "organization",
    operation_id = "discard_map",
    params(NoQuery),
    responses((status = 200, description = "Taken back.", body = DiscardedAnswer)),
)]
pub(crate) async fn discard_map(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<DiscardedAnswer>, Problem> {
    engine.directory().administration(&caller)?.discard_map().await?;
    Ok(Json(DiscardedAnswer { discarded: true }))
}
