//! What objects hold, and how their bytes come.

use super::{objects::refused, unavailable};
use crate::{
    faults::pause,
    world::{World, WorldState},
};
use bytes::Bytes;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use oubli_engine::ports::StoreError;
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A bucket, and a key in it.
pub type ObjectName = (String, String);

/// What an object holds before its key and version.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filling {
    pub first: &'static [u8],
    /// Bytes that cannot be compressed, others in each version.
    pub noise: usize,
}

type Body = BoxStream<'static, Result<Bytes, StoreError>>;

/// The version that bytes say they are.
pub(super) fn id_in(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes.rsplit(|byte| *byte == b' ').next()?).ok()?.parse().ok()
}

impl WorldState {
    /// What a version of an object holds.
    pub(crate) fn bytes_of(&self, object: &ObjectName, id: u64) -> Bytes {
        let Filling { first, noise } = self.shop.fillings.get(object).copied().unwrap_or_default();
        let mut bytes = first.to_vec();
        bytes.resize(first.len() + noise, 0);
        ChaCha8Rng::seed_from_u64(id).fill_bytes(&mut bytes[first.len()..]);
        bytes.extend_from_slice(format!("{} version {id}", object.1).as_bytes());
        bytes.into()
    }

    /// How much an object holds besides.
    pub(super) fn filled(&self, bucket: &str, key: &str) -> u64 {
        let filling = self.shop.fillings.get(&(bucket.to_owned(), key.to_owned()));
        filling.map_or(0, |filling| (filling.first.len() + filling.noise) as u64)
    }

    /// How long an object is said to be.
    pub(super) fn announced(&self, object: &ObjectName, length: u64) -> u64 {
        length.saturating_add_signed(self.shop.misstated.get(object).copied().unwrap_or_default())
    }

    pub(super) fn refuses_rest(&self, object: &ObjectName) -> Option<StoreError> {
        self.shop.without_rest.contains(object).then(|| refused("AccessDenied"))
    }
}

/// The bytes of an object from one on, in the time that they take.
pub(super) fn given(world: &World, state: &WorldState, object: ObjectName, bytes: Bytes, from: usize) -> Body {
    let world = world.clone();
    if state.shop.endless.contains(&object) {
        let never = async move {
            loop {
                world.pass(5);
                pause().await;
            }
        };
        return stream::once(never).boxed();
    }
    let piece = (bytes.len() / 20).max(1);
    let rest = bytes.slice(from..);
    let pieces = |bytes: &[u8]| bytes.chunks(piece).map(|some| Ok(Bytes::copy_from_slice(some))).collect::<Vec<_>>();
    let broken = || Err(unavailable("StreamBroken"));
    if let Some(after) = state.shop.breaking.get(&object).copied().filter(|after| *after < rest.len()) {
        // Where it breaks before its first byte, a piece comes all the same, and has none.
        let none = (after == 0).then(|| Ok(Bytes::new()));
        return stream::iter(pieces(&rest[..after]).into_iter().chain(none).chain([broken()])).boxed();
    }
    if state.shop.broken_ends.contains(&object) {
        return stream::iter([Ok(rest), broken()]).boxed();
    }
    if let Some(seconds) = state.shop.slow.get(&object).copied() {
        let one_by_one = stream::iter(pieces(&rest)).then(move |some| {
            let world = world.clone();
            async move {
                world.pass(seconds);
                pause().await;
                some
            }
        });
        return one_by_one.boxed();
    }
    stream::iter([Ok(rest)]).boxed()
}
