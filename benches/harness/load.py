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
TIMEOUT_S = 10
# Connections of the writer that works beside reads.
WRITERS = 8
FAULTS = ("connect", "read", "write", "status", "timeout")
# A reply of which less arrives than this share of the sampled size is not the reply that was checked.
BYTES_SHARE_MIN = 0.8


@dataclasses.dataclass
class Request:
    """What wrk sends: a script of the lua folder with its own arguments."""

    script: str
    arguments: list
    connections: int = CONNECTIONS

    def command(self, url, token, seconds, prefix, seed):
        return ["wrk", f"-t{THREADS}", f"-c{self.connections}", f"-d{seconds}s", "--latency",
                "--timeout", f"{TIMEOUT_S}s",
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
    return run_of(done.stdout, done.stderr)


def run_of(output, errors=""):
    """The run that a wrk printed."""
    for line in output.splitlines():
        if line.startswith("RESULT "):
            found = json.loads(line.removeprefix("RESULT "))
            faults = {name: found.pop(name) for name in FAULTS}
            return Run(**found, faults=faults)
    raise servers.Failed(f"wrk gave no result: {(errors or output)[-500:]}")


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

    def beside(self, read, per_second):
        """The quotients of reads beside a paced writer to reads alone, one a pair: `per_second`
        creates a second on their own connections."""
        wait_ms = max(1, round(WRITERS * 1000 / per_second))
        quotients = []
        for pair in range(1, self.pairs + 1):
            alone = self.once("Aureole", read, self.seconds, 0, pair)
            paced = Request("create.lua", ["/api/Client", f"beside{pair:03d}", str(wait_ms)], WRITERS)
            command = paced.command(self.server.url, self.aureole.token(self.server), self.seconds + 1, "", pair)
            writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                busy = self.once("Aureole", read, self.seconds, 0, pair)
            finally:
                written, _ = writer.communicate()
            for one in (alone, busy, run_of(written)):
                if problem := one.problem("reads beside writes", 0):
                    return [], problem
            quotients.append(busy.rate / alone.rate)
            print(f"  reads beside {run_of(written).rate:,.0f} writes a second, pair {pair}: "
                  f"{busy.rate:,.0f} / {alone.rate:,.0f} = {quotients[-1]:.3f}", flush=True)
        return quotients, None

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
