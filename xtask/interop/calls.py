"""Makes calls with Verizon's Python SDK on command, and reports their duration.

The line `python send 100` on standard input requests 100 lists of devices in sequence; `python start 20` logs in 20
times. The script answers with a line of JSON: the total time in nanoseconds. `benches/src/bin/calls.rs` does the same
in Rust.
"""

import json
import sys
import time

from verizon.models.account_device_list_request import AccountDeviceListRequest

import sandbox
from sdk import client, log_in, platform


def starting():
    api = client()
    # Get the access token and open the connection before the measurement.
    log_in(api, sandbox.PASSWORD)
    return lambda: log_in(api, sandbox.PASSWORD)


def sending():
    # A new client: another login may have ended the old session, and a client's credentials are fixed.
    token = log_in(client(), sandbox.PASSWORD).body.session_token
    devices = platform(token).device_management
    query = AccountDeviceListRequest(account_name="0000123456-00001")
    devices.list_devices_information(query)
    return lambda: devices.list_devices_information(query)


def main():
    for line in sys.stdin:
        _, what, calls = line.split()
        call = {"start": starting, "send": sending}[what]()
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        for _ in range(int(calls)):
            call()
        taken = {"wall": time.perf_counter_ns() - wall, "cpu": time.process_time_ns() - cpu}
        print(json.dumps(taken), flush=True)


if __name__ == "__main__":
    main()
