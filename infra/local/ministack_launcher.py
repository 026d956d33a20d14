"""Starts MiniStack without the two waits that dominate a warm local invocation, with AWS's own rules for batches,
statements and mail, and with large objects in files, so that there may be more of them than memory.

The patches reach into internals, hence the exact pin in requirements-ministack.txt.
"""

import base64
import json
import mmap
import os
import signal
import socketserver
import sys
import tempfile
import threading
import time
from email.utils import parseaddr

import ministack.app as app
import ministack.core.iam_actions as iam_actions
import ministack.core.iam_evaluator as iam_evaluator
import ministack.core.lambda_runtime as lambda_runtime
import ministack.core.responses as responses
import ministack.services.dynamodb as dynamodb
import ministack.services.kms as kms
import ministack.services.s3 as s3

# Nagle's algorithm against a delayed ACK costs 40 ms per invocation.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

# The default waits 50 ms for log lines that a silent invocation never writes.
lambda_runtime.Worker._drain_stderr_bounded.__defaults__ = (0.002, 0.002, 0.25)

# On AWS a batch of messages needs the permission for single ones; there is no action of the batch's name.
BATCH_ACTIONS = {"sqs:SendMessageBatch": "sqs:SendMessage", "sqs:DeleteMessageBatch": "sqs:DeleteMessage"}
extract_iam_action = iam_actions.extract_iam_action


class Statement:
    """What a request of ExecuteStatement does, and with what. On AWS that is what is authorized."""

    def __init__(self, body):
        self.action = self.path = None
        try:
            asked = json.loads(body or b"{}")
            parsed = dynamodb._parse_partiql(asked["Statement"], asked.get("Parameters"))
        except (KeyError, TypeError, ValueError):
            return
        index, table = parsed.get("index"), dynamodb._tables.get(parsed["table"]) or {}
        self.action = f"dynamodb:PartiQL{parsed['op'].capitalize()}"
        self.path = parsed["table"] + (f"/index/{index}" if index else "")
        indexes = (table.get("GlobalSecondaryIndexes") or []) + (table.get("LocalSecondaryIndexes") or [])
        keys = {i["IndexName"]: i["KeySchema"][0]["AttributeName"] for i in indexes}
        key = keys.get(index) if index else table.get("pk_name")
        self.scans = not any(name == key and how in ("=", "IN") for name, how, _ in parsed["conditions"])


def extract_as_on_aws(*arguments, **options):
    action = extract_iam_action(*arguments, **options)
    if action == "dynamodb:ExecuteStatement":
        return Statement(arguments[4]).action or action
    return BATCH_ACTIONS.get(action, action)


def tables_as_on_aws(body, region, account):
    path = Statement(body).path
    if path is None:
        return dynamodb_resource_arns(body, region, account)
    return [f"arn:aws:dynamodb:{region}:{account}:table/{path}"]


def read_json(body):
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        return {}
    return asked if isinstance(asked, dict) else {}


def leading_keys(items):
    """The partition keys of items, in tables whose key is called pk."""
    keys = [item["pk"].get("S") for item in items if isinstance(item, dict) and isinstance(item.get("pk"), dict)]
    return sorted({key for key in keys if key})


def items_of(asked):
    """Items and keys that a request names, by itself or in a batch."""
    batches = [part for table in (asked.get("RequestItems") or {}).values() for part in (table if isinstance(table, list) else [table])]
    writes = [write for part in batches if isinstance(part, dict) for write in part.values() if isinstance(write, dict)]
    named = [part.get(name) for part in [asked, *writes] for name in ("Item", "Key")]
    return named + [key for part in batches if isinstance(part, dict) for key in part.get("Keys") or []]


class Keyed(str):
    """A table's ARN, with the keys of the one item that is written there: each item of a transaction is authorized by itself."""

    keys = ()


def checks_as_on_aws(action, body, region, account):
    checks = dynamodb_transaction_checks(action, body, region, account)
    items = [detail for item in read_json(body).get("TransactItems") or [] for detail in item.values()]
    keyed = []
    for (checked, arn), detail in zip(checks, items, strict=True):
        arn = Keyed(arn)
        arn.keys = leading_keys([detail.get("Item"), detail.get("Key")])
        keyed.append((checked, arn))
    return keyed


def enforce_as_on_aws(*arguments, resource_arn="", service_context=None, **options):
    if isinstance(resource_arn, Keyed):
        service_context = {**(service_context or {}), "dynamodb:LeadingKeys": list(resource_arn.keys)}
    return enforce(*arguments, resource_arn=resource_arn, service_context=service_context, **options)


def context_as_on_aws(body):
    statement, keys = Statement(body), leading_keys(items_of(read_json(body)))
    context = dynamodb_service_context(body)
    if keys:
        context = {**context, "dynamodb:LeadingKeys": keys}
    return context if statement.path is None else {**context, "dynamodb:FullTableScan": str(statement.scans).lower()}


def key_context_as_on_aws(service, action, body, *more):
    context = request_tag_context(service, action, body, *more)
    if service != "kms":
        return context
    asked = read_json(body)
    bound = {f"kms:EncryptionContext:{name}": value for name, value in (asked.get("EncryptionContext") or {}).items()}
    named = {"MessageType": "RAW", "SigningAlgorithm": None, "MacAlgorithm": None}
    used = {f"kms:{name}": asked.get(name, default) for name, default in named.items() if asked.get(name, default)}
    return {**context, **bound, **used}


def object_context_as_on_aws(action, query, path, headers):
    context = s3_service_context(action, query, path, headers)
    condition = (headers or {}).get("if-none-match")
    return {**context, "s3:if-none-match": condition} if condition else context


