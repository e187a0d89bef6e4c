"""A pilot: a few prompts of a study alone, before the rest is generated and paid for."""

import random

from jeoul.studies.models import Study


def prompts_in_play(study: Study) -> list[int]:
    """Ids of the study's prompts that are asked now, in their order.

    A pilot draws its prompts by the study's seed, so that the same plan makes the same pilot.
    """
    version = study.prompt_set_version
    if version is None:
        return []
    ids = list(version.entries.order_by("position").values_list("prompt_id", flat=True))
    if study.pilot_prompts is None or study.pilot_prompts >= len(ids):
        return ids
    rng = random.Random(f"pilot {study.seed}")  # noqa: S311 - repeatable, not secret
    drawn = set(rng.sample(ids, study.pilot_prompts))
    return [pk for pk in ids if pk in drawn]
