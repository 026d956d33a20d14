//! Where an export was delivered to.

use crate::{
    Result,
    core::Core,
    items::{Delivery, RequestItem, package_key, request_partition},
};
use serde::{Deserialize, Serialize};

impl Core {
    /// Where it was delivered to, for those who may see whom it is about.
    pub(crate) async fn delivered_to(&self, request: &RequestItem) -> Result<Option<String>> {
        let (Some(delivery), _) = self.delivery_of(request).await? else { return Ok(None) };
        let key = self.words_of(request, "delivery", Some(&delivery.sealed_key)).await?;
        Ok(key.map(|key| format!("s3://{}/{key}", delivery.bucket)))
    }

    pub(crate) async fn delivery_of(&self, request: &RequestItem) -> Result<(Option<Delivery>, Stand)> {
        let known = request.export_state().and_then(|e| e.delivery.clone());
        if known.is_some() || request.export().is_none_or(|e| e.deliver_to.is_none()) {
            return Ok((known, Stand::There));
        }
        let partition = request_partition(&request.organization, &request.id);
        let Some(package) = self.find::<Delivered>(package_key(&partition)).await? else { return Ok((None, Stand::Not)) };
        let stand = match package.copy {
            None => Stand::Not,
            Some(copy) if copy.whole => Stand::There,
            Some(copy) => Stand::OnItsWay(copy.upload),
        };
        Ok((package.delivery, stand))
    }
}

/// What an export's package says of its delivery: a part of that item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivered {
    /// Where it is delivered to, once that has begun.
    #[serde(default)]
    pub delivery: Option<Delivery>,
    /// The copy under way there.
    #[serde(default)]
    pub copy: Option<Copying>,
}

/// How far a delivery is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Copying {
    /// The upload in the other bucket.
    pub upload: String,
    /// The tags of the parts copied.
    pub tags: Vec<String>,
    /// It is there as a whole.
    pub whole: bool,
}

/// Whether a copy stands in the other bucket.
pub(crate) enum Stand {
    Not,
    /// By this upload.
    OnItsWay(String),
    There,
}
