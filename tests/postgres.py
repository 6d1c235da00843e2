"""A throw-away PostgreSQL cluster on a unix socket: no port, no network, no trace when it stops."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

ORDINARY_USER = "postgres"
"""PostgreSQL refuses to run as root; Debian's package brings this user."""

START_TIMEOUT_S = 60.0


class PostgresMissing(Exception):
    """The server's programs or a user to run them as are not installed."""


def find_programs() -> Path:
    """Return the folder with the newest initdb and postgres."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = versions[-1] if versions else shutil.which("initdb")
    if not found:
        raise PostgresMissing("PostgreSQL's initdb was not found: apt-get install postgresql")
    return Path(found).parent


class Cluster:
    """A running server; `url` names one of its databases."""

    def __init__(self, folder: Path, programs: Path, *, durable: bool) -> None:
        self.folder = folder
        self._programs = programs
        self._settings = [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off"]
        self._server: subprocess.Popen[bytes] | None = None
        self._log = folder / "log"

    def url(self, database: str) -> str:
        return f"postgresql://{ORDINARY_USER}@/{database}?host={self.folder}"

    @contextmanager
    def database(self, template: str) -> Iterator[str]:
        """A database of its own that begins as a copy of another; its URL."""
        name = f"t_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield self.url(name)
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        with psycopg.connect(self._maintenance(), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def create(self) -> None:
        self._run("initdb", "-D", "data", "-U", ORDINARY_USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def start(self) -> None:
        command = [self._programs / "postgres", "-D", "data", "-k", self.folder, "-c", "listen_addresses="]
        command += ["-c", "max_connections=120", "-c", "shared_buffers=64MB", *self._settings]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log, **self._as_ordinary_user())
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(self._maintenance()).close()
                return
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start:\n{self._log.read_text()}") from None
                time.sleep(0.05)

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server; `at_once` is a crash."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._server.wait(timeout=60)
            self._server = None

    def _maintenance(self) -> str:
        return f"host={self.folder} user={ORDINARY_USER} dbname=postgres connect_timeout=5"

    def _run(self, program: str, *arguments: str) -> None:
        command = [self._programs / program, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_ordinary_user())
        if result.returncode:
            raise RuntimeError(f"{program} failed:\n{result.stdout}{result.stderr}")

    def _as_ordinary_user(self) -> dict[str, Any]:
        where = {"cwd": self.folder, "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}
        if os.geteuid() != 0:
            return where
        user = ordinary_user()
        return {**where, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def ordinary_user() -> pwd.struct_passwd:
    """Return the user whom root runs the server as, made if need be."""
    try:
        return pwd.getpwnam(ORDINARY_USER)
    except KeyError:
        if not (useradd := shutil.which("useradd")):
            raise PostgresMissing(f"there is no user {ORDINARY_USER!r} and no useradd to make one") from None
        subprocess.run([useradd, "--system", "--no-create-home", ORDINARY_USER], check=True)
        return pwd.getpwnam(ORDINARY_USER)


@contextmanager
def running_cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """Make a cluster, run it, and leave nothing behind. `durable`: with fsync, for measuring."""
    programs = find_programs()
    # Not below pytest's own folder: its parents are closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="framegate-pg-"))
    if os.geteuid() == 0:
        user = ordinary_user()
        os.chown(folder, user.pw_uid, user.pw_gid)
    cluster = Cluster(folder, programs, durable=durable)
    try:
        cluster.create()
        cluster.start()
        yield cluster
    finally:
        cluster.stop(at_once=True)
        shutil.rmtree(folder)
