"""Prompts and outputs of judgements made elsewhere, which often come without their texts."""

import hashlib
from collections import defaultdict

from django.utils import timezone

from jeoul.accounts.models import User
from jeoul.studies.hashing import content_hash
from jeoul.studies.models import (
    Output,
    OutputState,
    Prompt,
    PromptSet,
    PromptSetVersion,
    SystemVersion,
    VersionEntry,
)
from jeoul.studies.rendering import RENDERER_VERSION, render_markdown

_BATCH = 2000


def store_prompts(*, owner: User, name: str, texts: dict[str, str | None]) -> PromptSetVersion:
    """A version that holds a prompt for each id; one without a text says so in its metadata."""
    prompt_set, _ = PromptSet.objects.get_or_create(owner=owner, name=name[:200])
    rows = [
        Prompt(
            prompt_set=prompt_set,
            key=key,
            messages=[{"role": "user", "content": text or key}],
            metadata={} if text else {"text_missing": True},
            content_hash=content_hash([key, text]),
        )
        for key, text in texts.items()
    ]
    Prompt.objects.bulk_create(rows, batch_size=_BATCH, ignore_conflicts=True)
    stored = {
        (key, digest): pk
        for pk, key, digest in prompt_set.prompts.values_list("pk", "key", "content_hash")
    }
    latest = prompt_set.latest()
    version = PromptSetVersion.objects.create(
        prompt_set=prompt_set,
        number=latest.number + 1 if latest else 1,
        content_hash=content_hash([(row.key, row.content_hash) for row in rows]),
    )
    VersionEntry.objects.bulk_create(
        (
            VersionEntry(version=version, prompt_id=stored[row.key, row.content_hash], position=at)
            for at, row in enumerate(rows)
        ),
        batch_size=_BATCH,
    )
    return version


class Texts:
    """Gathers which answers a file speaks of and stores those that are new, in few queries.

    Two texts of one system on one prompt are two samples; an absent text stands for the
    system's first answer, whose text may be unknown.
    """

    def __init__(
        self,
        versions: dict[int, SystemVersion],
        place: dict[str, int],
        prompts: dict[str, Prompt],
    ) -> None:
        self._versions, self._place, self._prompts = versions, place, prompts
        self._wanted: dict[tuple[str, str], dict[str | None, None]] = defaultdict(dict)

    def want(self, prompt: str, system: str, text: str | None) -> None:
        self._wanted[prompt, system][text] = None

    def store(self) -> dict[tuple[str, str, str | None], int]:
        """Ids of the outputs by prompt id, system name and text."""
        have = self._have()
        new: list[tuple[tuple[str, str, str | None], Output]] = []
        found: dict[tuple[str, str, str | None], int] = {}
        for (prompt, system), texts in self._wanted.items():
            version = self._versions[self._place[system]]
            place = (version.pk, self._prompts[prompt].pk)
            samples = have.get(place, {})
            free = len(samples)
            for text in texts:
                if text is None:
                    continue
                digest = hashlib.sha256(text.encode()).hexdigest()
                if digest in samples:
                    found[prompt, system, text] = samples[digest]
                    continue
                new.append(((prompt, system, text), self._output(version, prompt, free, text)))
                free += 1
            if None in texts:
                if samples:
                    found[prompt, system, None] = next(iter(samples.values()))
                elif free == 0:
                    new.append(((prompt, system, None), self._output(version, prompt, 0, None)))
        Output.objects.bulk_create([output for _, output in new], batch_size=_BATCH)
        found |= {key: output.pk for key, output in new}
        for (prompt, system), texts in self._wanted.items():
            if None in texts and (prompt, system, None) not in found:
                first = next(text for text in texts if text is not None)
                found[prompt, system, None] = found[prompt, system, first]
        return found

    def _have(self) -> dict[tuple[int, int], dict[str, int]]:
        """Stored outputs: by system version and prompt, their ids by content, in sample order."""
        have: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
        rows = Output.objects.current().filter(
            system_version__in=self._versions.values(),
            prompt__in=[p.pk for p in self._prompts.values()],
        )
        rows = rows.order_by("sample")
        for pk, version, prompt, digest in rows.values_list(
            "pk", "system_version_id", "prompt_id", "content_hash"
        ):
            have[version, prompt][digest] = pk
        return have

    def _output(self, version: SystemVersion, prompt: str, sample: int, text: str | None) -> Output:
        return Output(
            system_version=version,
            prompt=self._prompts[prompt],
            sample=sample,
            state=OutputState.DONE,
            text=text or "",
            html=render_markdown(text) if text else "",
            renderer=RENDERER_VERSION,
            content_hash=hashlib.sha256((text or "").encode()).hexdigest(),
            imported=True,
            text_missing=text is None,
            finished_at=timezone.now(),
        )
