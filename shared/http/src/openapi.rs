//! The description of the API, generated from its code.

use crate::{
    audit,
    costs::cost_of,
    exports, holds,
    idempotency::IdempotencyKey,
    ledger, meta, organization,
    problem::ProblemBody,
    queries,
    refusals::{self, GatewayBody, Takes},
    reports, requests, reviews,
    roles::roles_of,
    rooms::{DiscoveryRooms, ExportRooms, IntakeRooms, ReportRooms, ReviewRooms},
    routes::Routes,
    shapes, words,
};
use oubli_domain::access::Role;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{
    IntoParams as _, Modify, OpenApi,
    openapi::{
        Content, OpenApi as Document, RefOr, Required,
        path::Operation,
        schema::{AdditionalProperties, ObjectBuilder, OneOfBuilder, Schema, Type},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Oubli",
        description = "The right to be forgotten inside your own AWS account: find a person's data, have its erasure \
                       approved, hide it, remove it for good after a recovery window, and prove it.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    // What refusals and parameters name is not collected by itself.
    components(schemas(
        ProblemBody, GatewayBody, shapes::OrganizationId, shapes::RequestId, shapes::HoldId, shapes::DiscoveryId,
        shapes::ReportId, shapes::Number, shapes::OwnName, shapes::TaskType, shapes::Framework, shapes::LongText,
        shapes::AnyText, shapes::SomeText, shapes::Urgency,
        shapes::ReviewStatus, shapes::DecisionType, shapes::Confidence, shapes::Flag, shapes::Metadata, shapes::Conditions, shapes::Anything, shapes::ActorId, shapes::KeyId, shapes::QueryName, shapes::CategoryName, shapes::StoreName,
        shapes::IdentifierKind, shapes::RecordName, shapes::IdentifierLabel, shapes::LeftAside, shapes::Digest,
        shapes::SourceRange, shapes::IssuerName, shapes::Audience, shapes::TokenAlgorithm, shapes::TeamName,
        shapes::RoleValues, shapes::TeamValues, shapes::Cursor, shapes::Identifier, shapes::EmailAddress,
        shapes::MemberAddress, shapes::Label,
        shapes::Words, shapes::RepeatKey, shapes::LogPlace, shapes::MapVersion, shapes::TimeZone, shapes::FilePrefix,
        shapes::OwnBucket, shapes::Moment, shapes::CategoryList, shapes::SomeCategories, shapes::QueryList,
        shapes::ErasureType, shapes::Regime, shapes::HoldStatus, shapes::MemberRole, shapes::NoRecovery, words::EventType,
        words::ReportFormat, words::Status, words::RoleName, words::CountryCode,
    )),
    tags(
        (name = "erasure requests", description = "Submit, watch, cancel and restore."),
        (name = "export requests", description = "A person's data as one encrypted archive."),
        (name = "saved queries", description = "What an export shows besides the records of the data map."),
        (name = "decisions", description = "Approve or reject a plan."),
        (name = "data discovery", description = "What is there for a subject, before anything is submitted."),
        (name = "legal holds", description = "What must not be touched."),
        (name = "audit log", description = "Every change, in order."),
        (name = "reports", description = "How many, how long, and whether targets were met."),
        (name = "organization", description = "Settings, members, keys, issuers and the data map; every change is in the audit log."),
        (name = "reviews", description = "What somebody asks a person to decide, and who is asked. In the form of Humancheck's API, so that its \
                                           clients work unchanged; all of it also below `/v1`."),
        (name = "about", description = "The API itself."),
    ),
)]
struct Oubli;

/// Credentials, either of which an operation takes.
const KEY: &str = "bearer";
const TOKEN: &str = "oidc";

/// What every operation has in common, by its method: the credential, how it is refused, and that it can be repeated.
struct Everywhere;

impl Modify for Everywhere {
    fn modify(&self, openapi: &mut Document) {
        let bearer = || HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
        let key = "An API key of the organization: `oubli key create`.";
        let token = "A token of an OpenID provider that the organization takes: `PUT /v1/organization/issuers/{id}`. It acts as \
                     the member whom it means, as a key of theirs does.";
        let components = openapi.components.get_or_insert_default();
        let key = bearer().description(Some(key)).build();
        components.add_security_scheme(KEY, SecurityScheme::Http(key));
        let token = bearer().bearer_format("JWT").description(Some(token)).build();
        components.add_security_scheme(TOKEN, SecurityScheme::Http(token));
        if let Some(RefOr::T(Schema::Object(review))) = components.schemas.get_mut("NewReview") {
            review.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(true)));
        }
        let schemas = components.schemas.clone();
        for item in openapi.paths.paths.values_mut() {
            for operation in [&mut item.put, &mut item.patch, &mut item.post].into_iter().flatten() {
                bodies_needed(operation, &schemas);
            }
            for operation in
                [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
            {
                permitted(operation);
            }
            for (operation, takes) in [
                (&mut item.get, Takes::Nothing),
                (&mut item.delete, Takes::NoBody),
                (&mut item.put, Takes::Body),
                (&mut item.patch, Takes::Body),
                (&mut item.post, Takes::BodyAndKey),
            ] {
                operation.iter_mut().for_each(|operation| refused(operation, takes));
            }
            if let Some(operation) = &mut item.post {
                operation
                    .parameters
                    .get_or_insert_default()
                    .extend(IdempotencyKey::into_params(|| None).into_iter().map(RefOr::T));
            }
        }
    }
}

