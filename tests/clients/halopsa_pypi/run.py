#!/usr/bin/env python3
"""Runs the published Python package HaloPSA against a server that speaks its API.

    run.py BASE_URL CLIENT_ID CLIENT_SECRET TENANT

The package is used as it comes from the package index; only its session is replaced by one that
delivers to BASE_URL (see redirect.py). The application needs the scope `all` and the server at
least one page of clients, as the demo data has. The checks leave a few clients and sites behind.
Prints one line a check; the exit code is 0 when all hold, 1 when one does not, 2 for wrong usage.
"""

import signal
import sys
import uuid
from importlib.metadata import version

import redirect
from HaloPSA import Halo

TIME_LIMIT_S = 240
PAGE_SIZE = 7
MOST_PAGES = 1000
# The package sends count=50 with every search of clients for which the caller names no count.
DEFAULT_COUNT = 50
UNKNOWN_ID = 2_000_000_000


def expect(condition, message):
    """Ends the check with `message` unless `condition` holds."""
    if not condition:
        raise AssertionError(message)


def expect_error(kind, words, call):
    """Expects `call` to raise exactly `kind`, with every one of `words` in its text."""
    try:
        answer = call()
    except Exception as error:  # the package raises the bare Exception for an unknown id
        found = f"{type(error).__name__}: {error}"
        expect(type(error) is kind, f"expected {kind.__name__}, got {found}")
        for word in words:
            expect(word.lower() in str(error).lower(), f"'{word}' is not in {found}")
        return
    raise AssertionError(f"expected {kind.__name__}, but the call returned {answer!r:.300}")


def expect_record(record, **fields):
    """Expects a bare record (no list envelope) with these values."""
    expect(isinstance(record, dict), f"expected one object, got {record!r:.300}")
    for envelope in ("clients", "sites"):
        expect(envelope not in record, f"one record has the list key '{envelope}'")
    for name, value in fields.items():
        found = record.get(name)
        expect(found == value, f"{name} should be {value!r} and is {found!r}")


def ids(rows):
    """The ids of list rows, in their order."""
    return [row["id"] for row in rows]


