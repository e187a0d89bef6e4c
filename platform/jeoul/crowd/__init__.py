"""Sources of annotators, by name: each reads its links and says how a worker leaves."""

from typing import Final

from jeoul.crowd.base import CrowdError, Provider
from jeoul.crowd.invite import InviteProvider
from jeoul.crowd.prolific import ProlificProvider
from jeoul.crowd.redirect import ConnectProvider, RedirectProvider

_ALL: Final[tuple[Provider, ...]] = (
    InviteProvider(),
    ProlificProvider(),
    ConnectProvider(),
    RedirectProvider(),
)
__all__ = ["PROVIDERS", "CrowdError", "Provider", "get_provider"]
PROVIDERS: Final[dict[str, Provider]] = {provider.name: provider for provider in _ALL}


def get_provider(name: str) -> Provider:
    """The provider of this name; raises CrowdError."""
    if name not in PROVIDERS:
        raise CrowdError(f"{name!r} is no source of annotators; known are {', '.join(PROVIDERS)}.")
    return PROVIDERS[name]
