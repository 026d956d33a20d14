//! Asking for a review.

use super::{is_own_name, read::ReviewAnswer};
use crate::{
    call::{Arrival, Post, Scoped},
    checks::Checks,
    idempotency::{Answer, once},
    json,
    problem::Problem,
    requests::allowed,
    rooms::ReviewRooms,
    shapes,
};
use axum::{extract::State, http::StatusCode};
use data_encoding::HEXLOWER;
use oubli_domain::{access::Action, review::Urgency};
use oubli_engine::{
    EngineError, ProblemCode,
    reviews::{Asked, NewReview},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{fmt, time::Duration};
use tokio::time::timeout;
use utoipa::ToSchema;

/// Clients give up after five seconds of silence, and take it for an approval: from a call's arrival on, nothing that could be left
/// out is begun later than this.
const PATIENCE: Duration = Duration::from_millis(3_500);

/// How long what was begun in time may take to end.
const GRACE: Duration = Duration::from_millis(300);

/// About as much as API Gateway and Lambda let through: what is refused is taken for approved.
const MOST_BYTES: usize = 5 * 1024 * 1024;

/// How many characters of a text are kept.
const MOST_OF_A_TEXT: usize = 20_000;

/// How many bytes of metadata are kept.
const MOST_OF_METADATA: usize = 128 * 1024;

/// What is kept of a review, in bytes: sealed, it and the answer that repeats it each fit into an item of the table, of 400 KB.
const MOST_IN_ALL: usize = 210 * 1024;

/// How many characters of a text are kept where there is more than that: with 6 bytes for each, and metadata, it is not.
const FEWER_OF_A_TEXT: usize = 6_000;

/// How many bytes of one thing in metadata are kept where the rest is not.
const SMALL: usize = 1_024;

/// What somebody is to decide. Further fields are passed over. What is too large to be kept is cut, and can only be rejected.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = NewReview, example = json!({
    "task_type": "data_deletion",
    "proposed_action": "Erase everything of user 7",
    "agent_reasoning": "An Article 17 request; 42 records in 4 categories",
    "confidence_score": 0.9,
    "urgency": "medium",
    "framework": "custom",
    "metadata": {"user_id": "7", "data_points": 42},
    "blocking": false
}))]
pub(crate) struct ReviewBody {
    /// The organization, as whoever asks calls it. It is kept where it is a number or a short text; the credential says whose the
    /// review is.
    #[schema(value_type = Option<shapes::Anything>)]
    organization_id: Option<Value>,
    /// What kind of thing is asked.
    #[schema(value_type = shapes::TaskType)]
    task_type: Option<Value>,
    /// What would be done.
    #[schema(value_type = shapes::SomeText)]
    proposed_action: Option<Value>,
    /// Why.
    #[schema(value_type = Option<shapes::AnyText>)]
    agent_reasoning: Option<Value>,
    /// How sure whoever asks is, from 0 to 1.
    #[schema(value_type = Option<shapes::Confidence>)]
    confidence_score: Option<Value>,
    /// How soon somebody should look; `medium` unless given.
    #[schema(value_type = Option<shapes::Urgency>)]
    urgency: Option<Value>,
    /// What whoever asks is made with.
    #[schema(value_type = Option<shapes::Framework>)]
    framework: Option<Value>,
    /// Who asks, as they call themselves. It is kept where it is a number or a short text.
    #[schema(value_type = Option<shapes::Anything>)]
    agent_id: Option<Value>,
    /// Anything else. `allowed_decisions` in it says which decisions can be carried out; a rejection always can.
    #[schema(value_type = Option<shapes::Metadata>)]
    metadata: Option<Value>,
    /// Whether to wait for a decision, until three and a half seconds after the call arrived; then the answer is that there is none
    /// yet. So it is at once where as many calls of the organization wait as may.
    #[schema(value_type = Option<shapes::Flag>)]
    blocking: Option<Value>,
    /// Rules have it, and are made elsewhere.
    #[schema(ignore)]
    conditions: Option<Value>,
    /// What nobody here can read, as it came.
    #[serde(skip)]
    #[schema(ignore)]
    unreadable: Option<String>,
}

/// It holds what people wrote, of people.
impl fmt::Debug for ReviewBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[review]")
    }
}

impl Scoped for ReviewBody {
    /// Clients send their own number or name of it, or anything: it selects nothing.
    fn organization_id(&self) -> Option<&str> {
        None
    }

