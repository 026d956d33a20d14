"""What the shop holds of one customer, and whether everybody else's data is as it was.

    inspect_shop.py before FILE    remembers the subject's keys and a digest of all the rest
    inspect_shop.py after FILE     prints, as JSON, what is left of those keys
"""

import hashlib
import json
import sys

import boto3

import shop

dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")


def rows(table):
    pages = dynamodb.get_paginator("scan").paginate(TableName=table)
    return [row for page in pages for row in page["Items"]]


def versions(bucket):
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    for page in pages:
        for found in page.get("Versions", []) + page.get("DeleteMarkers", []):
            yield found["Key"], found["VersionId"], found.get("ETag", "marker")


def everything():
    """Yields (store, key, content, owner): an order line is its order's, a photograph its return's."""
    orders, photos = {}, {}
    for table, (partition, sort, _) in shop.TABLES.items():
        for row in rows(table):
            key = row[partition]["S"] + ("/" + row[sort]["S"] if sort else "")
            order = row.get("order_id", {}).get("S")
            if "customer_id" in row:
                owner = row["customer_id"]["S"]
            elif partition == "pk":
                owner = row[partition]["S"].removeprefix("MEMBER#")
            else:
                owner = ("order", order)
            if table == "shop-orders":
                orders[order] = owner
            if table == "shop-returns":
                photos[row["photo_key"]["S"]] = owner
            yield table, key, json.dumps(row, sort_keys=True), orders.get(order, owner)
    for row in rows(shop.OTHER):
        yield shop.OTHER, row["customer_id"]["S"], json.dumps(row, sort_keys=True), "another company"
    for bucket in shop.BUCKETS:
        for key, version, etag in versions(bucket):
            yield bucket, f"{key}@{version}", etag, photos.get(key, key.split("/")[1])


def survey(subject_keys):
    mine, others = {}, hashlib.sha256()
    for store, key, content, owner in sorted(everything(), key=lambda e: e[:2]):
        if owner == shop.SUBJECT or f"{store} {key}" in subject_keys:
            mine.setdefault(store, []).append(key)
        else:
            others.update(f"{store} {key} {content}\n".encode())
    return mine, others.hexdigest()


def main():
    moment, file = sys.argv[1:]
    if moment == "before":
        mine, others = survey(set())
        keys = [f"{store} {key}" for store, found in mine.items() for key in found]
        with open(file, "w", encoding="utf-8") as out:
            json.dump({"keys": keys, "others": others}, out)
        unchanged = True
    else:
        with open(file, encoding="utf-8") as earlier:
            known = json.load(earlier)
        mine, others = survey(set(known["keys"]))
        unchanged = others == known["others"]
    stores = [*shop.TABLES, shop.DOCUMENTS, shop.AVATARS]
    left = {store: len(mine.get(store, [])) for store in stores}
    print(json.dumps({"left": left, "others_unchanged": unchanged}))


main()
