"""How alike two texts are: shared shingles, words or, for scripts without spaces, characters."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# Han, kana and hangul: a word there is one to four characters, and often has no space after it.
CJK: Final = re.compile(
    r"[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]"
)
_GAPS: Final = re.compile(r"[\W_]+")
_LATIN_SHINGLE: Final = 5
_CJK_SHINGLE: Final = 2


def plain(text: str) -> str:
    """What remains when case, punctuation and spacing are taken away."""
    return _GAPS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


def is_cjk(text: str) -> bool:
    """Whether most letters are Chinese, Japanese or Korean."""
    letters = sum(c.isalpha() for c in text[:4000])
    return letters > 0 and 2 * len(CJK.findall(text[:4000])) > letters


def shingles(text: str) -> set[str]:
    """Overlapping pieces of five characters, of two for Chinese, Japanese and Korean."""
    flat = plain(text[:_LONGEST])
    size = _CJK_SHINGLE if is_cjk(flat) else _LATIN_SHINGLE
    if is_cjk(flat):
        flat = flat.replace(" ", "")
    return {flat[at : at + size] for at in range(max(1, len(flat) - size + 1))}


def jaccard(a: set[str], b: set[str]) -> float:
    """Shared over all, 0 to 1."""
    union = len(a | b)
    return len(a & b) / union if union else 1.0


# 64 hashes in 16 bands of 4: a pair with likeness 0.8 meets in a band with probability 0.9998.
_HASHES: Final = 64
_BANDS: Final = 16
ALIKE: Final = 0.8
# Shingles of a batch are in memory at once.
_BATCH: Final = 100
_LONGEST: Final = 20_000
# In a bucket as full as this every text is compared with the first alone: a template.
_FULL: Final = 30
MOST_PAIRS: Final = 10_000


def find_alike(
    texts: Iterable[tuple[int, str]], text_of: Callable[[list[int]], dict[int, str]]
) -> list[tuple[int, int, float]]:
    """Pairs of texts that share ALIKE or more of their shingles, most alike first.

    MinHash (Broder 1997) finds candidates, the shingles themselves decide. Holds 80 numbers per
    text; ``text_of`` fetches the candidates' texts again.
    """
    ids, bands, signatures = _bands(texts)
    candidates: set[tuple[int, int]] = set()
    for band in bands.T:
        order = np.argsort(band, kind="stable")
        cuts = np.flatnonzero(np.diff(band[order])) + 1
        for group in np.split(order, cuts):
            members = np.sort(group).tolist()
            if len(members) < 2:
                continue
            firsts = members[:1] if len(members) > _FULL else members
            candidates.update((a, b) for a in firsts for b in members if a < b)
    pairs = []
    ordered = _likely(candidates, signatures)
    for start in range(0, len(ordered), _BATCH):
        some = ordered[start : start + _BATCH]
        found = text_of([ids[at] for at in {at for pair in some for at in pair}])
        cut = {pk: shingles(text) for pk, text in found.items()}
        for a, b in some:
            like = jaccard(cut[ids[a]], cut[ids[b]])
            if like >= ALIKE:
                # The same but for case, spaces and punctuation, or alike.
                same = plain(found[ids[a]]) == plain(found[ids[b]])
                pairs.append((ids[a], ids[b], 1.0 if same else min(like, 0.999)))
    pairs.sort(key=lambda p: (-p[2], p[0], p[1]))
    return pairs[:MOST_PAIRS]


def _likely(candidates: set[tuple[int, int]], signatures: NDArray[np.uint32]) -> list[Any]:
    """Candidates whose share of equal hashes, an estimate of likeness, is not far below ALIKE."""
    if not candidates:
        return []
    rows = np.array(sorted(candidates))
    kept = []
    for some in np.array_split(rows, len(rows) // 10_000 + 1):
        share = (signatures[some[:, 0]] == signatures[some[:, 1]]).mean(axis=1)
        # Four standard deviations of 64 draws below.
        kept += some[share >= ALIKE - 4 * (ALIKE * (1 - ALIKE) / _HASHES) ** 0.5].tolist()
    return kept


def _bands(
    texts: Iterable[tuple[int, str]],
) -> tuple[list[int], NDArray[np.uint64], NDArray[np.uint32]]:
    from rensa import RMinHash  # only who imports prompts needs it

    ids: list[int] = []
    parts: list[NDArray[np.uint64]] = [np.zeros((0, _BANDS), dtype=np.uint64)]
    whole: list[NDArray[np.uint32]] = [np.zeros((0, _HASHES), dtype=np.uint32)]
    source = iter(texts)
    while batch := list(islice(source, _BATCH)):
        ids += [pk for pk, _ in batch]
        rows = RMinHash.digest_matrix_from_token_sets(
            [sorted(shingles(text)) for _, text in batch], _HASHES, 7
        ).to_rows()
        signature = np.array(rows, dtype=np.uint64).reshape(len(batch), _BANDS, -1)
        weights = np.array([1, 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xBF58476D1CE4E5B9],
                           dtype=np.uint64)  # fmt: skip
        whole.append(signature.reshape(len(batch), -1).astype(np.uint32))
        parts.append((signature * weights).sum(axis=2, dtype=np.uint64))
    return ids, np.concatenate(parts), np.concatenate(whole)
