"""Runs Verizon's Python SDK in the situations of `docs/comparison.md`, and prints a line of JSON for each.

`examples/compare.rs` does the same with this crate.
"""

import json
from concurrent.futures import ThreadPoolExecutor

from verizon.models.account_device_list_request import AccountDeviceListRequest
from verizon.models.session_reset_password_request import SessionResetPasswordRequest
from verizon.verizon_client import VerizonClient
from verizon.http.auth.thingspace_oauth import ThingspaceOauthCredentials
from verizon.http.auth.vz_m2m_token import VZM2mTokenCredentials

import sandbox
from sdk import SandboxConfiguration, log_in, platform

QUERY = AccountDeviceListRequest(account_name="0000123456-00001")


def outcome(call):
    """The result of a call as a caller sees it."""
    try:
        call()
    except Exception as error:
        name, text = type(error).__name__, " ".join(str(error).split())
        return text if text.startswith(name) else f"{name}: {text}".removesuffix(": ")
    return "success"


def fault(operation, times=1, **kind):
    sandbox.control("POST", "/faults", {"operation": operation, "times": times, "fault": kind})


def counters():
    return sandbox.control("GET", "/counters")


def started():
    """A client with a session, which has made a call."""
    token = log_in(platform().session_management, sandbox.PASSWORD).body.session_token
    api = platform(token)
    api.device_management.list_devices_information(QUERY)
    return api


def devices(api):
    return outcome(lambda: api.device_management.list_devices_information(QUERY))


def dead_session():
    api = started()
    sandbox.control("POST", f"/accounts/{sandbox.USERNAME}/expire-session")
    return devices(api)


def same_wrong_password():
    api = platform().session_management
    for _ in range(6):
        outcome(lambda: log_in(api, "wrong"))
    return f"{counters()['logins_attempted']} logins sent"


def other_wrong_passwords():
    api = platform().session_management
    for attempt in range(6):
        outcome(lambda: log_in(api, f"wrong-{attempt}"))
    return f"{counters()['logins_attempted']} logins sent"


def reset(api):
    return outcome(
        lambda: api.session_management.reset_connectivity_management_password(
            SessionResetPasswordRequest(sandbox.PASSWORD)
        )
    )


def lost_reset():
    api = started()
    fault("reset", kind="close-after")
    seen = reset(api)
    return f"{sent('password/actions/reset')} sent; {seen.split(':')[0].split('(')[0]}"


def failing_reset():
    token = log_in(platform().session_management, sandbox.PASSWORD).body.session_token
    config = SandboxConfiguration(
        thingspace_oauth_credentials=ThingspaceOauthCredentials(sandbox.API_KEY, sandbox.API_SECRET),
        vz_m2m_token_credentials=VZM2mTokenCredentials(token),
        max_retries=2,
        backoff_factor=0.01,
        retry_methods=["GET", "PUT"],
    )
    fault("reset", times=5, kind="answer-after", status=503, body="busy")
    reset(VerizonClient(config=config))
    return f"{sent('password/actions/reset')} sent"


def crowd():
    api = platform().session_management
    fault("token", times=10, kind="delay", milliseconds=200)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: outcome(lambda: log_in(api, sandbox.PASSWORD)), range(10)))
    requests = counters()["token_requests"]
    return "1 token request" if requests == 1 else "more than one token request"


def old_access_token():
    api = started()
    before = counters()["token_requests"]
    for _ in range(4):
        # The session survives 20 idle minutes. The last call is 30 s before the token expires.
        sandbox.control("POST", "/clock", {"advance_seconds": (3600 - 30) // 4})
        devices(api)
    return "renewed" if counters()["token_requests"] > before else "not renewed"


def rejected_access_token():
    api = started()
    sandbox.control("POST", "/revoke-access-tokens")
    return devices(api)


def failing_token_endpoint():
    fault("token", times=9, kind="answer", status=503, body="busy")
    return outcome(lambda: log_in(platform().session_management, sandbox.PASSWORD))


def printed():
    config = SandboxConfiguration(
        thingspace_oauth_credentials=ThingspaceOauthCredentials(sandbox.API_KEY, sandbox.API_SECRET)
    )
    texts = [repr(config.thingspace_oauth_credentials.__dict__), repr(SessionResetPasswordRequest(sandbox.PASSWORD))]
    return "shown" if any(s in t for t in texts for s in (sandbox.API_SECRET, sandbox.PASSWORD)) else "redacted"


def redirect():
    api = started()
    host = sandbox.BASE_URL.removesuffix("/api")
    fault("other", kind="answer", status=307, headers=[["location", f"{host}/api/m2m/v1/elsewhere"]], body="")
    devices(api)
    followed = [r for r in sandbox.control("GET", "/requests") if r["path"].endswith("/elsewhere")]
    tokens = any(name == "vz-m2m-token" for request in followed for name, _ in request["headers"])
    return "followed with the session token" if tokens else "followed" if followed else "not followed"


def web_page():
    fault("logout", kind="answer", status=200, headers=[["content-type", "text/html"]], body="<html>Log in</html>")
    return outcome(started().session_management.end_connectivity_management_session)


def sent(end):
    return sum(request["path"].endswith(end) for request in sandbox.control("GET", "/requests"))


SITUATIONS = [
    dead_session,
    same_wrong_password,
    other_wrong_passwords,
    lost_reset,
    failing_reset,
    crowd,
    old_access_token,
    rejected_access_token,
    failing_token_endpoint,
    printed,
    redirect,
    web_page,
]


def main():
    for situation in SITUATIONS:
        sandbox.reset()
        sandbox.control("DELETE", "/faults")
        print(json.dumps([situation.__name__, situation()]), flush=True)


if __name__ == "__main__":
    main()
