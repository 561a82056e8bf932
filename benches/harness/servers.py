"""The programs under test: start, watch, stop."""

import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

from harness import api

READY_LIMIT_S = 120
STOP_LIMIT_S = 15


class Failed(Exception):
    """The run cannot go on; the text says why."""


def free_port():
    """A TCP port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(command, **options):
    """Runs a command to its end; its output goes into the error when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command[:3]))} … ended with {done.returncode}:\n"
                     f"{(done.stderr or done.stdout)[-2000:]}")
    return done.stdout


def install(package):
    """Installs a Debian package that is missing, and says so."""
    print(f"{package} is missing; installing Debian's package", flush=True)
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    run([*prefix, "apt-get", "install", "--yes", "--no-install-recommends", package],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def healthy(port):
    """Whether GET /healthz answers 200, over a plain socket: an HTTP library would cost more time
    than what is measured here."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as stream:
            stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return stream.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


class Server:
    """A running process with a log file and a port."""

    def __init__(self, command, log, cwd, env):
        self.port = free_port()
        self.log = log
        with open(log, "ab") as output:
            self.started = time.perf_counter()
            self.process = subprocess.Popen(
                [*command, "--listen", f"127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=cwd, env=env)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def wait_ready(self):
        """Polls once a millisecond until /healthz answers; gives the seconds since the start."""
        while not healthy(self.port):
            if self.process.poll() is not None:
                raise Failed(f"the server ended with {self.process.returncode} at its start:\n"
                             f"{self.log_end()}")
            if time.perf_counter() - self.started > READY_LIMIT_S:
                raise Failed(f"the server was not ready after {READY_LIMIT_S} s:\n{self.log_end()}")
            time.sleep(0.001)
        return time.perf_counter() - self.started

    def log_end(self):
        return self.log.read_text(errors="replace")[-2000:]

    def cut_log(self):
        """Empties the log, which grows by gigabytes in a run."""
        os.truncate(self.log, 0)

    def memory_mb(self, field):
        """A field of /proc/PID/status (VmHWM: peak resident size, VmRSS: now) in MB of 1,000,000
        bytes."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024 / 1e6
        raise Failed(f"the server's status has no {field}")

    def cpu_s(self):
        """CPU seconds, user and system, since the start."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Aureole:
    """The program on one database, with its commands."""

    def __init__(self, program, database, folder):
        self.program = program
        self.folder = folder
        # A database that is measured again has the applications of earlier runs.
        self.client_id = "bench-" + secrets.token_hex(4)
        self.secret = "bench-secret-" + secrets.token_hex(16)
        # Settings of whoever runs this must not leak into the figures.
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("AUREOLE_")}
        self.env["AUREOLE_DATABASE"] = database

    def command(self, *arguments):
        """Runs one of the program's commands; gives the seconds it took."""
        start = time.perf_counter()
        run([self.program, *arguments], cwd=self.folder, env=self.env)
        return time.perf_counter() - start

    def load(self, clients):
        return self.command("demo", "load", "--clients", str(clients), "--seed", "1")

    def create_application(self):
        self.command("application", "create", "--name", "bench", "--client-id", self.client_id,
                     "--client-secret", self.secret, "--scope", "all")

    def serve(self):
        return Server([self.program, "serve"], self.folder / "aureole.log", self.folder, self.env)

    def token(self, server):
        """A fresh access token: the harness can run for longer than one lives."""
        form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": self.client_id,
                                       "client_secret": self.secret, "scope": "all"})
        with api.Api(server.port) as client:
            return client.post("/auth/token", form, "application/x-www-form-urlencoded")["access_token"]


class Postgres:
    """A throw-away cluster with the settings that initdb gives it: every commit is on the disk
    before it is answered."""

    def __init__(self, folder):
        self.folder = folder / "postgres"
        self.port = free_port()
        self.bin = self.find()
        # The database refuses to run as root; Debian's package makes this user.
        self.user = "postgres" if os.geteuid() == 0 else None
        self.running = False
        secret = self.folder / "password"
        self.is_new = not (self.folder / "data" / "PG_VERSION").exists()
        if not self.is_new:
            self.password = secret.read_text()
            return
        self.password = secrets.token_hex(16)
        self.folder.mkdir()
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        if self.user:
            owner = pwd.getpwnam(self.user)
            for path in (self.folder, secret):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        self.tool("initdb", "--pgdata", self.folder / "data", "--username", "aureole",
                  "--encoding", "UTF8", "--auth", "scram-sha-256", "--pwfile", secret)

    @staticmethod
    def find():
        """The newest installed PostgreSQL's folder of programs."""
        def versions():
            return sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                          key=lambda path: int(path.parts[-3]))
        on_path = shutil.which("pg_config") and shutil.which("initdb")
        if not versions() and not on_path:
            install("postgresql")
        found = versions()
        return found[-1].parent if found else pathlib.Path(shutil.which("initdb")).parent

    def tool(self, name, *arguments):
        prefix = ["runuser", "-u", self.user, "--"] if self.user else []
        return run([*prefix, str(self.bin / name), *map(str, arguments)], cwd=self.folder,
                   env={**os.environ, "PGPASSWORD": self.password, "LC_ALL": "C.UTF-8"})

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
        # With --log the database does not keep the pipe open that pg_ctl's output is read through.
        self.tool("pg_ctl", "--pgdata", self.folder / "data", "--log", self.folder / "log",
                  "--options", options, "--wait", "start")
        self.running = True
        if self.is_new:
            self.sql("postgres", "CREATE DATABASE aureole")

    @property
    def url(self):
        return f"postgres://aureole:{self.password}@127.0.0.1:{self.port}/aureole"

    def sql(self, database, statement):
        return self.tool("psql", "-h", "127.0.0.1", "-p", self.port, "-U", "aureole", "-d", database,
                         "-v", "ON_ERROR_STOP=1", "-At", "-c", statement).strip()

    def settle(self):
        """Does now what autovacuum would do in the middle of a measurement."""
        self.sql("aureole", "VACUUM ANALYZE")
        self.sql("aureole", "CHECKPOINT")

    def version(self):
        return self.sql("postgres", "SHOW server_version").partition(" ")[0]

    def stop(self):
        if self.running:
            self.tool("pg_ctl", "--pgdata", self.folder / "data", "--mode", "fast", "--wait", "stop")
            self.running = False
