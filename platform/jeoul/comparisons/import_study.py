"""The study that a file of judgements made elsewhere implies: prompts, systems, scales."""

from collections import defaultdict

from django.utils import timezone
from django.utils.text import slugify

from jeoul.accounts.models import User
from jeoul.base import InvalidInput
from jeoul.comparisons.importing import OVERALL_KEY, JudgementRow, scale_of
from jeoul.studies.actions import CriterionSpec, create_study
from jeoul.studies.hashing import content_hash
from jeoul.studies.models import Study, StudyState
from jeoul.studies.prompt_actions import freeze_versions, system_for_outputs
from jeoul.studies.running import freeze_plan
from jeoul.studies.texts_elsewhere import store_prompts


def study_for(
    rows: list[JudgementRow], owner: User, slug: str, title: str, scale: int | None, baseline: str
) -> Study:
    """A study with the prompts, systems and criteria that the rows name, frozen and closed."""
    title = title or slug or "Imported judgements"
    names = list(dict.fromkeys(n for row in rows for n in (row.system_a, row.system_b)))
    versions = {name: system_for_outputs(owner=owner, name=name) for name in names}
    if baseline and baseline not in versions:
        raise InvalidInput(f"No row names the baseline {baseline!r}.", field="baseline")
    prompts = store_prompts(
        owner=owner,
        name=f"{title} (prompts)",
        texts={row.prompt_id: row.prompt for row in rows if row.prompt is not None}
        | {row.prompt_id: None for row in rows if row.prompt is None},
    )
    study = create_study(
        owner=owner,
        title=title,
        slug=slug,
        prompts=prompts,
        systems=list(versions.values()),
        baseline=versions.get(baseline),
        criteria=_criteria_for(rows, scale),
        settings={"design": "baseline" if baseline else "all_pairs", "overlap": 1, "seed": 0},
        imported=True,
    )
    freeze_plan(study=study)
    study.state, study.closed_at = StudyState.CLOSED, timezone.now()
    study.save(update_fields=["state", "closed_at"])
    freeze_versions(list(versions.values()))
    return study


def criterion_key(name: str) -> str:
    return slugify(name)[:40] or "c-" + content_hash(name)[:8]


def _criteria_for(rows: list[JudgementRow], scale: int | None) -> list[CriterionSpec]:
    by_name: dict[str, list[JudgementRow]] = defaultdict(list)
    for row in rows:
        by_name[row.criterion].append(row)
    first = OVERALL_KEY if OVERALL_KEY in by_name else next(iter(by_name))
    specs = []
    for name, mine in by_name.items():
        needed = scale_of(mine)
        if scale is not None and not _holds(scale, needed):
            raise InvalidInput(
                f"The criterion {name!r} has choices that need a scale of {needed} steps, "
                f"not {scale}.",
                field="scale",
            )
        specs.append(
            CriterionSpec(
                key=criterion_key(name),
                name=name[:1].upper() + name[1:],
                question="Which answer is better?" if name == OVERALL_KEY else f"{name}?",
                scale=scale or needed,
                is_overall=name == first,
            )
        )
    return specs


def _holds(scale: int, needed: int) -> bool:
    """Whether a scale has all the steps of another: words in words, grades in grades."""
    return scale == needed or (needed, scale) in {(2, 3), (2, 4), (3, 4), (5, 7)}
