"""Tries, with the credentials of each function's role, what the threat model says it cannot do: stolen_roles.py.

Prints a JSON list of {function, attempt, refused}. Each role is first seen to do something it may, so that a credential that
is good for nothing proves nothing.
"""

import json
import os
import sys

import boto3
from botocore.exceptions import ClientError

REGION = os.environ["AWS_REGION"]
TABLES = {name: os.environ[f"OUBLI_{name}_TABLE"] for name in ("CONTROL", "KEYS", "DIRECTORY", "DECISIONS", "LEDGER")}
WORK, LEDGER = os.environ["OUBLI_WORK_BUCKET"], os.environ["OUBLI_LEDGER_BUCKET"]
STACK = os.environ.get("OUBLI_STACK", "oubli")
NOTHING = {"pk": {"S": "org#nobody#request#none"}, "sk": {"S": "nothing"}}


def credentials(function):
    """Those that the function's role has. Its trust is for Lambda alone, which a test in its own account may change for itself."""
    iam, sts = boto3.client("iam"), boto3.client("sts")
    roles = [r for r in iam.list_roles()["Roles"] if r["RoleName"].startswith(f"{STACK}-{function}Role")]
    return sts.assume_role(RoleArn=roles[0]["Arn"], RoleSessionName="stolen")["Credentials"]


def session(function):
    had = credentials(function)
    return boto3.Session(had["AccessKeyId"], had["SecretAccessKey"], had["SessionToken"], region_name=REGION)


def attempts(role):
    tables, objects, keys = role.client("dynamodb"), role.client("s3"), role.client("kms")

    def put(table, pk=None):
        item = {**NOTHING, **({"pk": {"S": pk}} if pk else {})}
        return lambda: tables.put_item(TableName=TABLES[table], Item=item)

    def delete(table):
        return lambda: tables.delete_item(TableName=TABLES[table], Key=NOTHING)

    return {
        "write a decision": put("DECISIONS"),
        "change a decision": lambda: tables.update_item(
            TableName=TABLES["DECISIONS"], Key=NOTHING, UpdateExpression="SET a = :a", ExpressionAttributeValues={":a": {"S": "x"}}
        ),
        "write a member or a credential": put("DIRECTORY"),
        "put a wrapped key of a request": put("KEYS"),
        "delete a wrapped key": delete("KEYS"),
        "read a wrapped key": lambda: tables.get_item(TableName=TABLES["KEYS"], Key=NOTHING),
        "write the control table": put("CONTROL"),
        "write the index of the log": put("LEDGER"),
        "read a shop's record": lambda: tables.get_item(TableName="shop-profiles", Key={"customer_id": {"S": "nobody"}}),
        "delete a shop's record": lambda: tables.delete_item(TableName="shop-profiles", Key={"customer_id": {"S": "nobody"}}),
        "put a part of a vault": lambda: objects.put_object(Bucket=WORK, Key="vault/nobody", Body=b""),
        "put a tile over another": lambda: objects.put_object(Bucket=LEDGER, Key="nobody/tile/0/000", Body=b""),
        "put a checkpoint over another": lambda: objects.put_object(Bucket=LEDGER, Key="nobody/checkpoints/1", Body=b""),
        "put a cosignature over another": lambda: objects.put_object(Bucket=LEDGER, Key="nobody/cosignatures/1/0", Body=b""),
        "have a tile of hashes expire": lambda: objects.put_object_tagging(
            Bucket=LEDGER, Key="nobody/tile/0/000", Tagging={"TagSet": [{"Key": "oubli-passes", "Value": "true"}]}
        ),
        "have a checkpoint expire": lambda: objects.put_object_tagging(
            Bucket=LEDGER, Key="nobody/checkpoints/1", Tagging={"TagSet": [{"Key": "oubli-passes", "Value": "true"}]}
        ),
        "delete a tile": lambda: objects.delete_object(Bucket=LEDGER, Key="nobody/tile/0/000"),
        "sign a checkpoint": lambda: keys.sign(
            KeyId=os.environ["OUBLI_LEDGER_KEY_ID"], Message=b"x", MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
        ),
    }


MAY = {
    "Intake": {"read a wrapped key", "put a wrapped key of a request", "write the control table"},
    "Review": {"write a decision", "write a member or a credential", "read a wrapped key", "write the control table"},
    "Discovery": {"read a wrapped key", "put a wrapped key of a request", "write the control table", "read a shop's record"},
    "Deletion": {
        "put a wrapped key of a request",
        "delete a wrapped key",
        "read a wrapped key",
        "write the control table",
        "read a shop's record",
        "delete a shop's record",
        "put a part of a vault",
    },
    "Export": {"read a wrapped key", "write the control table", "read a shop's record"},
    "Ledger": {"write the control table", "write the index of the log", "sign a checkpoint"},
    "Report": {"read a wrapped key", "write the control table"},
    "Notifier": {"write the control table"},
    "Sweeper": set(),
}


def refused(attempt):
    try:
        attempt()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in ("AccessDeniedException", "AccessDenied"):
            sys.exit(f"an attempt ended in {code}, which says nothing: {error}")
        return True
    return False


def main():
    rows = []
    for function, may in MAY.items():
        role = session(function)
        known = {"pk": {"S": "org#demo"}, "sk": {"S": "settings"}}
        role.client("dynamodb").get_item(TableName=TABLES["DIRECTORY"], Key=known)
        for name, attempt in attempts(role).items():
            if name not in may:
                rows.append({"function": function, "attempt": name, "refused": refused(attempt)})
    print(json.dumps(rows))


main()
