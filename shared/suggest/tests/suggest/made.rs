//! Records and keys made up from seeded random numbers, and the stores they stand in.

use oubli_suggest::{Index, Keys, Record, Survey, Table, Value};
use rand::{Rng as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

const GIVEN: [&str; 24] = [
    "Ada",
    "Bruno",
    "Chloé",
    "Dietmar",
    "Elif",
    "Fergus",
    "Greta",
    "Hamza",
    "Inès",
    "Jonas",
    "Kerstin",
    "Lucía",
    "Marek",
    "Noémie",
    "Oskar",
    "Priya",
    "Quentin",
    "Rosalind",
    "Sven",
    "Theresa",
    "Ulrike",
    "Valentín",
    "Wiebke",
    "Yusuf",
];
const FAMILY: [&str; 24] = [
    "Abbott",
    "Bergström",
    "Castellano",
    "Dufresne",
    "Eichinger",
    "Fontaine",
    "Grabowski",
    "Hollingworth",
    "Ibáñez",
    "Jankowski",
    "Kowalczyk",
    "Lindemann",
    "Moreau",
    "Nakamura",
    "Oberhuber",
    "Pellegrini",
    "Quispe",
    "Rosenthal",
    "Sørensen",
    "Thackeray",
    "Uzun",
    "Vandenberghe",
    "Wolfensberger",
    "Zapatero",
];
const STREETS: [&str; 10] = [
    "Larkspur Lane",
    "Wiesengrund",
    "Rue des Tilleuls",
    "Calle Mayor",
    "Mill Road",
    "Am Alten Hafen",
    "Chemin Vert",
    "Avenida del Sol",
    "Orchard Close",
    "Kirchplatz",
];
const CITIES: [&str; 10] =
    ["Winterthur", "Aberystwyth", "Angers", "Zaragoza", "Göttingen", "Kilkenny", "Besançon", "Cáceres", "Flensburg", "Lucerne"];
const WORDS: [&str; 40] = [
    "please",
    "call",
    "when",
    "the",
    "parcel",
    "arrives",
    "it",
    "was",
    "late",
    "again",
    "thank",
    "you",
    "for",
    "help",
    "with",
    "my",
    "account",
    "could",
    "not",
    "open",
    "door",
    "yesterday",
    "evening",
    "feels",
    "better",
    "after",
    "rest",
    "new",
    "appointment",
    "needed",
    "soon",
    "nothing",
    "else",
    "to",
    "report",
    "so",
    "far",
    "we",
    "will",
    "see",
];

/// Numbers of one seed, and what is made of them.
pub struct Made {
    random: ChaCha8Rng,
    /// Every text that may be about somebody: none may be written anywhere.
    pub planted: BTreeSet<String>,
}

impl Made {
    pub fn new(seed: u64) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), planted: BTreeSet::new() }
    }

    pub fn number(&mut self, from: u64, to: u64) -> u64 {
        self.random.random_range(from..to)
    }

    pub fn chance(&mut self, of: f64) -> bool {
        self.random.random_bool(of)
    }

    pub fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of.choose(&mut self.random).expect("something to choose from").clone()
    }

    pub fn plant(&mut self, text: impl Into<String>) -> String {
        let text = text.into();
        self.planted.insert(text.clone());
        text
    }

    pub fn given(&mut self) -> String {
        let name = self.one(&GIVEN);
        self.plant(name)
    }

    pub fn family(&mut self) -> String {
        let name = self.one(&FAMILY);
        self.plant(name)
    }

    pub fn name(&mut self) -> String {
        let name = format!("{} {}", self.one(&GIVEN), self.one(&FAMILY));
        self.plant(name)
    }

    pub fn email(&mut self) -> String {
        let email = format!("{}.{}@mail.example", self.one(&FAMILY).to_lowercase(), self.random.random_range(10..99_999));
        self.plant(email)
    }

    pub fn phone(&mut self) -> String {
        let phone = match self.random.random_range(0..3) {
            0 => format!("+49 30 {}", self.random.random_range(1_000_000..9_999_999)),
            1 => format!("+336{}", self.random.random_range(10_000_000..99_999_999)),
            _ => format!("0{} {}", self.random.random_range(20..99), self.random.random_range(100_000..999_999)),
        };
        self.plant(phone)
    }

    pub fn street(&mut self) -> String {
        let street = format!("{} {}", self.one(&STREETS), self.random.random_range(1..180));
        self.plant(street)
    }

    pub fn city(&mut self) -> String {
        let city = self.one(&CITIES);
        self.plant(city)
    }

    pub fn postcode(&mut self) -> String {
        let code = format!("{:05}", self.random.random_range(1_000..99_999));
        self.plant(code)
    }

    pub fn sentence(&mut self) -> String {
        let count = self.random.random_range(4..12);
        let words: Vec<_> = (0..count).map(|_| self.one(&WORDS)).collect();
        self.plant(words.join(" "))
    }

    pub fn ip(&mut self) -> String {
        let mut part = |from: u16| self.random.random_range(from..250);
        let ip = format!("{}.{}.{}.{}", part(11), part(1), part(1), part(1));
        self.plant(ip)
    }

    pub fn uuid(&mut self) -> String {
        let (a, b): (u64, u64) = (self.random.random(), self.random.random());
        let text = format!("{a:016x}{b:016x}");
        let id = format!("{}-{}-4{}-a{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..]);
        self.plant(id)
    }

    /// A time within five years, as RFC 3339.
    pub fn time(&mut self) -> String {
        let (year, month, day) = (self.number(2020, 2026), self.number(1, 13), self.number(1, 29));
        format!("{year}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", self.number(0, 24), self.number(0, 60), self.number(0, 60))
    }

    pub fn date(&mut self) -> String {
        self.time()[..10].to_owned()
    }

    pub fn born(&mut self) -> String {
        let born = format!("{}-{:02}-{:02}", self.number(1931, 2016), self.number(1, 13), self.number(1, 29));
        self.plant(born)
    }
}

pub fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

pub fn number(number: impl ToString) -> Value {
    Value::Number(number.to_string())
}

pub fn truth(truth: bool) -> Value {
    Value::Truth(truth)
}

pub fn record(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Record {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub fn map(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::Fields(record(fields))
}

/// A table with an index for each pair of its name and its keys.
pub fn table(name: &str, key: &[&str], indexes: &[(&str, &[&str])]) -> Table {
    let keys = |key: &[&str]| Keys { partition: key[0].to_owned(), sort: key.get(1).map(|sort| (*sort).to_owned()) };
    let indexes = indexes.iter().map(|(name, key)| Index { name: (*name).to_owned(), keys: keys(key) });
    Table { name: name.to_owned(), keys: keys(key), indexes: indexes.collect(), records: None }
}

/// Stores, and what a person who knows them says about them.
pub struct Example {
    pub name: &'static str,
    pub survey: Survey,
    pub planted: BTreeSet<String>,
    /// `place.field`, one a line.
    pub personal: &'static str,
    /// `place.field -> place`, one a line.
    pub edges: &'static str,
}

pub fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

pub fn survey() -> Survey {
    Survey::new([7; 32])
}
