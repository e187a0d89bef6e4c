"""Any platform that adds ids to a link and takes its people back by another link."""

from collections.abc import Mapping

from jeoul.crowd.base import Entry, Exit, filled, taken


class RedirectProvider:
    """``?worker=…&session=…&study=…`` in; out by the outcome's address with the ids filled in."""

    name = "redirect"
    needs_ids = True
    _names = ("worker", "session", "study")

    def parse_entry(self, query: Mapping[str, str]) -> Entry:
        return Entry(*taken(query, *self._names))

    def entry_query(self) -> str:
        return "?" + "&".join(f"{name}=[{name}]" for name in self._names)

    def completion(self, setting: Mapping[str, str], code: str, entry: Entry) -> Exit:
        shown = setting.get("code") or code
        return Exit(shown, filled(setting.get("url", ""), shown, entry))


class ConnectProvider(RedirectProvider):
    """CloudResearch Connect appends its own names to the address it is given."""

    name = "connect"
    _names = ("participantId", "assignmentId", "projectId")

    def entry_query(self) -> str:
        return ""
