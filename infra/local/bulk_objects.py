"""Large objects of one customer, and a plain copy of all that customer's data.

    bulk_objects.py seed CUSTOMER COUNT MIB   puts COUNT objects of MIB MiB each; prints their SHA-256 as JSON
    bulk_objects.py copy CUSTOMER BUCKET      reads everything of the customer and writes it to BUCKET as it is; prints
                                              the seconds and the bytes as JSON
"""

import hashlib
import json
import random
import sys
import time

import boto3

import shop

s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
PART = 8 * 1024 * 1024


def seed(customer, count, mib):
    digests = []
    for n in range(int(count)):
        # Noise, so that compression gains nothing.
        body = random.Random(n).randbytes(int(mib) * 1024 * 1024)
        s3.put_object(Bucket=shop.DOCUMENTS, Key=f"customers/{customer}/{n:05}.bin", Body=body)
        digests.append(hashlib.sha256(body).hexdigest())
    print(json.dumps(digests))


def rows(table, attribute, value, **more):
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table, KeyConditionExpression="#a = :v", ExpressionAttributeNames={"#a": attribute},
        ExpressionAttributeValues={":v": {"S": value}}, **more,
    )
    for page in pages:
        yield page["Items"]


def pieces(customer):
    for items in rows("shop-chat", "customer_id", customer, ConsistentRead=True):
        yield json.dumps(items).encode()
    for orders in rows("shop-orders", "customer_id", customer, IndexName="by_customer"):
        yield json.dumps(orders).encode()
        for order in orders:
            for lines in rows("shop-order-lines", "order_id", order["order_id"]["S"], ConsistentRead=True):
                yield json.dumps(lines).encode()
    listing = s3.get_paginator("list_objects_v2").paginate(Bucket=shop.DOCUMENTS, Prefix=f"customers/{customer}/")
    for page in listing:
        for found in page.get("Contents", []):
            yield from s3.get_object(Bucket=shop.DOCUMENTS, Key=found["Key"])["Body"].iter_chunks(1024 * 1024)


def copy(customer, bucket):
    since = time.monotonic()
    upload = s3.create_multipart_upload(Bucket=bucket, Key="plain-copy")["UploadId"]
    parts, buffer, total = [], bytearray(), 0

    def send():
        number = len(parts) + 1
        answer = s3.upload_part(
            Bucket=bucket, Key="plain-copy", UploadId=upload, PartNumber=number, Body=bytes(buffer)
        )
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        buffer.clear()

    for piece in pieces(customer):
        buffer += piece
        total += len(piece)
        if len(buffer) >= PART:
            send()
    send()
    s3.complete_multipart_upload(
        Bucket=bucket, Key="plain-copy", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    seconds = time.monotonic() - since
    s3.delete_object(Bucket=bucket, Key="plain-copy")
    print(json.dumps({"seconds": seconds, "bytes": total}))


if __name__ == "__main__":
    {"seed": seed, "copy": copy}[sys.argv[1]](*sys.argv[2:])
