"""Prolific's links: ids in capital letters on the way in, a completion code on the way out.

As its documentation for researchers has it (docs.prolific.com, "URL parameters" and
"completion codes"): the code in the address decides how a submission is taken.
"""

from collections.abc import Mapping
from urllib.parse import quote

from jeoul.crowd.base import Entry, Exit, filled, taken

HOST = "app.prolific.com"


class ProlificProvider:
    name = "prolific"
    needs_ids = True

    def parse_entry(self, query: Mapping[str, str]) -> Entry:
        return Entry(*taken(query, "PROLIFIC_PID", "SESSION_ID", "STUDY_ID"))

    def entry_query(self) -> str:
        names = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
        return "?" + "&".join(f"{name}={{{{%{name}%}}}}" for name in names)

    def completion(self, setting: Mapping[str, str], code: str, entry: Entry) -> Exit:
        """Back to Prolific where a code is set; its codes are made there, never here."""
        shown = setting.get("code", "")
        if setting.get("url"):
            return Exit(shown, filled(setting["url"], shown, entry))
        if not shown:
            return Exit(code)
        return Exit(shown, f"https://{HOST}/submissions/complete?cc={quote(shown, safe='')}")
