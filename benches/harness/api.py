"""A small client for the checks before the load."""

import http.client
import json


class Wrong(Exception):
    """A reply that is not what the contract says."""


class Api:
    """One keep-alive connection."""

    def __init__(self, port, token=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def raw(self, method, path, body=None, content_type=None):
        """The reply's body as bytes. Any status but 200 and 201 is an error."""
        headers = dict(self.headers)
        if content_type:
            headers["Content-Type"] = content_type
        self.connection.request(method, path, body, headers)
        reply = self.connection.getresponse()
        data = reply.read()
        if reply.status not in (200, 201):
            raise Wrong(f"{method} {path.partition('?')[0]}: {reply.status} {data[:300]!r}")
        return data

    def tag(self, path):
        """The entity tag of a record."""
        self.connection.request("GET", path, headers=self.headers)
        reply = self.connection.getresponse()
        reply.read()
        tag = reply.getheader("ETag")
        if reply.status != 200 or not tag:
            raise Wrong(f"GET {path}: {reply.status}, entity tag {tag}")
        return tag

    def revalidated(self, path, tag):
        """The status of a GET by a client that has the version with this tag."""
        self.connection.request("GET", path, headers={**self.headers, "If-None-Match": tag})
        reply = self.connection.getresponse()
        reply.read()
        return reply.status

    def first_byte(self, path):
        """Reads the first byte of a reply's body, and no more of it."""
        self.connection.request("GET", path, headers=self.headers)
        self.connection.getresponse().read(1)
        self.connection.close()

    def get(self, path):
        return json.loads(self.raw("GET", path))

    def post(self, path, body, content_type="application/json"):
        return json.loads(self.raw("POST", path, body, content_type))
