"""The results as Markdown."""

import datetime
import os
import pathlib
import platform
import statistics
import subprocess

from harness import fields, load

PAGE_FACTOR_MAX = 2.0
PAGE_FACTOR_GOAL = 1.3
MEMORY_MAX_MB = 120
START_MAX_MS = 300
LOAD_MIN_PER_MINUTE = 10_000
CREATE_GOAL_SYNCS = 3.0
CREATE_GOAL_INSERTS = 0.5
BULK_GOAL = {"sqlite": 20_000, "postgresql": 10_000}
BESIDE_GOAL = 0.7
FIRST_LIST_MAX_MS = 2000
FIRST_BYTE_MAX_MS = 20
FIELD_MAX_MS = 300
# Peak resident megabytes by clients, and idle.
MEMORY_GOAL_MB = ((100_000, 250), (1_000_000, 1200))
IDLE_GOAL_MB = 30
FULL_CLIENTS = 100_000

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def said(*command):
    """A command's first line, or "unknown": a report must not fail for its heading."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return (done.stdout.strip().splitlines() or [""])[0]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def commit(root):
    changed = said("git", "-C", root, "status", "--porcelain", "--", "crates", "benches", "Cargo.lock")
    return (said("git", "-C", root, "rev-parse", "--short=12", "HEAD")
            + (" with changes that are not committed" if changed not in ("", "unknown") else ""))


def heading(root, options, folder):
    now = datetime.datetime.now(datetime.timezone.utc)
    return f"""# Results

Made by `benches/run`; what the figures mean is in [README.md](README.md).