class Checks:
    """The checks in the order in which they run; each method is one, its docstring the line."""

    def __init__(self, client_id, secret, tenant):
        self.credentials = (tenant, client_id, secret)
        self.halo = None
        self.whole = []
        self.client_id = 0
        self.site_id = 0
        mark = f"zq{uuid.uuid4().hex[:8]}"  # letters first: no phone number has it
        self.name = f"Zephyr Quïll {mark}"
        self.mark = mark

    def sign_in(self):
        """signs in with client credentials"""
        tenant, client_id, secret = self.credentials
        self.halo = Halo(tenant, client_id, secret)

    def list_all(self):
        """lists all active clients in one reply"""
        self.whole = ids(self.halo.Clients.get_all())
        expect(len(self.whole) > PAGE_SIZE, f"only {len(self.whole)} clients: load the demo data")
        expect(len(set(self.whole)) == len(self.whole), "a client is listed twice")

    def list_default_count(self):
        """lists the first 50 clients with the right record_count"""
        reply = self.halo.Clients.search()
        expect(list(reply) == ["record_count", "clients"], f"envelope keys are {list(reply)}")
        expect(reply["record_count"] == len(self.whole), f"record_count {reply['record_count']}")
        expect(ids(reply["clients"]) == self.whole[:DEFAULT_COUNT], "not the first rows of the list")

    def list_pages(self):
        """lists clients page by page: together the whole list, each once, in its order"""
        self.expect_pages(self.halo.Clients.search, "clients", self.whole)

    def list_inactive(self):
        """lists inactive clients only when asked"""
        inactive = ids(self.halo.Clients.get_all(includeinactive=True, includeactive=False))
        both = ids(self.halo.Clients.get_all(includeinactive=True, includeactive=True))
        expect(not set(inactive) & set(self.whole), "an inactive client is listed as active")
        expect(set(both) == set(inactive) | set(self.whole), "active and inactive are not the whole")

    def create_client(self):
        """creates a client"""
        created = self.halo.Clients.update(name=self.name, website="https://zephyr.example")
        expect_record(created, name=self.name, website="https://zephyr.example", inactive=False)
        expect(isinstance(created["id"], int) and created["id"] > 0, f"id is {created['id']!r}")
        expect(created["id"] not in self.whole, "the new client has an id that was in use")
        self.client_id = created["id"]

    def get_client(self):
        """gets a client by id, with and without its details"""
        plain = self.halo.Clients.get(self.client_id)
        expect_record(plain, id=self.client_id, name=self.name)
        full = self.halo.Clients.get(self.client_id, includedetails=True)
        expect_record(full, id=self.client_id, name=self.name)
        expect(isinstance(full.get("customfields"), list), "details have no list customfields")

    def search_clients(self):
        """searches clients, case-blind, with wildcards taken literally"""
        for term in (self.mark, self.mark.upper(), f"QUÏLL {self.mark}"):
            reply = self.halo.Clients.search(search=term)
            expect(ids(reply["clients"]) == [self.client_id], f"'{term}' found {reply!r:.300}")
            expect(reply["record_count"] == 1, f"record_count {reply['record_count']}")
        for term in (f"%{self.mark[1:]}", "no such client anywhere"):
            reply = self.halo.Clients.search(search=term)
            expect(reply["clients"] == [], f"'{term}' found {reply!r:.300}")

    def update_client(self):
        """updates a client and leaves what is not named unchanged"""
        website = "https://zephyr.example/new"
        updated = self.halo.Clients.update(id=self.client_id, website=website)
        expect_record(updated, id=self.client_id, name=self.name, website=website)
        expect_record(self.halo.Clients.get(self.client_id), name=self.name, website=website)

    def queue_clients(self):
        """sends queued clients in one request (an array inside an array)"""
        names = [f"{self.name} queued {number}" for number in (1, 2)]
        self.halo.Clients.update(name=names[0], queue_mode="queue")
        created = self.halo.Clients.update(name=names[1], queue_mode="update")
        expect(isinstance(created, list), f"expected an array, got {created!r:.300}")
        expect([client["name"] for client in created] == names, f"created {created!r:.300}")

    def create_site(self):
        """creates a site"""
        name = f"Harbour {self.mark}"
        created = self.halo.Sites.update(name=name, client_id=self.client_id)
        expect_record(created, name=name, client_id=self.client_id, client_name=self.name)
        expect(created.get("clientsite_name") == f"{self.name}/{name}", "clientsite_name is wrong")
        self.site_id = created["id"]

    def update_site(self):
        """updates a site"""
        updated = self.halo.Sites.update(id=self.site_id, phonenumber="01632 960001")
        expect_record(updated, id=self.site_id, phonenumber="01632 960001")
        site = self.halo.Sites.get(self.site_id)
        expect_record(site, name=f"Harbour {self.mark}", phonenumber="01632 960001")

    def list_sites(self):
        """lists the sites of a client, whole and in pages"""
        reply = self.halo.Sites.search(client_id=self.client_id)
        expect(reply["record_count"] == 2, f"record_count {reply['record_count']}, not 2")
        for row in reply["sites"]:
            expect_record(row, client_id=self.client_id, client_name=self.name)
        sites = ids(reply["sites"])
        expect(self.site_id in sites, "the new site is missing")
        self.expect_pages(self.halo.Sites.search, "sites", sites, 1, client_id=self.client_id)

    def list_others(self):
        """reads the lists around clients: top levels, suppliers, users, agents, ticket types"""
        halo = self.halo
        for name, rows in (
            ("TopLevel", halo.TopLevel.get_all()),
            ("Supplier", halo.Suppliers.search()["suppliers"]),
            ("Users", halo.Users.get_all()),
            ("Agent", halo.Agents.search()),
            ("TicketType", halo.TicketTypes.search()),
        ):
            expect(isinstance(rows, list), f"{name} is not a list: {rows!r:.300}")
            expect(all("id" in row for row in rows), f"a row of {name} has no id")

    def refuse_unknown_id(self):
        """reports an unknown id as the package reports it (404)"""
        get_client, get_site = self.halo.Clients.get, self.halo.Sites.get
        expect_error(Exception, ["404"], lambda: get_client(UNKNOWN_ID))
        expect_error(Exception, ["404"], lambda: get_site(UNKNOWN_ID))
        change = self.halo.Clients.update
        expect_error(Exception, ["404"], lambda: change(id=UNKNOWN_ID, name="Nobody"))

    def refuse_bad_record(self):
        """reports a wrong record with its reason (400)"""
        change = self.halo.Clients.update
        words = ["400 Bad Request", "validation", "name"]
        expect_error(ValueError, words, lambda: change(website="https://a.example"))
        words = ["400 Bad Request", "duplicate", str(self.client_id)]
        expect_error(ValueError, words, lambda: change(name=self.name.upper()))

    def refuse_credentials(self):
        """reports wrong credentials at sign-in (401)"""
        tenant, client_id, _ = self.credentials
        wrong = ["client ID and secret"]
        expect_error(ValueError, wrong, lambda: Halo(tenant, client_id, "wrong"))

    def refuse_token(self):
        """reports a token that is not valid (401), which the package reads as an OAuth error"""
        stranger = Halo(*self.credentials)
        stranger._mh.session.headers["Authorization"] = "Bearer not-a-token"
        expect_error(ValueError, ["Unauthorized"], lambda: stranger.Clients.search())

    def refuse_scope(self):
        """reports a missing right (403) and still lets the application read"""
        reader = Halo(*self.credentials, scope="read:customers")
        expect_record(reader.Clients.get(self.client_id), name=self.name)
        words = ["permission"]
        expect_error(PermissionError, words, lambda: reader.Clients.update(name="Not allowed"))

    def expect_pages(self, search, key, whole, page_size=PAGE_SIZE, **filters):
        """Reads page after page and expects the rows of `whole`, then an empty page."""
        found = []
        for page_no in range(1, MOST_PAGES):
            reply = search(pageinate=True, page_size=page_size, page_no=page_no, **filters)
            expect(reply["page_no"] == page_no, f"asked page {page_no}, got {reply['page_no']}")
            expect(reply["page_size"] == page_size, f"page_size is {reply['page_size']}")
            expect(reply["record_count"] == len(whole), f"record_count {reply['record_count']}")
            rows = ids(reply[key])
            rest = len(whole) - len(found)
            expect(len(rows) == min(page_size, rest), f"page {page_no} has {len(rows)} rows")
            if not rows:
                break
            found += rows
        expect(len(set(found)) == len(found), "a record is on two pages")
        expect(found == whole, "the pages together are not the whole list in its order")


