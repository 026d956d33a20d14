"""Looks for words in everything that Oubli keeps or says of itself: leaks.py WORD...

Prints, as JSON, what was searched (how many of each) and where a word was found. The words' SHA-256 are looked for
too: a bare hash of an identifier is guessed in no time.
"""

import base64
import collections
import hashlib
import json
import os
import sys

import boto3

dynamodb, s3, sqs, logs = (boto3.client(name) for name in ("dynamodb", "s3", "sqs", "logs"))
TABLES = ("CONTROL", "KEYS", "DECISIONS", "LEDGER", "DIRECTORY")
searched, found = collections.Counter(), set()


def needles(words):
    for word in words:
        yield word
        yield hashlib.sha256(word.encode()).hexdigest()
        yield base64.b64encode(word.encode()).decode().rstrip("=")


def look(where, text):
    searched[where] += 1
    for place in (text.find(needle) for needle in NEEDLES):
        if place >= 0:
            found.add(f"{where}: …{text[max(0, place - 120) : place + 40]}…")


def log_events():
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            for events in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                for event in events["events"]:
                    look("logs", f"{name} {event['message']}")


def items():
    for table in TABLES:
        name = os.environ[f"OUBLI_{table}_TABLE"]
        for page in dynamodb.get_paginator("scan").paginate(TableName=name):
            for item in page["Items"]:
                look(f"{table.lower()} table", json.dumps(item, default=lambda b: b.decode("latin-1")))


def objects():
    for bucket in (os.environ[f"OUBLI_{name}_BUCKET"] for name in ("WORK", "LEDGER", "EXPORT")):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for found_object in page.get("Contents", []):
                key = found_object["Key"]
                look("object names", key)
                try:
                    got = s3.get_object(Bucket=bucket, Key=key)
                except s3.exceptions.NoSuchKey:
                    continue
                look("objects", f"{key} {got['Metadata']} {got['Body'].read().decode('latin-1')}")


def messages():
    for url in sqs.list_queues().get("QueueUrls", []):
        searched["queues"] += 1
        # Seen without being taken; a queue at work loses nothing by it.
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, AttributeNames=["All"])
        for message in answer.get("Messages", []):
            look("messages", json.dumps(message))


NEEDLES = list(needles(sys.argv[1:]))
for search in (messages, log_events, items, objects):
    search()
print(json.dumps({"searched": searched, "found": sorted(found)}))
