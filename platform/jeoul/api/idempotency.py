"""A repeated write has no second effect: Idempotency-Key, after the IETF draft of that header.

The key belongs to the person, for a day. Effect and stored answer are one transaction under an
advisory lock, so a process that dies in between leaves neither, and the key free.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Final

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from jeoul.accounts.actions import ANSWERS_KEPT, find_token
from jeoul.accounts.models import StoredAnswer, User
from jeoul.api.errors import problem_page

HEADER: Final = "Idempotency-Key"
_WRITES: Final = {"POST", "PUT", "PATCH", "DELETE"}


class IdempotencyKeys:
    """Runs a write once per key; a view with ``key_required`` is not run without one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.method not in _WRITES or not request.path.startswith("/api/v1/"):
            return None
        key = request.headers.get(HEADER)
        required = request.method == "POST" and getattr(
            getattr(view, "cls", None), "key_required", False
        )
        if key is None and not required:
            return None
        user = _caller(request)
        if user is None:
            return None  # the view itself says 401
        if key is None:
            return problem_page(400, "key_missing", f"This request needs the header {HEADER}: "
                                "a new random text for each thing that is to be made.")  # fmt: skip
        if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
            return problem_page(400, "key_invalid", "A key is 1 to 255 printable ASCII characters.")
        return _once(request, user, key, lambda: view(request, *args, **kwargs))


def _caller(request: HttpRequest) -> User | None:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    found = find_token(text=token.strip()) if kind.lower() == "bearer" else None
    return found.user if found else None


def _once(
    request: HttpRequest, user: User, key: str, run: Callable[[], HttpResponse]
) -> HttpResponse:
    """The stored answer, or the view's, stored where it had an effect."""
    said = fingerprint(request)
    with transaction.atomic():
        if not _lock(f"{user.pk}:{key}"):
            answer = problem_page(409, "in_flight", "A request with this key is being worked on.")
            answer["Retry-After"] = "1"
            return answer
        StoredAnswer.objects.filter(
            user=user, key=key, created_at__lt=timezone.now() - ANSWERS_KEPT
        ).delete()
        stored = StoredAnswer.objects.filter(user=user, key=key).first()
        if stored is not None:
            return _again(stored, said)
        response = run()
        if hasattr(response, "render"):
            response = response.render()
        if response.status_code >= 400:
            # A refusal has no effect and leaves the key free.
            transaction.set_rollback(True)
            return response
        StoredAnswer.objects.create(
            user=user, key=key, fingerprint=said, status=response.status_code,
            content_type=response.headers.get("Content-Type", ""), body=response.content,
        )  # fmt: skip
        return response


def fingerprint(request: HttpRequest) -> str:
    """Of a form with files read piece by piece: they lie on disk, and their envelope differs each
    time."""
    said = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if request.content_type != "multipart/form-data":
        said.update(request.body)
        return said.hexdigest()
    said.update(repr(sorted(request.POST.lists())).encode())
    files: Any = request.FILES  # its stub holds a file for a list at times
    for name, file in sorted(files.items()):
        said.update(repr((name, file.name, file.size)).encode())
        for piece in file.chunks():
            said.update(piece)
    return said.hexdigest()


def lock_number(name: str) -> int:
    """PostgreSQL knows advisory locks by a signed 64-bit number."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def _lock(name: str) -> bool:
    """Try the advisory lock of this name; it ends with the transaction, or with its process."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [lock_number(name)])
        return bool(cursor.fetchone()[0])


def _again(stored: StoredAnswer, said: str) -> HttpResponse:
    if stored.fingerprint != said:
        return problem_page(422, "key_reused", "This key was used for another request.")
    answer = HttpResponse(bytes(stored.body), status=stored.status)
    if stored.content_type:
        answer["Content-Type"] = stored.content_type
    else:
        del answer["Content-Type"]
    answer["Idempotency-Replayed"] = "true"
    return answer
