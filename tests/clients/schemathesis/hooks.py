"""Checks and counts that `run.py` adds to schemathesis."""

import json
import os
import re

import schemathesis

# What the catalogue says about the form of a value. A request that fits the document may be refused
# for many reasons that no schema can state, such as a record that does not exist; but when it is
# refused for its form, the document promises too much.
FORM = re.compile(
    r"must be (a text|an integer|integers|a 32-bit integer|a number(?! of)|an object|an array|true or false)"
    r"|must be at most \d+ characters|must have at most \d+ (elements|records|conditions)"
    r"|is out of range|is not well-formed JSON"
)
# To JSON Schema 1.0 is an integer; a query and a path take it as 1 only.
WHOLE = re.compile(r'not "-?\d+\.0"$')

# What the contract reads besides the type of the document: numbers and booleans as texts, and
# booleans as 0 and 1.
LENIENT = re.compile(r"\s*(-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false|True|False|TRUE|FALSE)?\s*")

counts = {}


def is_lenient(value):
    """Whether a value somewhere in a body is one that the contract reads all the same."""
    if isinstance(value, dict):
        return any(is_lenient(inner) for inner in value.values())
    if isinstance(value, list):
        return any(is_lenient(inner) for inner in value)
    if isinstance(value, str):
        return LENIENT.fullmatch(value) is not None
    return not isinstance(value, bool) and value in (0, 1)


def is_by_contract(case):
    """Whether a request breaks the document only as the contract lets it: with a parameter that
    nobody knows or that is empty, a list in a list, or a value in another type's clothes. With
    `bulkresponse` the refusal of each record of a list stands in the reply, which is a 200."""
    query = case.query or {}
    known = {parameter.name for parameter in case.operation.query}
    body = case.body if isinstance(case.body, (dict, list)) else None
    is_bulk = str(query.get("bulkresponse")).lower() in ("true", "1")
    return (
        any(name not in known or value in ("", [], None) for name, value in query.items())
        or isinstance(body, list) and is_bulk
        or isinstance(body, list) and (not body or any(isinstance(item, list) for item in body))
        or body is not None and is_lenient(body)
    )


@schemathesis.hook
def filter_case(ctx, case):
    """No address beyond 64 KB, which has an answer of its own; and nothing that breaks the document
    where the contract is to read or ignore it, for which no refusal can be asked."""
    # To JSON Schema 1.0 is an integer; a query and a path take it as 1 only.
    for values in (case.query, case.path_parameters):
        if any(isinstance(value, float) and value.is_integer() for value in (values or {}).values()):
            return False
    generation = case.meta.generation if case.meta is not None else None
    # How far back a record can be shown depends on the clock, which no schema knows: what fits the
    # document may be refused. What breaks it is refused all the more.
    is_positive = generation is None or generation.mode.is_positive
    if is_positive and "asof" in (case.query or {}):
        return False
    if generation is not None and generation.mode.is_negative and is_by_contract(case):
        return False
    return len(json.dumps(case.query or {}, default=str)) < 10_000


@schemathesis.hook
def after_call(ctx, case, response):
    key = f"{case.operation.method.upper()} {response.status_code}"
    counts[key] = counts.get(key, 0) + 1
    path = os.environ.get("AUREOLE_COUNTS")
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(counts, file)


@schemathesis.check
def refusals_are_not_for_form(ctx, response, case):
    """A request that fits the document is refused for a rule, never for its form."""
    generation = case.meta.generation if case.meta is not None else None
    if generation is None or not generation.mode.is_positive or response.status_code != 400:
        return
    # The page where people sign in says it in HTML.
    if not response.headers["content-type"][0].startswith("application/json"):
        return
    errors = response.json()["errors"]
    problems = [f"{path}: {text}" for path, texts in errors.items() for text in texts]
    wrong = [text for text in problems if FORM.search(text) and not WHOLE.search(text)]
    assert not wrong, f"{case.operation.label} was refused although it fits the document: {wrong}"
