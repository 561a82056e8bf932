"""The paths that are measured: what is asked, and what is to be reached."""

import dataclasses
import itertools
import random
import urllib.parse

from harness import checks, load

PAGE = checks.page_path("@")
SEARCH = checks.search_path("") + "@"
BULK_RECORDS = 1000
# A 304 has no body; the limit server's shortest reply stands for it.
EMPTY_BYTES = 2
# For names that no other sample of this process has.
NUMBERS = itertools.count(1)


@dataclasses.dataclass
class Path:
    """One row of the table: GETs of a path with one varying part."""

    name: str
    title: str
    check: str
    """The check whose complaint voids the figure."""
    goal: dict
    """The ratio to the limit that is aimed at, by database."""
    floor: float | None = None
    """The ratio that must be reached on both databases."""
    template: str = ""
    """The path, with an @ where one of `texts` goes."""
    texts: list = dataclasses.field(default_factory=list)
    creates: int = 0
    """How many clients one request creates."""
    connections: int = load.CONNECTIONS

    def requests(self, folder, client):
        """Gives the function from a run's number to its request."""
        drawn = self.drawn(folder, self.texts)
        return lambda run: load.Request("pick.lua", [self.template, drawn], self.connections)

    def drawn(self, folder, lines):
        file = folder / f"{self.name}.txt"
        file.write_text("\n".join(lines) + "\n")
        return file

    def size_bytes(self, client):
        """The mean size of a sample of replies."""
        draw = random.Random(checks.SEED + 1)
        sample = draw.sample(self.texts, min(checks.SAMPLE, len(self.texts)))
        return mean_size(client.raw("GET", self.template.replace("@", text)) for text in sample)


class Revalidate(Path):
    """GET by id with the tag of a reply that the client still has."""

    def requests(self, folder, client):
        ids = random.Random(checks.SEED).sample(self.texts, min(5000, len(self.texts)))
        tags = [client.tag(self.template.replace("@", id)) for id in ids]
        drawn = self.drawn(folder, [f"{id} {tag}" for id, tag in zip(ids, tags)])
        return lambda run: load.Request("revalidate.lua", [self.template, drawn], self.connections)

    def size_bytes(self, client):
        return EMPTY_BYTES


class Create(Path):
    """POST of one client."""

    def requests(self, folder, client):
        return lambda run: load.Request("create.lua", ["/api/Client", f"{self.name}{run:03d}"],
                                        self.connections)

    def size_bytes(self, client):
        bodies = ('[{"name":"Sample size %08d"}]' % next(NUMBERS) for _ in range(10))
        return mean_size(client.raw("POST", "/api/Client", body, "application/json") for body in bodies)


class Bulk(Path):
    """POST of many clients at once."""

    def requests(self, folder, client):
        return lambda run: load.Request(
            "bulk.lua", ["/api/Client", f"{run:03d}", str(self.creates)], self.connections)

    def size_bytes(self, client):
        body = ",".join('{"name":"Sample bulk %08d"}' % next(NUMBERS) for _ in range(self.creates))
        return len(client.raw("POST", "/api/Client", f"[{body}]", "application/json"))


class Mixed(Path):
    """90 reads by id, 5 pages, 5 creates of every 100 requests. Its parts have been sampled before."""

    parts: tuple = ()

    def requests(self, folder, client):
        drawn = self.drawn(folder, self.texts)
        sizes = [part.size_bytes(client) for part in self.parts]
        pages = str(len(self.parts[1].texts))
        return lambda run: load.Request("mixed.lua", [drawn, pages, f"{run:03d}", *map(str, sizes)],
                                        self.connections)

    def size_bytes(self, client):
        get, page, create = (part.size_bytes(client) for part in self.parts)
        return round(0.9 * get + 0.05 * page + 0.05 * create)


def mean_size(replies):
    sizes = [len(reply) for reply in replies]
    return round(sum(sizes) / len(sizes))


def plan(data):
    """All paths in the order in which they are measured; those that change the data come last."""
    pages = [str(number) for number in range(1, data.pages + 1)]
    ids = [str(id) for id in data.ids]
    lists = {"sqlite": 0.60, "postgresql": 0.30}
    get = Path("get", "GET by id, random id", "get_by_id", {"sqlite": 0.75, "postgresql": 0.38},
               floor=0.35, template="/api/Client/@", texts=ids)
    random_page = Path("page-random", "list of 50, random page", "list", lists, template=PAGE, texts=pages)
    create = Create("create", "POST of one client, durable", "create", {}, creates=1)
    mixed = Mixed("mixed", "mixed: 90 get, 5 list, 5 post", "get_by_id",
                  {"sqlite": 0.50, "postgresql": 0.25}, texts=ids)
    mixed.parts = (get, random_page, create)
    return [
        get,
        Revalidate("revalidate", "GET by id, If-None-Match hit", "revalidate",
                   {"sqlite": 0.80, "postgresql": 0.38}, template="/api/Client/@", texts=ids),
        Path("page-first", "list of 50, page 1", "list", lists, template=PAGE, texts=["1"]),
        Path("page-deep", f"list of 50, page {data.deep:,}", "list", lists, template=PAGE,
             texts=[str(data.deep)]),
        random_page,
        Path("search", "search, 50 rows, distinct terms", "search",
             {"sqlite": 0.40, "postgresql": 0.25}, template=SEARCH,
             texts=[urllib.parse.quote(term) for term in data.terms]),
        mixed,
        create,
        Bulk("bulk", f"POST of {BULK_RECORDS:,} clients, durable", "create", {}, creates=BULK_RECORDS,
             connections=4),
    ]


NAMES = ("get", "revalidate", "page-first", "page-deep", "page-random", "search", "mixed", "create",
         "bulk", "beside-writes", "start", "fields")
READS = ("get", "revalidate", "page-first", "page-deep", "page-random", "search")


def only_read(names):
    """Whether these paths leave the data as they are; None stands for all paths."""
    return names is not None and all(name in (*READS, "start") for name in names)
