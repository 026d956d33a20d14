//! `oubli mcp`: a server of the Model Context Protocol (revision 2025-11-25 and its neighbours) over standard input and output,
//! by which an agent asks people before it acts.
//!
//! Nothing that it answers is an approval but a decision of `approve`: what fails is an error, and what nobody decided is pending.

mod answer;
mod arguments;
mod tools;
mod wait;

use crate::{client::Client, failure::Failure};
use arguments::read;
use clap::Args;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt as _,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, JsonObject, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig,
    },
    service::RequestContext,
    transport::stdio,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tools::Tool;
use wait::{Patience, wait};

const PATH: &str = "/v1/reviews";

const INSTRUCTIONS: &str = "Ask people before you do what cannot be undone. request_review asks; nothing is approved until \
get_review_decision, or request_review with blocking, answers decision: approve. Whatever else is answered, an error too, means: do \
not do it.";

#[derive(Args)]
pub struct Options {
    /// How long a blocking request waits for a decision; then the review is still pending
    #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    wait_at_most: u32,
}

/// Serves until standard input ends.
pub fn run(client: Client, options: &Options) -> Result<(), Failure> {
    let trouble = |what: &str, error: String| Failure::Refused(format!("{what}: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| trouble("nothing can be served", error.to_string()))?;
    let server = Server { client: Arc::new(client), limit: Duration::from_secs(options.wait_at_most.into()) };
    runtime.block_on(async {
        let serving = server.serve(stdio()).await.map_err(|error| trouble("no client began a session", error.to_string()))?;
        serving.waiting().await.map_err(|error| trouble("the session broke off", error.to_string()))?;
        Ok(())
    })
}

struct Server {
    client: Arc<Client>,
    limit: Duration,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("oubli", env!("CARGO_PKG_VERSION")).with_title("Oubli: human review"))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(Tool::ALL.map(Tool::described).to_vec()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let tool = Tool::named(&request.name).ok_or_else(|| {
            let names = Tool::ALL.map(Tool::name).join(", ");
            ErrorData::invalid_params(format!("there is no such tool; accepted: {names}"), None)
        })?;
        let answered = self.answer(tool, request.arguments.unwrap_or_default(), &context).await;
        let result = answered.map_or_else(|failure| refused(tool, &failure), CallToolResult::structured);
        Ok(result.into())
    }
}

impl Server {
    async fn answer(&self, tool: Tool, arguments: JsonObject, context: &RequestContext<RoleServer>) -> Result<Value, Failure> {
        match tool {
            Tool::RequestReview => {
                let arguments::Ask { body, blocking } = arguments::Ask::read(arguments)?;
                let review = self.call(move |client| client.post(PATH, &body)).await?;
                if !blocking {
                    return Ok(answer::asked(&review));
                }
                let patience = Patience::new(self.limit, context);
                let review = wait(review, patience, |path| self.call(move |client| client.get(&path, &[]))).await?;
                Ok(answer::decision(&review))
            }
            Tool::CheckReviewStatus => Ok(answer::status(&self.review(arguments).await?)),
            Tool::GetReviewDecision => Ok(answer::decision(&self.review(arguments).await?)),
            Tool::SubmitFeedback => {
                let arguments::Feedback { review_id, rating, comment } = read(arguments)?;
                if rating.is_none() && comment.is_none() {
                    return Err(Failure::Refused("rating: it is missing; accepted: a rating, a comment, or both.".to_owned()));
                }
                let body = crate::client::given([("rating", json!(rating)), ("comment", json!(comment))]);
                let said = self.call(move |client| client.post(&format!("{PATH}/{review_id}/feedback"), &body)).await?;
                Ok(answer::feedback(&said))
            }
        }
    }

    async fn review(&self, arguments: JsonObject) -> Result<Value, Failure> {
        let arguments::One { review_id } = read(arguments)?;
        self.call(move |client| client.get(&format!("{PATH}/{review_id}"), &[])).await
    }

    /// The client waits for its answers: on a thread of its own, so that a session goes on, pings and cancels.
    async fn call(&self, ask: impl FnOnce(&Client) -> Result<Value, Failure> + Send + 'static) -> Result<Value, Failure> {
        let client = Arc::clone(&self.client);
        let broken = |_| Failure::Unreachable("the call broke off".to_owned());
        tokio::task::spawn_blocking(move || ask(&client)).await.map_err(broken)?
    }
}

fn refused(tool: Tool, failure: &Failure) -> CallToolResult {
    let means = if tool == Tool::SubmitFeedback { "" } else { "\nThis is no approval: do not do what is to be reviewed." };
    CallToolResult::structured_error(json!({ "error": format!("{}{means}", failure.in_words()) }))
}
