"""Tables of people for tests of who is meant.

    people.py make PREFIX            makes the tables of PREFIX
    people.py put TABLE JSON         writes an item: texts, and numbers as {"N": "7"}
    people.py keys TABLE             prints the keys that are there, sorted
"""

import json
import sys

import boto3

dynamodb = boto3.client("dynamodb")

# table: (key, its type, {index: its key})
TABLES = {
    "profiles": ("id", "S", {"by_email": "email", "by_phone": "phone"}),
    "orders": ("order_id", "S", {"by_customer": "customer_id", "by_email": "email"}),
    "chat": ("message_id", "S", {"by_customer": "customer_id"}),
    "news": ("email", "S", {}),
    "legacy": ("id", "N", {}),
}


def make(prefix):
    for name, (key, kind, indexes) in TABLES.items():
        types = {key: kind, **{attribute: "S" for attribute in indexes.values()}}
        wanted = {
            "TableName": f"{prefix}-{name}",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in types.items()],
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        }
        if indexes:
            wanted["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": index,
                    "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index, attribute in indexes.items()
            ]
        dynamodb.create_table(**wanted)


def put(table, item):
    values = {name: v if isinstance(v, dict) else {"S": v} for name, v in json.loads(item).items()}
    dynamodb.put_item(TableName=table, Item=values)


def keys(table):
    key, kind, _ = TABLES[table.rsplit("-", 1)[1]]
    pages = dynamodb.get_paginator("scan").paginate(TableName=table)
    print(json.dumps(sorted(item[key][kind] for page in pages for item in page["Items"])))


def main():
    command, *arguments = sys.argv[1:]
    {"make": make, "put": put, "keys": keys}[command](*arguments)


if __name__ == "__main__":
    main()
