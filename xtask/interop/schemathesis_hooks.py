"""Rules about sessions that openapi.yaml cannot express.

Every operation changes the state: a login ends the earlier session, a failed login counts towards the lock, a logout
ends the session, and a reset replaces the password. So each case starts from the initial state.
"""

import json
import zlib

import requests
import schemathesis
from schemathesis import GenerationMode

import sandbox

# The only bodies that the sandbox accepts. It rejects all others, even if they are valid by the schema.
RIGHT = {
    "/m2m/v1/session/login": {"username": sandbox.USERNAME, "password": sandbox.PASSWORD},
    "/m2m/v1/session/password/actions/reset": {"oldPassword": sandbox.PASSWORD},
}


@schemathesis.hook
def before_call(context, case, kwargs):
    """Starts every case in the initial state, with valid tokens.

    An auth provider of schemathesis supplies tokens when a case is generated, which is too early.
    """
    sandbox.reset()
    access = sandbox.access_token()
    case.headers["Authorization"] = f"Bearer {access}"
    if not case.path.endswith("/login"):
        case.headers["VZ-M2M-Token"] = sandbox.session_token(access)
    if fits_the_schema(case) and wants_the_right_body(case):
        # Keep additional properties.
        case.body = case.body | RIGHT[case.path]


def fits_the_schema(case) -> bool:
    """Whether the request is valid by the spec."""
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


def wants_the_right_body(case) -> bool:
    """Whether the case gets the right credentials: every example, and half of the other cases.

    The body decides, not a counter, so that a case keeps its result while schemathesis repeats and shrinks it.
    """
    if case.path not in RIGHT or not isinstance(case.body, dict):
        return False
    return case.meta.phase.name == "examples" or zlib.crc32(json.dumps(case.body).encode()) % 2 == 0


@schemathesis.check
def right_credentials_decide(ctx, response, case):
    """A valid request succeeds if and only if its credentials are right.

    Stricter than `positive_data_acceptance`, which must allow 400, because wrong credentials are valid by the schema.
    """
    if not fits_the_schema(case):
        return
    right = RIGHT.get(case.path)
    expected = 200 if right is None or (isinstance(case.body, dict) and right.items() <= case.body.items()) else 400
    assert response.status_code == expected, f"expected {expected}, got {response.status_code}"


@schemathesis.check
def sessions_are_enforced(ctx, response, case):
    """Replaces `ignored_auth`, which expects 401 or 403. The platform rejects a session with 400."""
    if response.status_code != 200 or "VZ-M2M-Token" not in response.request.headers:
        return
    for token in (None, "00000000-0000-0000-0000-000000000000"):
        probe = response.request.copy()
        del probe.headers["VZ-M2M-Token"]
        if token is not None:
            probe.headers["VZ-M2M-Token"] = token
        with requests.Session() as session:
            rejection = session.send(probe, timeout=10)
        assert rejection.status_code == 400, f"session token {token}: status {rejection.status_code} instead of 400"
        assert ".SessionToken." in rejection.json()["errorCode"], f"the error code is not of a session: {rejection.text}"
