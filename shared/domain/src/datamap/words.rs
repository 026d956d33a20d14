//! Words as YAML has them.

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor, value::SeqAccessDeserializer},
};
use std::fmt;

/// A word that YAML may take for a number or a truth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word(pub String);

/// One word, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(pub Vec<String>);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any).map(Word)
    }
}

struct Any;

impl Visitor<'_> for Any {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_bool<E>(self, word: bool) -> Result<String, E> {
        Ok(word.to_string())
    }

    fn visit_unit<E>(self) -> Result<String, E> {
        Ok("null".to_owned())
    }
}

/// A whole number, as far as it goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count<T>(pub T);

impl<'de, T: TryFrom<u64>> Deserialize<'de> for Count<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = Word::deserialize(deserializer)?.0;
        let number = word.parse::<u64>().ok().and_then(|number| T::try_from(number).ok());
        number
            .map(Count)
            .ok_or_else(|| D::Error::custom(format!("{word:?} is no whole number of years, months or days, such as 7")))
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word, a number, or a list of them")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Words, E> {
                Any.visit_str(text).map(|word| Words(vec![word]))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Words, E> {
                Any.visit_i64(number).map(|word| Words(vec![word]))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Words, E> {
                Any.visit_u64(number).map(|word| Words(vec![word]))
            }

            fn visit_bool<E: Error>(self, word: bool) -> Result<Words, E> {
                Any.visit_bool(word).map(|word| Words(vec![word]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, words: A) -> Result<Words, A::Error> {
                let words: Vec<Word> = Deserialize::deserialize(SeqAccessDeserializer::new(words))?;
                Ok(Words(words.into_iter().map(|word| word.0).collect()))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}
