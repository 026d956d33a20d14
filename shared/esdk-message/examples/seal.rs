//! Reads a data key, its wrapped form and a text from standard input as JSON, and writes them as a message: for tests with
//! other implementations of the format. The message is put down and gone on with after every 10,000 bytes.

use oubli_esdk_message::{Context, EncryptedDataKey, MessageWriter};
use serde::Deserialize;
use std::io::{Read as _, Write as _};

#[derive(Deserialize)]
struct Order {
    data_key: [u8; 32],
    key_arn: String,
    ciphertext: Vec<u8>,
    context: Context,
    text: String,
}

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let order: Order = serde_json::from_str(&text)?;
    let wrapped = EncryptedDataKey { key_arn: order.key_arn, ciphertext: order.ciphertext };
    let (mut writer, mut out) = MessageWriter::begin(&order.data_key, [5; 32], &order.context, &wrapped);
    for (attempt, piece) in (1..).zip(order.text.as_bytes().chunks(10_000)) {
        writer.push(piece, &mut out);
        writer = MessageWriter::resume(&order.data_key, [5; 32], attempt, writer.state().clone());
    }
    writer.finish(&mut out);
    std::io::stdout().write_all(&out)
}
