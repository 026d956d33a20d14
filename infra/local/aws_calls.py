"""Adds up, as JSON by phase and operation, the AWS calls that functions have logged about themselves."""

import collections
import json

import boto3

logs = boto3.client("logs")
totals = collections.defaultdict(collections.Counter)
for groups in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/lambda/oubli-"):
    for group in groups["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for event in (event for page in pages for event in page["events"]):
            for line in event["message"].splitlines():
                if '"aws_calls"' in line:
                    counted = json.loads(line)
                    totals[counted["phase"]].update(counted["calls"])
print(json.dumps(totals))