| | |
| --- | --- |
| date (UTC) | {now:%Y-%m-%d %H:%M} |
| CPU | {cpu_model()}, {os.cpu_count()} cores for the server and the load together |
| kernel, file system | {platform.release()}, {said("stat", "-f", "-c", "%T", folder)} |
| compiler | {said("rustc", "--version")} |
| commit | {commit(root)} |
| data | {"three sizes" if options.growth else f"{options.clients:,} clients"}, seed 1 |
| load | `wrk -t{load.THREADS} -c{load.CONNECTIONS} -d{options.seconds}s --latency`, {options.pairs} pairs, {load.WARM_S} s of warm-up |
"""


def verdict(held):
    return "yes" if held else "**no**"


def at_size(result, held):
    """A verdict that fewer clients than the target names cannot give."""
    return verdict(held) if result.clients >= FULL_CLIENTS or not held else "–"


def path_row(path, figure, goal):
    target = f">= {path.floor:.2f}" if path.floor else "–"
    aim = f"{goal:.2f}" if goal else "–"
    if figure.problems:
        return f"| {path.title} | invalid | | | | | | | {target} | {aim} | **no** |"
    met = verdict(figure.ratio >= path.floor) if path.floor else "–"
    if not path.floor and goal:
        met = "goal met" if figure.ratio >= goal else "goal not met"
    return (f"| {path.title} | {figure.size_bytes:,} | {figure.aureole:,.0f} | {figure.limit:,.0f} | "
            f"{figure.ratio:.3f} | {figure.p50_ms:.2f} | {figure.p99_ms:.2f} | {figure.cpu_us:.1f} | "
            f"{target} | {aim} | {met} |")


def path_table(result):
    lines = ["| path | bytes | Aureole req/s | limit req/s | ratio | p50 ms | p99 ms | CPU µs/req | target ratio | goal | met |",
             "| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --- |"]
    lines += [path_row(path, figure, path.goal.get(result.kind)) for path, figure in result.rows]
    return "\n".join(lines) if result.rows else ""


def others(result):
    """Rows (what, figure, target, met) of what is not a ratio to the limit."""
    valid = {path.name: figure for path, figure in result.rows if not figure.problems}
    sized = f" at {FULL_CLIENTS:,} clients"
    per_minute = result.clients / result.load_s * 60
    yield ("`demo load`, clients a minute", f"{per_minute:,.0f} ({result.load_s:.1f} s)",
           f">= {LOAD_MIN_PER_MINUTE:,}", verdict(per_minute >= LOAD_MIN_PER_MINUTE))
    if "page-first" in valid and "page-deep" in valid:
        factor = valid["page-first"].ratio / max(valid["page-deep"].ratio, 1e-9)
        yield ("page 1 against the deep page, times faster", f"{factor:.2f}",
               f"<= {PAGE_FACTOR_MAX:.1f} (goal {PAGE_FACTOR_GOAL})", verdict(factor <= PAGE_FACTOR_MAX))
    if result.starts_ms:
        start_ms = statistics.median(result.starts_ms)
        yield (f"start to ready, ms, median of {len(result.starts_ms)}",
               f"{start_ms:.0f} ({min(result.starts_ms):.0f} to {max(result.starts_ms):.0f})",
               f"< {START_MAX_MS}{sized}", at_size(result, start_ms < START_MAX_MS))
    if result.first_list_ms:
        first_ms = statistics.median(result.first_list_ms)
        yield ("first page after a start, ms", f"{first_ms:.0f}", f"< {FIRST_LIST_MAX_MS}",
               verdict(first_ms < FIRST_LIST_MAX_MS))
        byte_ms = statistics.median(result.first_byte_ms)
        yield ("first byte of the un-paged list after that, ms", f"{byte_ms:.0f}", f"< {FIRST_BYTE_MAX_MS}",
               verdict(byte_ms < FIRST_BYTE_MAX_MS))
    for which, pairs in result.fields_ms.items():
        for at, when in enumerate(("first after a start", "another value")):
            took_ms = statistics.median(pair[at] for pair in pairs)
            yield (f"{fields.TITLES[which]}, {when}, ms", f"{took_ms:.0f}", f"< {FIELD_MAX_MS}{sized}",
                   at_size(result, took_ms < FIELD_MAX_MS))
    yield from memory(result, sized)
    if result.cpu_s:
        yield "CPU seconds of the server under load", f"{result.cpu_s:.0f}", "–", "–"
    yield "fdatasync of 4 KB a second, one by one", f"{result.syncs:,.0f}", "–", "–"
    yield from writes(result, valid)


def memory(result, sized):
    if result.idle_mb:
        yield ("resident memory after start, MB", f"{result.idle_mb:.0f}", f"goal {IDLE_GOAL_MB}",
               verdict(result.idle_mb <= IDLE_GOAL_MB))
    if result.peak_mb:
        goals = [mb for clients, mb in MEMORY_GOAL_MB if result.clients <= clients]
        goal = f", goal {goals[0]} with searches" if goals else ""
        yield ("peak resident memory under read load, MB", f"{result.peak_mb:.0f}",
               f"< {MEMORY_MAX_MB}{sized}{goal}", at_size(result, result.peak_mb < MEMORY_MAX_MB))
    yield ("peak resident memory of a server that sent the whole list un-paged, MB",
           f"{result.peak_checks_mb:.0f}", "–", "–")
    if result.created:
        yield (f"peak resident memory after {result.created:,} more clients, MB",
               f"{result.peak_created_mb:.0f}", "–", "–")


def writes(result, valid):
    if "create" in valid:
        times = valid["create"].aureole / result.syncs
        goal = f"goal {CREATE_GOAL_SYNCS:.0f} or more" if result.kind == "sqlite" else "–"
        met = verdict(times >= CREATE_GOAL_SYNCS) if result.kind == "sqlite" else "–"
        yield "durable creates for each fdatasync that the disk can do", f"{times:.2f}", goal, met
        if result.inserts:
            share = valid["create"].aureole / result.inserts
            yield (f"durable creates for each of {result.inserts:,.0f} such inserts a second by pgbench",
                   f"{share:.2f}", f"goal {CREATE_GOAL_INSERTS}", verdict(share >= CREATE_GOAL_INSERTS))
    if "bulk" in valid:
        records = valid["bulk"].aureole * 1000
        goal = BULK_GOAL[result.kind]
        yield "clients a second in POSTs of 1,000", f"{records:,.0f}", f"goal {goal:,}", verdict(records >= goal)
    if result.beside_writes:
        beside = statistics.median(result.beside_writes)
        yield ("reads beside writes at a tenth of their maximum, to reads alone", f"{beside:.2f}",
               f"goal {BESIDE_GOAL}", verdict(beside >= BESIDE_GOAL))


def section(result, sized):
    title = f"## {NAMES[result.kind]} {result.version}".rstrip()
    parts = [f"{title}, {result.clients:,} clients\n" if sized else f"{title}\n"]
    problems = list(dict.fromkeys(
        result.problems + [problem for _, figure in result.rows for problem in figure.problems]))
    if problems:
        parts.append("Void, because:\n\n" + "\n".join(f"- {problem}" for problem in problems) + "\n")
    if result.rows:
        parts.append(path_table(result) + "\n")
    lines = ["| what | figure | target | met |", "| --- | --: | --: | --- |"]
    lines += [f"| {' | '.join(row)} |" for row in others(result)]
    parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def render(root, options, folder, results, more=""):
    """The whole text."""
    return "\n".join([heading(root, options, folder), *filter(None, [more]),
                      *(section(result, options.growth) for result in results)])


def file(options, results):
    """The file that this run is recorded in, None for a trial."""
    serious = (options.database == "both" and options.pairs >= 5 and options.seconds >= 2
               and options.aureole is None and options.limit is None)
    if serious and options.growth:
        return "GROWTH.md"
    if serious and options.only is None and options.clients >= FULL_CLIENTS and len(results) == 2:
        return "RESULTS.md"
    return None
