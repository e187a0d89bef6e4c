"""Turning a study's plan into comparisons, and marking those whose outputs are there."""

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet

from jeoul.comparisons.models import Comparison, Kind, Standing
from jeoul.comparisons.pairing import all_pairs, baseline_pairs, main_language, plan
from jeoul.comparisons.standing import assess
from jeoul.risk.scanning import scan_outputs, scan_prompts, unscanned_outputs, unscanned_prompts
from jeoul.studies.models import Design, Output, OutputState, Study
from jeoul.studies.pilot import prompts_in_play

_SHOWN = (OutputState.DONE, OutputState.REFUSED)
# Of each kind of text; some hundred milliseconds.
SCAN_HERE = 300
_MANY = 1000


@transaction.atomic
def build_comparisons(*, study: Study) -> int:
    """Make the planned comparisons whose outputs have rows; returns how many are new.

    Locks the study. A second call adds only what is missing.
    """
    Study.objects.select_for_update().get(pk=study.pk)
    if study.prompt_set_version is None:
        return 0
    entries = list(study.entries.order_by("position"))
    entry_rows = study.prompt_set_version.entries.order_by("position")
    languages = dict(entry_rows.values_list("prompt_id", "prompt__language"))
    prompts = list(languages)
    if study.design == Design.BASELINE:
        baseline = next(at for at, entry in enumerate(entries) if entry.is_baseline)
        pairs = baseline_pairs(len(entries), baseline)
    else:
        pairs = all_pairs(len(entries))
    outputs = {
        (o[0], o[1], o[2]): o[3]
        for o in Output.objects.current()
        .filter(
            system_version__in=[e.system_version_id for e in entries],
            prompt__versions=study.prompt_set_version,
        )
        .values_list("system_version_id", "prompt_id", "sample", "pk")
    }
    # What is planned keeps its outputs, also where another generation is in use by now.
    planned = set(
        study.comparisons.filter(kind=Kind.REAL).values_list(
            "prompt_id", "system_a_id", "system_b_id", "output_a__sample"
        )
    )
    # A pilot takes its prompts out of the whole plan, so that going on changes nothing made.
    asked = set(prompts_in_play(study))
    rows = []
    for position, item in enumerate(plan(len(prompts), pairs, study.samples, study.seed)):
        a, b = (entries[at].system_version_id for at in pairs[item.pair])
        prompt = prompts[item.prompt]
        if prompt not in asked:
            continue
        out_a = outputs.get((a, prompt, item.sample))
        out_b = outputs.get((b, prompt, item.sample))
        if out_a is None or out_b is None or (prompt, a, b, item.sample) in planned:
            continue
        rows.append(
            Comparison(
                study=study,
                prompt_id=prompt,
                system_a_id=a,
                system_b_id=b,
                output_a_id=out_a,
                output_b_id=out_b,
                target=study.overlap,
                position=position,
                a_first=item.a_first,
                language=main_language(languages[prompt]),
            )
        )
    before = study.comparisons.count()
    Comparison.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    mark_ready(study=study)
    if len(rows) >= _MANY:
        # Plans that connections keep are made for the table's size, and it has just changed.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE comparisons_comparison")
    return study.comparisons.count() - before


def mark_ready(
    *,
    study: Study | None = None,
    output_id: int | None = None,
    output_ids: list[int] | None = None,
    scan_here: int = SCAN_HERE,
) -> int:
    """Open the comparisons whose two outputs may be shown; returns how many.

    Nothing is opened unscanned. Jobs scan each text; up to ``scan_here`` texts that they have
    not come to are scanned here, so that a small study opens at once.
    """
    waiting = Comparison.objects.filter(
        ready=False,
        standing=Standing.ASKED,
        output_a__state__in=_SHOWN,
        output_b__state__in=_SHOWN,
    )
    if study is not None:
        waiting = waiting.filter(study=study)
    if output_id is not None:
        waiting = waiting.filter(Q(output_a=output_id) | Q(output_b=output_id))
    if output_ids is not None:
        waiting = waiting.filter(Q(output_a__in=output_ids) | Q(output_b__in=output_ids))
    # Gold and practice items were chosen by a person.
    chosen = Comparison.objects.filter(
        pk__in=list(waiting.exclude(kind=Kind.REAL).values_list("pk", flat=True))
    ).update(ready=True)
    waiting = waiting.filter(kind=Kind.REAL)
    scan_waiting(waiting, limit=scan_here)
    studies = Study.objects.filter(pk__in=waiting.order_by().values("study"))
    return chosen + sum(assess(study=s, rows=waiting.filter(study=s).order_by()) for s in studies)


def scan_waiting(waiting: QuerySet[Comparison], *, limit: int) -> None:
    """Scan texts that comparisons wait for, up to ``limit``."""
    if not limit:
        return
    for name in ("output_a", "output_b"):
        ids = waiting.order_by().values(name)
        waits = unscanned_outputs().filter(pk__in=ids).values_list("pk", flat=True)
        scan_outputs(ids=list(waits[:limit]))
    prompts = waiting.order_by().values("prompt")
    asked = unscanned_prompts().filter(pk__in=prompts).values_list("pk", flat=True)
    scan_prompts(ids=list(asked[:limit]))


def retarget(*, study: Study, overlap: int) -> int:
    """Bring open comparisons to an amended overlap, never below what is taken already."""
    real = Comparison.objects.filter(
        study=study, kind=Kind.REAL, standing__in=[Standing.ASKED, Standing.HELD]
    )
    more = real.filter(taken__lte=overlap).update(target=overlap)
    return more + real.filter(taken__gt=overlap).update(target=F("taken"))
