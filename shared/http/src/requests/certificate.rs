//! Certificates.

use super::{Erasure, visible};
use crate::{
    call::{Post, scoped},
    checks::Checks,
    files::FileAnswer,
    problem::Problem,
    requests::kind::IdOf,
    rooms::ReportRooms,
    shapes,
    words::{CertificateFormat, Format, Language, Word},
};
use axum::extract::State;
use oubli_domain::access::Action;
use oubli_engine::ProblemCode;
use serde::Deserialize;
use utoipa::ToSchema;

/// How a certificate is wanted.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "format": "pdf", "language": "en", "include_details": true }))]
pub(crate) struct CertificateBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// `json` unless given. A PDF carries the JSON inside.
    #[schema(value_type = Option<CertificateFormat>)]
    format: Option<String>,
    /// Of the PDF; the organization's own unless given.
    #[schema(value_type = Option<Language>)]
    language: Option<String>,
    /// With all of the request's entries and their proofs, not only that of its completion.
    include_details: Option<bool>,
}

scoped!(CertificateBody);

/// Certify a completed erasure
///
/// What was erased, what stays and why, bound to the audit log by a proof that anybody can check without a network:
/// `oubli verify`. The certificate holds what opens the commitment to the person, so it is for that person. Issuing one
/// is itself noted in the log. Repeating the call is safe, with or without a key.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/certificate",
    tag = "erasure requests",
    operation_id = "certify_erasure_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = Option<CertificateBody>,
    responses(
        (status = 200, description = "The certificate.", content((Object = "application/json"), (Vec<u8> = "application/pdf"))),
    ),
)]
pub(crate) async fn certify(
    State(engine): State<ReportRooms>,
    IdOf { id, .. }: IdOf<Erasure>,
    Post { caller, body, .. }: Post<CertificateBody>,
) -> Result<FileAnswer, Problem> {
    let mut checks = Checks::default();
    let format = body.format.as_deref().unwrap_or("json");
    let format = checks.word(ProblemCode::UnknownFormat, "format", format, CertificateFormat::parse, CertificateFormat::all());
    let mut parse = |word| checks.word(ProblemCode::LanguageNotAvailable, "language", word, Language::parse, Language::all());
    let language = body.language.as_deref().map_or(Some(None), |word| parse(word).map(Some));
    let wanted = checks.finish_with(format.zip(language));
    let (format, language) = visible(&engine, &caller, Action::Certify, id, wanted).await?;
    let certificate = engine.reports().certificate(&caller, &id, body.include_details.unwrap_or_default()).await?;
    Ok(match format {
        Format::Json => {
            FileAnswer { media_type: "application/json", name: format!("certificate-{id}.json"), bytes: certificate.to_bytes() }
        }
        Format::Pdf => {
            let language = match language {
                Some(language) => language,
                None => engine.reports().language(&caller).await?,
            };
            let bytes = engine.reports().certificate_pdf(&certificate, language)?;
            FileAnswer { media_type: "application/pdf", name: format!("certificate-{id}.pdf"), bytes }
        }
    })
}
