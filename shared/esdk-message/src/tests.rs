use super::*;
use proptest::prelude::*;

const KEY: [u8; 32] = [7; 32];
const ID: [u8; 32] = [9; 32];

fn context() -> Context {
    [("organization", "acme"), ("request", "req_1"), ("purpose", "export")].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
}

fn wrapped() -> EncryptedDataKey {
    EncryptedDataKey { key_arn: "arn:aws:kms:eu-west-1:111122223333:key/k".to_owned(), ciphertext: vec![1, 2, 3] }
}

fn sealed(plain: &[u8], pieces: usize) -> Vec<u8> {
    let (mut writer, mut out) = MessageWriter::begin(&KEY, ID, &context(), &wrapped());
    for (attempt, piece) in (1..).zip(plain.chunks(pieces.max(1))) {
        writer.push(piece, &mut out);
        // Put down and gone on with after every piece.
        writer = MessageWriter::resume(&KEY, ID, attempt, writer.state().clone());
    }
    writer.finish(&mut out);
    out
}

fn opened(key: [u8; 32], message: &[u8], pieces: usize) -> Result<Vec<u8>, MessageError> {
    let mut reader = MessageReader::new(key);
    let mut plain = Vec::new();
    for piece in message.chunks(pieces.max(1)) {
        reader.push(piece, &mut plain)?;
    }
    let said = reader.context().clone();
    reader.finish()?;
    assert_eq!(said, context());
    Ok(plain)
}

#[test]
fn lengths_around_a_frame_read_back() {
    for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 3 * FRAME + 5] {
        let plain: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap_or_default()).collect();
        let message = sealed(&plain, 1_000);
        assert_eq!(opened(KEY, &message, 777), Ok(plain), "{length}");
    }
}

#[test]
fn another_key_a_truncation_and_an_addition_are_refused() {
    let message = sealed(&[5; 10_000], 10_000);
    assert_eq!(opened([8; 32], &message, 4_096), Err(MessageError::OtherKey));
    for cut in [1, TAG, 500, message.len() - 10] {
        assert_eq!(opened(KEY, &message[..message.len() - cut], 4_096), Err(MessageError::Truncated), "{cut}");
    }
    // Without its last frame a message of whole frames is no shorter message.
    let whole = sealed(&[5; 2 * FRAME], 100);
    let last = 4 + 4 + NONCE + 4 + TAG;
    assert_eq!(opened(KEY, &whole[..whole.len() - last], 4_096), Err(MessageError::Truncated));
    assert_eq!(opened(KEY, &[message, vec![0]].concat(), 4_096), Err(MessageError::Added));
    assert_eq!(opened(KEY, b"PK\x03\x04 not a message", 4_096), Err(MessageError::Format));
}

#[test]
fn no_nonce_is_used_twice() {
    let message = sealed(&[0; 20 * FRAME], FRAME / 3);
    let body = message.len() - (20 * (4 + NONCE + FRAME + TAG) + 4 + 4 + NONCE + 4 + TAG);
    let nonces: std::collections::BTreeSet<&[u8]> =
        (0..20).map(|n| body + n * (4 + NONCE + FRAME + TAG) + 4).map(|at| &message[at..at + NONCE]).collect();
    assert_eq!(nonces.len(), 20);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_length_in_any_pieces_reads_back(length in 0_usize..30_000, write in 1_usize..9_000, read in 1_usize..9_000) {
        let plain: Vec<u8> = (0..length).map(|n| u8::try_from(n * 7 % 251).unwrap_or_default()).collect();
        prop_assert_eq!(opened(KEY, &sealed(&plain, write), read), Ok(plain));
    }

    #[test]
    fn one_flipped_bit_anywhere_is_refused(at in 0_usize..10_000, bit in 0_u8..8) {
        let mut message = sealed(&[3; 9_500], 2_000);
        prop_assume!(at < message.len());
        message[at] ^= 1 << bit;
        prop_assert!(opened(KEY, &message, 4_096).is_err());
    }
}
