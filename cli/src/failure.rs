//! Why a command did not do what was asked, and how it ends.

use crate::output::clean;
use oubli_engine::{EngineError, RefusalKind};
use serde_json::{Value, json};
use thiserror::Error;

/// Why a command did not do what was asked.
#[derive(Debug, Error)]
pub enum Failure {
    /// The service answered a problem.
    #[error("the service answered {status}")]
    Problem {
        /// The HTTP status.
        status: u16,
        /// The problem, or whatever came instead of one.
        body: Value,
    },
    /// The service does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// The command line is wrong in a way that only shows when it runs.
    #[error("{0}")]
    Usage(String),
    /// It was refused here, or ended otherwise than awaited.
    #[error("{0}")]
    Refused(String),
    /// What was compared differs: that was said where it was asked for.
    #[error("they differ")]
    Different,
    /// The engine said no to an administrator.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Failure {
    /// The code that the process ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Problem { status: 404, .. } => 3,
            Failure::Problem { status: 409, .. } => 4,
            Failure::Problem { status: 429 | 500.., .. } | Failure::Unreachable(_) => 5,
            Failure::Problem { .. } | Failure::Refused(_) | Failure::Different => 1,
            Failure::Usage(_) => 2,
            Failure::Engine(EngineError::Refused(refusal)) => match refusal.kind {
                RefusalKind::NotFound => 3,
                RefusalKind::Conflict => 4,
                RefusalKind::Throttled { .. } => 5,
                RefusalKind::Invalid | RefusalKind::Forbidden => 1,
            },
            Failure::Engine(EngineError::Conflict(_)) => 4,
            Failure::Engine(EngineError::Transient(_)) => 5,
            Failure::Engine(EngineError::Internal(_)) => 1,
        }
    }

    /// Tells what went wrong, and what to do, on standard error.
    pub fn print(&self, json: bool) {
        if matches!(self, Failure::Different) {
            return;
        }
        if json {
            eprintln!("{}", self.to_json());
        } else {
            eprintln!("{}", self.in_words());
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Failure::Problem { body, .. } if body.is_object() => body.clone(),
            Failure::Engine(EngineError::Refused(refusal)) => {
                json!({ "code": refusal.code, "detail": refusal.detail, "field": refusal.field, "remedy": refusal.remedy })
            }
            other => json!({ "detail": other.to_string() }),
        }
    }

    /// Whether it may be otherwise in a moment.
    pub fn may_pass(&self) -> bool {
        self.exit_code() == 5
    }

    /// What went wrong, and what to do.
    pub fn in_words(&self) -> String {
        match self {
            Failure::Problem { status, body } => problem_in_words(*status, body),
            Failure::Engine(EngineError::Refused(refusal)) => {
                let field = refusal.field.as_ref().map(|f| format!("{f}: ")).unwrap_or_default();
                format!("Refused ({}): {field}{}\n{}", refusal.code, refusal.detail, refusal.remedy)
            }
            other => {
                let mut text = other.to_string();
                if let Some(first) = text.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                text
            }
        }
    }
}

fn problem_in_words(status: u16, body: &Value) -> String {
    let text = |name: &str| body[name].as_str().map(clean);
    let Some(code) = text("code") else {
        let message = text("message").unwrap_or_else(|| "no explanation came with it".to_owned());
        return format!("The service answered {status}: {message}");
    };
    let errors = body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    // The detail of such a problem is its first field again.
    let detail = if errors.is_empty() { text("detail").unwrap_or_default() } else { "Not accepted".to_owned() };
    let mut lines = vec![format!("{detail} ({code})")];
    for error in errors {
        let part = |name: &str| error[name].as_str().map(clean).unwrap_or_default();
        lines.push(format!("  {}: {}; accepted: {}", part("field"), part("reason"), part("accepted")));
    }
    if errors.is_empty() {
        lines.extend(text("remedy"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use oubli_engine::Refusal;

    #[test]
    fn each_end_has_its_exit_code() {
        let problem = |status| Failure::Problem { status, body: Value::Null }.exit_code();
        let codes = [400, 401, 403, 404, 409, 413, 422, 429, 500, 503].map(problem);
        assert_eq!(codes, [1, 1, 1, 3, 4, 1, 1, 5, 5, 5]);
        assert_eq!(Failure::Engine(Refusal::not_found("organization").into()).exit_code(), 3);
        assert_eq!(Failure::Usage(String::new()).exit_code(), 2);
    }

    #[test]
    fn a_problem_names_its_fields() {
        let body = json!({
            "code": "unknown_reason", "detail": "reason: no such word.", "remedy": "Accepted: x.",
            "errors": [{ "field": "reason", "reason": "no such word", "accepted": "user_request" }],
        });
        let words = problem_in_words(400, &body);
        assert!(words.contains("unknown_reason") && words.contains("accepted: user_request"), "{words}");
        assert!(problem_in_words(404, &json!({ "message": "Not Found" })).contains("Not Found"));
    }
}
