"""What stands in a bucket under a prefix: deliveries.py BUCKET PREFIX FILE. Writes the first object to FILE; prints the keys."""

import json
import sys

import boto3

bucket, prefix, path = sys.argv[1:4]
s3 = boto3.client("s3")
keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
if keys:
    s3.download_file(bucket, keys[0], path)
print(json.dumps(keys))
