"""What stands in a bucket under a prefix, older versions too: deliveries.py BUCKET PREFIX FILE. Writes the first object to
FILE; prints the keys."""

import json
import sys

import boto3

bucket, prefix, path = sys.argv[1:4]
s3 = boto3.client("s3")
found = s3.list_object_versions(Bucket=bucket, Prefix=prefix)
keys = [o["Key"] for kind in ("Versions", "DeleteMarkers") for o in found.get(kind, [])]
if keys:
    s3.download_file(bucket, keys[0], path)
print(json.dumps(keys))
