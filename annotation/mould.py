"""The card of the next comparison, cast once and then only filled.

A template of this size takes longer to render than all else in a judgement together, and from one
comparison to the next nothing in it changes but ids, numbers and texts. So the template itself is
rendered once for each shape with marks in their places; later the places between are filled.
Whatever is rarer (a warning, a form with errors, practice) is rendered as ever.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django.template.loader import render_to_string
from django.utils import translation

from annotation.item import Item, Side, frozen_questions
from annotation.page import Step, urls_for

CARD: Final = "annotation/compare.html#card"
# Of the private use area: no text of ours has them, and no filter changes them.
_OPEN, _CLOSE = "\ue000", "\ue001"
_SLOT: Final = re.compile(f"{_OPEN}([a-z_0-9]+){_CLOSE}")
_ORDINARY: Final = frozenset({"saved", "min_read_nudge"})


@dataclass(frozen=True)
class Shape:
    """All that decides how a card looks apart from its ids, numbers and texts."""

    study_id: int
    frozen_at: datetime
    interface: str
    spoken: str
    left: str
    right: str
    messages: tuple[tuple[str, bool], ...]
    timed: bool
    can_undo: bool
    paid: bool
    saved: bool
    nudge: bool


def _slot(name: str) -> Any:
    return f"{_OPEN}{name}{_CLOSE}"


@lru_cache(maxsize=512)
def _cast(shape: Shape) -> tuple[str, ...]:
    """The card's fixed pieces with the names of what stands between them."""
    item = Item(
        assignment_id=_slot("assignment"),
        client_key=_slot("key"),
        messages=[
            {"role": role, "html": _slot(f"message_{at}"), "long": long}
            for at, (role, long) in enumerate(shape.messages)
        ],
        left=Side(_slot("left"), _slot("left_raw"), shape.left),
        right=Side(_slot("right"), _slot("right_raw"), shape.right),
        criteria=[],
        content_warning="",
        language=shape.spoken,
        seconds_left=_slot("seconds") if shape.timed else 0,
        questions=frozen_questions(shape.study_id, shape.frozen_at, shape.interface),
    )
    context = {
        "item": item,
        "errors": [],
        "step": Step(),
        "progress": {name: _slot(name) for name in ("number", "total", "percent")},
        "can_undo": shape.can_undo,
        "break_due": False,
        "blur": False,
        "urls": urls_for(_slot("token"), _slot("assignment")),
        "paid": shape.paid,
        "saved": shape.saved,
        "min_read_nudge": shape.nudge,
    }
    return tuple(_SLOT.split(render_to_string(CARD, context)))


def filled_card(token: str, context: dict[str, Any], extra: dict[str, Any]) -> str | None:
    """The card as its template would render it; None where it is not an ordinary one."""
    item: Item = context["item"]
    study = context["study"]
    unusual = item.errors or item.content_warning or context["step"].kind or context["break_due"]
    if unusual or not item.questions or not study.frozen_at or not _ORDINARY.issuperset(extra):
        return None
    shape = Shape(
        study_id=study.pk,
        frozen_at=study.frozen_at,
        interface=translation.get_language() or "",
        spoken=item.language,
        left=item.left.language,
        right=item.right.language,
        messages=tuple((m["role"], m["long"]) for m in item.messages),
        timed=bool(item.seconds_left),
        can_undo=bool(context["can_undo"]),
        paid=context["paid"],
        saved=bool(extra.get("saved")),
        nudge=bool(extra.get("min_read_nudge")),
    )
    values = {
        "token": token,
        "assignment": str(item.assignment_id),
        "key": str(item.client_key),
        "left": item.left.html,
        "left_raw": item.left.raw,
        "right": item.right.html,
        "right_raw": item.right.raw,
        "seconds": str(item.seconds_left),
        **{name: str(context["progress"][name]) for name in ("number", "total", "percent")},
        **{f"message_{at}": m["html"] for at, m in enumerate(item.messages)},
    }
    pieces = list(_cast(shape))
    pieces[1::2] = [values[name] for name in pieces[1::2]]
    return "".join(pieces)
