//! Makes certificates and compliance reports: over HTTP, and from a queue where one takes long. The only function that
//! carries a PDF engine.
#![forbid(unsafe_code)]

use lambda_http::Error;
use oubli_aws::{Aws, telemetry, worker};
use oubli_engine::ports::NoStores;
use oubli_pdf::Typst;
use std::sync::Arc;

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let aws = Aws::from_env().await?;
    let engine = aws.engine(Arc::new(NoStores))?;
    let engine = engine.with_pdf_renderer(Arc::new(Typst::default()));
    worker::serve(&engine, aws.calls(), oubli_http::report(engine.clone())).await
}
