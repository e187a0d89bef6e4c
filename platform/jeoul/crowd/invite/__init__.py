"""Links that a team sends by itself: nobody's ids, or one of its own as ``?worker=``."""

from collections.abc import Mapping

from jeoul.crowd.base import Entry, Exit, filled, taken


class InviteProvider:
    """A page with a button; the worker then gets a link of their own."""

    name = "invite"
    needs_ids = False

    def parse_entry(self, query: Mapping[str, str]) -> Entry:
        return Entry(*taken(query, "worker"))

    def entry_query(self) -> str:
        return ""

    def completion(self, setting: Mapping[str, str], code: str, entry: Entry) -> Exit:
        shown = setting.get("code") or code
        return Exit(shown, filled(setting.get("url", ""), shown, entry))
