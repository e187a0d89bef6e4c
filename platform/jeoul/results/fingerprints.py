"""What an analysis depends on, as one digest: the same digest means the same results."""

import hashlib

from jeoul import __version__
from jeoul.comparisons.standing import standings
from jeoul.results import features
from jeoul.results.counting import seen
from jeoul.results.data import excluded_workers, violations
from jeoul.results.inputs import refusals
from jeoul.results.progress import study_outputs
from jeoul.risk.contamination.actions import left_out_prompts
from jeoul.studies.models import Study


def fingerprint(study: Study, settings: dict[str, object]) -> str:
    """Of all that ``jeoul.results.inputs`` reads, in as few rows as tell it."""
    parts = (
        seen(study),
        _decided(study),
        _asked(study),
        _texts(study),
        sorted(settings.items()),
        __version__,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _decided(study: Study) -> tuple[object, ...]:
    """What people decided, and what scans and providers said of outputs."""
    return (
        sorted(excluded_workers(study)),
        sorted(violations(study)),
        sorted(refusals(study)),
        sorted(left_out_prompts(study)),
        sorted(standings(study).items()),
    )


def _asked(study: Study) -> tuple[object, ...]:
    """The plan as results name it; a prompt-set version in use is frozen with its slices."""
    version = study.prompt_set_version
    systems = study.entries.order_by("position").values_list(
        "system_version_id", "system_version__system__name", "is_baseline"
    )
    criteria = study.criteria.values_list("pk", "key", "name", "scale", "is_overall")
    return (
        study.title,
        version and version.content_hash,
        list(systems),
        sorted(criteria),
    )


def _texts(study: Study) -> tuple[object, ...]:
    """A text never changes once it is there; judgements made elsewhere may lack theirs."""
    lacking = study_outputs(study).filter(text_missing=True).count() if study.imported else 0
    return (features.VERSION, lacking)
