"""Who calls, and what their token may do: a personal token in the Authorization header."""

from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from jeoul.accounts.actions import find_token
from jeoul.accounts.models import ApiToken, Scope, User

if TYPE_CHECKING:
    # The framework loads this module while it loads its views.
    from rest_framework.views import APIView


class TokenAuthentication(BaseAuthentication):
    """``Authorization: Bearer jeoul_…``."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("The header must be: Authorization: Bearer TOKEN.")
        token = find_token(text=parts[1].decode("latin-1"))
        if token is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked.")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


class HasScope(BasePermission):
    """The token's scope for the request: ``view.scope`` where it names one, else by the method."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.auth, ApiToken):
            return False
        needed = getattr(view, "scope", None)
        if needed is None:
            needed = Scope.READ if request.method in SAFE_METHODS else Scope.WRITE
        self.message = f"This token lacks the scope {needed}."
        return needed in request.auth.scopes


class _TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped base
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
