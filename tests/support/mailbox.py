"""Emails that name an export, once there are at least COUNT: mailbox.py WORD COUNT SECONDS. Prints them as JSON."""

import json
import os
import sys
import time
import urllib.request

word, count, patience = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
address = os.environ["AWS_ENDPOINT_URL"] + "/_ministack/ses/messages"
until = time.monotonic() + patience
while True:
    with urllib.request.urlopen(address) as answer:
        messages = [m for account in json.load(answer)["messages"].values() for m in account]
    mine = [m for m in messages if word in json.dumps(m)]
    if len(mine) >= count or time.monotonic() > until:
        break
    time.sleep(0.5)
print(json.dumps(mine))
