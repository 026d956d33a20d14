//! Enums as the API writes them. The words are those of the domain; here they get a name and a description for
//! OpenAPI, and can be listed to a caller who sent another.

use oubli_domain::{audit, grounds, lifecycle};
use oubli_engine::api::RequestKind;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{IntoDeserializer, Visitor, value::Error},
    forward_to_deserialize_any,
};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident for $domain:ty) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub $domain);

        impl Word for $name {
            type Domain = $domain;
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Self::all().iter().copied()));
                words.description(Some(concat!($($doc),*).trim())).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

/// An enum whose variants are words.
pub(crate) trait Word {
    /// What the words stand for.
    type Domain: for<'de> Deserialize<'de>;

    /// Every word.
    fn all() -> &'static [&'static str] {
        let mut words: &'static [&'static str] = &[];
        let _ = Self::Domain::deserialize(Variants(&mut words));
        words
    }

    /// The value of a word.
    fn parse(word: &str) -> Option<Self::Domain> {
        let reader: serde::de::value::StrDeserializer<'_, Error> = word.into_deserializer();
        Self::Domain::deserialize(reader).ok()
    }
}

/// Learns from an enum's own deserialization which variants it has.
struct Variants<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Variants<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom("not an enum"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = variants;
        Err(serde::de::Error::custom("only asked"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

words!(
    /// What a request asks for.
    RequestType for RequestKind
);

words!(
    /// Why it is asked.
    Reason for grounds::Reason
);

words!(
    /// Where a request is, in the words of people.
    Status for lifecycle::Status
);

words!(
    /// Where exactly a request is.
    Phase for lifecycle::Phase
);

words!(
    /// Whether an answer says whom it is about.
    IdentityShown for oubli_engine::api::Shown
);

words!(
    /// What happened.
    EventType for audit::EventType
);

words!(
    /// What a report is about.
    ReportType for oubli_domain::report::ReportKind
);

words!(
    /// A part of a report.
    ReportSection for oubli_domain::report::Section
);

words!(
    /// What somebody may do. `service` is a machine's, and stands alone.
    RoleName for oubli_domain::access::Role
);

words!(
    /// A country whose public holidays are known (ISO 3166).
    CountryCode for oubli_domain::deadline::Country
);

words!(
    /// A language that certificates are printed in.
    Language for oubli_engine::Language
);

/// How a certificate comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// For machines.
    Json,
    /// For people, with the JSON inside.
    Pdf,
}

words!(
    /// How a certificate comes.
    CertificateFormat for Format
);

/// How the log is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Entries byte for byte, one a line.
    Ndjson,
    /// For spreadsheets.
    Csv,
}

words!(
    /// How the log is exported.
    ExportFormat for LogFormat
);

/// How a report comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// For machines.
    Json,
    /// For spreadsheets.
    Csv,
    /// For people.
    Pdf,
}

words!(
    /// How a report comes.
    ReportFormat for TableFormat
);

/// A request as a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Nothing is being erased yet.
    Queued,
    /// Something is hidden, or being hidden, restored or destroyed.
    Running,
    /// The erasure is done.
    Completed,
    /// It ended without the erasure: failed, rejected, cancelled or restored.
    Failed,
}

words!(
    /// A request as a job. `completed` means erased, or exported; a request that was rejected, cancelled or restored shows as
    /// `failed`, because a job that asked for an erasure did not get it.
    JobStatus for Job
);

impl From<lifecycle::State> for JobStatus {
    fn from(state: lifecycle::State) -> Self {
        use lifecycle::Phase as P;
        Self(match state.phase {
            P::Received | P::AwaitingVerification | P::Discovering | P::InReview | P::Approved | P::Scheduled => Job::Queued,
            P::Exporting | P::Packaging | P::Hiding | P::Settling | P::Recoverable | P::Restoring | P::Purging | P::Verifying => {
                Job::Running
            }
            P::Completed | P::CompletedWithExceptions | P::Available | P::Expired => Job::Completed,
            P::Restored | P::Rejected | P::Cancelled | P::Failed => Job::Failed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_domain() {
        let names: Vec<_> = lifecycle::Phase::ALL.iter().map(|p| p.name()).collect();
        assert_eq!(Phase::all(), names);
        assert_eq!(RequestType::all(), ["full_erasure", "partial_erasure", "export"]);
        assert!(EventType::all().contains(&"gdpr_erasure_executed"));
        assert_eq!(Phase::parse("in_review"), Some(lifecycle::Phase::InReview));
        assert_eq!(Phase::parse("InReview"), None);
        assert_eq!(Reason::parse(""), None);
    }

    #[test]
    fn a_job_is_completed_only_by_what_was_asked_for() {
        for phase in lifecycle::Phase::ALL {
            use lifecycle::Phase as P;
            let erased = matches!(phase, P::Completed | P::CompletedWithExceptions | P::Available | P::Expired);
            let job = JobStatus::from(lifecycle::State { phase, ..lifecycle::State::START });
            assert_eq!(job == JobStatus(Job::Completed), erased, "{phase:?}");
        }
    }
}