def mail_as_on_aws(method, path, headers, body, query, request_id):
    if not path.rstrip("/").endswith("/outbound-emails"):
        return enforce_ses_v2(method, path, headers, body, query, request_id)
    sender = parseaddr(json.loads(body or b"{}").get("FromEmailAddress", ""))[1]
    region, account = app.extract_region(headers, query), responses.get_account_id()
    return app._enforce_data_plane(
        "sesv2", "ses:SendEmail", headers, query, request_id,
        resource_arn=f"arn:aws:ses:{region}:{account}:identity/{sender}",
        service_context={"ses:FromAddress": sender},
    )


dynamodb_resource_arns, dynamodb_service_context = iam_actions.dynamodb_resource_arns, iam_actions.dynamodb_service_context
enforce_ses_v2, s3_service_context = app._enforce_ses_v2, iam_actions.s3_service_context
dynamodb_transaction_checks, request_tag_context = iam_actions.dynamodb_transaction_checks, iam_actions.request_tag_context
enforce = iam_evaluator.enforce
iam_actions.dynamodb_transaction_checks = checks_as_on_aws
iam_actions.request_tag_context = key_context_as_on_aws
iam_evaluator.enforce = enforce_as_on_aws
iam_actions.s3_service_context = object_context_as_on_aws
iam_actions.extract_iam_action = extract_as_on_aws
iam_actions.dynamodb_resource_arns = tables_as_on_aws
iam_actions.dynamodb_service_context = context_as_on_aws
app._enforce_ses_v2 = mail_as_on_aws


def decrypt_as_on_aws(asked):
    """With the key that is named, or not at all: what another wrapped would otherwise come out as noise, and no error."""
    named = kms._resolve_key(asked.get("KeyId", ""))
    try:
        wrapped_by = base64.b64decode(asked.get("CiphertextBlob", ""))[:36].decode()
    except ValueError:
        wrapped_by = ""
    if named and "_symmetric_key" in named and wrapped_by in kms._keys and kms._keys[wrapped_by] is not named:
        message = "The key ID in the request does not identify a CMK that can perform this operation."
        return responses.error_response_json("IncorrectKeyException", message, 400)
    return decrypt(asked)


decrypt = kms._decrypt
kms._decrypt = decrypt_as_on_aws


def dispatch_as_on_aws(method, bucket, key, headers, body, query):
    """In a bucket of whom the caller expects to own it, or not at all: names are given up, and taken by others."""
    expected, owner = headers.get("x-amz-expected-bucket-owner"), s3._bucket_owner_account(bucket)
    if expected and owner and expected != owner:
        return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}")
    return dispatch(method, bucket, key, headers, body, query)


dispatch = s3._dispatch
s3._dispatch = dispatch_as_on_aws


LARGE = 1024 * 1024


def in_a_file(body):
    """The same bytes, which the system may take out of memory."""
    if not isinstance(body, bytes) or len(body) < LARGE:
        return body
    with tempfile.TemporaryFile() as file:
        file.write(body)
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def upload_part_to_a_file(bucket, key, body, *more):
    return upload_part(bucket, key, in_a_file(body), *more)


def record_version_in_a_file(bucket, key, prior, stored, data):
    stored["body"] = in_a_file(data)
    return record_object_version(bucket, key, prior, stored, stored["body"])


async def send_in_pieces(send, status, headers, body, *, head=False):
    """Whole, an answer is copied several times, and all of it waits in memory to be fetched."""
    if head or isinstance(body, str) or len(body) < LARGE:
        return await send_response(send, status, headers, body, head=head)

    async def pieces(event):
        if event["type"] != "http.response.body":
            return await send(event)
        for begin in range(0, len(body), LARGE):
            await send({**event, "body": body[begin : begin + LARGE], "more_body": begin + LARGE < len(body)})

    headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    await send_response(pieces, status, {**headers, "Content-Length": str(len(body))}, b"", head=head)


upload_part, record_object_version, send_response = s3._upload_part, s3._record_object_version, app._send_response
s3._upload_part = upload_part_to_a_file
s3._record_object_version = record_version_in_a_file
app._send_response = send_in_pieces


HERE = {"127.0.0.1", "localhost", "[::1]"}


def host_of(text):
    return text.rsplit(":", 1)[0] if not text.endswith("]") else text


def is_from_here(headers):
    """Whether a request is meant for this machine, and not made by a page of somewhere else that a browser shows.

    The emulator runs what it is given, and lets every page read its answers: a page that a developer happens to look at could run
    programs as that developer. A browser says which page asks; a name that was made to lead here stands in Host.
    """
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if host_of(host) not in HERE and not host_of(host).endswith(".localhost"):
        return False
    origin = headers.get(b"origin")
    if origin is None:
        # Pages can also have pictures and scripts fetched, without an origin, which reads nothing and changes nothing here.
        return headers.get(b"sec-fetch-site", b"none") in (b"none", b"same-origin", b"same-site")
    scheme, _, rest = origin.decode("latin-1").lower().partition("://")
    return scheme == "http" and host_of(rest) in HERE


async def guarded(scope, receive, send):
    if scope["type"] == "http" and not is_from_here(dict(scope["headers"])):
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Only programs and pages of this machine are answered.\n"})
        return
    await emulate(scope, receive, send)


emulate = app.app
app.app = guarded


def end_with_parent():
    """Standard input closes when the parent goes away, even when it is killed."""
    while sys.stdin.buffer.read(1):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(5)
    os.killpg(0, signal.SIGKILL)


if os.environ.pop("OUBLI_ON_LEASH", None):
    threading.Thread(target=end_with_parent, daemon=True).start()

app.main()