    fn most_bytes() -> usize {
        MOST_BYTES
    }

    /// What readers of other makes take for an object is one: with `NaN` in it, nested deeper than is read here, with a field
    /// twice, of which the last one counts.
    fn read(bytes: &[u8]) -> Result<Self, Problem>
    where
        Self: DeserializeOwned,
    {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match serde_json::from_slice(bytes) {
            Ok(whole @ Value::Object(_)) => {
                serde_json::from_value(whole).map_err(|_| EngineError::internal("a review cannot be read").into())
            }
            Err(error) if !error.is_eof() && bytes.trim_ascii_start().starts_with(b"{") => {
                Ok(Self { unreadable: Some(String::from_utf8_lossy(bytes).into_owned()), ..Self::default() })
            }
            _ => json::body(bytes),
        }
    }

    fn unfit() -> StatusCode {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

impl ReviewBody {
    /// What is asked, and whether to wait for an answer.
    pub(super) fn check(self) -> Result<(NewReview, bool), Problem> {
        if let Some(text) = self.unreadable {
            return Ok((unreadable(text), false));
        }
        let mut checks = Checks::default();
        if self.conditions.is_some() {
            let reason = "a review has none: a rule that says who is asked is made by POST /routing-rules";
            checks.refuse(ProblemCode::RuleNotReview, "conditions", reason, "no field here");
        }
        let task_type = required(&mut checks, "task_type", self.task_type, 255);
        let proposed_action = required(&mut checks, "proposed_action", self.proposed_action, usize::MAX);
        let agent_reasoning = text(&mut checks, "agent_reasoning", self.agent_reasoning, usize::MAX);
        let framework = text(&mut checks, "framework", self.framework, 100);
        let confidence_score = confidence(&mut checks, self.confidence_score);
        let urgency = match self.urgency {
            None => Some(Urgency::Medium),
            Some(urgency) => {
                let words: Vec<&str> = Urgency::ALL.iter().map(|urgency| urgency.name()).collect();
                let word = text(&mut checks, "urgency", Some(urgency), usize::MAX);
                word.and_then(|word| checks.word(ProblemCode::InvalidValue, "urgency", &word, |word| word.parse().ok(), &words))
            }
        };
        let metadata = match self.metadata {
            None => None,
            Some(Value::Object(metadata)) => Some(metadata),
            Some(_) => {
                checks.refuse(ProblemCode::InvalidType, "metadata", WRONG_TYPE, "an object");
                None
            }
        };
        let waits = flag(&mut checks, "blocking", self.blocking);
        let asked = task_type.zip(proposed_action).map(|(task_type, proposed_action)| Asked {
            task_type,
            proposed_action,
            agent_reasoning,
            confidence_score,
            framework,
            agent_id: self.agent_id.filter(is_own_name),
            organization_id: self.organization_id.filter(is_own_name),
            metadata,
            cut: false,
        });
        let new = asked.zip(urgency).map(|(asked, urgency)| (NewReview { asked: kept(asked), urgency }, waits));
        checks.finish_with(new).map_err(|problem| problem.unfit(Self::unfit()))
    }
}

const WRONG_TYPE: &str = "it has the wrong type";

/// A text as it came, white space and all.
fn text(checks: &mut Checks, field: &str, value: Option<Value>, most: usize) -> Option<String> {
    match value? {
        Value::String(text) if text.chars().count() <= most => return Some(text),
        Value::String(_) => {
            let accepted = format!("a text of up to {most} characters");
            checks.refuse(ProblemCode::InvalidValue, field, "it is too long", accepted);
        }
        _ => checks.refuse(ProblemCode::InvalidType, field, WRONG_TYPE, "a text"),
    }
    None
}

/// The same, of which there has to be some.
fn required(checks: &mut Checks, field: &str, value: Option<Value>, most: usize) -> Option<String> {
    let accepted = "a text of at least one character";
    if value.is_none() {
        checks.missing(field, accepted);
    }
    let text = text(checks, field, value, most)?;
    if text.is_empty() {
        checks.refuse(ProblemCode::InvalidValue, field, "it is empty", accepted);
        return None;
    }
    Some(text)
}

/// A number from 0 to 1, also in quotes.
fn confidence(checks: &mut Checks, value: Option<Value>) -> Option<f64> {
    let score = match value? {
        Value::Number(score) => score.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(sure) => Some(f64::from(u8::from(sure))),
        _ => None,
    };
    let accepted = "a number from 0 to 1";
    match score {
        None => checks.refuse(ProblemCode::InvalidType, "confidence_score", WRONG_TYPE, accepted),
        Some(score) if (0.0..=1.0).contains(&score) => return Some(score),
        Some(_) => checks.refuse(ProblemCode::InvalidValue, "confidence_score", "it is out of bounds", accepted),
    }
    None
}

/// True or false, also as others write it.
fn flag(checks: &mut Checks, field: &str, value: Option<Value>) -> bool {
    let word = match value {
        None => return false,
        Some(Value::Bool(flag)) => return flag,
        Some(Value::Number(number)) => number.as_f64().map(|number| number.to_string()).unwrap_or_default(),
        Some(Value::String(text)) => text.to_ascii_lowercase(),
        Some(_) => String::new(),
    };
    match word.as_str() {
        "1" | "true" | "t" | "yes" | "y" | "on" => true,
        "0" | "false" | "f" | "no" | "n" | "off" => false,
        _ => {
            checks.refuse(ProblemCode::InvalidType, field, WRONG_TYPE, "true or false");
            false
        }
    }
}

/// What nobody here can read is asked all the same: refused, it would be taken for approved. It can only be rejected.
fn unreadable(text: String) -> NewReview {
    let asked = Asked { task_type: "unreadable".to_owned(), proposed_action: text, cut: true, ..Asked::default() };
    NewReview { asked: kept(asked), urgency: Urgency::Medium }
}

/// As much of it as can be kept.
fn kept(mut asked: Asked) -> Asked {
    shorten(&mut asked, MOST_OF_A_TEXT);
    if let Some(metadata) = asked.metadata.as_mut().filter(|metadata| bytes(metadata).len() > MOST_OF_METADATA) {
        *metadata = digested(metadata);
        asked.cut = true;
    }
    if bytes(&asked).len() > MOST_IN_ALL {
        shorten(&mut asked, FEWER_OF_A_TEXT);
    }
    asked
}

fn shorten(asked: &mut Asked, most: usize) {
    for text in [Some(&mut asked.proposed_action), asked.agent_reasoning.as_mut()].into_iter().flatten() {
        let end = text.char_indices().nth(most).map(|(end, _)| end);
        if let Some(end) = end {
            text.truncate(end);
            text.push_str(" […]");
            asked.cut = true;
        }
    }
}

/// What stands for metadata that is too large, with what clients look for in it.
fn digested(metadata: &Map<String, Value>) -> Map<String, Value> {
    let whole = bytes(metadata);
    let mut kept = Map::new();
    for name in ["allowed_decisions", "tool_name"] {
        kept.extend(metadata.get(name).filter(|value| bytes(value).len() <= SMALL).map(|value| (name.to_owned(), value.clone())));
    }
    kept.insert("cut".to_owned(), true.into());
    kept.insert("sha256".to_owned(), HEXLOWER.encode(&Sha256::digest(&whole)).into());
    kept.insert("bytes".to_owned(), whole.len().into());
    kept
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// Ask for a review
///
/// Whoever the organization's rules name is asked. Every review that fits its description is answered 201, also one that nobody
/// decided on: `decision` is null until somebody does, and nothing but a decision of `approve` is an approval.
#[utoipa::path(
    post,
    path = "/reviews",
    tag = "reviews",
    operation_id = "request_review",
    request_body = ReviewBody,
    responses((status = 201, description = "The review, decided where somebody did while the call waited.", body = ReviewAnswer)),
)]
pub(crate) async fn request_review(
    State(engine): State<ReviewRooms>,
    arrival: Arrival,
    post: Post<ReviewBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |call| {
        let (new, waits) = allowed(&caller, Action::AskReview, body.check())?;
        let mut review = engine.reviews().ask(&caller, call, new).await?;
        let patience = PATIENCE.saturating_sub(arrival.ago());
        if waits && !patience.is_zero() {
            let reviews = engine.reviews();
            let decided = reviews.decided_within(&caller, review.clone(), patience);
            // It is asked: what cannot be learned of it now can be later.
            match timeout(patience.saturating_add(GRACE), decided).await {
                Ok(Ok(decided)) => review = decided,
                Ok(Err(error)) => tracing::warn!(%error, "a caller waited for a decision in vain"),
                Err(_) => tracing::warn!("a caller waited for a decision in vain: nothing answers"),
            }
        }
        Answer::new(StatusCode::CREATED, &ReviewAnswer::from(review))
    })
    .await
}
