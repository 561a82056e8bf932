"""One database from empty to measured."""

import dataclasses
import os
import statistics
import time

from harness import api, checks, fields, inserts, load, paths, profile, servers

STARTS = 10
BLOCK_BYTES = 4096
DISK_S = 2
# Taken as the maximum of the creates when they were not measured in this run.
WRITES_PER_SECOND = 5000


@dataclasses.dataclass
class Result:
    """Everything that is known of one database at the end."""

    kind: str
    version: str = ""
    clients: int = 0
    load_s: float = 0.0
    rows: list = dataclasses.field(default_factory=list)
    """(Path, Figure) in the order of measurement."""
    starts_ms: list = dataclasses.field(default_factory=list)
    idle_mb: float = 0.0
    peak_mb: float = 0.0
    peak_checks_mb: float = 0.0
    peak_created_mb: float = 0.0
    created: int = 0
    first_list_ms: list = dataclasses.field(default_factory=list)
    """The first page of a server that has just started."""
    first_byte_ms: list = dataclasses.field(default_factory=list)
    """The first byte of the whole list, un-paged."""
    fields_ms: dict = dataclasses.field(default_factory=dict)
    """By kind of field: (first search after a start, a later one), a pair a start."""
    beside_writes: list = dataclasses.field(default_factory=list)
    """Quotients of reads beside writes to reads alone."""
    inserts: float = 0.0
    """The same inserts by pgbench, a second."""
    cpu_s: float = 0.0
    syncs: float = 0.0
    """fdatasync calls a second, one by one: the mean of before and after the creates, if measured."""
    problems: list = dataclasses.field(default_factory=list)

    @property
    def void(self):
        """Whether a reply was wrong or a load failed."""
        return bool(self.problems or any(figure.problems for _, figure in self.rows))


def disk_syncs(folder):
    """How often a second this disk takes 4 KB and says that it is safe."""
    path = folder / "fdatasync"
    block = bytes(BLOCK_BYTES)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        count = 0
        start = time.perf_counter()
        while time.perf_counter() - start < DISK_S:
            os.write(handle, block)
            os.fdatasync(handle)
            count += 1
        return count / (time.perf_counter() - start)
    finally:
        os.close(handle)
        path.unlink()


def measure(kind, programs, options, folder):
    """Loads the data into a folder below `folder`, or takes what is loaded; checks the replies, measures.
    `programs` is (aureole, limit)."""
    folder = (options.loaded or folder).resolve() / f"{kind}-{options.clients}"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # the database's own user has to pass
    result = Result(kind, clients=options.clients, syncs=disk_syncs(folder))
    postgres = servers.Postgres(folder) if kind == "postgresql" else None
    try:
        if postgres:
            postgres.start()
            result.version = postgres.version()
        url = postgres.url if postgres else f"sqlite:{folder / 'aureole.db'}"
        aureole = servers.Aureole(programs[0], url, folder)
        load_once(aureole, folder / "load_s", result)
        aureole.create_application()
        if postgres:
            postgres.settle()
        data, found = check(aureole, result)
        if data:
            start_often(aureole, result, options)
            search_fields(aureole, postgres, result, options, data)
            put_under_load(aureole, programs[1], result, options, data, found)
            if postgres and wanted(options, "create"):
                result.inserts = inserts.rate(postgres, options.seconds)
    finally:
        if postgres:
            postgres.stop()
    return result


def load_once(aureole, mark, result):
    """Loads the data, unless the mark says that they are there, and how many seconds that took."""
    if mark.exists():
        result.load_s = float(mark.read_text())
        return
    print(f"{result.kind}: loading {result.clients:,} clients", flush=True)
    result.load_s = aureole.load(result.clients)
    mark.write_text(f"{result.load_s}\n")


def wanted(options, name):
    return options.only is None or name in options.only


def running(server):
    """Waits until the server is ready; it is stopped when it does not become so."""
    try:
        return server.wait_ready()
    except BaseException:
        server.stop()
        raise


def check(aureole, result):
    """Compares replies on a server of its own, because the un-paged list would count as memory of the
    load. Gives the data, None when it cannot be read, and the complaints by check."""
    server = aureole.serve()
    running(server)
    found = {}
    data = None
    try:
        with api.Api(server.port, aureole.token(server)) as client:
            try:
                data = checks.read_data(client, result.clients)
            except (checks.Wrong, OSError, KeyError, TypeError, ValueError) as problem:
                result.problems.append(f"the list could not be read: {problem!r}")
                return None, {}
            found["get_by_id"] = checks.problem_of(checks.get_by_id, client, data)
            found["revalidate"] = checks.problem_of(checks.revalidate, client, data)
            found["list"] = (checks.problem_of(checks.list_order, client, data)
                             + checks.problem_of(checks.list_pages, client, data))
            found["search"] = checks.problem_of(checks.search, client, data)
        result.peak_checks_mb = server.memory_mb("VmHWM")
        for problems in found.values():
            result.problems.extend(problems)
            for problem in problems:
                print(f"WRONG: {problem}", flush=True)
        return data, found
    finally:
        server.stop()


