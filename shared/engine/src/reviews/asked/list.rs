//! Lists of reviews, the newest first, by pages that have numbers.

use super::{AskedReview, counts::Keys};
use crate::{
    Result,
    core::Core,
    items::{ReviewRow, from_item, reviews_partition},
    ports::{Query, Range, TableName},
    reviews::Reviews,
};
use oubli_domain::{
    access::{Action, Caller},
    ids::OrganizationId,
    review::{ReviewStatus, TeamId},
};

/// What narrows a list.
#[derive(Debug, Clone, Default)]
pub struct ReviewFilter {
    /// How they stand.
    pub status: Option<ReviewStatus>,
    /// What those are made with who asked.
    pub framework: Option<String>,
    /// What kind of thing is asked.
    pub task_type: Option<String>,
    /// The team that is asked.
    pub team: Option<TeamId>,
}

/// A page of reviews.
#[derive(Debug, Clone)]
pub struct ReviewPage {
    /// The newest first.
    pub reviews: Vec<AskedReview>,
    /// How many fit, of those that were looked at.
    pub total: u64,
    /// There are older ones than were looked at.
    pub more: bool,
}

/// Times that the newest reviews are read on: 1,000 each.
const READS: usize = 5;

/// Sealed bytes of a page that are shown whole.
const ROOM: usize = 4 * 1024 * 1024;

impl Reviews {
    /// A page of reviews; the first page has number 1. Of services each sees what it asked itself. Where a page is too long,
    /// the rest of it is without reasons and with other metadata: `{"omitted": true}`.
    ///
    /// # Errors
    /// A role that may not: those who may not see what is asked cannot narrow a list by it.
    pub async fn list_asked(&self, caller: &Caller, filter: &ReviewFilter, page: u32, page_size: u32) -> Result<ReviewPage> {
        Core::permit(caller, Action::Read)?;
        if !caller.roles.is_service() && (filter.task_type.is_some() || filter.framework.is_some()) {
            Core::permit(caller, Action::Reveal)?;
        }
        let first = u64::from(page.saturating_sub(1)) * u64::from(page_size);
        let places = first..first + u64::from(page_size);
        let (mut ids, mut total) = (Vec::new(), 0);
        let mut keys = Keys::default();
        let (rows, more) = self.newest_rows(&caller.organization).await?;
        for row in rows {
            if self.fits(caller, filter, &row, &mut keys).await? {
                if places.contains(&total) {
                    ids.push(row.id);
                }
                total += 1;
            }
        }
        Ok(ReviewPage { reviews: self.reviews_of(caller, &ids, ROOM).await?, total, more })
    }

    /// The newest reviews as they are listed, the newest first, and whether there are older ones.
    pub(super) async fn newest_rows(&self, organization: &OrganizationId) -> Result<(Vec<ReviewRow>, bool)> {
        let all = Query::new(TableName::Control, reviews_partition(organization), Range::All);
        let mut query = Query { descending: true, ..all };
        let mut rows = Vec::new();
        for _ in 0..READS {
            let page = self.core.ports.table.query(query.clone()).await?;
            for item in page.items {
                rows.push(from_item(item)?);
            }
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        Ok((rows, query.after.is_some()))
    }

    async fn fits(&self, caller: &Caller, filter: &ReviewFilter, row: &ReviewRow, keys: &mut Keys) -> Result<bool> {
        if caller.roles.is_service() && row.asked_by != caller.actor {
            return Ok(false);
        }
        if filter.status.is_some_and(|status| row.status != status) || filter.team.is_some_and(|team| row.team != Some(team)) {
            return Ok(false);
        }
        if filter.task_type.is_none() && filter.framework.is_none() {
            return Ok(true);
        }
        let Some(labels) = self.labels_of(caller, row, keys).await? else { return Ok(false) };
        let task_type = filter.task_type.as_ref().is_none_or(|wanted| labels.task_type == *wanted);
        let framework = filter.framework.as_ref().is_none_or(|wanted| labels.framework.as_ref() == Some(wanted));
        Ok(task_type && framework)
    }
}
