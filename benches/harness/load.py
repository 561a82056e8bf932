"""wrk, and the alternation between Aureole and the limit server."""

import dataclasses
import json
import pathlib
import statistics
import subprocess

from harness import servers

LUA = pathlib.Path(__file__).resolve().parent.parent / "lua"
CONNECTIONS = 32
THREADS = 2
WARM_S = 2
FAULTS = ("connect", "read", "write", "status", "timeout")
# A reply of which less arrives than this share of the sampled size is not the reply that was checked.
BYTES_SHARE_MIN = 0.8


@dataclasses.dataclass
class Request:
    """What wrk sends: a script of the lua folder with its own arguments."""

    script: str
    arguments: list

    def command(self, url, token, seconds, prefix, seed):
        return ["wrk", f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency",
                "-s", str(LUA / self.script), "-H", f"Authorization: Bearer {token}", url,
                "--", prefix, str(seed), *map(str, self.arguments)]


@dataclasses.dataclass
class Run:
    """One run of wrk. Times in microseconds."""

    requests: int
    duration_us: int
    bytes: int
    p50_us: int
    p99_us: int
    faults: dict

    @property
    def rate(self):
        return self.requests / (self.duration_us / 1e6)

    def problem(self, side, size_bytes):
        """Why this run does not count; None when it does."""
        seen = ", ".join(f"{count} {name}" for name, count in self.faults.items() if count)
        if seen:
            return f"{side}: errors in the load ({seen})"
        if not self.requests:
            return f"{side}: no reply"
        if self.bytes / self.requests < BYTES_SHARE_MIN * size_bytes:
            return (f"{side}: {self.bytes / self.requests:.0f} bytes a reply under load, "
                    f"{size_bytes} when sampled")
        return None


@dataclasses.dataclass
class Figure:
    """The result of one path on one database."""

    name: str
    title: str
    size_bytes: int
    problems: list
    aureole: float = 0.0
    limit: float = 0.0
    ratio: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    cpu_us: float = 0.0
    requests: int = 0


def wrk(command):
    done = subprocess.run(command, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            found = json.loads(line.removeprefix("RESULT "))
            faults = {name: found.pop(name) for name in FAULTS}
            return Run(**found, faults=faults)
    raise servers.Failed(f"wrk gave no result: {(done.stderr or done.stdout)[-500:]}")


class Bench:
    """One Aureole and one limit server that are measured in turns."""

    def __init__(self, aureole, server, limit, pairs, seconds):
        self.aureole = aureole
        self.server = server
        self.limit = limit
        self.pairs = pairs
        self.seconds = seconds

    def once(self, side, request, seconds, size_bytes, seed):
        """One run of wrk against one of the two sides."""
        token = self.aureole.token(self.server)
        url, prefix = ((self.server.url, "") if side == "Aureole"
                       else (self.limit.url, f"/fixed/{size_bytes}?"))
        try:
            return wrk(request.command(url, token, seconds, prefix, seed))
        finally:
            self.server.cut_log()

    def measure(self, figure, request_for):
        """Fills the figure. `request_for(n)` gives the request of the n-th run, 0 being the warm-up;
        the two sides of a pair get the same one."""
        warm = self.once("Aureole", request_for(0), WARM_S, figure.size_bytes, 0)
        self.once("limit", request_for(0), WARM_S, figure.size_bytes, 0)
        figure.requests = warm.requests
        runs = []
        cpu_s = 0.0
        for pair in range(1, self.pairs + 1):
            request = request_for(pair)
            before_s = self.server.cpu_s()
            ours = self.once("Aureole", request, self.seconds, figure.size_bytes, pair)
            cpu_s += self.server.cpu_s() - before_s
            limit = self.once("limit", request, self.seconds, figure.size_bytes, pair)
            runs.append((ours, limit))
            print(f"  {figure.title}, pair {pair}: {ours.rate:,.0f} / {limit.rate:,.0f} = "
                  f"{ours.rate / max(limit.rate, 1):.3f}", flush=True)
        self.settle(figure, runs, cpu_s)

    @staticmethod
    def settle(figure, runs, cpu_s):
        """The medians, and what spoils them."""
        for ours, limit in runs:
            for side, one in (("Aureole", ours), ("limit", limit)):
                problem = one.problem(side, figure.size_bytes)
                if problem:
                    figure.problems.append(problem)
        median = statistics.median
        requests = sum(ours.requests for ours, _ in runs)
        figure.requests += requests
        figure.aureole = median(ours.rate for ours, _ in runs)
        figure.limit = median(limit.rate for _, limit in runs)
        figure.ratio = median(ours.rate / max(limit.rate, 1) for ours, limit in runs)
        figure.p50_ms = median(ours.p50_us for ours, _ in runs) / 1000
        figure.p99_ms = median(ours.p99_us for ours, _ in runs) / 1000
        figure.cpu_us = cpu_s * 1e6 / max(requests, 1)
