//! Looking into every kind of store.

use crate::{Options, dynamodb::DynamoDb, failure, s3::S3};
use aws_config::{Region, SdkConfig};
use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};
use oubli_suggest::{NotSampled, Sampling};

/// What looks into tables, and what into buckets, in one Region.
pub fn sampling(config: &SdkConfig, options: &Options, region: Option<&str>) -> (Box<dyn Sampling>, Box<dyn Sampling>) {
    let mut config = config.to_builder();
    if let Some(region) = region {
        config.set_region(Region::new(region.to_owned()));
    }
    let config = config.build();
    let of_s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(options.path_style);
    let tables = DynamoDb::new(aws_sdk_dynamodb::Client::new(&config));
    let buckets = S3::new(aws_sdk_s3::Client::from_conf(of_s3.build()));
    (Box::new(tables), Box::new(buckets))
}

/// Why a look failed: a code, since messages repeat names and values; and what to do.
pub(crate) fn not_sampled<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, needs: &str) -> NotSampled {
    let reason = failure::code(error);
    let remedy = match reason.as_str() {
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            "it is in another Region: name that by --region".to_owned()
        }
        "ResourceNotFoundException" | "NoSuchBucket" | "NotFound" => "there is none of this name in this Region".to_owned(),
        code if code.contains("Denied") || code.contains("Unauthorized") => format!("allow {needs}"),
        _ => "try again".to_owned(),
    };
    NotSampled { reason, remedy }
}
