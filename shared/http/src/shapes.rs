//! Shapes that texts and lists of several inputs have, for the description: what has another shape is refused.

use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
        schema::{AdditionalProperties, AnyOfBuilder, SchemaType},
    },
};

macro_rules! shapes {
    ($($(#[doc = $doc:literal])+ $name:ident: $shape:expr;)+) => {$(
        $(#[doc = $doc])+
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $shape.description(Some(concat!($($doc),+).trim())).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

/// The largest whole number that every reader of JSON reads exactly (RFC 8259, 6).
pub(crate) const MOST: u64 = (1 << 53) - 1;

/// Small letters, digits, `_` and `-`, as in all names of the data map and of an organization's own things.
const NAME: &str = "^[a-z0-9_-]{1,64}$";

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn like(pattern: &str, example: &str) -> ObjectBuilder {
    text().pattern(Some(pattern)).examples([example])
}

fn id(prefix: &str) -> ObjectBuilder {
    like(&format!("^{prefix}_[0-9a-f]{{32}}$"), &format!("{prefix}_0199a4c5d8b07c3a9a6c1f2e3d4c5b6a"))
}

/// A text of up to so many characters that are not all blank.
fn words(most: usize) -> ObjectBuilder {
    text().min_length(Some(1)).max_length(Some(most)).pattern(Some("\\S"))
}

/// An object with fields of any name.
fn free() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

fn one_of(words: &[&str]) -> ObjectBuilder {
    text().enum_values(Some(words.iter().copied()))
}

fn list(of: &str, least: usize, most: usize) -> ArrayBuilder {
    ArrayBuilder::new().items(Ref::from_schema_name(of)).min_items(Some(least)).max_items(Some(most))
}

/// What values of a claim stand for: whatever a provider writes there is a key.
fn by_value(of: &str) -> ObjectBuilder {
    let targets = Schema::Array(list(of, 1, 50).build());
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(RefOr::T(targets)))
}

shapes! {
    /// An organization, by its id.
    OrganizationId: like(NAME, "demo");
    /// A request, by its id.
    RequestId: id("req");
    /// A legal hold, by its id.
    HoldId: id("hold");
    /// A discovery, by its id.
    DiscoveryId: id("disc");
    /// A compliance report, by its id.
    ReportId: id("rep");
    /// A member or a machine, by its id.
    ActorId: id("actor");
    /// An issuer, by what the organization calls it.
    IssuerName: like(NAME, "login");
    /// For whom tokens are.
    Audience: like("^[^\\u0000-\\u001f\\u007f-\\u009f]{1,256}$", "oubli");
    /// How tokens are signed.
    TokenAlgorithm: one_of(&["RS256", "PS256", "ES256", "EdDSA"]);
    /// A team, by its name.
    TeamName: words(100);
    /// The roles that values of a claim stand for, by the value.
    RoleValues: by_value("MemberRole");
    /// The teams that values of a claim stand for, by the value.
    TeamValues: by_value("TeamName");
    /// An API key, by its id.
    KeyId: like(NAME, "0199a4c5d8b07c3a9a6c1f2e3d4c5b6a");
    /// A saved query, by its short name.
    QueryName: like(NAME, "logins");
    /// A category of the data map.
    CategoryName: like(NAME, "order_history");
    /// A store of the data map.
    StoreName: like(NAME, "shop");
    /// A kind of identifiers: `subject_id`, `subject_email`, or one that the data map declares.
    IdentifierKind: like("^[a-z][a-z0-9_]{0,39}$", "subject_id");
    /// A record of a request, by its name in the list of conflicts.
    RecordName: like("^rec_[0-9]{3,10}_[0-9]{6,10}_[0-9]{6,10}$", "rec_000_000000_000007");
    /// An identifier of a plan, by its `id` there.
    IdentifierLabel: like("^i[0-9]{1,9}$", "i2");
    /// Something that a plan leaves aside, by its name there.
    LeftAside: like("^[a-z0-9_-]{1,100}$", "audit-logs");
    /// A SHA-256.
    Digest: like("^sha256:[0-9a-f]{64}$", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    /// A range of addresses, or a single one.
    SourceRange: like("^[0-9a-fA-F.:]{2,45}(/[0-9]{1,3})?$", "203.0.113.0/24");
    /// Where a page begins, as the page before says.
    Cursor: text().min_length(Some(1)).max_length(Some(2048));
    /// What identifies a person, byte for byte: up to 1024 bytes, none of them of characters that cannot be seen.
    Identifier: words(1024);
    /// An email address.
    EmailAddress: like("^.+@.+$", "mara.lindqvist@example.com").min_length(Some(3)).max_length(Some(1024));
    /// The email address of a member.
    MemberAddress: like("^.+@.+$", "rita@shop.example").min_length(Some(3)).max_length(Some(254));
    /// A name, a method, a reference.
    Label: words(200);
    /// A few sentences.
    Words: words(2000);
    /// What makes it safe to repeat a call, such as a UUID.
    RepeatKey: like("^[!-~]{1,255}$", "5f0c0c1e-6b1f-4f0e-9d39-0f6f6f1c9a11");
    /// A place in the audit log, from 0.
    LogPlace: ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0_u64)).maximum(Some(MOST));
    /// The number of a review, a team, a member or a rule: each organization counts its own, from 1.
    Number: ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1_u64)).maximum(Some(MOST));
    /// A number or a name, as whoever calls has it.
    OwnName: AnyOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(-9_007_199_254_740_991_i64)).maximum(Some(MOST)))
        .item(words(200));
    /// What kind of thing is asked.
    TaskType: text().min_length(Some(1)).max_length(Some(255));
    /// What whoever asks is made with.
    Framework: text().max_length(Some(100));
    /// A text of any length. Of what is longer than 20,000 characters the beginning is kept.
    AnyText: text();
    /// A text of one character or more. Of what is longer than 20,000 characters the beginning is kept.
    SomeText: text().min_length(Some(1));
    /// A text as long as it takes.
    LongText: words(20_000);
    /// How soon somebody should look.
    Urgency: one_of(&["low", "medium", "high", "critical"]);
    /// How a review stands.
    ReviewStatus: one_of(&["pending", "approved", "rejected", "modified"]);
    /// What somebody decides.
    DecisionType: one_of(&["approve", "reject", "modify"]);
    /// How sure whoever asks is: a number from 0 to 1, also in quotes; `true` is 1 and `false` is 0.
    Confidence: AnyOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0_u64)).maximum(Some(1_u64)))
        .item(text().pattern(Some(r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$")))
        .item(ObjectBuilder::new().schema_type(Type::Boolean));
    /// Yes or no: `true` or `false`, also as numbers and as the words that others write.
    Flag: AnyOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Boolean))
        .item(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0_u64)).maximum(Some(1_u64)))
        .item(text().pattern(Some("^([01]|[tT]|[tT][rR][uU][eE]|[yY]|[yY][eE][sS]|[oO][nN]|[fF]|[fF][aA][lL][sS][eE]|[nN]|[nN][oO]|[oO][fF][fF])$")));
    /// Anything else, as it came.
    Metadata: free();
    /// Any value.
    Anything: ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    /// What has to hold: fields, by their names with dots between, each equal to a value or compared with one by `operator`
    /// (`=`, `!=`, `<`, `>`, `<=`, `>=`, `contains`, `not_contains`, `in`, `not_in`, `matches`); `and` and `or` take lists of the
    /// same. Nothing matches all.
    Conditions: free().examples([serde_json::json!({
        "task_type": "data_deletion", "metadata.data_points": {"operator": ">", "value": 1000}
    })]);
    /// A version of the data map.
    MapVersion: ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1_u64)).maximum(Some(MOST));
    /// A time zone, by its IANA name.
    TimeZone: like("^[A-Za-z][A-Za-z0-9_+/-]{0,63}$", "Europe/Berlin");
    /// What names of files begin with; nothing, if it is empty.
    FilePrefix: like("^([A-Za-z0-9_][A-Za-z0-9_.-]{0,39})?$", "shop_");
    /// A bucket of the organization's own; none, if it is empty.
    OwnBucket: like("^([A-Za-z0-9_.-]{3,63})?$", "shop-deliveries");
    /// A date, or a time with its offset.
    Moment: AnyOfBuilder::new()
        .item(text().format(Some(SchemaFormat::KnownFormat(KnownFormat::Date))))
        .item(text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))));
    /// Categories of the data map, each once.
    CategoryList: list("CategoryName", 0, 100).unique_items(true);
    /// At least one category of the data map, each once.
    SomeCategories: list("CategoryName", 1, 100).unique_items(true);
    /// Saved queries, each once.
    QueryList: list("QueryName", 0, 100).unique_items(true);
    /// What an erasure request asks for.
    ErasureType: one_of(&["full_erasure", "partial_erasure"]);
    /// A law that sets deadlines.
    Regime: one_of(&["gdpr"]);
    /// Which holds.
    HoldStatus: one_of(&["effective", "released"]);
    /// A role of a member.
    MemberRole: one_of(&["privacy_officer", "reviewer", "auditor", "administrator"]);
    /// That nothing which is hidden can be put back any more.
    NoRecovery: one_of(&[oubli_engine::directory::NO_RECOVERY]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use oubli_domain::{ids, personal, plan, written_time};
    use serde_json::{Value, json};

    /// Whether a shape has this text.
    fn has<T: PartialSchema>(text: &str) -> bool {
        let schema = serde_json::to_value(T::schema()).expect("JSON");
        jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema").is_valid(&json!(text))
    }

    fn same<T: PartialSchema>(parses: impl Fn(&str) -> bool, texts: &[&str]) {
        for text in texts {
            assert_eq!(has::<T>(text), parses(text), "{text:?}");
        }
    }

    #[test]
    fn ids_and_names_have_the_shape_that_is_parsed() {
        let (x31, x32, x64, x65) = ("a".repeat(31), "a".repeat(32), "a".repeat(64), "a".repeat(65));
        let request =
            [format!("req_{x31}"), format!("req_{x32}"), format!("req_{x32}a"), format!("REQ_{x32}"), format!("hold_{x32}")];
        let odd = ["", "req_", "req_0199A4C5D8B07C3A9A6C1F2E3D4C5B6A", "req_0199a4c5-d8b0-7c3a-9a6c-1f2e3d4c5b6a"];
        let texts: Vec<&str> = request.iter().map(String::as_str).chain(odd).collect();
        same::<RequestId>(|text| text.parse::<ids::RequestId>().is_ok(), &texts);
        same::<HoldId>(|text| text.parse::<ids::HoldId>().is_ok(), &texts);
        same::<ActorId>(|text| text.parse::<ids::ActorId>().is_ok(), &texts);
        let names = ["", "a", "A", "a b", "a/b", "é", "_-9", &x64, &x65];
        same::<CategoryName>(|text| text.parse::<ids::Category>().is_ok(), &names);
        same::<OrganizationId>(|text| text.parse::<ids::OrganizationId>().is_ok(), &names);
        let kinds = ["", "a", "9a", "a-b", "a_9", &x32, &x64];
        same::<IdentifierKind>(|text| text.parse::<personal::IdentifierKind>().is_ok(), &kinds);
        let digests = [format!("sha256:{x64}"), format!("sha256:{x65}"), x64.clone(), format!("sha256:{}", "A".repeat(64))];
        let digests: Vec<&str> = digests.iter().map(String::as_str).collect();
        same::<Digest>(|text| plan::PlanDigest::try_from(text.to_owned()).is_ok(), &digests);
        let records = ["rec_000_000000_000007", "rec_0_0_7", "rec_", "", "req_000_000000_000007"];
        same::<RecordName>(|text| text.parse::<oubli_engine::api::RecordName>().is_ok(), &records);
    }

    #[test]
    fn people_and_times_have_the_shape_that_is_parsed() {
        let long = "x".repeat(1025);
        same::<Identifier>(|text| personal::Identifier::parse(text).is_ok(), &["", " ", "u1", "\u{e9} 7", &long]);
        let addresses = ["", "alice", "@", "a@", "@b", "a@b", "a@b.example", "\"a@b\"@c.example"];
        same::<EmailAddress>(|text| personal::Identifier::parse_email(text).is_ok(), &addresses);
        let moment = |text: &str| written_time::iso_date(text).is_some() || written_time::rfc3339(text).is_some();
        let moments = ["", "today", "2026-01-31", "2026-13-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "31.01.2026"];
        same::<Moment>(moment, &moments);
    }

    #[test]
    fn words_that_are_few_are_those_of_the_domain() {
        let members: Vec<Value> = oubli_domain::access::Roles::of_members().iter().map(|role| role.name().into()).collect();
        assert_eq!(serde_json::to_value(MemberRole::schema()).expect("JSON")["enum"], json!(members));
    }
}
