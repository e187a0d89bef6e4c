"""What a source of annotators is: it reads the ids in its links, and says how a worker leaves."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

# The ways a worker's part can end; the same words as the stages of an enrolment.
OUTCOMES: Final = ("completed", "screened_out", "no_consent", "no_more_items", "failed_checks")
LIMIT: Final = 200


class CrowdError(Exception):
    """What is asked of a provider can't be; ``permanent`` ends any retries."""

    def __init__(self, message: str, *, permanent: bool = True) -> None:
        super().__init__(message)
        self.message, self.permanent = message, permanent


@dataclass(frozen=True)
class Entry:
    """Who comes, by the platform's own ids; ``worker`` is empty where it names nobody."""

    worker: str = ""
    session: str = ""
    study: str = ""


@dataclass(frozen=True)
class Exit:
    """How a worker leaves: by a code to be typed, an address to go to, or both."""

    code: str = ""
    url: str = ""


class Provider(Protocol):
    """One source of annotators; it knows links and codes, and nothing of studies."""

    name: str
    # Whether a link without the platform's ids is of no use to anybody.
    needs_ids: bool

    def parse_entry(self, query: Mapping[str, str]) -> Entry: ...

    def entry_query(self) -> str:
        """What is put behind an invite's address, for the platform to fill in."""
        ...

    def completion(self, setting: Mapping[str, str], code: str, entry: Entry) -> Exit:
        """The exit of one outcome: ``setting`` may hold ``code`` and ``url``, else ``code``."""
        ...


def taken(query: Mapping[str, str], *names: str) -> list[str]:
    """The values of these parameters, a placeholder that nobody filled in counting as none."""
    values = [query.get(name, "").strip()[:LIMIT] for name in names]
    return ["" if "{{" in value or value.startswith("[") else value for value in values]


def filled(template: str, code: str, entry: Entry) -> str:
    """An address with its ``{code}``, ``{worker}``, ``{session}`` and ``{study}`` filled in."""
    ids = {"code": code, "worker": entry.worker, "session": entry.session, "study": entry.study}
    for name, value in ids.items():
        template = template.replace("{" + name + "}", quote(value, safe=""))
    return template


def must_be_safe(url: str, hosts: Collection[str]) -> None:
    """Raises CrowdError unless the address leads by HTTPS to a host that the site allows."""
    try:
        parts = urlsplit(url)
        host, plain = parts.hostname or "", parts.username is None and parts.port in {None, 443}
    except ValueError:
        raise CrowdError(f"{url!r} is no web address.") from None
    if parts.scheme != "https" or not plain or "\\" in url or any(c.isspace() for c in url):
        raise CrowdError("The address to go back to must start with https:// and a plain host.")
    if host not in hosts:
        known = ", ".join(sorted(hosts)) or "none"
        raise CrowdError(
            f"The host {host!r} is not allowed; allowed are {known}. "
            "Whoever runs the site can add it to COMPLETION_HOSTS."
        )


def check_completion(value: object, hosts: Collection[str]) -> None:
    """Raises CrowdError unless ``value`` maps outcomes to codes and addresses."""
    if not isinstance(value, dict):
        raise CrowdError('The completion must be an object such as {"completed": {"code": "C1"}}.')
    for outcome, setting in value.items():
        if outcome not in OUTCOMES:
            raise CrowdError(f"{outcome!r} is no outcome; they are {', '.join(OUTCOMES)}.")
        if not isinstance(setting, dict) or set(setting) - {"code", "url"}:
            raise CrowdError(f"The outcome {outcome!r} takes a code, a url, or both.")
        if not all(isinstance(v, str) and len(v) <= 1000 for v in setting.values()):
            raise CrowdError(f"The code and url of {outcome!r} must be texts.")
        if setting.get("url"):
            must_be_safe(setting["url"], hosts)
