//! Numbers of reviews.

use crate::{
    call::{Call, NoQuery},
    problem::Problem,
    rooms::ReviewRooms,
};
use axum::{Json, extract::State};
use oubli_engine::reviews::ReviewStats;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// How many reviews there were, and what became of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReviewStats)]
pub(crate) struct StatsAnswer {
    /// All that were ever asked for.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    total_reviews: u64,
    /// Those that nobody decided on yet.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    pending_reviews: u64,
    /// Those that were approved.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    approved_reviews: u64,
    /// Those that were rejected, by somebody or because nobody decided in time.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    rejected_reviews: u64,
    /// Those that are to be done otherwise.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    modified_reviews: u64,
    /// Of those rejected, the ones that nobody decided on in time.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    timed_out_reviews: u64,
    /// How sure those were who asked, from 0 to 1, on average; null where nobody said.
    avg_confidence_score: Option<f64>,
    /// How many of each kind, of the newest.
    task_type_breakdown: BTreeMap<String, u64>,
    /// How many from what is made with each framework, of the newest.
    framework_breakdown: BTreeMap<String, u64>,
    /// How many of each urgency.
    urgency_breakdown: BTreeMap<String, u64>,
    /// Of how many of the newest the kinds and frameworks are counted.
    #[schema(minimum = 0, maximum = 5_000)]
    breakdown_of: u64,
}

impl From<ReviewStats> for StatsAnswer {
    fn from(stats: ReviewStats) -> Self {
        Self {
            total_reviews: stats.total,
            pending_reviews: stats.pending,
            approved_reviews: stats.approved,
            rejected_reviews: stats.rejected,
            modified_reviews: stats.modified,
            timed_out_reviews: stats.timed_out,
            avg_confidence_score: stats.average_confidence,
            task_type_breakdown: stats.by_task_type,
            framework_breakdown: stats.by_framework,
            urgency_breakdown: stats.by_urgency.into_iter().map(|(urgency, count)| (urgency.name().to_owned(), count)).collect(),
            breakdown_of: stats.looked_at,
        }
    }
}

/// Numbers of reviews
///
/// How many there were, and what became of them.
#[utoipa::path(
    get,
    path = "/stats",
    tag = "reviews",
    operation_id = "get_review_stats",
    params(NoQuery),
    responses((status = 200, description = "The numbers.", body = StatsAnswer)),
)]
pub(crate) async fn get_review_stats(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<StatsAnswer>, Problem> {
    Ok(Json(engine.reviews().stats(&caller).await?.into()))
}
