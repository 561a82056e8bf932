"""`advanced_search` on fields that no index of the database has."""

import itertools
import json
import urllib.parse

from harness import api

STARTS = 5
RECORDS = 1000
# Each start asks for values that the starts before have not asked for.
NUMBERS = itertools.count(11)

TITLES = {
    "unpromoted": "advanced_search on an unpromoted field",
    "custom": "advanced_search on a custom field",
}


def prepare(aureole, server, ids):
    """Defines a custom field and gives every client a value of it, one of a thousand."""
    with api.Api(server.port, aureole.token(server)) as client:
        defined = client.post("/api/FieldInfo", json.dumps({"name": "Bench", "usage": 2}))
        for start in range(0, len(ids), RECORDS):
            records = [{"id": id, "customfields": [{"id": defined["id"], "value": f"value {id % 1000}"}]}
                       for id in ids[start:start + RECORDS]]
            client.post("/api/Client", json.dumps(records))


def path(field, part):
    """A page of the clients in whose field the part occurs."""
    condition = [{"filter_name": field, "filter_type": 4, "filter_value": part}]
    text = urllib.parse.quote(json.dumps(condition))
    return f"/api/Client?pageinate=true&page_size=50&advanced_search={text}"


def asked(which):
    """Two searches in the same field for different values: the first one after a start, and a later one."""
    field = {"unpromoted": "tax_number", "custom": "CFBench"}[which]
    return [path(field, f"{next(NUMBERS)}") for _ in range(2)]
