"""The comparison page of a plan that is still being typed, for its researcher."""

import uuid

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from jeoul.studies.access import prompt_sets_for, prompt_texts_hidden
from jeoul.studies.models import Criterion, Output, OutputState
from jeoul.studies.rendering import render_markdown, render_plain

from annotation.item import Item, Side, rendered, shown_criterion

_MOST_CRITERIA = 6
_SCALES = {"2", "3", "4", "5", "7"}


def _criteria(posted: QueryDict) -> list[Criterion]:
    """The questions as they stand in the form, those without words left out."""
    found = []
    for at in range(_MOST_CRITERIA):
        field = f"criterion-{at}-"
        question = posted.get(f"{field}question", "").strip()
        if not question:
            continue
        scale = posted.get(f"{field}scale", "")
        found.append(
            Criterion(
                key=f"c{at}",
                name=posted.get(f"{field}name", "")[:100],
                question=question[:300],
                definition=posted.get(f"{field}definition", "")[:10_000],
                scale=int(scale) if scale in _SCALES else 4,
                chips=[c for c in posted.get(f"{field}chips", "").splitlines() if c.strip()],
            )
        )
    return found


def _uuids(texts: list[str]) -> list[uuid.UUID]:
    found = []
    for text in texts:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found


def _outputs(request: HttpRequest) -> list[Output]:
    """Two answers of the chosen systems to one prompt of the chosen set, where both are there."""
    sets = prompt_sets_for(request.user).filter(  # type: ignore[arg-type]  # login_required
        uuid__in=_uuids([request.POST.get("prompt_set", "")])
    )
    chosen = sets.first()
    systems = _uuids(request.POST.getlist("systems"))
    if chosen is None or len(systems) < 2 or prompt_texts_hidden(chosen):
        return []
    rows = (
        Output.objects.filter(
            prompt__prompt_set=chosen,
            system_version__uuid__in=systems[:2],
            state=OutputState.DONE,
            sample=0,
        )
        .filter(Q(text_missing=False))
        .select_related("prompt")
    )
    first = rows.filter(system_version__uuid=systems[0]).order_by("pk").first()
    if first is None:
        return []
    second = rows.filter(system_version__uuid=systems[1], prompt=first.prompt_id).first()
    return [first, second] if second else []


def _side(text: str) -> Side:
    return Side(html=render_markdown(text), raw=render_plain(text))


def _item(request: HttpRequest) -> Item:
    outputs = _outputs(request)
    if outputs:
        messages, texts = outputs[0].prompt.messages, [o.text for o in outputs]
    else:
        messages = [{"role": "user", "content": _("Here stands what a person asked.")}]
        texts = [_("Here stands the first answer."), _("Here stands the second answer.")]
    return Item(
        assignment_id=uuid.UUID(int=0),
        client_key=uuid.UUID(int=0),
        messages=[{"role": m["role"], "html": rendered(m["content"])} for m in messages],
        left=_side(texts[0]),
        right=_side(texts[1]),
        criteria=[shown_criterion(c) for c in _criteria(request.POST)],
        content_warning="",
        language="",
        seconds_left=0,
    )


@require_POST
@login_required
def preview(request: HttpRequest) -> HttpResponse:
    """The part for the plan's page, or a page of its own for a browser without JavaScript."""
    instructions = request.POST.get("instructions", "")[:100_000]
    context = {
        "item": _item(request),
        "progress": {"number": 1, "total": 0},
        "urls": {},
        "study_title": request.POST.get("title", "")[:200],
        "instructions_html": render_markdown(instructions) if instructions.strip() else "",
    }
    part = "#preview" if request.htmx else ""  # type: ignore[attr-defined]  # HtmxMiddleware's
    return TemplateResponse(request, f"annotation/preview.html{part}", context)
