"""Tells the event bus of a download, as CloudTrail would: download_event.py EVENT-FILE OBJECT EVENT-ID.

Nobody but AWS may send as aws.s3; the local deployment's rule takes oubli.local as well.
"""

import json
import sys

import boto3

path, key, event_id = sys.argv[1:4]
with open(path, encoding="utf-8") as file:
    event = json.loads(json.load(file)["Records"][0]["body"])
outputs = boto3.client("cloudformation").describe_stacks()["Stacks"][0]["Outputs"]
bucket = next(o["OutputValue"] for o in outputs if o["OutputKey"] == "ExportBucket")
detail = event["detail"]
detail["eventID"] = event_id
detail["requestParameters"] = {"bucketName": bucket, "key": key}
entry = {"Source": "oubli.local", "DetailType": event["detail-type"], "Detail": json.dumps(detail)}
answer = boto3.client("events").put_events(Entries=[entry])
assert answer["FailedEntryCount"] == 0, answer
