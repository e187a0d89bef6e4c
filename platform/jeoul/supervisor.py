"""Starts a set of processes, starts a crashed one again, and stops exactly those it started."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_STOP_SECONDS: Final = 15
# A process that lived this long is started again at once; one that dies young must wait.
_HEALTHY_SECONDS: Final = 30


class PortTaken(Exception):
    """Something else listens on a port that is needed."""


def check_port(port: int, what: str, option: str) -> None:
    """Raise PortTaken with the way out unless 127.0.0.1:port is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortTaken(
                f"Port {port} for {what} is taken; choose another with {option}."
            ) from None


def _follow_parent() -> None:  # pragma: no cover - runs between fork and exec
    """Ask the kernel to end this process when its parent is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Child:
    """One process and how to start it."""

    name: str
    command: list[str]
    env: dict[str, str]
    again: bool = True
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    failures: int = 0
    next_try: float = 0.0


@dataclass
class Supervisor:
    """Children with their logs in ``logs``/NAME.log."""

    logs: Path
    children: list[Child] = field(default_factory=list)

    def start(
        self, name: str, command: list[str], env: dict[str, str], *, again: bool = True
    ) -> Child:
        child = Child(name, command, env, again)
        self.children.append(child)
        self._launch(child)
        return child

    def _launch(self, child: Child) -> None:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{child.name}.log").open("ab") as log:
            child.process = subprocess.Popen(  # noqa: S603 - our own commands
                child.command,
                env=child.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A session of its own: Ctrl-C in the terminal reaches only us, and we stop them.
                start_new_session=True,
                preexec_fn=_follow_parent,
            )
        child.started_at = time.monotonic()

    def watch(self) -> list[str]:
        """Start again what crashed; returns the names of those that just did."""
        now, died = time.monotonic(), []
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                if not child.again:
                    continue
                lived = now - child.started_at
                child.failures = 0 if lived > _HEALTHY_SECONDS else child.failures + 1
                child.next_try = now + min(2.0**child.failures, 30.0) - 1.0
                child.process = None
                died.append(child.name)
            if child.process is None and now >= child.next_try:
                self._launch(child)
        return died

    def stop(self) -> None:
        """End the children, last started first; kill those that don't."""
        running = [c.process for c in reversed(self.children) if c.process is not None]
        for process in running:
            _signal(process, signal.SIGTERM)
        end = time.monotonic() + _STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
        self.children.clear()


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    """To the child's whole session, so that its own children end too."""
    if process.poll() is None:
        os.killpg(process.pid, number)


def wait_for_port(port: int, seconds: float) -> bool:
    """Whether something answers on 127.0.0.1:port in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False
