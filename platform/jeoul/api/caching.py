"""Entity tags: what has not changed is not sent again."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware


class EntityTags(ConditionalGetMiddleware):
    """``ETag`` on every whole answer of the API; ``If-None-Match`` with it gets 304, empty.

    Exports are streamed, so they have none.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not request.path.startswith("/api/v1/"):
            return response
        # An answer is for its caller only, and may be kept as long as it is asked about each time.
        response.headers.setdefault("Cache-Control", "private, no-cache")
        response.headers.setdefault("Vary", "Authorization")
        return super().process_response(request, response)
