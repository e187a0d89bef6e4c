"""Rows as PostgreSQL itself writes them: COPY into a pipe, read in chunks, no row ever in Python.

A million rows cost seconds and no memory; the server sorts and formats in its own process.
"""

import os
import threading
from collections.abc import Iterator
from typing import Any, Final

from django.db import connection

_CHUNK: Final = 1 << 18


class Copied(Iterator[bytes]):
    """The bytes that a COPY … TO STDOUT gives; the statement runs in a thread of its own.

    It starts at once, on the connection of the thread that made this, whoever reads it (Arrow
    reads in threads of its own). Nothing else may use the connection until it is read to its end.
    Closed before, it closes the connection, which is no use in the middle of a COPY.
    """

    def __init__(self, query: str, params: list[Any]) -> None:
        connection.ensure_connection()
        self._raw = connection.connection
        with self._raw.cursor() as cursor:
            text = cursor.mogrify(query, params).decode()
        self._source, sink = os.pipe()
        self._failed: BaseException | None = None
        self._open = True
        self._owner = threading.get_ident()
        self._thread = threading.Thread(target=self._copy, args=(text, sink), daemon=True)
        self._thread.start()

    def _copy(self, query: str, sink: int) -> None:
        try:
            with os.fdopen(sink, "wb", _CHUNK) as file, self._raw.cursor() as cursor:
                cursor.copy_expert(query, file)
        except BaseException as error:
            self._failed = error  # raised in the reader's thread

    def __next__(self) -> bytes:
        chunk = os.read(self._source, _CHUNK) if self._open else b""
        if chunk:
            return chunk
        self._end()
        if self._failed:
            raise self._failed
        raise StopIteration

    def close(self) -> None:
        """Give up what has not been read."""
        if self._open:
            self._end()
            # Django notices only a connection that it closed itself, in its own thread.
            mine = self._owner == threading.get_ident()
            (connection if mine else self._raw).close()

    def _end(self) -> None:
        if self._open:
            self._open = False
            os.close(self._source)
            self._thread.join()

    def __del__(self) -> None:
        self.close()
