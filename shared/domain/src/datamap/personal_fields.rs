//! What the names of fields say of the data in them: word by word, in English, German, French and Spanish.

#[path = "personal_fields/words.rs"]
mod words;

#[cfg(test)]
#[path = "personal_fields/tests.rs"]
mod tests;

use icu_normalizer::DecomposingNormalizer;
use words::{BEFORE, HEADS, ID_WORDS, NAMES, OF_PEOPLE, OF_THINGS, QUALIFIERS, ROLES, VOCABULARY, has};

/// What a field is likely to hold, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Meaning {
    /// An email address.
    Email,
    /// A phone number.
    Phone,
    /// A person's name.
    Name,
    /// A name, of a person or of something else.
    AnyName,
    /// A postal address, or a part of one.
    Address,
    /// A town or a postal code.
    Place,
    /// A day or year of birth.
    Birth,
    /// An address in a network.
    Network,
    /// A device or a browser.
    Device,
    /// A number that an authority or an insurer gave.
    Official,
    /// An account of a bank, or a card.
    Bank,
    /// Health.
    Health,
    /// Gender, origin, belief and the like.
    Trait,
    /// A name that somebody logs in by, or a secret.
    Account,
    /// A picture of somebody.
    Picture,
    /// Coordinates.
    Location,
    /// What somebody wrote.
    Writing,
    /// Whom a record is about: `customer_id`.
    Person,
}

/// How sure a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// A word it does not know stands where it may change the meaning: `email_campaign`.
    Weak,
    /// Nothing speaks against it.
    Strong,
}

