"""Tries, with the credentials of each function's role, what the threat model says it cannot do: stolen_roles.py.

Prints a JSON list of {function, attempt, may, refused}. What each role may is tried as well where it changes nothing, so that a
credential that is good for nothing proves nothing.
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
# What each of the keys is for.
PURPOSES = {
    "identity": "IDENTITY",
    "subject-index#2026": "IDENTITY",
    "step-up": "IDENTITY",
    "reviews": "IDENTITY",
    "cursors": "IDENTITY",
    "answer": "IDENTITY",
    "manifest#001": "MANIFEST",
    "vault#001#000": "VAULT",
    "export": "EXPORT",
}
NOTHING = {"pk": {"S": "org#nobody#request#none"}, "sk": {"S": "nothing"}}


def credentials(function):
    """Those that the function's role has. Its trust is for Lambda alone, which a test in its own account may change for itself."""
    iam, sts = boto3.client("iam"), boto3.client("sts")
    roles = [r for r in iam.list_roles()["Roles"] if r["RoleName"].startswith(f"{STACK}-{function}Role")]
    return sts.assume_role(RoleArn=roles[0]["Arn"], RoleSessionName="stolen")["Credentials"]


def session(function):
    had = credentials(function)
    return boto3.Session(had["AccessKeyId"], had["SecretAccessKey"], had["SessionToken"], region_name=REGION)


def key_of(purpose):
    return {"KeyId": os.environ[f"OUBLI_{PURPOSES[purpose]}_KEY_ID"], "EncryptionContext": {"purpose": purpose}}


def wrapped():
    """A data key of each purpose, made by whoever owns the account of the tests."""
    keys = boto3.client("kms")
    return {purpose: keys.generate_data_key(KeySpec="AES_256", **key_of(purpose))["CiphertextBlob"] for purpose in PURPOSES}


def key_attempts(keys, sealed):
    for purpose in PURPOSES:
        of = key_of(purpose)
        yield f"make a key: {purpose}", lambda of=of: keys.generate_data_key(KeySpec="AES_256", **of)
        yield f"open a key: {purpose}", lambda of=of, blob=sealed[purpose]: keys.decrypt(CiphertextBlob=blob, **of)
    other = {**key_of("vault#001#000"), "EncryptionContext": {"purpose": "identity"}}
    yield "use the vault's key for something else", lambda: keys.generate_data_key(KeySpec="AES_256", **other)
    yield "use a key for nothing in particular", lambda: keys.generate_data_key(KeySpec="AES_256", KeyId=other["KeyId"])
    yield "hash a person's name", lambda: keys.generate_mac(
        KeyId=os.environ["OUBLI_MAC_KEY_ID"], Message=b"x", MacAlgorithm="HMAC_SHA_256"
    )


def attempts(role, sealed):
    tables, objects, keys = role.client("dynamodb"), role.client("s3"), role.client("kms")

    def put(table, pk=None):
        item = {**NOTHING, **({"pk": {"S": pk}} if pk else {})}
        return lambda: tables.put_item(TableName=TABLES[table], Item=item)

    def delete(table):
        return lambda: tables.delete_item(TableName=TABLES[table], Key=NOTHING)

    def read(of):
        key = {**NOTHING, "pk": {"S": f"{of}#org#nobody#request#none"}}
        return lambda: tables.get_item(TableName=TABLES["KEYS"], Key=key)

    return {
        **dict(key_attempts(keys, sealed)),
        "write a decision": put("DECISIONS"),
        "change a decision": lambda: tables.update_item(
            TableName=TABLES["DECISIONS"], Key=NOTHING, UpdateExpression="SET a = :a", ExpressionAttributeValues={":a": {"S": "x"}}
        ),
        "write a member or a credential": put("DIRECTORY"),
        "put a wrapped key: identity": put("KEYS", "identity#org#nobody#request#none"),
        "put a wrapped key: manifest": put("KEYS", "manifest#org#nobody#request#none"),
        "put a wrapped key: vault": put("KEYS", "vault#org#nobody#request#none"),
        "put a wrapped key: export": put("KEYS", "export#org#nobody#request#none"),
        "put wrapped keys, one of them a vault's": lambda: tables.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": TABLES["KEYS"], "Item": {**NOTHING, "pk": {"S": f"{of}#org#nobody#request#none"}}}}
                for of in ("identity", "vault")
            ]
        ),
        "read wrapped keys, one of them a vault's": lambda: tables.batch_get_item(
            RequestItems={
                TABLES["KEYS"]: {
                    "Keys": [{**NOTHING, "pk": {"S": f"{of}#org#nobody#request#none"}} for of in ("identity", "vault")]
                }
            }
        ),
        "delete a wrapped key": delete("KEYS"),
        "read a wrapped key: identity": read("identity"),
        "read a wrapped key: vault": read("vault"),
        "write a request": put("CONTROL"),
        "write what waits for the log": put("CONTROL", "org#nobody#outbox"),
        "write what waits for the log, and a request": lambda: tables.batch_write_item(
            RequestItems={
                TABLES["CONTROL"]: [
                    {"PutRequest": {"Item": {**NOTHING, "pk": {"S": pk}}}} for pk in ("org#nobody#outbox", NOTHING["pk"]["S"])
                ]
            }
        ),
        "note a look": put("CONTROL", "org#nobody#look#nobody"),
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


