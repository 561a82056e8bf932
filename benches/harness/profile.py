"""Where the time of a path goes, as `perf` samples it."""

import re
import shutil
import subprocess

from harness import servers

SECONDS = 4
# Samples a second and thread.
RATE = 997
# What a symbol of the program belongs to; the first that fits counts. The rest is our own code.
PARTS = [
    ("kernel: sockets", r"^(tcp|ip|inet|sock|net|napi|skb|__sk|sk_|loopback|nf_|eth|dev_|__dev|_?copy_(to|from)_iter"
                        r"|__tcp|__ip|__inet|consume_skb|release_sock|lock_sock|sys_(send|recv)|__sys_(send|recv)"
                        r"|ep_|epoll|do_epoll|__x64_sys_(epoll|send|recv|read|write)|vfs_(read|write))"),
    ("SQLite", r"^(sqlite3|vdbe|btree|pager|wal|pcache|cell|getCell|moveTo|balance|fts|seekAndRead|unix)"),
    ("memory", r"(malloc|free|realloc|calloc|mem(cpy|move|set|cmp)|alloc::|_int_|tcache|mimalloc|mi_)"),
    ("compression", r"lz4"),
    ("HTTP and runtime", r"(hyper|httparse|tokio|mio|http::|h1::|futures)"),
    ("PostgreSQL's protocol", r"(postgres|bytes::)"),
]


def of(server, folder, run):
    """Samples the server's process while `run` loads it. Returns lines of text."""
    if not shutil.which("perf"):
        servers.install("linux-perf")
    file = folder / "perf.data"
    sampler = subprocess.Popen(
        ["perf", "record", "-q", "-F", str(RATE), "-p", str(server.process.pid), "-o", str(file), "--", "sleep", str(SECONDS)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        run(SECONDS + 1)
    finally:
        sampler.wait()
    report = servers.run(["perf", "report", "-i", str(file), "--stdio", "-q", "--no-children", "-F", "overhead,sample,dso,symbol"])
    file.unlink()
    return table(report)


def table(report):
    """The shares of the parts, then the symbols that cost most."""
    rows = []
    for line in report.splitlines():
        found = re.match(r"\s*([\d.]+)%\s+(\d+)\s+(\S+)\s+\[(.)\]\s+(.*)", line)
        if found:
            share, _, dso, space, symbol = found.groups()
            rows.append((float(share), part(space, symbol), symbol.strip()))
    shares = {}
    for share, name, _ in rows:
        shares[name] = shares.get(name, 0) + share
    lines = [f"    {share:5.1f} %  {name}" for name, share in sorted(shares.items(), key=lambda one: -one[1])]
    lines.append("    the most expensive functions:")
    lines += [f"    {share:5.1f} %  {symbol[:100]}" for share, _, symbol in sorted(rows, reverse=True)[:25]]
    return lines


def part(space, symbol):
    for name, pattern in PARTS:
        is_kernel = name.startswith("kernel")
        if (space == "k") == is_kernel and re.search(pattern, symbol):
            return name
    return "kernel: the rest (system calls, scheduling, files)" if space == "k" else "Aureole's own code"