/// The words of a name, small and without accents: in snake, kebab and camel case, numbers left out.
pub fn words(field: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    let letters: Vec<char> = field.chars().collect();
    for (at, c) in letters.iter().copied().enumerate() {
        if !c.is_alphabetic() {
            open = false;
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(at + 1);
        let humps = c.is_uppercase() && before.is_some_and(|b| b.is_lowercase());
        // `IPAddress`: the last capital of several begins a word.
        let acronym_ends =
            c.is_uppercase() && before.is_some_and(|b| b.is_uppercase()) && after.is_some_and(|a| a.is_lowercase());
        if !open || humps || acronym_ends {
            words.push(String::new());
            open = true;
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    let plain = |word: String| {
        let word = word.replace('ß', "ss");
        DecomposingNormalizer::new_nfd().normalize(&word).chars().filter(|c| c.is_alphabetic()).collect::<String>()
    };
    words.into_iter().map(plain).filter(|word| !word.is_empty()).collect()
}

/// What a field is likely to hold, by its name alone.
pub fn meaning(field: &str) -> Option<(Meaning, Strength)> {
    meaning_of(&words(field))
}

/// Whether a word, in its singular or plural, is one for people in a role: `customer`, `alumnos`.
pub fn is_role(word: &str) -> bool {
    singulars(word).any(|word| has(ROLES, &word))
}

/// Whether a word is one for what is no person: `warehouse`, `product`.
pub fn is_thing(word: &str) -> bool {
    singulars(word).any(|word| has(OF_THINGS, &word))
}

/// Whether a name says something about a thing, and not what it is: `type`, `verified`, `count`.
pub fn is_about_another(field: &str) -> bool {
    words(field).iter().any(|word| has(HEADS, word))
}

/// Whether a name ends or begins like an identifier's: `order_id`, `id_alumno`, `Kundennr`.
pub fn names_an_id(field: &str) -> bool {
    let words = words(field);
    let ends = |word: &&String| has(ID_WORDS, word);
    let compound = |word: &&String| compound_head(word).is_some_and(|(_, head)| has(ID_WORDS, head));
    words.last().is_some_and(|w| ends(&w) || compound(&w)) || words.first().is_some_and(|w| ends(&w))
}

/// Whether a field's name looks like one of personal data. A hint for people who look for stores a data map forgot; it decides
/// nothing.
pub fn looks_personal(field: &str) -> bool {
    match meaning(field) {
        Some((Meaning::AnyName | Meaning::Writing, _)) | None => false,
        Some((Meaning::Person, strength)) => strength == Strength::Strong,
        Some(_) => true,
    }
}

fn meaning_of(words: &[String]) -> Option<(Meaning, Strength)> {
    let found = core(words).or_else(|| name(words)).or_else(|| person(words));
    found.or_else(|| words.iter().find_map(|word| compound(word)))
}

/// A word of the vocabulary, or several that are one there (`zip code`), with nothing around that makes something else of it.
fn core(words: &[String]) -> Option<(Meaning, Strength)> {
    let lengths = (1..=words.len().min(4)).rev();
    // The longest first: an email address is no postal one.
    let (meaning, before, after) = lengths
        .flat_map(|length| (0..=words.len() - length).map(move |start| (start, start + length)))
        .find_map(|(start, end)| {
            let meaning = singulars(&words[start..end].concat()).find_map(|word| vocabulary(&word))?;
            Some((meaning, &words[..start], &words[end..]))
        })?;
    qualified(meaning, before, after).map(|strength| (meaning, strength))
}

/// What the words around one make of it; `None` where it is something else then.
fn qualified(meaning: Meaning, before: &[String], after: &[String]) -> Option<Strength> {
    let of_dates = |word: &str| meaning == Meaning::Birth && ["date", "year", "day", "month", "place", "time"].contains(&word);
    let head = |word: &String| has(HEADS, word) && !of_dates(word);
    // In English and German the last word says what it is, in French and Spanish the first.
    if after.iter().any(head) || before.iter().any(|w| has(BEFORE, w)) {
        return None;
    }
    let neutral = |word: &String| has(QUALIFIERS, word) || is_role(word) || of_dates(word);
    let other = |word: &String| singulars(word).any(|w| has(OF_THINGS, &w));
    // An address or a town may be a shop's; a device is one with whatever is said of it.
    let of_a_thing = before.iter().chain(after).any(other) && meaning != Meaning::Device;
    if of_a_thing {
        return (meaning == Meaning::Email || meaning == Meaning::Phone).then_some(Strength::Weak);
    }
    Some(if after.iter().all(neutral) { Strength::Strong } else { Strength::Weak })
}

/// `name`, by whose it is.
fn name(words: &[String]) -> Option<(Meaning, Strength)> {
    let at = words.iter().position(|word| has(NAMES, word))?;
    let others: Vec<&String> = words.iter().enumerate().filter(|(place, _)| *place != at).map(|(_, word)| word).collect();
    let thing = |word: &&&String| singulars(word).any(|w| has(OF_THINGS, &w));
    let head = |word: &String| has(HEADS, word);
    if words[at + 1..].iter().any(head) || others.iter().any(|w| thing(&w)) {
        return None;
    }
    if others.iter().any(|word| has(OF_PEOPLE, word) || is_role(word)) {
        return Some((Meaning::Name, Strength::Strong));
    }
    Some((Meaning::AnyName, if others.is_empty() { Strength::Strong } else { Strength::Weak }))
}

/// Whom a record is about.
fn person(words: &[String]) -> Option<(Meaning, Strength)> {
    let at = words.iter().position(|word| is_role(word))?;
    let others: Vec<&String> = words.iter().enumerate().filter(|(place, _)| *place != at).map(|(_, word)| word).collect();
    let is_id = |word: &&&String| has(ID_WORDS, word);
    let side = |word: &&&String| has(QUALIFIERS, word) || is_role(word);
    let ids = others.iter().filter(|word| is_id(word)).count();
    let rest_is_known = others.iter().all(|word| is_id(&word) || side(&word));
    if ids > 0 {
        return Some((Meaning::Person, if rest_is_known { Strength::Strong } else { Strength::Weak }));
    }
    let head = others.iter().any(|word| has(HEADS, word) || has(BEFORE, word));
    (!head && rest_is_known).then_some((Meaning::Person, Strength::Weak))
}

/// German writes compounds as one word: `Kundennummer`, `Patientennr`.
fn compound(word: &str) -> Option<(Meaning, Strength)> {
    let (stem, head) = compound_head(word)?;
    let of_a_role = has(ROLES, stem) || ["s", "n", "en", "er"].iter().any(|joint| stem.strip_suffix(joint).is_some_and(is_role));
    match head {
        "name" => of_a_role.then_some((Meaning::Name, Strength::Strong)),
        "adresse" | "anschrift" => Some((Meaning::Address, Strength::Weak)),
        "telefon" => Some((Meaning::Phone, Strength::Weak)),
        "mail" => Some((Meaning::Email, Strength::Weak)),
        _ => of_a_role.then_some((Meaning::Person, Strength::Strong)),
    }
}

fn compound_head(word: &str) -> Option<(&str, &str)> {
    let heads = ["nummer", "nr", "kennung", "id", "name", "adresse", "anschrift", "telefon", "mail"];
    heads.iter().find_map(|head| Some((word.strip_suffix(head).filter(|stem| stem.len() >= 4)?, *head)))
}

fn vocabulary(word: &str) -> Option<Meaning> {
    VOCABULARY.iter().find(|(_, words)| has(words, word)).map(|(meaning, _)| *meaning)
}

/// A word, and what it may be the plural of.
fn singulars(word: &str) -> impl Iterator<Item = String> {
    let endings = ["s", "es", "n", "en"].into_iter();
    let others = endings.filter_map(|end| word.strip_suffix(end).filter(|rest| rest.len() > 2));
    std::iter::once(word).chain(others).map(str::to_owned)
}
