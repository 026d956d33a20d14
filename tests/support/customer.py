"""A shop customer of a test's own, in the demo shop's stores.

    customer.py plant CUSTOMER     writes records of every kind, old versions and delete markers among them;
                                   prints the email, and the word that name, address and email share
    customer.py look CUSTOMER      prints a digest of each record there is, by store
    customer.py rewrite CUSTOMER   writes the first chat message anew
    customer.py unwrite CUSTOMER   deletes the first chat message
"""

import datetime
import hashlib
import json
import pathlib
import sys

import boto3

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "infra" / "local"))
import shop  # noqa: E402

dynamodb, s3 = boto3.client("dynamodb"), boto3.client("s3")
ORDERS, LINES, MESSAGES, AUDIT_LOGS, REVIEWS, RETURNS = 3, 2, 7, 3, 2, 2
INVOICE_AGES_IN_DAYS = (100, 3_300)
AGENT = "Robin of Support"


def put(table, **values):
    row = {name: v if isinstance(v, dict) else {"S": v} for name, v in values.items()}
    dynamodb.put_item(TableName=table, Item=row)


def put_object(bucket, key, body, kind, **more):
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind, **more)


def days_ago(days):
    return (datetime.date.today() - datetime.timedelta(days=days)).isoformat()


def word_of(customer):
    """Stands in the name, the address and the email, so that these are found even without the id."""
    return "q" + hashlib.sha256(customer.encode()).hexdigest()[:12]


def plant(customer):
    word = word_of(customer)
    email = f"{word}@planted.example"
    # One attribute of every type, so that "byte for byte" means something.
    put(
        "shop-profiles", customer_id=customer, email=email, name=f"Quill {word}",
        address=f"1 {word} Street", version={"N": "1"}, avatar={"B": bytes(range(256))},
        tags={"SS": ["b", "a"]}, scores={"NS": ["3.10", "1"]}, gone={"NULL": True}, active={"BOOL": False},
        nested={"M": {"list": {"L": [{"N": "1E+2"}, {"S": ""}]}}},
    )
    for n in range(1, ORDERS + 1):
        order = f"ord-{customer}-{n}"
        put(
            "shop-orders", order_id=order, customer_id=customer, email=email,
            version={"N": "1"}, placed_at=days_ago(n), total={"N": "12.50"},
        )
        for line in range(1, LINES + 1):
            put("shop-order-lines", order_id=order, line_no=f"{line:03}", sku="sku-0001", quantity={"N": "1"})
    for n in range(1, MESSAGES + 1):
        message(customer, n, f"Hello, this is Quill {word}.")
    for n, age in enumerate(INVOICE_AGES_IN_DAYS, 1):
        put("shop-invoices", invoice_id=f"inv-{customer}-{n}", customer_id=customer, issued_at=days_ago(age))
    for n in range(1, AUDIT_LOGS + 1):
        put("shop-audit-logs", customer_id=customer, at=f"2026-01-0{n}T00:00:00Z", action="login")

    prefix = f"customers/{customer}"
    for n in (1, 2, 3):
        put_object(shop.DOCUMENTS, f"{prefix}/contract.pdf", f"{customer} contract {n}" * 500, "application/pdf")
    put_object(shop.DOCUMENTS, f"{prefix}/old/complaint.txt", f"{customer} is angry", "text/plain")
    s3.delete_object(Bucket=shop.DOCUMENTS, Key=f"{prefix}/old/complaint.txt")
    put_object(
        shop.DOCUMENTS, f"{prefix}/old/complaint.txt", f"{customer} is very angry", "text/plain",
        Metadata={"channel": "phone"}, Tagging="kind=complaint",
    )
    put_object(shop.DOCUMENTS, f"{prefix}/withdrawn.txt", f"{customer} withdrew this", "text/plain")
    s3.delete_object(Bucket=shop.DOCUMENTS, Key=f"{prefix}/withdrawn.txt")
    put_object(
        shop.AVATARS, f"avatars/{customer}/avatar.png", bytes(range(256)) * 40, "image/png",
        CacheControl="max-age=60", ContentDisposition="inline", Metadata={"camera": "none"}, Tagging="kind=avatar",
    )
    loyalty = {"ACCOUNT": {"name": f"Quill {word}"}}
    loyalty |= {f"REVIEW#sku-{n:04}": {"text": f"Quill {word}: fits"} for n in range(REVIEWS)}
    loyalty |= {f"REDEMPTION#{n}": {"redeemed_at": days_ago(age)} for n, age in enumerate(INVOICE_AGES_IN_DAYS, 1)}
    for sort, values in loyalty.items():
        put("shop-loyalty", pk=f"MEMBER#{customer}", sk=sort, **values)
    for n in range(RETURNS):
        put("shop-returns", return_id=f"ret-{customer}-{n}", customer_id=customer, photo_key=photo(customer, n))
        put_object(shop.UPLOADS, photo(customer, n), f"{customer} sends {n} back", "image/jpeg")
    print(json.dumps({"email": email, "word": word}))


