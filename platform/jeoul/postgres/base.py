"""The database backend: what Django calls by this name."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL; whether a kept connection still lives is seen on its socket.

    Django asks `SELECT 1` at each request, a round trip that a judgement would wait for. An idle
    connection that the server closed is readable: its end, or the reason for it, lies there.
    """

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        # What the server sends unasked (a notice, a changed setting) reads alike; then ask.
        return not poll.poll(0) or bool(super().is_usable())