def of_keys(makes, opens):
    return {f"make a key: {purpose}" for purpose in makes} | {f"open a key: {purpose}" for purpose in opens}


HASH = "hash a person's name"
MAY = {
    "Intake": of_keys(
        ["identity", "subject-index#2026", "cursors", "answer"], ["identity", "subject-index#2026", "cursors", "answer"]
    )
    | {HASH, "read a wrapped key: identity", "put a wrapped key: identity", "write a request", "write what waits for the log", "note a look"},
    "Review": of_keys(["step-up", "reviews", "answer"], ["identity", "step-up", "reviews", "answer"])
    | {"write a decision", "write a member or a credential", "read a wrapped key: identity", "write a request"}
    | {"write what waits for the log", "note a look"},
    "Discovery": of_keys(
        ["identity", "subject-index#2026", "cursors", "answer", "manifest#001"],
        ["identity", "subject-index#2026", "cursors", "answer", "manifest#001"],
    )
    | {HASH, "read a wrapped key: identity", "put a wrapped key: identity", "put a wrapped key: manifest"}
    | {"write a request", "write what waits for the log", "write what waits for the log, and a request", "note a look"}
    | {"read a shop's record"},
    "Deletion": of_keys(
        ["identity", "subject-index#2026", "cursors", "vault#001#000", "export"],
        ["identity", "subject-index#2026", "manifest#001", "vault#001#000"],
    )
    | {f"put a wrapped key: {of}" for of in ("identity", "manifest", "vault", "export")}
    | {
        HASH,
        "put wrapped keys, one of them a vault's",
        "delete a wrapped key",
        "read a wrapped key: identity",
        "read a wrapped key: vault",
        "read wrapped keys, one of them a vault's",
        "write a request",
        "write what waits for the log",
        "write what waits for the log, and a request",
        "note a look",
        "read a shop's record",
        "delete a shop's record",
        "put a part of a vault",
    },
    "Export": of_keys(["answer"], ["identity", "step-up", "answer", "manifest#001", "export"])
    | {"read a wrapped key: identity", "write a request", "write what waits for the log", "note a look", "read a shop's record"},
    "Ledger": {"write what waits for the log", "write the index of the log", "sign a checkpoint"},
    "Report": of_keys(["answer"], ["identity", "answer"])
    | {"read a wrapped key: identity", "write what waits for the log", "note a look"},
    "Notifier": {"write what waits for the log"},
    "Sweeper": set(),
}


def harmless(name):
    return name.startswith(("make a key", "open a key", "read a")) or name == HASH


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
    rows, sealed = [], wrapped()
    for function, may in MAY.items():
        role = session(function)
        known = {"pk": {"S": "org#demo"}, "sk": {"S": "settings"}}
        role.client("dynamodb").get_item(TableName=TABLES["DIRECTORY"], Key=known)
        for name, attempt in attempts(role, sealed).items():
            if name not in may or harmless(name):
                rows.append({"function": function, "attempt": name, "may": name in may, "refused": refused(attempt)})
        if unknown := may - set(attempts(role, sealed)):
            sys.exit(f"nothing tries {unknown}")
    print(json.dumps(rows))


main()
