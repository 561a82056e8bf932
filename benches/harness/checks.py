"""Are the replies right? A fast wrong answer is no figure."""

import dataclasses
import http.client
import random
import urllib.parse

from harness.api import Wrong

PAGE_SIZE = 50
DEEP_PAGE = 1900
SEED = 1
SAMPLE = 50
TERMS_MAX = 5000


@dataclasses.dataclass
class Data:
    """What the server said that it holds, before any load."""

    rows: list
    """(id, name) of every active client, in the order of the un-paged list."""
    ids: list
    """All ids, inactive clients too."""
    terms: list
    """Distinct search terms out of real names."""

    @property
    def pages(self):
        """How many full pages there are."""
        return max(1, len(self.rows) // PAGE_SIZE)

    @property
    def deep(self):
        """Page 1,900, or the last full one of a smaller data set."""
        return min(DEEP_PAGE, self.pages)


def page_path(number):
    return f"/api/Client?pageinate=true&page_size={PAGE_SIZE}&page_no={number}"


def search_path(term):
    return page_path(1) + "&search=" + urllib.parse.quote(term)


def expect(held, text):
    if not held:
        raise Wrong(text)


def problem_of(check, *arguments):
    """Runs one check; gives a list with its complaint, or an empty one."""
    try:
        check(*arguments)
        return []
    except (Wrong, OSError, http.client.HTTPException, KeyError, TypeError, ValueError) as found:
        return [f"{check.__name__.replace('_', ' ')}: {type(found).__name__}: {found}"]


def read_data(client, clients):
    """Reads the whole list once, and derives from it what the load asks for."""
    whole = client.get("/api/Client")
    expect(list(whole) == ["record_count", "clients"], f"un-paged list has keys {list(whole)}")
    rows = [(row["id"], row["name"]) for row in whole["clients"]]
    expect(whole["record_count"] == len(rows),
           f"un-paged list: record_count {whole['record_count']}, {len(rows)} rows")
    every = client.get("/api/Client?idonly=true&includeinactive=true")
    ids = [row["id"] for row in every["clients"]]
    expect(len(set(ids)) == len(ids) == every["record_count"], "the list of ids repeats some, or lacks some")
    expect(len(ids) >= clients, f"{len(ids)} clients where {clients} were loaded")
    expect({id for id, _ in rows} <= set(ids), "the list of ids lacks listed clients")
    return Data(rows, ids, terms_of(rows))


def terms_of(rows):
    """Half pieces of one word, half two words that follow each other, as people type them."""
    draw = random.Random(SEED)
    terms = {}
    for _ in range(TERMS_MAX * 4):
        words = [word for word in draw.choice(rows)[1].split() if len(word) >= 3 and word.isascii()]
        if not words:
            continue
        at = draw.randrange(len(words))
        if draw.random() < 0.5:
            length = draw.randint(3, min(8, len(words[at])))
            start = draw.randrange(len(words[at]) - length + 1)
            terms[words[at][start:start + length].lower()] = None
        elif at + 1 < len(words):
            terms[f"{words[at]} {words[at + 1]}".lower()] = None
        if len(terms) == TERMS_MAX:
            break
    return list(terms)


def get_by_id(client, data):
    names = dict(data.rows)
    for id in random.Random(SEED).sample(data.ids, min(SAMPLE, len(data.ids))):
        found = client.get(f"/api/Client/{id}")
        expect(found["id"] == id, f"asked for {id}, got {found['id']}")
        expect(bool(found["name"].strip()), f"client {id} has no name")
        expect(names.get(id, found["name"]) == found["name"],
               f"client {id} is {found['name']!r} by id and {names.get(id)!r} in the list")


def revalidate(client, data):
    """304 for the tag of now, the record for any other."""
    for id in random.Random(SEED).sample(data.ids, min(SAMPLE, len(data.ids))):
        tag = client.tag(f"/api/Client/{id}")
        expect(client.revalidated(f"/api/Client/{id}", tag) == 304, f"client {id} with its tag is no 304")
        expect(client.revalidated(f"/api/Client/{id}", '"0"') == 200, f"client {id} with another tag is no 200")


def list_order(client, data):
    """Name case-blind, then id. How letters beyond ASCII fold is the server's affair."""
    for (id, name), (next_id, next_name) in zip(data.rows, data.rows[1:]):
        if name.isascii() and next_name.isascii():
            expect((name.lower(), id) < (next_name.lower(), next_id),
                   f"{name!r} ({id}) is listed before {next_name!r} ({next_id})")


def list_pages(client, data):
    """Pages 1, 2, the deep one, and some on a walk are the slices of the un-paged list."""
    draw = random.Random(SEED)
    walk = [1, 2, data.deep, *range(3, 8), *(draw.randint(1, data.pages) for _ in range(20))]
    seen = {}
    for number in walk:
        if number > data.pages:
            continue
        page = client.get(page_path(number))
        expect(list(page) == ["page_no", "page_size", "record_count", "clients"],
               f"page {number} has keys {list(page)}")
        expect((page["page_no"], page["page_size"]) == (number, PAGE_SIZE),
               f"page {number} calls itself {page['page_no']} of size {page['page_size']}")
        expect(page["record_count"] == len(data.rows),
               f"page {number}: record_count {page['record_count']}, the list has {len(data.rows)}")
        rows = [(row["id"], row["name"]) for row in page["clients"]]
        expect(rows == data.rows[(number - 1) * PAGE_SIZE:number * PAGE_SIZE],
               f"page {number} is not that part of the un-paged list")
        for id, _ in rows:
            expect(seen.setdefault(id, number) == number,
                   f"client {id} is on page {seen[id]} and on page {number}")


def search(client, data):
    """Other fields may match too, so the names that match are the least that must be found."""
    nothing = client.get(search_path("zqxjvk"))
    expect((nothing["record_count"], nothing["clients"]) == (0, []),
           f"a search for nonsense found {nothing['record_count']}")
    for term in random.Random(SEED).sample(data.terms, min(20, len(data.terms))):
        words = term.split()
        matching = {id for id, name in data.rows if all(word in name.lower() for word in words)}
        reply = client.get(search_path(term))
        found = [row["id"] for row in reply["clients"]]
        expect(len(matching) <= reply["record_count"] <= len(data.rows),
               f"{term!r}: {reply['record_count']} found, {len(matching)} names match")
        expect(len(found) == len(set(found)) == min(PAGE_SIZE, reply["record_count"]),
               f"{term!r}: {len(found)} rows of {reply['record_count']}")
        if reply["record_count"] == len(found):
            expect(matching <= set(found), f"{term!r}: a client whose name matches is not listed")


def create(client, word):
    """A created client can be read back."""
    name = f"Sample of {word}"
    made = client.post("/api/Client", '[{"name":"%s"}]' % name)
    expect(made["name"] == name, f"created {name!r}, the reply says {made['name']!r}")
    read = client.get(f"/api/Client/{made['id']}")
    expect((read["id"], read["name"]) == (made["id"], name), f"client {made['id']} reads back as {read['name']!r}")


def all_created(before, after, answered, on_the_way):
    """Every reply that wrk counted is a record, and no more than what was on the way at each end."""
    expect(answered <= after - before <= answered + on_the_way,
           f"{answered} creates were answered, {after - before} clients were added")


def count(client):
    return client.get(page_path(1) + "&includeinactive=true")["record_count"]
