"""What the official clients raise, as the one error of all protocols.

Both clients are made by one generator, so that their errors have the same names and fields.
"""

from types import ModuleType
from typing import Any

from jeoul.studies.generation.addresses import refusal_in
from jeoul.studies.generation.base import ProviderError, clean, status_error, words_of


def translated(error: Any, client: ModuleType, key: str, *, lasting: bool = False) -> ProviderError:
    """An error of ``client`` (a module); ``lasting`` where waiting will not mend the refusal."""
    refused = refusal_in(error)
    if refused is not None:
        return ProviderError("address_refused", str(refused), permanent=True)
    message = clean(words_of(error.body, str(error.message)), key)
    if isinstance(error, client.APITimeoutError):
        return ProviderError("timeout", message, permanent=False)
    if isinstance(error, client.APIConnectionError):
        cause = f": {error.__cause__}" if error.__cause__ else ""
        return ProviderError("connection", clean(message + cause, key), permanent=False)
    if not isinstance(error, client.APIStatusError):
        return ProviderError("bad_answer", message, permanent=False)
    return status_error(error.status_code, message, error.response.headers, lasting=lasting)