ORDER = (
    Checks.sign_in,
    Checks.list_all,
    Checks.list_default_count,
    Checks.list_pages,
    Checks.list_inactive,
    Checks.create_client,
    Checks.get_client,
    Checks.search_clients,
    Checks.update_client,
    Checks.queue_clients,
    Checks.create_site,
    Checks.update_site,
    Checks.list_sites,
    Checks.list_others,
    Checks.refuse_unknown_id,
    Checks.refuse_bad_record,
    Checks.refuse_credentials,
    Checks.refuse_token,
    Checks.refuse_scope,
)


def stop_at_time_limit(_signal, _frame):
    """Ends a run that hangs; without it the test that started this program would hang too."""
    raise TimeoutError(f"not finished after {TIME_LIMIT_S} s")


def main(arguments):
    """Runs every check until the first that fails; returns the exit code."""
    if len(arguments) != 4:
        print("usage: run.py BASE_URL CLIENT_ID CLIENT_SECRET TENANT", file=sys.stderr)
        return 2
    base_url, client_id, secret, tenant = arguments
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, stop_at_time_limit)
        signal.alarm(TIME_LIMIT_S)
    redirect.deliver_to(base_url, tenant)
    print(f"HaloPSA {version('HaloPSA')} from PyPI against {base_url}")
    checks = Checks(client_id, secret, tenant)
    for check in ORDER:
        try:
            check(checks)
        except Exception as error:
            print(f"FAILED {check.__doc__}: {type(error).__name__}: {error}", flush=True)
            for line in redirect.last_exchanges():
                print(f"  {line}", flush=True)
            return 1
        print(f"ok {check.__doc__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