def start_often(aureole, result, options):
    """Start to ready on the database as it is (program, migrations, /healthz), then the first page."""
    if not wanted(options, "start"):
        return
    for _ in range(STARTS):
        server = aureole.serve()
        try:
            result.starts_ms.append(server.wait_ready() * 1000)
            with api.Api(server.port, aureole.token(server)) as client:
                result.first_list_ms.append(timed_ms(client.get, checks.page_path(1)))
                result.first_byte_ms.append(timed_ms(client.first_byte, "/api/Client"))
        finally:
            server.stop()
    print(f"  start to ready: {statistics.median(result.starts_ms):.0f} ms", flush=True)


def search_fields(aureole, postgres, result, options, data):
    """The first search in a field after a start, and a later one for another value."""
    if not wanted(options, "fields"):
        return
    server = aureole.serve()
    running(server)
    try:
        fields.prepare(aureole, server, list(data.ids))
    finally:
        server.stop()
    if postgres:
        postgres.settle()
    for which in fields.TITLES:
        pairs = result.fields_ms[which] = []
        for _ in range(fields.STARTS):
            server = aureole.serve()
            running(server)
            try:
                with api.Api(server.port, aureole.token(server)) as client:
                    pairs.append([timed_ms(client.get, path) for path in fields.asked(which)])
            finally:
                server.stop()
        print(f"  {fields.TITLES[which]}: {statistics.median(pair[0] for pair in pairs):.0f} ms", flush=True)


def timed_ms(call, *arguments):
    start = time.perf_counter()
    call(*arguments)
    return (time.perf_counter() - start) * 1000


def put_under_load(aureole, limit_program, result, options, data, found):
    """Measures the chosen paths on one server process."""
    chosen = [path for path in paths.plan(data) if wanted(options, path.name)]
    if not chosen and not wanted(options, "beside-writes"):
        return
    server = aureole.serve()
    limit = None
    try:
        server.wait_ready()
        limit = servers.Server([limit_program], aureole.folder / "limit.log", aureole.folder, None)
        limit.wait_ready()
        time.sleep(2)
        result.idle_mb = server.memory_mb("VmRSS")
        bench = load.Bench(aureole, server, limit, options.pairs, options.seconds)
        for path in chosen:
            one_path(bench, path, result, found, options.profile)
        if wanted(options, "beside-writes"):
            beside_writes(bench, result, paths.plan(data)[0])
        result.cpu_s = server.cpu_s()
    finally:
        server.stop()
        if limit:
            limit.stop()


def one_path(bench, path, result, found, is_profiled):
    """Measures one path, or says why not."""
    figure = load.Figure(path.name, path.title, 0, list(found.get(path.check, [])))
    result.rows.append((path, figure))
    requests = None
    with api.Api(bench.server.port, bench.aureole.token(bench.server)) as client:
        if path.creates:
            figure.problems += checks.problem_of(checks.create, client, path.name)
        try:
            figure.size_bytes = path.size_bytes(client)
            requests = path.requests(bench.aureole.folder, client)
            before = checks.count(client)
        except (checks.Wrong, OSError, ValueError) as problem:
            figure.problems.append(f"sampling: {problem}")
    if figure.problems:
        print(f"  {path.title}: void, not measured: {figure.problems[0]}", flush=True)
        return
    if path.creates:
        # The disk's own rate belongs beside the load that depends on it: disks vary within minutes.
        syncs = disk_syncs(bench.aureole.folder)
        bench.measure(figure, requests)
        if path.name == "create":
            result.syncs = (syncs + disk_syncs(bench.aureole.folder)) / 2
    else:
        bench.measure(figure, requests)
    if is_profiled:
        def run(seconds):
            last = bench.pairs + 1
            one = bench.once("Aureole", requests(last), seconds, figure.size_bytes, last)
            figure.requests += one.requests
        print("\n".join(profile.of(bench.server, bench.aureole.folder, run)), flush=True)
    peak_mb = bench.server.memory_mb("VmHWM")
    if path.name in paths.READS:
        result.peak_mb = peak_mb
    if path.creates:
        result.peak_created_mb = peak_mb
        with api.Api(bench.server.port, bench.aureole.token(bench.server)) as client:
            added = checks.count(client)
        result.created += added - before
        figure.problems += checks.problem_of(
            checks.all_created, before, added, figure.requests * path.creates,
            (bench.pairs + 1 + is_profiled) * path.connections * path.creates)


def beside_writes(bench, result, path):
    """Reads beside writes at a tenth of what the creates reached, against the same reads alone."""
    creates = next((figure.aureole for one, figure in result.rows if one.name == "create"), 0)
    with api.Api(bench.server.port, bench.aureole.token(bench.server)) as client:
        read = path.requests(bench.aureole.folder, client)(1)
    result.beside_writes, problem = bench.beside(read, (creates or WRITES_PER_SECOND) / 10)
    if problem:
        result.problems.append(problem)
