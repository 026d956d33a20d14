"""Stores of a test's own.

    stores.py table NAME KEY...           makes a table with these key attributes: texts, or numbers as KEY:N; NAME=KEY/KEY is
                                          an index
    stores.py put TABLE JSON...           writes items: texts, and whatever is in DynamoDB's own form
    stores.py keys TABLE                  prints what its keys hold, joined by blanks, sorted
    stores.py take TABLE JSON...          deletes the items of these keys
    stores.py bucket NAME [versioned]     makes a bucket
    stores.py objects BUCKET KEY...       writes an object under each key
    stores.py remove BUCKET KEY...        deletes the object of each key
    stores.py listed BUCKET               prints the keys of current objects, sorted
    stores.py upload BUCKET KEY...        begins an upload of each key, sends one part and leaves it so
    stores.py uploads BUCKET              prints the keys of uploads that nobody finished, sorted
    stores.py finish BUCKET KEY           finishes the upload of a key
    stores.py replicate BUCKET TO         replicates what is written from now on to another bucket
    stores.py logged BUCKET TO            writes access logs of it into another bucket
    stores.py expires BUCKET DAYS         drops old versions after so many days
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


def values(item):
    return {name: v if isinstance(v, dict) else {"S": v} for name, v in json.loads(item).items()}


def put(name, *items):
    for item in items:
        dynamodb.put_item(TableName=name, Item=values(item))


def take(name, *taken):
    for key in taken:
        dynamodb.delete_item(TableName=name, Key=values(key))


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


def remove(name, *removed):
    for key in removed:
        s3.delete_object(Bucket=name, Key=key)


def listed(name):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=name)
    print(json.dumps(sorted(found["Key"] for page in pages for found in page.get("Contents", []))))


def upload(name, *begun):
    for key in begun:
        made = s3.create_multipart_upload(Bucket=name, Key=key)
        s3.upload_part(Bucket=name, Key=key, UploadId=made["UploadId"], PartNumber=1, Body=b"scan of a passport")


def unfinished(name):
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=name)
    return [found for page in pages for found in page.get("Uploads", [])]


def uploads(name):
    print(json.dumps(sorted(found["Key"] for found in unfinished(name))))


def finish(name, key):
    begun = next(found for found in unfinished(name) if found["Key"] == key)
    known = {"Bucket": name, "Key": key, "UploadId": begun["UploadId"]}
    parts = [{"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in s3.list_parts(**known)["Parts"]]
    s3.complete_multipart_upload(**known, MultipartUpload={"Parts": parts})


def replicate(name, to):
    rule = {
        "ID": "all",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": f"arn:aws:s3:::{to}"},
    }
    role = "arn:aws:iam::000000000000:role/replication"
    s3.put_bucket_replication(Bucket=name, ReplicationConfiguration={"Role": role, "Rules": [rule]})


def logged(name, to):
    target = {"TargetBucket": to, "TargetPrefix": "access/"}
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": target})


def expires(name, days):
    old = {"NoncurrentDays": int(days)}
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": old}
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})


def main():
    command, *arguments = sys.argv[1:]
    commands = {
        "table": table,
        "put": put,
        "take": take,
        "keys": keys,
        "bucket": bucket,
        "objects": objects,
        "remove": remove,
        "listed": listed,
        "upload": upload,
        "uploads": uploads,
        "finish": finish,
        "replicate": replicate,
        "logged": logged,
        "expires": expires,
    }
    commands[command](*arguments)


if __name__ == "__main__":
    main()
