"""How alike two texts are: shared shingles, words or, for scripts without spaces, characters."""

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final

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
ALIKE: Final = 0.8
# Shingles of a batch are in memory at once.
_BATCH: Final = 100
_LONGEST: Final = 20_000
# In a bucket as full as this every text is compared with the first alone: a template.
_FULL: Final = 30
MOST_PAIRS: Final = 10_000
# Four standard deviations of 64 draws below.
_LIKELY: Final = ALIKE - 4 * (ALIKE * (1 - ALIKE) / _HASHES) ** 0.5
_ROWS: Final = 10_000


def find_alike(
    texts: Iterable[tuple[int, str]], text_of: Callable[[list[int]], dict[int, str]]
) -> list[tuple[int, int, float]]:
    """Pairs of texts that share ALIKE or more of their shingles, most alike first.

    MinHash (Broder 1997) finds candidates, the shingles themselves decide. Holds 136 bytes per
    text; ``text_of`` fetches the candidates' texts again.
    """
    ids, signatures = _signatures(texts)
    candidates = _candidates(signatures)
    pairs: list[tuple[int, int, float]] = []
    for start in range(0, len(candidates), _BATCH):
        some = [divmod(int(pair), len(ids)) for pair in candidates[start : start + _BATCH]]
        found = text_of([ids[at] for at in {at for pair in some for at in pair}])
        cut = {pk: shingles(text) for pk, text in found.items()}
        for a, b in some:
            like = jaccard(cut[ids[a]], cut[ids[b]])
            if like >= ALIKE:
                # The same but for case, spaces and punctuation, or alike.
                same = plain(found[ids[a]]) == plain(found[ids[b]])
                pairs.append((ids[a], ids[b], 1.0 if same else min(like, 0.999)))
        if len(pairs) > 2 * MOST_PAIRS:
            pairs = _most_alike(pairs)
    return _most_alike(pairs)


def _most_alike(pairs: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    return sorted(pairs, key=lambda p: (-p[2], p[0], p[1]))[:MOST_PAIRS]


def _candidates(signatures: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Pairs that meet in a band and agree enough in all hashes, each as one number a * n + b."""
    found = np.zeros(0, dtype=np.int64)
    # Four hashes of 16 bits are one number: the band itself.
    for band in signatures.view(np.uint64).T:
        found = np.union1d(found, _likely(_meeting(band), signatures))
    return found


def _meeting(band: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Pairs of texts that fall into one bucket."""
    order = np.argsort(band, kind="stable")
    ordered, n = band[order], len(band)
    cuts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    starts, ends = np.concatenate([[0], cuts]), np.concatenate([cuts, [n]])
    parts = [np.zeros(0, dtype=np.int64)]
    for at in np.flatnonzero(ends - starts > 1):
        members = order[starts[at] : ends[at]]
        if len(members) > _FULL:
            parts.append(members[0] * n + members[1:])
        else:
            a, b = np.triu_indices(len(members), 1)
            parts.append(members[a] * n + members[b])
    return np.concatenate(parts)


def _likely(pairs: NDArray[np.int64], signatures: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Those whose share of equal hashes, an estimate of likeness, is not far below ALIKE."""
    kept = [pairs[:0]]
    for start in range(0, len(pairs), _ROWS):
        some = pairs[start : start + _ROWS]
        a, b = np.divmod(some, len(signatures))
        share = (signatures[a] == signatures[b]).mean(axis=1)
        kept.append(some[share >= _LIKELY])
    return np.concatenate(kept)


def _signatures(texts: Iterable[tuple[int, str]]) -> tuple["array[int]", NDArray[np.uint16]]:
    """Ids and 64 hashes of each text, cut to 16 bits: unlike ones agree once in 65,536."""
    from rensa import RMinHash  # only who imports prompts needs it

    ids, hashes, source = array("q"), bytearray(), iter(texts)
    while batch := list(islice(source, _BATCH)):
        ids.extend(pk for pk, _ in batch)
        rows = RMinHash.digest_matrix_from_token_sets(
            [sorted(shingles(text)) for _, text in batch], _HASHES, 7
        ).to_rows()
        # A growing buffer: parts that are joined at the end are there twice.
        hashes += (np.array(rows, dtype=np.int64) & 0xFFFF).astype(np.uint16).tobytes()
    return ids, np.frombuffer(hashes, dtype=np.uint16).reshape(-1, _HASHES)
