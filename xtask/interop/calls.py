"""Makes calls with Verizon's own Python SDK when it is told to, and says how long they took.

A line `python send 100` on standard input is 100 lists of devices, one after the other; `python start 20` is 20 logins.
The answer is a line of JSON: how many nanoseconds they took, all together. `benches/src/bin/calls.rs` does the same in
Rust.
"""

import json
import sys
import time

from verizon.models.account_device_list_request import AccountDeviceListRequest

import sandbox
from sdk import client, log_in, platform


def starting():
    api = client()
    # With an access token and a connection from here on.
    log_in(api, sandbox.PASSWORD)
    return lambda: log_in(api, sandbox.PASSWORD)


def sending():
    # Others have logged in meanwhile, and its credentials cannot be changed.
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