def photo(customer, number):
    """A name that says nothing of whose it is."""
    named = hashlib.sha256(f"{customer}/{number}".encode()).hexdigest()
    return f"uploads/{named[:2]}/{named[2:18]}.jpg"


def message(customer, number, text):
    put("shop-chat", customer_id=customer, message_id=f"m-{number:06}", text=text, agent=AGENT, sent_at="2026-01-01T00:00:00Z")


def unwrite(customer):
    dynamodb.delete_item(
        TableName="shop-chat", Key={"customer_id": {"S": customer}, "message_id": {"S": "m-000001"}},
    )


def digest(value):
    text = json.dumps(value, sort_keys=True, default=lambda b: b.hex())
    return hashlib.sha256(text.encode()).hexdigest()


def rows_of(table, customer):
    partition, sort, indexes = shop.TABLES[table]
    if table == "shop-order-lines":
        attribute, index, values = partition, None, [f"ord-{customer}-{n}" for n in range(1, ORDERS + 1)]
    elif partition == "customer_id":
        attribute, index, values = partition, None, [customer]
    elif partition == "pk":
        attribute, index, values = partition, None, [f"MEMBER#{customer}"]
    else:
        attribute, index, values = "customer_id", "by_customer", [customer]
    for value in values:
        pages = dynamodb.get_paginator("query").paginate(
            TableName=table, KeyConditionExpression="#a = :v", ExpressionAttributeNames={"#a": attribute},
            ExpressionAttributeValues={":v": {"S": value}}, **({"IndexName": index} if index else {}),
        )
        for page in pages:
            for row in page["Items"]:
                for kind, members in ((k, m) for v in row.values() for k, m in v.items()):
                    if kind in ("SS", "NS", "BS"):
                        members.sort()
                yield row[partition]["S"] + ("/" + row[sort]["S"] if sort else ""), digest(row)


def versions_of(bucket, prefix, kind):
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get(kind, []):
            yield f"{found['Key']}@{found['VersionId']}", digest([found["IsLatest"], found.get("ETag")])


def objects_of(bucket, prefix):
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for key in (found["Key"] for found in page.get("Contents", [])):
            got = s3.get_object(Bucket=bucket, Key=key)
            kept = [got.get(f) for f in ("ContentType", "CacheControl", "ContentDisposition", "Metadata")]
            tags = s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
            yield key, digest([hashlib.sha256(got["Body"].read()).hexdigest(), kept, tags])


def look(customer):
    found = {table: dict(rows_of(table, customer)) for table in shop.TABLES}
    prefix = f"customers/{customer}/"
    found[shop.DOCUMENTS] = dict(versions_of(shop.DOCUMENTS, prefix, "Versions"))
    found["shop-documents markers"] = dict(versions_of(shop.DOCUMENTS, prefix, "DeleteMarkers"))
    found["shop-documents now"] = dict(objects_of(shop.DOCUMENTS, prefix))
    found[shop.AVATARS] = dict(objects_of(shop.AVATARS, f"avatars/{customer}/"))
    photos = [photo(customer, n) for n in range(RETURNS)]
    found[shop.UPLOADS] = dict(found for key in photos for found in objects_of(shop.UPLOADS, key))
    print(json.dumps(found))


def main():
    command, customer = sys.argv[1:]
    if command == "plant":
        plant(customer)
    elif command == "look":
        look(customer)
    elif command == "rewrite":
        message(customer, 1, "Written after it was hidden.")
    elif command == "unwrite":
        unwrite(customer)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
