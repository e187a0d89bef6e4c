"""Reading results: verdict, charts, comparisons, the report, downloads."""

import itertools
from collections.abc import Callable
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db.models import (
    CharField,
    Exists,
    Func,
    OuterRef,
    Prefetch,
    Q,
    TextField,
    prefetch_related_objects,
)
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from jeoul.accounts.actions import record
from jeoul.accounts.roles import May
from jeoul.comparisons.models import Answer, Comparison, Judgement, Remark
from jeoul.dashboard.forms_people import VERDICTS, AdjudicationForm
from jeoul.dashboard.page import open_study, page, researcher, signed_in, study_context, taken
from jeoul.dashboard.stretches import Stretch, stretch
from jeoul.dashboard.templatetags.jeoul_numbers import slice_name
from jeoul.lately import lately
from jeoul.quality.actions import adjudicate
from jeoul.quality.models import Adjudication
from jeoul.results.access import (
    get_comparison,
    judged_by,
    said,
    votes_on,
    with_flagged_workers,
)
from jeoul.results.actions import is_current, latest_analysis
from jeoul.results.costs import study_costs
from jeoul.results.counting import all_counted
from jeoul.results.differing import marked_difference
from jeoul.results.disputes import disputed
from jeoul.results.dressing import for_both_themes, in_words_of_the_reader
from jeoul.results.exports import FORMATS, export_stream
from jeoul.results.gate_state import known_gate
from jeoul.results.models import Analysis
from jeoul.results.pictures import to_png
from jeoul.results.words import answer_words, verdict
from jeoul.studies.access import prompt_texts_hidden
from jeoul.studies.models import Study
from jeoul.studies.prompt_sets import may_read, picture
from jeoul.studies.rendering import render_markdown
from jeoul.studies.version_reading import labels_of
from tasks.analyses import request_analysis, request_gate

_FILTERS = ("pair", "risk", "slice", "verdict", "worker", "flag", "text", "show")
_SHOWN = (
    "uuid", "kind", "position", "judged", "target", "system_a", "system_b", "study", "prompt__key",
    "prompt__risk", "prompt__messages",
)  # fmt: skip
# How many comparisons one look at a filtered list reads; texts take ten times as long.
_LOOK, _LOOK_AT_TEXTS = 3000, 500
_T = TypeVar("_T")
_MANY: Final = 10_000


def _analysis(study: Study) -> dict[str, Any]:
    """The stored analysis, and a new one asked for where it is out of date."""
    prefetch_related_objects([study], "entries")  # which several of the readings below name
    analysis = latest_analysis(study)
    current = _lately("current", analysis, lambda: is_current(analysis, study))
    if not current and study.judgements.exists():
        request_analysis(study.pk)
    return {
        "analysis": analysis,
        "results": analysis and analysis.results,
        "verdict": analysis and verdict(analysis.results),
        "current": current,
        "charts": _chart_names(analysis) if analysis else set(),
        "costs": analysis
        and _lately("costs", analysis, lambda: study_costs(study, analysis.results)),
        "waiting": not current and study.judgements.exists(),
    }


def _lately(name: str, analysis: Analysis | None, make: Callable[[], _T]) -> _T:
    """As it was a few seconds ago at most where it reads many judgements; of few, as it is."""
    if analysis is None or analysis.results["judgements"] < _MANY:
        return make()
    return lately(f"{name}:{analysis.uuid}", make)


def _chart_names(analysis: Analysis) -> set[str]:
    """The charts' names, without the pictures, which may be large."""
    names = Analysis.objects.filter(pk=analysis.pk).annotate(
        name=Func("charts", function="jsonb_object_keys", output_field=CharField())
    )
    return {name.removesuffix(".svg") for name in names.values_list("name", flat=True)}


@require_safe
@signed_in
def study_results(request: HttpRequest, study: UUID) -> HttpResponse:
    found = open_study(request, study)
    context = study_context(request, found, "results") | _analysis(found)
    return page(request, "dashboard/study_results.html", "studies", context)


@require_safe
@signed_in
def study_report(request: HttpRequest, study: UUID) -> HttpResponse:
    """One page to print, from the same stored numbers; ``?all`` opens every table of it."""
    found = open_study(request, study)
    context = study_context(request, found, "report") | _analysis(found)
    context |= {
        "entries": found.entries.select_related("system_version__system"),
        "criteria": found.criteria.all(),
        "prompts": found.prompt_set_version,
        "amendments": found.amendments.all(),
        "exclusions": found.exclusions.filter(lifted_at=None).select_related("worker", "by"),
        "gate": _gate(found) if found.gate else None,
        "all_open": "all" in request.GET,
    }
    return page(request, "dashboard/study_report.html", "studies", context)


