"""Runs Verizon's Python SDK against the sandbox: the three operations, an error response, an expired session.

    sdk.py WIRE      writes the requests of the SDK to the file WIRE

Prints a line for every step, and stops with status 1 at the first failure.
"""

import base64
import json
import sys
from importlib.metadata import version
from urllib.parse import parse_qsl

from verizon.configuration import Configuration, Environment, Server
from verizon.exceptions.connectivity_management_result_exception import ConnectivityManagementResultException
from verizon.http.auth.thingspace_oauth import ThingspaceOauthCredentials
from verizon.http.auth.vz_m2m_token import VZM2mTokenCredentials
from verizon.models.log_in_request import LogInRequest
from verizon.models.session_reset_password_request import SessionResetPasswordRequest
from verizon.verizon_client import VerizonClient

import sandbox

WRONG_PASSWORD = "not-the-password"
SESSION_IDLE_SECONDS = 20 * 60


class SandboxConfiguration(Configuration):
    """The SDK's configuration with the sandbox instead of production.

    The SDK's environments are fixed. But the client asks its configuration for the address of every request, including
    that for the access token. The HTTP client, retries, timeout and everything after `/api` stay the SDK's own.
    """

    _PRODUCTION = Configuration.environments[Environment.PRODUCTION][Server.THINGSPACE]

    def get_base_uri(self, server=Server.THINGSPACE):
        uri = super().get_base_uri(server)
        # Any other address would be an external connection.
        expect(uri.startswith(self._PRODUCTION), f"{server} is not on the platform's host")
        return sandbox.BASE_URL + uri.removeprefix(self._PRODUCTION)


def platform(session_token=None):
    """A client as the SDK's documentation builds it, with fixed credentials."""
    session = VZM2mTokenCredentials(session_token) if session_token else None
    return VerizonClient(
        config=SandboxConfiguration(
            thingspace_oauth_credentials=ThingspaceOauthCredentials(sandbox.API_KEY, sandbox.API_SECRET),
            vz_m2m_token_credentials=session,
        )
    )


def client(session_token=None):
    return platform(session_token).session_management


def log_in(api, password):
    return api.start_connectivity_management_session(LogInRequest(sandbox.USERNAME, password))


def main(wire):
    sandbox.reset()

    api = client()
    started = log_in(api, sandbox.PASSWORD)
    token = started.body.session_token
    expect(started.status_code == 200 and bool(token), "the login returned no session token")
    say("start a session: a session token")

    api = client(token)
    replaced = api.reset_connectivity_management_password(SessionResetPasswordRequest(sandbox.PASSWORD))
    password = replaced.body.new_password
    expect(replaced.status_code == 200, "the status of the reset was not 200")
    expect(password and password != sandbox.PASSWORD, "the reset returned no new password")
    say("reset the password: a new password")

    ended = api.end_connectivity_management_session()
    expect(ended.status_code == 200 and ended.body.session_token == token, "the logout returned another session token")
    say("end the session: the token of the session that ended")

    # The wire file records all requests up to here, so it also shows that the SDK repeated none.
    sent = sandbox.control("GET", "/requests")
    secrets = {
        sandbox.USERNAME: "<username>",
        sandbox.PASSWORD: "<password>",
        token: "<session token>",
        # A key has one access token until it expires, so this is the SDK's.
        sandbox.access_token(): "<access token>",
        basic(sandbox.API_KEY, sandbox.API_SECRET): "<base64 of key:secret>",
    }
    record(wire, sent, secrets)

    token = log_in(api, password).body.session_token
    say("start a session with the new password: a session token")

    code = error_code(lambda: log_in(api, WRONG_PASSWORD))
    expect(".SessionToken." not in code, f"a wrong password led to {code}")
    say(f"start a session with a wrong password: {code}")

    api = client(token)
    sandbox.control("POST", "/clock", {"advance_seconds": SESSION_IDLE_SECONDS + 1})
    code = error_code(api.end_connectivity_management_session)
    expect(code.endswith(".SessionToken.Expired"), f"an expired session led to {code}")
    say(f"end a session that has expired: {code}")


def error_code(call):
    """Makes a call that must fail with status 400, and returns the error code of the SDK's exception."""
    try:
        call()
    except ConnectivityManagementResultException as error:
        expect(error.response_code == 400, f"status {error.response_code} instead of 400")
        expect(error.error_code and error.error_message, "the error response lacks a code or a message")
        return error.error_code
    return fail("the call succeeded")


# Headers that depend on the machine or the HTTP library.
IGNORED_HEADERS = ["accept-encoding", "connection", "host", "user-agent"]
OPERATIONS = {
    "/api/ts/v1/oauth2/token": "accessToken",
    "/api/m2m/v1/session/login": "startConnectivityManagementSession",
    "/api/m2m/v1/session/logout": "endConnectivityManagementSession",
    "/api/m2m/v1/session/password/actions/reset": "resetConnectivityManagementPassword",
}


def record(wire, sent, secrets):
    requests = {}
    for request in sent:
        operation = OPERATIONS.get(request["path"])
        expect(operation is not None, f"the SDK called {request['path']}")
        described = describe(request, secrets)
        # Every client requests its own access token; the requests must be equal.
        expect(requests.setdefault(operation, described) == described, f"two requests of {operation} differ")
    missing = sorted(set(OPERATIONS.values()) - requests.keys())
    expect(not missing, f"the SDK did not send {', '.join(missing)}")
    document = {
        "about": "What Verizon's Python SDK sends, as the sandbox received it. The header `content-length` is kept "
        "where there is no body. Written by `cargo xtask interop --record`.",
        "sdk": f"sdksio-verizon-apis-sdk {version('sdksio-verizon-apis-sdk')}",
        "ignored_headers": IGNORED_HEADERS,
        "requests": [{"operation": operation} | requests[operation] for operation in OPERATIONS.values()],
    }
    text = json.dumps(document, indent=2) + "\n"
    for secret, placeholder in secrets.items():
        expect(secret not in text, f"the record contains a secret: {placeholder}")
    with open(wire, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def describe(request, secrets):
    """A request without the parts that change between runs."""
    headers = {}
    for name, value in request["headers"]:
        expect(name not in headers, f"the header {name} was sent twice")
        if name not in IGNORED_HEADERS:
            headers[name] = hide(value, secrets)
    body = request["body"]
    # Keep the length only for an empty body; otherwise the body determines it.
    if body:
        headers.pop("content-length")
    described = {"method": request["method"], "path": request["path"], "query": request["query"]}
    described["headers"] = dict(sorted(headers.items()))
    media_type = headers.get("content-type")
    if not body:
        described["body"] = None
    elif media_type == "application/json":
        described["body"] = {"json": hide(json.loads(body), secrets)}
    elif media_type == "application/x-www-form-urlencoded":
        described["body"] = {"form": dict(parse_qsl(body, strict_parsing=True))}
    else:
        fail(f"unexpected media type of a body: {media_type}")
    return described


def hide(value, secrets):
    if isinstance(value, dict):
        return {name: hide(part, secrets) for name, part in value.items()}
    scheme, space, credentials = value.rpartition(" ")
    return scheme + space + secrets.get(credentials, credentials)


def basic(username, password):
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def expect(condition, problem):
    if not condition:
        fail(problem)


def fail(problem):
    raise SystemExit(f"python sdk: {problem}")


def say(step):
    print(f"python sdk: {step}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
