"""Deploys template.yaml to the local emulator with binaries that are already built.

    deploy.py --bin-dir target/debug --out .local/outputs.json

The template is used as it is but for what a loopback emulator cannot have: code comes from the
built binaries instead of a SAM build, nothing insists on TLS, and tests may tell of downloads.
"""

import argparse
import io
import json
import pathlib
import platform
import sys
import time
import zipfile

import boto3

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import cfn_yaml  # noqa: E402
import shop  # noqa: E402

ARTIFACTS = "oubli-local-artifacts"
DELIVERIES = "oubli-demo-delivery"
SENDER = "privacy@oubli.test"


def package(binary):
    """A zip whose bytes depend on the binary alone, stored since loopback is faster than deflate."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        archive.writestr(entry, binary.read_bytes())
    return buffer.getvalue()


def with_local_code(template, locations):
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        name = resource.pop("Metadata")["BuildProperties"]["Binary"]
        resource["Properties"]["CodeUri"] = locations[name]
    template["Globals"]["Function"].pop("CodeUri")
    return template


def without_tls_policies(template):
    """Loopback speaks plain HTTP, which these statements exist to refuse."""
    for name, resource in list(template["Resources"].items()):
        if resource["Type"] != "AWS::S3::BucketPolicy":
            continue
        policy = resource["Properties"]["PolicyDocument"]
        policy["Statement"] = [s for s in policy["Statement"] if s["Sid"] != "OnlyOverTls"]
        if not policy["Statement"]:
            del template["Resources"][name]
    return template


def with_told_downloads(template):
    """Nobody but AWS may send events as aws.s3, and the emulator does not: tests tell of downloads as oubli.local."""
    template["Resources"]["DownloadRule"]["Properties"]["EventPattern"]["source"].append("oubli.local")
    return template


def with_numbers(node, values):
    """The emulator passes a parameter on as text, which its schedulers then cannot compare."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("Timeout", "MaximumConcurrency") and isinstance(value, dict):
                node[key] = int(values[value["Ref"]])
            else:
                with_numbers(value, values)
    elif isinstance(node, list):
        for value in node:
            with_numbers(value, values)


def deploy(stack, template, parameters):
    cloudformation = boto3.client("cloudformation")
    s3 = boto3.client("s3")
    # A template of more than 51,200 bytes is read from a bucket only.
    s3.put_object(Bucket=ARTIFACTS, Key="template.json", Body=json.dumps(template).encode())
    cloudformation.create_stack(
        StackName=stack,
        TemplateURL=f"{s3.meta.endpoint_url}/{ARTIFACTS}/template.json",
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    while True:
        state = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        if state["StackStatus"] == "CREATE_COMPLETE":
            return {o["OutputKey"]: o["OutputValue"] for o in state["Outputs"]}
        if state["StackStatus"] != "CREATE_IN_PROGRESS":
            for event in cloudformation.describe_stack_events(StackName=stack)["StackEvents"]:
                if event["ResourceStatus"].endswith("FAILED"):
                    print(event["LogicalResourceId"], event.get("ResourceStatusReason"), file=sys.stderr)
            sys.exit(f"the stack ended in {state['StackStatus']}")
        time.sleep(0.1)


def create_outside(s3):
    """What a deployment expects to find: where exports may be delivered, and the address that emails come from."""
    s3.create_bucket(
        Bucket=DELIVERIES,
        CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name},
    )
    s3.put_public_access_block(
        Bucket=DELIVERIES,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
    )
    # Whoever takes a delivery back must not leave it as an older version.
    s3.put_bucket_versioning(Bucket=DELIVERIES, VersioningConfiguration={"Status": "Enabled"})
    boto3.client("sesv2").create_email_identity(EmailIdentity=SENDER)


def restore_dropped(template, outputs, values):
    """The emulator's CloudFormation drops these settings; its own service calls keep them."""
    resources = template["Resources"]
    boto3.client("dynamodb").update_time_to_live(
        TableName=outputs["ControlTable"],
        TimeToLiveSpecification=resources["ControlTable"]["Properties"]["TimeToLiveSpecification"],
    )
    cors = dict(resources["Api"]["Properties"]["CorsConfiguration"]["Fn::If"][1])
    cors["AllowOrigins"] = values["AllowedOrigins"].split(",")
    boto3.client("apigatewayv2").update_api(ApiId=outputs["ApiId"], CorsConfiguration=cors)

    s3 = boto3.client("s3")
    bucket = outputs["LedgerBucket"]
    s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    )
    kept = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    if kept.get("ObjectLockEnabled") != "Enabled":
        sys.exit(f"Object Lock did not take hold on {bucket}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--template", default="template.yaml")
    parser.add_argument("--stack", default="oubli")
    parser.add_argument("--bin-dir", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args()

    template = cfn_yaml.load(options.template)
    functions = cfn_yaml.functions(template).values()
    missing = [f for f in functions if not (options.bin_dir / f).is_file()]
    if missing:
        sys.exit(f"no binary for {', '.join(missing)} in {options.bin_dir}: build the workspace first")

    s3 = boto3.client("s3")
    s3.create_bucket(
        Bucket=ARTIFACTS,
        CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name},
    )
    locations = {}
    for function in functions:
        s3.put_object(Bucket=ARTIFACTS, Key=f"{function}.zip", Body=package(options.bin_dir / function))
        locations[function] = f"s3://{ARTIFACTS}/{function}.zip"
    create_outside(s3)

    parameters = {
        "ProtectData": "false",
        "CheckpointsKeptDays": "1",
        # Pages that open exports are read from files here.
        "AllowedOrigins": "*",
        # The emulator's CloudFormation knows no trails.
        "RecordDownloads": "false",
        "SenderAddress": SENDER,
        "DeliveryObjectArns": f"arn:aws:s3:::{DELIVERIES}/*",
        **shop.grants(s3.meta.region_name, boto3.client("sts").get_caller_identity()["Account"]),
        "Architecture": "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64",
    }
    parameters.update(p.split("=", 1) for p in options.parameter)
    template = with_told_downloads(without_tls_policies(with_local_code(template, locations)))
    values = {name: p["Default"] for name, p in template["Parameters"].items()} | parameters
    with_numbers(template["Resources"], values)
    outputs = deploy(options.stack, template, parameters)
    restore_dropped(template, outputs, values)
    options.out.write_text(json.dumps(outputs, indent=2) + "\n", encoding="utf-8")


main()
