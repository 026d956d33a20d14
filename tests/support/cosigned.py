"""Whether a verifier that is not ours accepts what a witness that is not ours cosigned, and how it is stored:
cosigned.py CHECKPOINT LOG_KEY WITNESS_KEY OTHER_WITNESS_KEY ORGANIZATION
"""

import os
import sys

import boto3
from proofbundle.checkpoint import verify_witnessed_checkpoint

path, log_key, witness, other, organization = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    note = file.read()
verdict = verify_witnessed_checkpoint(note, log_key, [witness])
if not verdict["ok"]:
    sys.exit(f"refused: {verdict}")
if verify_witnessed_checkpoint(note, log_key, [other])["ok"]:
    sys.exit("accepted a witness that cosigned nothing")
print("cosigned, says proofbundle")

s3, bucket = boto3.client("s3"), os.environ["OUBLI_LEDGER_BUCKET"]
found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{organization}/")["Contents"]
# What waits for publication is gone in a moment.
names = [o["Key"] for o in found if "/staging/" not in o["Key"]]
stays = [n for n in names if "/checkpoints/" in n or "/cosignatures/" in n]
if not any("/cosignatures/" in n for n in stays):
    sys.exit(f"no cosignature is kept: {names}")
for name in names:
    tags = s3.get_object_tagging(Bucket=bucket, Key=name)["TagSet"]
    locked = "ObjectLockMode" in s3.head_object(Bucket=bucket, Key=name)
    hashes = "/tile/" in name and "/tile/entries/" not in name and ".p/" not in name
    if locked != (name in stays or hashes) or locked == bool(tags):
        sys.exit(f"{name} is locked: {locked}, and has the tags {tags}")
print("locked and untagged, or tagged and not locked")
