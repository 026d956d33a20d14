"""Has the witness of the local stack trust logs: trust_logs.py CONFIG PID LOG_KEY ORIGIN...

All logs of a deployment are signed with one key, so the key of one log gives those of the others. Runs in the environment of the
witness, `aics-witness`, which reads its list of logs again on SIGHUP.
"""

import os
import signal
import sys

from aics_tlog import format_vkey, parse_vkey, vkey_from_ed25519
from aics_witness.config import add_log_to_config

config, pid, log_key, *origins = sys.argv[1:]
public = parse_vkey(log_key).public_key
for origin in origins:
    add_log_to_config(config, origin, format_vkey(vkey_from_ed25519(origin, public)))
os.kill(int(pid), signal.SIGHUP)
