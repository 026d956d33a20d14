"""What schemathesis needs to know besides the description of the API.

`OUBLI_CONTRACT_THINGS` has, as JSON, the organization's own id under `organization`, and an id of each kind that paths hold.
"""

import itertools
import json
import os
import uuid

import schemathesis
from schemathesis.core.parameters import ParameterLocation

THINGS = json.loads(os.environ.get("OUBLI_CONTRACT_THINGS", "{}"))
KEY = "Idempotency-Key"
turns = itertools.count()


def is_positive(case, location=None):
    """Whether what was made fits the description: all of it, or what is in one place."""
    meta = case.meta
    if meta is None:
        return False
    if location is None:
        return meta.generation.mode.is_positive
    component = meta.components.get(location)
    return component is None or component.mode.is_positive


@schemathesis.hook
def before_call(context, case, kwargs):
    """Has calls reach what is behind the first checks.

    An id that was made up belongs to nothing, another organization's name is none of the caller's, and one Idempotency-Key is
    good for one body: half of the calls are about something that there is.
    """
    if KEY in (case.headers or {}) and is_positive(case, ParameterLocation.HEADER):
        case.headers[KEY] = str(uuid.uuid4())
    kind = next((kind for kind in THINGS if f"/{kind}/" in case.operation.path), None)
    if kind and "id" in (case.path_parameters or {}) and is_positive(case, ParameterLocation.PATH) and next(turns) % 2 == 0:
        case.path_parameters["id"] = THINGS[kind]
    for where, location in ((case.query, ParameterLocation.QUERY), (case.body, ParameterLocation.BODY)):
        named = isinstance(where, dict) and where.get("organization_id") is not None
        if named and is_positive(case, location) and next(turns) % 4:
            where["organization_id"] = THINGS.get("organization")
    if is_positive(case, ParameterLocation.BODY) and isinstance(case.body, dict) and next(turns) % 3 == 0:
        case.body = {name: with_a_point(value) for name, value in case.body.items()}


def with_a_point(value):
    """A whole number as other writers of JSON put it: 7.0 is one, too."""
    return float(value) if type(value) is int and abs(value) < 2**53 else value


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """An id that was made up to be none can make another path of it, one that API Gateway knows no route for."""
    elsewhere = response.status_code == 404 and not is_positive(case, ParameterLocation.PATH)
    return not (elsewhere and set(answer(response)) == {"message"})


def answer(response):
    """A refusal's fields; none where it is no JSON object."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


@schemathesis.check
def refused_for_a_reason_that_is_told(ctx, response, case):
    """What fits the description is refused only with the codes that the operation names beside the status."""
    if response.status_code < 400 or not is_positive(case):
        return
    told = case.operation.definition.raw["responses"].get(str(response.status_code), {})
    problem = answer(response)
    # API Gateway answers by itself what no function is asked.
    by_gateway = set(problem) == {"message"} and "application/json" in told.get("content", {})
    if not by_gateway and problem.get("code") not in told.get("x-problems", []):
        raise AssertionError(f"{case.operation.label} does not say that it answers {response.status_code} {problem}")


@schemathesis.check
def a_problem_is_one(ctx, response, case):
    """A refusal has what clients print, whichever they are."""
    if response.status_code >= 400 and not answer(response).get("message"):
        raise AssertionError(f"{case.operation.label} answers {response.status_code} without a message: {response.text}")
