"""Checks and counts that `run.py` adds to schemathesis."""

import json
import os
import re

import schemathesis

# Why a request that fits the document may still be a 400: rules between records and values that
# no schema can state. A refusal with another reason means that the document promises too much.
RULES = re.compile(
    "|".join(
        [
            r"does not exist",
            r"is required",
            r"must not be empty",
            r"must be set, or",
            r"must be unique",
            r"is client \d+'s already",
            r"is not one of",
            r"must be one of:",
            # To JSON Schema 1.0 is an integer.
            r"must be an? (32-bit )?integers?, not \"-?\d+\.0\"",
            r"decimal places",
            r"must be a date",
            r"must be true, false or a date-time",
            r"must be two booleans",
            r"must not contain a NUL",
            r"must be an e-mail address",
            r"must be a time zone",
            r"must be a colour",
            r"must be from ",
            r"must be at most \d+ (characters|bytes)",
            r"must have at most \d+ words",
            r"must be an id",
            r"must be integers",
            r"must be the id of",
            r"must be the item's next invoice date",
            r"must be greater than 0|must not be 0",
            r"must be (after|before)|must not be (after|before)",
            r"must look like",
            r"must be administrator or agent",
            r"must be a list such as",
            r"can't be|can't go",
            r"has no custom fields|is not a field that can be searched",
            r"filter_value",
            r"is no (popup note|recurring item|tenant link|site contact|stock bin|deletion)",
            r"would lose it|is the (main site|default one|one behind)|is the firm itself",
            r"has a name or key that another request took",
            r"needs the id",
            r"was taken back before",
            r"the address is longer",
            r"names the (field|kind)",
            r"which belongs to|which no (custom|site) field has",
            r"is not a field of the rows",
            r"must be a number of days",
        ]
    )
)

counts = {}


@schemathesis.hook
def after_call(ctx, case, response):
    key = f"{case.operation.method.upper()} {response.status_code}"
    counts[key] = counts.get(key, 0) + 1
    path = os.environ.get("AUREOLE_COUNTS")
    if path:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(counts, file)


@schemathesis.check
def refusals_have_a_reason(ctx, response, case):
    """A positive request is refused for a rule, not for its form."""
    generation = case.meta.generation if case.meta is not None else None
    if generation is None or not generation.mode.is_positive or response.status_code != 400:
        return
    if case.operation.path.endswith("/token"):
        return
    body = response.json()
    problems = [f"{path} {text}" for path, texts in body["errors"].items() for text in texts]
    strange = [text for text in problems or [body["Message"]] if not RULES.search(text)]
    assert not strange, f"{case.operation.label} was refused although it fits the document: {strange}"
