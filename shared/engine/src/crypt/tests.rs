use super::*;
use futures::stream;

struct Counter(std::sync::atomic::AtomicU8);

impl Entropy for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        let n = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        buffer.fill(n);
    }
}

fn entropy() -> Counter {
    Counter(std::sync::atomic::AtomicU8::new(1))
}

fn source(bytes: &[u8], piece: usize) -> ByteStream {
    let pieces: Vec<_> = bytes.chunks(piece).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    stream::iter(pieces).boxed()
}

async fn opened(key: &DataKey, name: &str, sealed: &[u8]) -> Result<Bytes, EngineError> {
    StreamOpener::new(key, name, source(sealed, 1000)).await?.read_all().await
}

#[test]
fn streams_of_every_size_read_back() {
    let key = DataKey([7; 32]);
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5] {
        let plain: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        let sealed = seal_bytes(&key, &entropy(), "a", &plain).expect("sealed");
        assert_eq!(futures::executor::block_on(opened(&key, "a", &sealed)).expect("opens"), plain, "size {size}");
    }
}

#[test]
fn altered_cut_extended_or_renamed_streams_are_refused() {
    let key = DataKey([7; 32]);
    let sealed = seal_bytes(&key, &entropy(), "a", &vec![1; 2 * CHUNK + 9]).expect("sealed");
    let refused = |bytes: &[u8], name: &str| futures::executor::block_on(opened(&key, name, bytes)).is_err();
    for place in [0, 5, 40, CHUNK, sealed.len() - 1] {
        let mut altered = sealed.to_vec();
        altered[place] ^= 1;
        assert!(refused(&altered, "a"), "bit at {place}");
    }
    assert!(refused(&sealed[..sealed.len() - 1], "a"));
    assert!(refused(&sealed[..36 + CHUNK + TAG], "a"), "cut at a chunk's end");
    assert!(refused(&[&sealed, &[0][..]].concat(), "a"));
    assert!(refused(&sealed, "b"));
    assert!(futures::executor::block_on(opened(&DataKey([8; 32]), "a", &sealed)).is_err());
}

#[test]
fn small_texts_need_their_context() {
    let key = DataKey([7; 32]);
    let sealed = seal(&key, &entropy(), "identity", b"alice").expect("sealed");
    assert_eq!(open(&key, "identity", &sealed).expect("opens"), b"alice");
    assert!(open(&key, "notes", &sealed).is_err());
    assert!(open(&key, "identity", "AA==").is_err());
}
