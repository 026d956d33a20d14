"""Looks for words in everything that Oubli keeps or says of itself: leaks.py WORD...

Prints, as JSON, what was searched (how many of each) and where which word was found. The words' SHA-256 are looked for too:
a bare hash of an identifier is guessed in no time. So is what is written in base64.
"""

import base64
import binascii
import collections
import hashlib
import json
import os
import re
import sys

import boto3

dynamodb, s3, sqs, logs, metrics = (boto3.client(name) for name in ("dynamodb", "s3", "sqs", "logs", "cloudwatch"))
TABLES = ("CONTROL", "KEYS", "DECISIONS", "LEDGER", "DIRECTORY")
ENCODED = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
searched, found = collections.Counter(), {}


def needles(words):
    for word in words:
        for needle in (word, hashlib.sha256(word.encode()).hexdigest(), base64.b64encode(word.encode()).decode().rstrip("=")):
            yield needle, word


def decoded(text):
    """What stands in a text in base64, whatever it is."""
    for part in ENCODED.findall(text):
        plain = part.rstrip("=").translate(str.maketrans("-_", "+/"))
        try:
            yield base64.b64decode(plain + "=" * (-len(plain) % 4)).decode("latin-1")
        except binascii.Error:
            continue


def look(where, text, encoded=True):
    searched[where] += 1
    for shown in [text, *decoded(text)] if encoded else [text]:
        for match in NEEDLES.finditer(shown):
            word, place = WORDS[match[0]], match.start()
            found.setdefault((word, where), f"…{shown[max(0, place - 120) : place + 40]}…")


def log_events():
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            for events in logs.get_paginator("filter_log_events").paginate(logGroupName=name):
                for event in events["events"]:
                    look("logs", f"{name} {event['message']}", encoded=False)


def items():
    for table in TABLES:
        name = os.environ[f"OUBLI_{table}_TABLE"]
        for page in dynamodb.get_paginator("scan").paginate(TableName=name):
            for item in page["Items"]:
                look(f"{table.lower()} table", json.dumps(item, default=lambda b: b.decode("latin-1"), ensure_ascii=False))


def objects():
    for bucket in (os.environ[f"OUBLI_{name}_BUCKET"] for name in ("WORK", "LEDGER", "EXPORT")):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for found_object in page.get("Contents", []):
                key = found_object["Key"]
                look("object names", key)
                try:
                    got = s3.get_object(Bucket=bucket, Key=key)
                    tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
                except s3.exceptions.ClientError as error:
                    # Gone since it was listed.
                    if error.response["Error"]["Code"] == "NoSuchKey":
                        continue
                    raise
                look("object metadata", f"{key} {got['Metadata']} {tags} {got.get('ContentDisposition')}")
                look("objects", f"{key} {got['Body'].read().decode('latin-1')}", encoded=False)


def messages():
    for url in sqs.list_queues().get("QueueUrls", []):
        searched["queues"] += 1
        # Seen without being taken; a queue at work loses nothing by it.
        seen = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 0, "AttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        for message in sqs.receive_message(QueueUrl=url, **seen).get("Messages", []):
            look("messages", json.dumps(message))


def numbers():
    for page in metrics.get_paginator("list_metrics").paginate():
        for metric in page["Metrics"]:
            look("metrics", json.dumps(metric))


WORDS = dict(needles(sys.argv[1:]))
NEEDLES = re.compile("|".join(map(re.escape, WORDS)))
for search in (messages, log_events, items, objects, numbers):
    search()
places = [{"word": word, "where": where, "shown": shown} for (word, where), shown in sorted(found.items())]
print(json.dumps({"searched": searched, "found": places}))
