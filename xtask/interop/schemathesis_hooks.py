"""What schemathesis has to know about sessions that openapi.yaml cannot say.

A session is state, and every operation destroys some of it: a login ends the session before it, a wrong one counts
towards the lock, a logout ends the session, a reset replaces the password. So no case may find what another left.
"""

import json
import zlib

import requests
import schemathesis
from schemathesis import GenerationMode

import sandbox

# The bodies that the sandbox accepts; every other one is refused, however well it fits the schema.
RIGHT = {
    "/m2m/v1/session/login": {"username": sandbox.USERNAME, "password": sandbox.PASSWORD},
    "/m2m/v1/session/password/actions/reset": {"oldPassword": sandbox.PASSWORD},
}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Starts every case in the same state, with tokens that are good for it.

    Not an auth provider of schemathesis: that gives the tokens out when a case is made, which is not when it is sent.
    """
    sandbox.reset()
    access = sandbox.access_token()
    case.headers["Authorization"] = f"Bearer {access}"
    if not case.path.endswith("/login"):
        case.headers["VZ-M2M-Token"] = sandbox.session_token(access)
    if fits_the_schema(case) and wants_the_right_body(case):
        # Additional properties stay what they are.
        case.body = case.body | RIGHT[case.path]


def fits_the_schema(case) -> bool:
    """Whether this is a request that the spec allows."""
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


def wants_the_right_body(case) -> bool:
    """Random credentials are never the right ones, so that every other case gets those, and every example.

    The body decides which, not a counter: a case that is sent again, to find its smallest form, stays what it was.
    """
    if case.path not in RIGHT or not isinstance(case.body, dict):
        return False
    return case.meta.phase.name == "examples" or zlib.crc32(json.dumps(case.body).encode()) % 2 == 0


@schemathesis.check
def right_credentials_decide(ctx, response, case):
    """A request that fits the spec succeeds when its credentials are right, and only then.

    Sharper than `positive_data_acceptance`, which has to allow 400 because wrong credentials fit the schema, too.
    """
    if not fits_the_schema(case):
        return
    right = RIGHT.get(case.path)
    expected = 200 if right is None or (isinstance(case.body, dict) and right.items() <= case.body.items()) else 400
    assert response.status_code == expected, f"expected {expected}, got {response.status_code}"


@schemathesis.check
def sessions_are_enforced(ctx, response, case):
    """Stands in for `ignored_auth`, which knows 401 and 403 only, while the platform refuses a session with 400."""
    if response.status_code != 200 or "VZ-M2M-Token" not in response.request.headers:
        return
    for token in (None, "00000000-0000-0000-0000-000000000000"):
        probe = response.request.copy()
        del probe.headers["VZ-M2M-Token"]
        if token is not None:
            probe.headers["VZ-M2M-Token"] = token
        with requests.Session() as session:
            refusal = session.send(probe, timeout=10)
        assert refusal.status_code == 400, f"a session token of {token} was answered with {refusal.status_code}"
        assert ".SessionToken." in refusal.json()["errorCode"], f"the refusal does not name the session: {refusal.text}"