/// Says which roles may call an operation, and what that costs of what their organization may use up in a second.
fn permitted(operation: &mut Operation) {
    let Some(id) = operation.operation_id.as_deref() else { return };
    let (roles, cost) = (roles_of(id), cost_of(id));
    let extensions = operation.extensions.get_or_insert_default();
    if let Some(roles) = roles {
        let names: Vec<&str> = roles.into_iter().map(Role::name).collect();
        extensions.insert("x-roles".to_owned(), names.into());
    }
    if let Some(cost) = cost {
        extensions.insert("x-cost".to_owned(), cost.into());
    }
}

/// No body counts as an empty object, and so does null: it needs not be sent where that says enough.
fn bodies_needed(operation: &mut Operation, schemas: &BTreeMap<String, RefOr<Schema>>) {
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    let is_enough = |schema: &RefOr<Schema>| {
        let named = match schema {
            RefOr::Ref(to) => to.ref_location.rsplit('/').next().and_then(|name| schemas.get(name)),
            here => Some(here),
        };
        matches!(named, Some(RefOr::T(Schema::Object(object))) if object.required.is_empty())
    };
    for content in body.content.values_mut() {
        let RefOr::T(Content { schema: Some(schema), .. }) = content else { continue };
        if is_enough(schema) {
            let null = ObjectBuilder::new().schema_type(Type::Null);
            *schema = OneOfBuilder::new().item(schema.clone()).item(null).into();
            body.required = Some(Required::False);
        }
    }
}

/// An operation that says nothing of credentials needs one; those that need none say so.
fn refused(operation: &mut Operation, takes: Takes) {
    if operation.security.is_none() {
        operation.security = Some([KEY, TOKEN].map(|one| SecurityRequirement::new(one, [""; 0])).into());
        refusals::describe(operation, takes);
    }
}

/// What intake serves.
pub(crate) fn intake() -> Routes<IntakeRooms> {
    requests::intake()
        .merge(exports::intake())
        .merge(queries::intake())
        .merge(holds::intake())
        .merge(audit::intake())
        .merge(ledger::intake())
        .merge(meta::intake())
}

/// What review serves.
pub(crate) fn review() -> Routes<ReviewRooms> {
    requests::review().merge(exports::review()).merge(organization::review()).merge(reviews::review())
}

/// What discovery serves.
pub(crate) fn discovery() -> Routes<DiscoveryRooms> {
    crate::discovery::discovery().merge(requests::discovery())
}

/// What report serves.
pub(crate) fn report() -> Routes<ReportRooms> {
    requests::report().merge(reports::report())
}

/// What export serves.
pub(crate) fn export() -> Routes<ExportRooms> {
    exports::export()
}

/// The description of everything that any function serves.
pub fn openapi() -> Document {
    let document = intake().describe(Oubli::openapi());
    let document = review().describe(document);
    let document = discovery().describe(document);
    let document = report().describe(document);
    let mut document = export().describe(document);
    Everywhere.modify(&mut document);
    document
}

/// The same as JSON, with a line break at its end. Its fields are in alphabetical order: extensions come in none.
pub(crate) fn document() -> String {
    let sorted: Option<Value> =
        serde_json_canonicalizer::to_vec(&openapi()).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let mut text = serde_json::to_string_pretty(&sorted).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_things_have_one_name() {
        let mut document = Oubli::openapi();
        let clashing = [
            intake().clashes(&mut document),
            review().clashes(&mut document),
            discovery().clashes(&mut document),
            report().clashes(&mut document),
            export().clashes(&mut document),
        ];
        assert_eq!(clashing.concat(), [""; 0]);
    }

    /// Extensions are kept in no order: what is written has one all the same.
    #[test]
    fn the_description_is_written_in_one_order() {
        let document: Value = serde_json::from_str(&document()).expect("JSON");
        let first = document["paths"]["/v1/compliance/erasure-requests"]["post"].as_object().expect("an operation");
        let names: Vec<&String> = first.keys().collect();
        assert!(names.is_sorted() && first.contains_key("x-cost") && first.contains_key("x-roles"), "{names:?}");
    }
}
