"""Verizon's own Python SDK against the sandbox: the three operations, a refusal, a session that has expired.

    sdk.py WIRE      writes what the SDK sent to the file WIRE

Prints a line for every step, and stops with status 1 at the first one that does not go as it should.
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
    """The SDK's configuration, with the sandbox in the place of production.

    The environments are fixed, but the client takes a configuration and asks that for the address of every request,
    the one for the access token included. The HTTP client, its retries and its timeout stay the SDK's own, and so
    does everything after `/api`.
    """

    _PRODUCTION = Configuration.environments[Environment.PRODUCTION][Server.THINGSPACE]

    def get_base_uri(self, server=Server.THINGSPACE):
        uri = super().get_base_uri(server)
        # Anything else would go out into the world.
        expect(uri.startswith(self._PRODUCTION), f"{server} is not on the platform's host")
        return sandbox.BASE_URL + uri.removeprefix(self._PRODUCTION)


def platform(session_token=None):
    """A client as the SDK's documentation builds it; its credentials cannot be changed later."""
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
    expect(started.status_code == 200 and bool(token), "the login gave no session token")
    say("start a session: a session token")

    api = client(token)
    replaced = api.reset_connectivity_management_password(SessionResetPasswordRequest(sandbox.PASSWORD))
    password = replaced.body.new_password
    expect(replaced.status_code == 200, "the reset was not answered with 200")
    expect(password and password != sandbox.PASSWORD, "the reset gave no new password")
    say("reset the password: a new password")

    ended = api.end_connectivity_management_session()
    expect(ended.status_code == 200 and ended.body.session_token == token, "the logout named another session")
    say("end the session: the token of the session that ended")

    # What was sent so far is what the wire file keeps, and all of it: asking now shows that nothing was repeated.
    sent = sandbox.control("GET", "/requests")
    secrets = {
        sandbox.USERNAME: "<username>",
        sandbox.PASSWORD: "<password>",
        token: "<session token>",
        # One key has one access token while that lives: this is the one that the SDK got.
        sandbox.access_token(): "<access token>",
        basic(sandbox.API_KEY, sandbox.API_SECRET): "<base64 of key:secret>",
    }
    record(wire, sent, secrets)

    token = log_in(api, password).body.session_token
    say("start a session with the new password: a session token")

    code = refusal(lambda: log_in(api, WRONG_PASSWORD))
    expect(".SessionToken." not in code, f"a wrong password was refused with {code}")
    say(f"start a session with a wrong password: {code}")

    api = client(token)
    sandbox.control("POST", "/clock", {"advance_seconds": SESSION_IDLE_SECONDS + 1})
    code = refusal(api.end_connectivity_management_session)
    expect(code.endswith(".SessionToken.Expired"), f"an expired session was refused with {code}")
    say(f"end a session that has expired: {code}")


def refusal(call):
    """The error code that a call is refused with: the SDK's own exception for a 400."""
    try:
        call()
    except ConnectivityManagementResultException as error:
        expect(error.response_code == 400, f"refused with status {error.response_code}")
        expect(error.error_code and error.error_message, "the refusal lacks a code or a message")
        return error.error_code
    return fail("the call succeeded")


# Headers that say something about the machine or the HTTP library, and nothing about the request.
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
        # Every client gets an access token for itself, in the same way.
        expect(requests.setdefault(operation, described) == described, f"{operation} was sent in two ways")
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
        expect(secret not in text, f"{placeholder} is spelled out in what is to be kept")
    with open(wire, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def describe(request, secrets):
    """A request without what changes from run to run."""
    headers = {}
    for name, value in request["headers"]:
        expect(name not in headers, f"the header {name} was sent twice")
        if name not in IGNORED_HEADERS:
            headers[name] = hide(value, secrets)
    body = request["body"]
    # The length of a body follows from it; that an absent one is announced is worth keeping.
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
        fail(f"a body of type {media_type}")
    return described


def hide(value, secrets):
    if isinstance(value, dict):
        return {name: hide(part, secrets) for name, part in value.items()}
    scheme, space, credentials = value.rpartition(" ")
    return scheme + space + secrets.get(credentials, credentials)


def basic(username, password):
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def expect(holds, otherwise):
    if not holds:
        fail(otherwise)


def fail(problem):
    raise SystemExit(f"python sdk: {problem}")


def say(step):
    print(f"python sdk: {step}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
