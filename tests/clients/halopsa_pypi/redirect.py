"""Delivers the requests of the package HaloPSA to another server.

The package builds its addresses from the tenant's name, https://TENANT.halopsa.com, and takes no
other host. Its code is left alone: only the session class that it looks up is replaced, by one
that knows a single way out, to the server under test. A request to any other host fails, so a
check can never leave the machine by mistake.
"""

import sys
from collections import deque
from types import SimpleNamespace
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

import HaloPSA  # noqa: F401  (loads the module that deliver_to changes)

CONNECT_LIMIT_S = 5
READ_LIMIT_S = 60
SHOWN_EXCHANGES = 3
SHOWN_CHARACTERS = 600

_exchanges = deque(maxlen=SHOWN_EXCHANGES)


class _Redirect(HTTPAdapter):
    """Sends every request to `base_url`, with the path and query that the package chose."""

    def __init__(self, base_url):
        super().__init__()
        self.base_url = base_url.rstrip("/")

    def send(self, request, **options):
        """As HTTPAdapter.send; the package itself sets no time limits."""
        address = urlsplit(request.url)
        query = f"?{address.query}" if address.query else ""
        request.url = f"{self.base_url}{address.path}{query}"
        options["timeout"] = (CONNECT_LIMIT_S, READ_LIMIT_S)
        response = super().send(request, **options)
        _exchanges.append((request.method, address.path + query, response))
        return response


def deliver_to(base_url, tenant):
    """From now on the package's requests for `tenant` go to `base_url`."""

    def session():
        made = requests.Session()
        made.trust_env = False  # no proxy and no .netrc of the user
        made.adapters.clear()
        made.mount(f"https://{tenant}.halopsa.com/", _Redirect(base_url))
        return made

    sys.modules["HaloPSA.Halo"].requests = SimpleNamespace(Session=session)


def last_exchanges():
    """The latest requests with their replies, one line each, tokens and secrets left out."""
    for method, path, response in _exchanges:
        text = "(hidden)" if path.endswith("/token") and response.ok else response.text
        yield f"{method} {path} -> {response.status_code} {text[:SHOWN_CHARACTERS]}"
