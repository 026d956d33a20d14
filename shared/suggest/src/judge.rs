//! Which fields are personal, and how sure that is: by name, by what the values look like, and by what they lead to.

use crate::{
    column::{ANY, FEW, Field},
    shape::Shape,
};
use oubli_domain::datamap::{Meaning, Strength, is_about_another, meaning, names_an_id, words_of};

/// From where on a field counts as personal.
pub(crate) const PERSONAL: f64 = 0.5;

/// Below this, or above its opposite, nobody needs to be asked.
pub(crate) const UNSURE: std::ops::Range<f64> = 0.35..0.65;

/// What is said of one field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judged {
    pub confidence: f64,
    pub why: String,
}

/// How a place stands to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A person is one of its records.
    Person,
    /// Its records lead to people.
    Linked,
    /// Nothing says so.
    Unknown,
}

pub(crate) fn judge(field: &Field, standing: Standing) -> Judged {
    let (confidence, why) = match said(field) {
        Some((meaning, strength)) => by_name(field, standing, meaning, strength),
        None => by_values(field, standing),
    };
    let same_everywhere = field.distinct() == 1 && field.values >= 4 * FEW && field.share(|s| s == Shape::Email) > 0.5;
    if same_everywhere {
        return Judged { confidence: 0.3, why: format!("{why}, and the same everywhere") };
    }
    Judged { confidence, why }
}

/// Whether it is called after a person whose id it holds.
pub(crate) fn names_a_person(field: &Field, standing: Standing) -> bool {
    matches!(said(field), Some((Meaning::Person, Strength::Strong))) && judge(field, standing).confidence >= PERSONAL
}

/// What its name says, with those it stands below: whatever is in an address is one.
fn said(field: &Field) -> Option<(Meaning, Strength)> {
    let leaf = field.leaf();
    let own = meaning(leaf);
    let above = field.path.iter().rev().skip(1).filter(|name| *name != ANY);
    let within = above.filter_map(|name| meaning(name)).find(|(meaning, _)| *meaning == Meaning::Address);
    let part = !is_about_another(leaf) && (!names_an_id(leaf) || is_a_number(leaf));
    let inherited = within.filter(|_| part).map(|(meaning, _)| (meaning, Strength::Strong));
    match own {
        Some((Meaning::AnyName | Meaning::Writing, _)) | None => inherited.or(own),
        own => own,
    }
}

/// The number of a house, and no id.
fn is_a_number(leaf: &str) -> bool {
    matches!(words_of(leaf).as_slice(), [word] if ["number", "no", "nr", "nummer", "numero"].contains(&word.as_str()))
}

fn by_name(field: &Field, standing: Standing, meaning: Meaning, strength: Strength) -> (f64, String) {
    let strong = strength == Strength::Strong;
    let linked = standing != Standing::Unknown;
    let share = |is: fn(Shape) -> bool| field.share(is);
    let (time, truth) = (share(Shape::is_a_time), share(|s| matches!(s, Shape::Truth | Shape::Bytes)));
    let email = share(|s| s == Shape::Email);
    let number = share(|s| matches!(s, Shape::Integer | Shape::Decimal));
    let text = 1.0 - time - truth;
    let looks = field.shape().map_or("", Shape::words);
    let called = |what: &str| format!("its name says {what}, and it holds {looks}");
    if truth >= 0.8 {
        return (0.02, called(words(meaning)));
    }
    // Whatever it is called, this is what it is.
    if email >= 0.8 && field.distinct() >= 2 {
        return (0.99, called(words(Meaning::Email)));
    }
    if time >= 0.8 && meaning != Meaning::Birth {
        return (0.05, called(words(meaning)));
    }
    let few_words = field.distinct() <= 3 && field.values >= 6 * FEW && share(|s| s == Shape::Word) >= 0.8;
    let sure = |strongly: f64, weakly: f64| if strong { strongly } else { weakly };
    let confidence = match meaning {
        Meaning::Email => {
            if field.distinct() < 2 && email >= 0.8 {
                0.9
            } else {
                email.max(0.1) * 0.6
            }
        }
        Meaning::Phone => {
            let phones = share(|s| matches!(s, Shape::Phone | Shape::PhoneLike | Shape::Integer));
            if phones >= 0.5 { sure(0.97, 0.85) } else { 0.25 }
        }
        Meaning::Name if few_words || number >= 0.5 => 0.2,
        Meaning::Name => sure(0.95, 0.6) * text.min(1.0),
        Meaning::AnyName => {
            let names = share(|s| s == Shape::PersonName);
            match standing {
                // A name of something is had by many: `ActivityName`.
                _ if number >= 0.5 || few_words || !strong && field.distinct() * 10 < field.values => 0.05,
                Standing::Person => sure(0.9, 0.6),
                Standing::Linked if names >= 0.8 => sure(0.78, 0.66),
                Standing::Unknown if names >= 0.8 => 0.4,
                _ => 0.2,
            }
        }
        Meaning::Address if few_words && field.is_top() => 0.2,
        Meaning::Address if share(|s| matches!(s, Shape::Url | Shape::ObjectKey | Shape::Decimal)) >= 0.5 => 0.2,
        Meaning::Address => {
            if linked {
                sure(0.95, 0.6)
            } else {
                sure(0.7, 0.4)
            }
        }
        Meaning::Place => {
            if linked {
                sure(0.92, 0.55)
            } else {
                sure(0.45, 0.3)
            }
        }
        Meaning::Birth => sure(0.97, 0.6),
        Meaning::Network => {
            if share(|s| s == Shape::Network) >= 0.5 {
                0.97
            } else {
                0.2
            }
        }
        Meaning::Device | Meaning::Picture => {
            if linked {
                sure(0.88, 0.6)
            } else {
                sure(0.6, 0.4)
            }
        }
        Meaning::Official | Meaning::Bank => sure(0.94, 0.6),
        Meaning::Health | Meaning::Trait => {
            if linked {
                sure(0.92, 0.6)
            } else {
                sure(0.6, 0.4)
            }
        }
        Meaning::Account if number >= 0.8 => 0.2,
        Meaning::Account => sure(0.92, 0.6),
        Meaning::Location => {
            if linked && number >= 0.5 {
                0.9
            } else if linked {
                0.6
            } else {
                0.4
            }
        }
        Meaning::Writing => {
            let prose = share(|s| s == Shape::Prose);
            if prose < 0.3 {
                0.15
            } else if linked {
                0.86
            } else {
                0.4
            }
        }
        Meaning::Person => {
            let names = share(|s| s == Shape::PersonName);
            if strong && share(|s| s == Shape::Decimal) < 0.5 {
                0.9
            } else if names >= 0.8 {
                0.82
            } else {
                0.3
            }
        }
    };
    (confidence.clamp(0.0, 0.99), called(words(meaning)))
}

