"""How the web server is started, and what its logs keep."""

import logging
import re
import sys
from typing import Final

_KEY: Final = re.compile(r"(/(?:w|join)/)[^/\s?#]+")
# Method, status, bytes, milliseconds: an address may hold a person's key, and so may a Referer.
ACCESS_LOG: Final = "%(t)s %(m)s %(s)s %(B)s bytes %(M)s ms"


def web_command(port: int) -> list[str]:
    """Gunicorn on 127.0.0.1, sized for two cores."""
    return [
        sys.executable, "-m", "gunicorn", "jeoul.wsgi", "--bind", f"127.0.0.1:{port}",
        "--workers", "2", "--threads", "4", "--graceful-timeout", "5", "--no-control-socket",
    ]  # fmt: skip


class HideKeys(logging.Filter):
    """Replaces the keys in workers' addresses before a record is written."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _KEY.sub(r"\1…", record.getMessage()), ()
        return True
