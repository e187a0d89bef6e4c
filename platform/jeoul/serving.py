"""How the web server is started: the same for the demo, the container and the load benchmark."""

import sys


def web_command(port: int) -> list[str]:
    """Gunicorn on 127.0.0.1, sized for two cores."""
    return [
        sys.executable, "-m", "gunicorn", "jeoul.wsgi", "--bind", f"127.0.0.1:{port}",
        "--workers", "2", "--threads", "4", "--graceful-timeout", "5", "--no-control-socket",
    ]  # fmt: skip
