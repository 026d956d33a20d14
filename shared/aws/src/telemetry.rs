//! Logs.

use tracing_subscriber::EnvFilter;

/// Libraries that print requests and replies at their finer levels, and with them people's data.
const CAPPED: [&str; 12] = [
    "aws_config=warn",
    "aws_runtime=warn",
    "aws_sdk_dynamodb=warn",
    "aws_sdk_kms=warn",
    "aws_sdk_s3=warn",
    "aws_sdk_sqs=warn",
    "aws_sigv4=warn",
    "aws_smithy_http_client=warn",
    "aws_smithy_runtime=warn",
    "aws_smithy_runtime_api=warn",
    "hyper=warn",
    "lambda_runtime=info",
];

/// Sends JSON lines to standard output at the level of `RUST_LOG`, or `info`. Does nothing when called again.
pub fn init() {
    let filter = filter(std::env::var("RUST_LOG").ok().as_deref());
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter)
        .with_writer(std::io::stdout)
        .try_init();
}

fn filter(wanted: Option<&str>) -> EnvFilter {
    let base = wanted.filter(|w| !w.is_empty()).and_then(|w| w.parse().ok()).unwrap_or_else(|| EnvFilter::new("info"));
    CAPPED.iter().filter_map(|directive| directive.parse().ok()).fold(base, EnvFilter::add_directive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_print_bodies_stay_quiet_whatever_is_asked() {
        let text = filter(Some("trace,aws_smithy_runtime=trace")).to_string();
        assert!(text.contains("aws_smithy_runtime=warn"), "{text}");
        assert!(!text.contains("aws_smithy_runtime=trace"), "{text}");
        assert!(filter(Some("not a filter=")).to_string().contains("info"));
    }
}
