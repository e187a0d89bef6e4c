"""A study's rows for other programs: streamed, with constant memory, blind to no one."""

from collections.abc import Iterator
from typing import Final

from jeoul.base import InvalidInput
from jeoul.results.exports.encoders import to_csv, to_jsonl, to_parquet
from jeoul.results.exports.preferences import check, for_comparator, two_systems
from jeoul.results.exports.rows import SOURCES
from jeoul.results.exports.tables import COPIED
from jeoul.studies.access import prompt_texts_hidden
from jeoul.studies.models import Study

FORMATS: Final = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "zip": "application/zip",
}
_ENCODERS: Final = {"csv": to_csv, "jsonl": to_jsonl, "parquet": to_parquet}
# These have one format each.
_OWN: Final = {"record": "zip", "comparator": "json"}
WHAT: Final = (*COPIED, *SOURCES, *_OWN)


def export_stream(
    *, study: Study, what: str, form: str, pair: tuple[str, ...] = ()
) -> Iterator[bytes]:
    """The bytes of one export in chunks; raises InvalidInput for an unknown kind or format.

    ``pair`` names two systems by their labels where a study has more and a viewer shows two.
    """
    if what not in WHAT:
        raise InvalidInput(
            f"There is no export of {what!r}; choose {', '.join(WHAT)}.", field="what"
        )
    allowed = (_OWN[what],) if what in _OWN else tuple(_ENCODERS)
    if form not in allowed:
        raise InvalidInput(
            f"There is no {what} as {form!r}; choose {', '.join(allowed)}.", field="format"
        )
    if what.startswith("preferences") or what == "comparator":
        check(study)
    if what == "record":
        # The record is made of exports.
        from jeoul.results.recording import record_stream

        return record_stream(study)
    if what == "comparator":
        return for_comparator(study, two_systems(study, pair))
    if what in COPIED:
        table = COPIED[what]
        version = study.prompt_set_version
        if version is not None and prompt_texts_hidden(version.prompt_set):
            table = table.without_texts()
        return table.stream(study, form)
    source = SOURCES[what]
    return _ENCODERS[form](source.schema, source.rows(study))