def _gate(study: Study) -> dict[str, Any]:
    """What the gate says, or that a job is asked."""
    found = known_gate(study)
    if found is None:
        request_gate(study.pk)
    return found or {"waiting": True}


@require_safe
@signed_in
def study_chart(request: HttpRequest, study: UUID, name: str, form: str) -> HttpResponse:
    """A stored chart as SVG, as PNG made of it, or its numbers as CSV."""
    found = open_study(request, study)
    analysis = latest_analysis(found)
    charts = analysis.charts if analysis else {}
    drawn, numbers = charts.get(f"{name}.svg"), charts.get(f"{name}.csv")
    if drawn is None or numbers is None or form not in {"svg", "png", "csv"}:
        raise Http404("No such chart.")
    words = in_words_of_the_reader(drawn)
    if form == "csv":
        response = HttpResponse(numbers, content_type="text/csv; charset=utf-8")
    elif form == "png":
        response = HttpResponse(to_png(words), content_type="image/png")
    else:
        drawn = words if "download" in request.GET else for_both_themes(words)
        response = HttpResponse(drawn, content_type="image/svg+xml; charset=utf-8")
    if form == "csv" or "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


@require_safe
@signed_in
def study_export(request: HttpRequest, study: UUID, what: str, form: str) -> HttpResponse:
    found = open_study(request, study, May.EXPORT)
    pair = tuple(request.GET.getlist("systems"))
    chunks = export_stream(study=found, what=what, form=form, pair=pair)
    record(
        actor=researcher(request), verb="study.export", target=found, study_uuid=found.uuid,
        data={"what": what, "format": form},
    )  # fmt: skip
    response = StreamingHttpResponse(chunks, content_type=FORMATS[form])
    response["Content-Disposition"] = f'attachment; filename="{found.uuid}-{what}.{form}"'
    return response  # type: ignore[return-value]  # a response of another base


@require_safe
@signed_in
def comparison_list(request: HttpRequest, study: UUID) -> HttpResponse:
    """Comparisons with their votes, by pair, slice, verdict, worker and text."""
    found = open_study(request, study)
    whole = found.comparisons.select_related("prompt").only(*_SHOWN)
    chosen = {key: request.GET.get(key, "").replace("\x00", "")[:200] for key in _FILTERS}
    place = "position"
    if chosen["show"] == "disputed":
        whole, place = disputed(whole, found), "place"
    rows = _filtered(whole, chosen, found)
    labels = labels_of(found)
    within = whole if any(chosen.values()) else None
    look = _LOOK_AT_TEXTS if chosen["text"] else _LOOK
    context = study_context(request, found, "comparisons") | {
        "comparisons": _with_votes(
            stretch(request, rows, place=place, within=within, look=look), labels
        ),
        "chosen": chosen,
        "whole_list": within is None,
        "uncounted": place == "place" and _uncounted(found),
        "pairs": _pairs(labels),
        "slices": _slices(found),
        "verdicts": VERDICTS,
        "hidden": _hidden(found),
    }
    return page(request, "dashboard/comparison_list.html", "studies", context)


def _uncounted(study: Study) -> bool:
    """Whether judgements came that the order of the disputed does not know yet; a job is asked."""
    if all_counted(study):
        return False
    request_analysis(study.pk)
    return True


def _with_votes(found: Stretch, labels: dict[int, str]) -> Stretch:
    """The votes of one page's comparisons: over all of a study's they would take seconds."""
    votes = votes_on([row.pk for row in found.rows])
    for row in found.rows:
        row.first, row.second = labels.get(row.system_a_id), labels.get(row.system_b_id)
        row.wins_a, row.wins_b, row.ties, row.bad = votes.get(row.pk, (0, 0, 0, 0))
    return found


def _pairs(labels: dict[int, str]) -> list[tuple[str, str]]:
    return [
        (f"{a}-{b}", f"{labels[a]} – {labels[b]}") for a, b in itertools.combinations(labels, 2)
    ]


def _slices(study: Study) -> list[tuple[str, str]]:
    """The values of the prompts' slices, as the filter names them."""
    version = study.prompt_set_version
    return [
        (f"{name}:{s.value}", f"{slice_name(name)}: {s.value}")
        for name, slices in (picture(version).slices.items() if version else ())
        if name != "risk"
        for s in sorted(slices, key=lambda s: s.value)
    ]


