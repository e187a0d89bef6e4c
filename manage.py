#!/usr/bin/env python
"""Jeoul's commands; without DATABASE_URL and REDIS_URL they use embedded servers under var/."""

import os
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
# These look at the code or make the tables themselves.
_NEED_NO_TABLES = {
    "makemigrations",
    "migrate",
    "help",
    "version",
    "collectstatic",
    "messages",
}


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _obey_signals() -> None:
    """Leave by the same way on every request to end: else embedded servers would stay behind.

    A shell that starts us in the background has SIGINT ignored, and Python keeps that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _interrupt)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # ignored under nohup, and so kept
        signal.signal(signal.SIGHUP, _interrupt)


def main() -> None:
    _obey_signals()
    try:
        from django.core.management import execute_from_command_line
        from jeoul import local
    except ImportError as error:
        sys.exit(f"{error}. Run `make install`, then use .venv/bin/python manage.py.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "jeoul.settings")
    _without_servers()
    var = Path(os.environ.get("JEOUL_VAR") or ROOT / "var")
    try:
        with local.services(var) as embedded:
            command = sys.argv[1] if len(sys.argv) > 1 else "help"
            if embedded and command not in _NEED_NO_TABLES and "--help" not in sys.argv:
                _make_tables()
            execute_from_command_line(sys.argv)
    except local.LocalServiceError as error:
        print(f"manage.py: {error}", file=sys.stderr)  # noqa: T201  # nothing is set up yet
        # 1 would tell a release pipeline that the gate says no.
        sys.exit(3 if sys.argv[1:2] == ["gate"] else 1)
    except KeyboardInterrupt:
        sys.exit(130)


def _without_servers() -> None:
    """A record is read without any server: settings get addresses where nobody is asked."""
    if "--record" in sys.argv and sys.argv[1:2] in (["results"], ["verify_log"]):
        os.environ.setdefault("DATABASE_URL", "postgresql://nobody@localhost/none")
        os.environ.setdefault("REDIS_URL", "redis://localhost")


def _make_tables() -> None:
    """Bring the embedded database up to date, which nobody else looks after."""
    import django
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


if __name__ == "__main__":
    main()
