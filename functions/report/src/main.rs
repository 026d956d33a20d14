//! Makes certificates and compliance reports: over HTTP, and from a queue where one takes long. The only function that
//! carries a PDF engine.
#![forbid(unsafe_code)]

use lambda_http::Error;
use oubli_aws::{Aws, telemetry, worker};
use oubli_connectors::{Options, Registry};
use oubli_documents::Typst;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    // No call served here reaches a store, and this function's role would not let it.
    let engine = aws.engine(Arc::new(Registry::new(aws.config().clone(), Options::default())))?;
    let engine = engine.with_printer(Arc::new(Typst::default()));
    worker::serve(&engine, aws.calls(), oubli_http::report(engine.clone())).await
}