fn by_values(field: &Field, standing: Standing) -> (f64, String) {
    let share = |is: fn(Shape) -> bool| field.share(is);
    let holds = |what: &str| format!("its name says nothing, and it holds {what}");
    let email = share(|s| s == Shape::Email);
    if email >= 0.8 {
        return (if field.distinct() >= 3 { 0.95 } else { 0.6 }, holds("email addresses"));
    }
    if email >= 0.3 {
        return (0.6, holds("email addresses among others"));
    }
    if share(|s| s == Shape::Phone) >= 0.8 {
        return (0.85, holds("phone numbers"));
    }
    if share(|s| s == Shape::Network) >= 0.8 {
        return (0.8, holds("network addresses"));
    }
    if share(|s| s == Shape::PersonName) >= 0.9 && field.distinct() >= 2 * FEW && standing != Standing::Unknown {
        return (0.42, holds("what may be names"));
    }
    // What is said of a product comes again with every order of it; what somebody wrote does not.
    let written_once = field.values >= 4 * FEW && field.distinct() * 10 >= field.values * 9;
    if share(|s| s == Shape::Prose) >= 0.8 && written_once && standing != Standing::Unknown {
        return (0.62, holds("sentences, each once"));
    }
    (0.03, holds(field.shape().map_or("nothing", Shape::words)))
}

const fn words(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Email => "an email address",
        Meaning::Phone => "a phone number",
        Meaning::Name => "a person's name",
        Meaning::AnyName => "a name",
        Meaning::Address => "an address",
        Meaning::Place => "a place",
        Meaning::Birth => "a birth",
        Meaning::Network => "a network address",
        Meaning::Device => "a device",
        Meaning::Official => "an official number",
        Meaning::Bank => "an account or card",
        Meaning::Health => "health",
        Meaning::Trait => "a personal trait",
        Meaning::Account => "a login",
        Meaning::Picture => "a picture of somebody",
        Meaning::Location => "a location",
        Meaning::Writing => "something written",
        Meaning::Person => "a person",
    }
}

/// The evidence in words that change only when it does: what a person decides by.
pub(crate) fn evidence(field: &Field, leads_to: Option<&str>) -> String {
    let often = match field.present_share() {
        share if share >= 0.98 => "on all",
        share if share >= 0.5 => "on most",
        share if share >= 0.1 => "on some",
        _ => "on few",
    };
    let different = match field.distinct() {
        1 => "always the same",
        n if n <= 20 => "few different",
        _ => "many different",
    };
    let looks = field.shape().map_or("nothing", Shape::words);
    let leads = leads_to.map(|to| format!(", leads to {to}")).unwrap_or_default();
    format!("{looks}, {different}, {often}{leads}")
}
