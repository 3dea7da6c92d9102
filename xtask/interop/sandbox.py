"""Client of the sandbox for the interop scripts: credentials, reset, and recorded requests."""

import os

import requests

BASE_URL = os.environ["THINGSPACE_BASE_URL"]

# Credentials of every new sandbox.
API_KEY = "sandbox-key"
API_SECRET = "sandbox-secret"
USERNAME = "zbeeblebrox"
PASSWORD = "IMgr8"

_CONTROL_URL = BASE_URL.removesuffix("/api") + "/_sandbox"
_http = requests.Session()


def control(method: str, path: str, body=None):
    """Calls the control API, which ThingSpace does not have; returns the decoded JSON, or None."""
    answer = _http.request(method, _CONTROL_URL + path, json=body, timeout=10)
    answer.raise_for_status()
    return answer.json() if answer.content else None


def reset() -> None:
    """Restores the initial state: no session, no failed logins, the first password, no tokens."""
    control("POST", "/reset")


def access_token() -> str:
    """Returns a valid access token."""
    answer = _http.post(
        BASE_URL + "/ts/v1/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(API_KEY, API_SECRET),
        timeout=10,
    )
    answer.raise_for_status()
    return answer.json()["access_token"]


def session_token(access: str) -> str:
    """Logs in and returns the session token. The login ends any older session."""
    answer = _http.post(
        BASE_URL + "/m2m/v1/session/login",
        json={"username": USERNAME, "password": PASSWORD},
        headers={"Authorization": f"Bearer {access}"},
        timeout=10,
    )
    answer.raise_for_status()
    return answer.json()["sessionToken"]
