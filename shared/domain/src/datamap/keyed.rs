//! Mappings that hold keys of their own, and those that a kind of store takes.

use super::{
    source::no_such,
    stores::{StoreKey, StoreKeys, StoreKind},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IntoDeserializer as _, MapAccess, Visitor},
    forward_to_deserialize_any,
};
use std::{fmt, marker::PhantomData};

/// A mapping in which kinds of stores take keys.
pub(super) trait Keyable: for<'de> Deserialize<'de> {
    /// The keys that a kind takes in it.
    fn keys_of(kind: StoreKind) -> &'static [StoreKey];
}

/// What is the same for every kind of store, and what is not.
pub(super) struct Keyed<T> {
    pub common: T,
    pub keys: StoreKeys,
}

impl<'de, T: Keyable> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_struct("", &[], Whole(PhantomData))
    }
}

struct Whole<T>(PhantomData<T>);

impl<'de, T: Keyable> Visitor<'de> for Whole<T> {
    type Value = Keyed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Keyed<T>, A::Error> {
        let mut keys = StoreKeys::default();
        let of_kinds: Vec<StoreKey> = StoreKind::ALL.iter().flat_map(|kind| T::keys_of(*kind)).copied().collect();
        let common = T::deserialize(Rest { map, keys: &mut keys, of_kinds: &of_kinds, own: &[] })?;
        Ok(Keyed { common, keys })
    }
}

/// A mapping without the keys of kinds, which are read on the way.
struct Rest<'a, A> {
    map: A,
    keys: &'a mut StoreKeys,
    of_kinds: &'a [StoreKey],
    own: &'static [&'static str],
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Rest<'_, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        own: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_map(Self { own, ..self })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Rest<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let mut seed = seed;
        loop {
            match self.map.next_key_seed(NextKey { seed, of_kinds: self.of_kinds, own: self.own })? {
                None => return Ok(None),
                Some(Read::Own(value)) => return Ok(Some(value)),
                Some(Read::OfKind(key, unused)) => {
                    self.keys.read(key, &mut self.map)?;
                    seed = unused;
                }
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// Reads a key: one of a kind's, or one of the mapping's own.
struct NextKey<'a, K> {
    seed: K,
    of_kinds: &'a [StoreKey],
    own: &'static [&'static str],
}

enum Read<K, V> {
    OfKind(StoreKey, K),
    Own(V),
}

impl<'de, K: DeserializeSeed<'de>> DeserializeSeed<'de> for NextKey<'_, K> {
    type Value = Read<K, K::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'de, K: DeserializeSeed<'de>> Visitor<'de> for NextKey<'_, K> {
    type Value = Read<K, K::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if let Some(key) = self.of_kinds.iter().find(|key| key.name() == text) {
            return Ok(Read::OfKind(*key, self.seed));
        }
        if !self.own.contains(&text) {
            let mut expected = self.own.to_vec();
            expected.extend(self.of_kinds.iter().map(|key| key.name()));
            return Err(E::custom(no_such("here", text, &expected)));
        }
        self.seed.deserialize(text.into_deserializer()).map(Read::Own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_shape_whatever_kind_of_store_takes_it() {
        let mut shapes: std::collections::BTreeMap<&str, StoreKey> = std::collections::BTreeMap::new();
        for kind in StoreKind::ALL {
            for key in kind.location_keys().iter().chain(kind.selection_keys()) {
                assert_eq!(*shapes.entry(key.name()).or_insert(*key), *key, "{} of {kind:?}", key.name());
            }
        }
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        struct Once(StoreKeys);
        impl<'de> Visitor<'de> for &mut Once {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                while map.next_key::<String>()?.is_some() {
                    self.0.read(StoreKey::Text("table"), &mut map)?;
                }
                Ok(())
            }
        }
        let mut read = Once(StoreKeys::default());
        let mut twice = serde_json::Deserializer::from_str(r#"{"table": "orders", "table": null}"#);
        let refused = twice.deserialize_map(&mut read).expect_err("refused");
        assert!(refused.to_string().contains("duplicate field `table`"), "{refused}");
    }
}
