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

counts = {}


@schemathesis.hook
def filter_case(ctx, case):
    """No address beyond 64 KB: there the server hangs up, as HTTP servers do."""
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
