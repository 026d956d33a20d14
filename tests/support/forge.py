"""A request written as `hiding` with the rights of intake alone, and its batches sent: forge.py ORGANIZATION REQUEST

Intake is the function that the internet reaches. Prints, as JSON, what the store of decisions said to the same rights.
"""

import json
import os
import sys
import uuid

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

# One that no other request takes.
SLOT = 900


def rights_of(function):
    roles = [r for page in boto3.client("iam").get_paginator("list_roles").paginate() for r in page["Roles"]]
    [role] = [r for r in roles if f"{function}Role" in r["RoleName"]]
    given = boto3.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="forger")["Credentials"]
    return boto3.Session(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def main():
    organization, request = sys.argv[1:]
    session = rights_of("Intake")
    dynamodb, sqs = session.client("dynamodb"), session.client("sqs")
    table = os.environ["OUBLI_CONTROL_TABLE"]
    key = {"pk": {"S": f"org#{organization}#request#{request}"}, "sk": {"S": "request"}}
    stored = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    item = {name: TypeDeserializer().deserialize(value) for name, value in stored.items()}
    steps = range(20)
    item["state"] = {"phase": "hiding", "cancelled": False, "decided": True}
    item |= {"version": item["version"] + 1, "run": item["run"] + 1, "execution_id": f"exec_{uuid.uuid4().hex}", "slot": SLOT}
    item |= {"steps": item["steps"] or list(steps), "window_seconds": 60}
    item |= {"decided_at": item["planned_at"], "first_decided_at": item["planned_at"], "started_at": item["planned_at"]}
    written = {name: TypeSerializer().serialize(value) for name, value in item.items()}
    dynamodb.put_item(TableName=table, Item=written)
    slot = {"pk": {"S": f"org#{organization}#slots"}, "sk": {"S": f"slot#{SLOT}"}, "request": {"S": request}}
    dynamodb.put_item(TableName=table, Item=slot)
    address = {"organization": organization, "request": request}
    messages = [{"kind": "batch", **address, "round": 1, "step_index": n, "batch_index": 0, "run": int(item["run"])} for n in steps]
    for message in messages + [{"kind": "advance", **address}]:
        sqs.send_message(
            QueueUrl=os.environ["OUBLI_DELETION_QUEUE_URL"], MessageBody=json.dumps(message), MessageGroupId=organization
        )
    try:
        dynamodb.put_item(TableName=os.environ["OUBLI_DECISIONS_TABLE"], Item=key)
        decisions = "written"
    except ClientError as error:
        decisions = error.response["Error"]["Code"]
    print(json.dumps({"decisions": decisions}))


main()
