"""Invokes a function with a sample event: invoke.py FUNCTION EVENT-FILE API-KEY. Prints its answer."""

import os
import sys

import boto3

function, path, key = sys.argv[1:4]
with open(path, encoding="utf-8") as file:
    event = file.read().replace("oubli_replace_with_a_key", key)
stack = os.environ.get("OUBLI_STACK", "oubli")
answer = boto3.client("lambda").invoke(FunctionName=f"{stack}-{function}", Payload=event.encode())
payload = answer["Payload"].read().decode()
if "FunctionError" in answer:
    sys.exit(f"{function} failed: {payload}")
print(payload)
