"""A study's rows for other programs: streamed, with constant memory, blind to no one."""

from collections.abc import Iterator
from typing import Final

from jeoul.base import InvalidInput
from jeoul.results.exports.encoders import to_csv, to_jsonl, to_parquet
from jeoul.results.exports.rows import SOURCES
from jeoul.studies.models import Study

FORMATS: Final = {
    "csv": (to_csv, "text/csv; charset=utf-8"),
    "jsonl": (to_jsonl, "application/jsonl; charset=utf-8"),
    "parquet": (to_parquet, "application/vnd.apache.parquet"),
}
WHAT: Final = tuple(SOURCES)


def export_stream(*, study: Study, what: str, form: str) -> Iterator[bytes]:
    """The bytes of one export in chunks; raises InvalidInput for an unknown kind or format."""
    if what not in SOURCES:
        raise InvalidInput(
            f"There is no export of {what!r}; choose {', '.join(WHAT)}.", field="what"
        )
    if form not in FORMATS:
        raise InvalidInput(
            f"There is no format {form!r}; choose {', '.join(FORMATS)}.", field="format"
        )
    source = SOURCES[what]
    encode, _ = FORMATS[form]
    return encode(source.schema, source.rows(study))
