"""Stores of a test's own.

    stores.py table NAME KEY...           makes a table with these key attributes: texts, or numbers as KEY:N; NAME=KEY/KEY is
                                          an index
    stores.py put TABLE JSON...           writes items: texts, and whatever is in DynamoDB's own form
    stores.py keys TABLE                  prints what its keys hold, joined by blanks, sorted
    stores.py bucket NAME [versioned]     makes a bucket
    stores.py objects BUCKET KEY...       writes an object under each key
    stores.py listed BUCKET               prints the keys of current objects, sorted
"""

import json
import sys

import boto3

dynamodb = boto3.client("dynamodb")
s3 = boto3.client("s3")


def schema(key):
    names = [attribute.partition(":")[0] for attribute in key]
    return [{"AttributeName": a, "KeyType": kind} for a, kind in zip(names, ["HASH", "RANGE"], strict=False)]


def typed(attribute):
    name, _, kind = attribute.partition(":")
    return {"AttributeName": name, "AttributeType": kind or "S"}


def table(name, *keys):
    key = [attribute for attribute in keys if "=" not in attribute]
    indexes = {index: of.split("/") for index, of in (named.split("=") for named in keys if "=" in named)}
    more = [
        {"IndexName": index, "KeySchema": schema(of), "Projection": {"ProjectionType": "ALL"}} for index, of in indexes.items()
    ]
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[typed(attribute) for attribute in dict.fromkeys(sum(indexes.values(), key))],
        KeySchema=schema(key),
        **({"GlobalSecondaryIndexes": more} if more else {}),
    )


def put(name, *items):
    for item in items:
        values = {name: v if isinstance(v, dict) else {"S": v} for name, v in json.loads(item).items()}
        dynamodb.put_item(TableName=name, Item=values)


def keys(name):
    key = [element["AttributeName"] for element in dynamodb.describe_table(TableName=name)["Table"]["KeySchema"]]
    pages = dynamodb.get_paginator("scan").paginate(TableName=name)
    print(json.dumps(sorted(" ".join(next(iter(item[k].values())) for k in key) for page in pages for item in page["Items"])))


def bucket(name, versioned=None):
    region = s3.meta.region_name
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **place)
    if versioned:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def objects(name, *written):
    for key in written:
        s3.put_object(Bucket=name, Key=key, Body=f"what is in {key}".encode())


def listed(name):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=name)
    print(json.dumps(sorted(found["Key"] for page in pages for found in page.get("Contents", []))))


def main():
    command, *arguments = sys.argv[1:]
    commands = {"table": table, "put": put, "keys": keys, "bucket": bucket, "objects": objects, "listed": listed}
    commands[command](*arguments)


if __name__ == "__main__":
    main()
