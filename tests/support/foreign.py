"""Whether a verifier that is not ours accepts what we publish: foreign.py CERTIFICATE LOG_KEY ORGANIZATION

The verifier is `proofbundle`, which implements C2SP signed-note, tlog-checkpoint and tlog-proof and RFC 6962.
"""

import base64
import json
import os
import struct
import sys

import boto3
from proofbundle import merkle
from proofbundle.tlogproof import verify_tlog_proof

certificate, key, organization = sys.argv[1:]
with open(certificate, encoding="utf-8") as file:
    entries = json.load(file)["entries"]
for entry in entries:
    verdict = verify_tlog_proof(entry["proof"], entry["entry"].encode(), key)
    if not verdict["ok"]:
        sys.exit(f"refused: {verdict}")
    bad = verify_tlog_proof(entry["proof"], entry["entry"].encode() + b" ", key)
    if bad["ok"]:
        sys.exit("accepted an entry that was changed")
print(f"{len(entries)} proofs accepted")

s3, bucket = boto3.client("s3"), os.environ["OUBLI_LEDGER_BUCKET"]


def read(name):
    return s3.get_object(Bucket=bucket, Key=f"{organization}/{name}")["Body"].read()


def name(kind, n, width):
    groups = f"{n % 1000:03}"
    while n >= 1000:
        n //= 1000
        groups = f"x{n % 1000:03}/{groups}"
    return f"tile/{kind}/{groups}" + ("" if width == 256 else f".p/{width}")


# The checkpoint inside the proof is of a size whose tiles are there, or whose full tiles are.
checkpoint = entries[0]["proof"].split("\n\n", 1)[1].split("\n")
size, root = int(checkpoint[1]), base64.b64decode(checkpoint[2])
leaves, row = [], b""
for n in range((size + 255) // 256):
    width = min(256, size - n * 256)
    for kind in ("entries", "0"):
        try:
            data = read(name(kind, n, width))
        except s3.exceptions.NoSuchKey:
            data = read(name(kind, n, 256))
        if kind == "0":
            row += data[: width * 32]
            continue
        bundle = []
        while data:
            (length,) = struct.unpack(">H", data[:2])
            bundle.append(data[2 : 2 + length])
            data = data[2 + length :]
        leaves += bundle[:width]
if b"".join(merkle.leaf_hash(leaf) for leaf in leaves) != row:
    sys.exit("the tile of leaf hashes is not of these entries")
if merkle.merkle_tree_hash(leaves) != root:
    sys.exit("the entries do not make up the checkpoint's root")
print("tiles make up the root")
