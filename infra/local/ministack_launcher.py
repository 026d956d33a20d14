"""Starts MiniStack without the two waits that dominate a warm local invocation, and with AWS's own rule for batches.

The patches reach into internals, hence the exact pin in requirements-ministack.txt.
"""

import os
import signal
import socketserver
import sys
import threading
import time

import ministack.app
import ministack.core.iam_actions as iam_actions
import ministack.core.lambda_runtime as lambda_runtime

# Nagle's algorithm against a delayed ACK costs 40 ms per invocation.
socketserver.StreamRequestHandler.disable_nagle_algorithm = True

# The default waits 50 ms for log lines that a silent invocation never writes.
lambda_runtime.Worker._drain_stderr_bounded.__defaults__ = (0.002, 0.002, 0.25)

# On AWS a batch of messages needs the permission for single ones; there is no action of the batch's name.
BATCH_ACTIONS = {"sqs:SendMessageBatch": "sqs:SendMessage", "sqs:DeleteMessageBatch": "sqs:DeleteMessage"}
extract_iam_action = iam_actions.extract_iam_action


def extract_as_on_aws(*arguments, **options):
    action = extract_iam_action(*arguments, **options)
    return BATCH_ACTIONS.get(action, action)


iam_actions.extract_iam_action = extract_as_on_aws


def end_with_parent():
    """Standard input closes when the parent goes away, even when it is killed."""
    while sys.stdin.buffer.read(1):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(5)
    os.killpg(0, signal.SIGKILL)


if os.environ.pop("OUBLI_ON_LEASH", None):
    threading.Thread(target=end_with_parent, daemon=True).start()

ministack.app.main()
