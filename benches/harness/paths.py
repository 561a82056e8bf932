"""The paths that are measured: what is asked, and what is to be reached."""

import dataclasses
import random
import urllib.parse

from harness import checks, load

PAGE = checks.page_path("@")
SEARCH = checks.search_path("") + "@"


@dataclasses.dataclass
class Path:
    """One row of the table."""

    name: str
    title: str
    check: str
    """The check whose complaint voids the figure."""
    goal: dict
    """The ratio to the limit that is aimed at, by database."""
    floor: float | None = None
    """The ratio that must be reached on both databases."""
    template: str = ""
    """The path of a GET, with an @ where one of `texts` goes."""
    texts: list = dataclasses.field(default_factory=list)

    def requests(self, folder):
        """Gives the function from a run's number to its request."""
        if self.name == "create":
            return lambda run: load.Request("create.lua", ["/api/Client", f"{run:03d}"])
        drawn = folder / f"{self.name}.txt"
        drawn.write_text("\n".join(self.texts) + "\n")
        return lambda run: load.Request("pick.lua", [self.template, drawn])

    def size_bytes(self, client):
        """The mean size of a sample of replies."""
        if self.name == "create":
            replies = [client.raw("POST", "/api/Client", '[{"name":"Sample size %08d"}]' % number,
                                  "application/json") for number in range(10)]
        else:
            draw = random.Random(checks.SEED + 1)
            sample = draw.sample(self.texts, min(checks.SAMPLE, len(self.texts)))
            replies = [client.raw("GET", self.template.replace("@", text)) for text in sample]
        return round(sum(map(len, replies)) / len(replies))


def plan(data):
    """All paths in the order in which they are measured; the one that changes the data comes last."""
    pages = [str(number) for number in range(1, data.pages + 1)]
    lists = {"sqlite": 0.60, "postgresql": 0.30}
    return [
        Path("get", "GET by id, random id", "get_by_id", {"sqlite": 0.75, "postgresql": 0.38},
             floor=0.35, template="/api/Client/@", texts=[str(id) for id in data.ids]),
        Path("page-first", "list of 50, page 1", "list", lists, template=PAGE, texts=["1"]),
        Path("page-deep", f"list of 50, page {data.deep:,}", "list", lists, template=PAGE,
             texts=[str(data.deep)]),
        Path("page-random", "list of 50, random page", "list", lists, template=PAGE, texts=pages),
        Path("search", "search, 50 rows, distinct terms", "search",
             {"sqlite": 0.40, "postgresql": 0.25}, template=SEARCH,
             texts=[urllib.parse.quote(term) for term in data.terms]),
        Path("create", "POST of one client, durable", "create", {}),
    ]


NAMES = ("get", "page-first", "page-deep", "page-random", "search", "create", "start")