def _filtered(rows: Any, chosen: dict[str, str], study: Study) -> Any:
    first, _dash, second = chosen["pair"].partition("-")
    if first.isascii() and first.isdigit() and second.isascii() and second.isdigit():
        rows = rows.filter(system_a=int(first[:18]), system_b=int(second[:18]))
    if chosen["risk"] in {"realistic", "high"}:
        rows = rows.filter(prompt__risk=chosen["risk"])
    name, _colon, value = chosen["slice"].partition(":")
    if name in {"category", "language", "difficulty", "hazard"}:
        rows = rows.filter(**{f"prompt__{name}": value})
    if chosen["verdict"] in dict(VERDICTS):
        rows = said(rows, int(chosen["verdict"]))
    if chosen["worker"]:
        rows = judged_by(rows, chosen["worker"])
    if chosen["flag"]:
        rows = with_flagged_workers(rows, study)
    if chosen["text"]:
        rows = _with_text(rows, chosen["text"], hidden=_hidden(study))
    if chosen["show"] == "judged":
        rows = rows.filter(judged__gt=0)
    elif chosen["show"] == "adjudicated":
        rows = rows.filter(Exists(Adjudication.objects.filter(comparison=OuterRef("pk"))))
    return rows


def _hidden(study: Study) -> bool:
    version = study.prompt_set_version
    return version is not None and prompt_texts_hidden(version.prompt_set)


def _with_text(rows: Any, text: str, *, hidden: bool) -> Any:
    """In the prompt's id, its messages, an answer or a reason; of a sealed set's prompts a search
    must not tell what they say, nor the answers to them."""
    wanted = Q(prompt__key__icontains=text)
    if not hidden:
        rows = rows.annotate(asked=Cast("prompt__messages", TextField()))
        remarks = Remark.objects.filter(judgement__comparison=OuterRef("pk"), text__icontains=text)
        wanted |= Q(asked__icontains=text) | Q(Exists(remarks))
        wanted |= Q(output_a__text__icontains=text) | Q(output_b__text__icontains=text)
    return rows.filter(wanted)


@require_safe
@signed_in
def comparison_detail(request: HttpRequest, study: UUID, comparison: UUID) -> HttpResponse:
    """Both answers and all judgements with their reasons."""
    found = open_study(request, study)
    form = AdjudicationForm()
    return _comparison_page(request, found, get_comparison(found, comparison), form)


def _comparison_page(
    request: HttpRequest, found: Study, row: Comparison, form: AdjudicationForm
) -> HttpResponse:
    judgements = (
        Judgement.objects.filter(comparison=row, superseded_by=None)
        .select_related("worker", "telemetry")
        .prefetch_related(
            Prefetch("answers", Answer.objects.select_related("criterion")), "remarks"
        )
        .order_by("judged_at", "pk")
    )
    hidden = not may_read(
        prompt_set=row.prompt.prompt_set, actor=researcher(request), what="comparison"
    )
    context = study_context(request, found, "comparisons") | {
        "comparison": row,
        "hidden": hidden,
        "difference": None if hidden or "diff" not in request.GET
        else marked_difference(row.output_a.text, row.output_b.text),
        "diff_asked": "diff" in request.GET,
        "adjudications": row.adjudications.select_related("by"),
        "form": form,
        "messages_shown": [
            {"role": m["role"], "html": render_markdown(m["content"])}
            for m in ([] if hidden else row.prompt.messages)
        ],
        "judgements": [
            {
                "worker": j.worker.pseudonym,
                "seconds": j.in_view,
                "left": None if j.a_on_left is None else "a" if j.a_on_left else "b",
                "at": j.judged_at,
                "answers": [
                    (a.criterion.name, answer_words(a, row.system_a.label, row.system_b.label),
                     a.chips) for a in j.answers.all()
                ],
                "reasons": [r.text for r in j.remarks.all()],
            }
            for j in judgements
        ],
    }  # fmt: skip
    status = 422 if form.is_bound else 200
    return page(request, "dashboard/comparison_detail.html", "studies", context, status=status)


@require_POST
@signed_in
def comparison_adjudicate(request: HttpRequest, study: UUID, comparison: UUID) -> HttpResponse:
    found = open_study(request, study, May.ADJUDICATE)
    row = get_comparison(found, comparison)
    form = AdjudicationForm(request.POST)
    if not taken(form, adjudicate, comparison=row, actor=researcher(request)):
        return _comparison_page(request, found, row, form)
    return redirect("comparison-detail", study=found.uuid, comparison=row.uuid)
