"""The n-grams of a prompt set, and which of them a corpus holds.

Rules (practice.md 6.1): GPT-3 (2005.14165): any shared 13-gram. PaLM: share of 8-grams seen.
Llama 3 (2407.21783): share of tokens in an 8-gram seen. Llama 2 (2307.09288 A.6): a token counts
when it stands in a match of more than 10 tokens whose first 10 are equal and which differs in at
most 4 places, never in its last. Where tokens are characters every number is doubled, since a
Korean or Chinese word has about two.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from jeoul.risk.contamination.tokens import U64, Grams, Ints, bounds, canonical, hashes

PALM, SEED, EXACT, GPT3 = 8, 10, 11, 13
SKIPS: Final = 4
CJK_FACTOR: Final = 2
# A beginning that more prompts share than this is a template; its exact matches still count,
# only matches with skips are looked for in the first so many.
_MOST_SHARED: Final = 1000
_WINDOW: Final = 64
_SHOWN_BYTES: Final = 600
# In the place of a prompt's borders: no token of a corpus has this hash but by 2^-64 chance.
_BORDER: Final = np.uint64(0x5851F42D4C957F2D)


@dataclass
class Grouped:
    """All n-grams of one size: sorted hashes, and where each stands in the prompts."""

    n: int
    unique: U64
    order: Ints  # prompt positions, grouped by hash
    first: Ints  # where each hash's group begins in ``order``; one more than hashes


@dataclass
class Hits:
    """What one block of a corpus adds: plain arrays, to travel between processes."""

    seen: dict[int, Ints] = field(default_factory=dict)
    covered: Ints = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    passages: list[tuple[int, int, str, int]] = field(default_factory=list)


class Index:
    """Prompts as one row of tokens; ``factor`` doubles the rules' numbers for characters."""

    def __init__(self, texts: list[list[str]], factor: int = 1) -> None:
        self.factor = factor
        self.tokens, self.starts, self.counts = _row(texts)
        self.border = np.concatenate([[0], np.cumsum(self.tokens == _BORDER)])
        self.grams = {n: self._group(n) for n in (PALM, SEED, EXACT, GPT3)}
        unique = self.grams[PALM].unique
        bits = min(27, max(12, int(len(unique) * 16).bit_length()))
        self._mask = np.uint64((1 << bits) - 1)
        self._maybe = np.zeros(1 << bits, dtype=np.bool_)
        self._maybe[unique & self._mask] = True
        self._told = np.zeros(len(unique), dtype=np.bool_)
        self._gram_at = np.full(len(self.tokens), -1, dtype=np.int64)
        sizes = np.diff(self.grams[PALM].first)
        self._gram_at[self.grams[PALM].order] = np.repeat(np.arange(len(unique)), sizes)

    def _group(self, rule: int) -> Grouped:
        n = rule * self.factor
        all_of = Grams(self.tokens).all(n)
        places = np.arange(len(all_of))
        whole = places[self.border[places + n] == self.border[places]]
        found = all_of[whole]
        order = np.argsort(found, kind="stable")
        unique, first = np.unique(found[order], return_index=True)
        return Grouped(n, unique, whole[order], np.append(first, len(order)))

    def look(self, text: bytes) -> Hits:
        """What canonical ``text`` shares with the prompts."""
        starts, ends = bounds(text)
        if not len(self.grams[PALM].unique) or len(starts) < self.grams[PALM].n:
            return Hits()
        tokens = hashes(text, starts, ends)
        grams = Grams(tokens)
        eights = grams.all(self.grams[PALM].n)
        places = np.flatnonzero(self._maybe[eights & self._mask])
        if not len(places):
            return Hits()
        places, which = _find(self.grams[PALM], eights[places], places)
        if not len(places):
            return Hits()
        hits = Hits({PALM: np.unique(which)})
        for rule in (EXACT, GPT3):
            hits.seen[rule] = np.unique(self._longer(rule, grams, places, len(tokens))[1])
        at, seeds = self._longer(SEED, grams, places, len(tokens))
        hits.covered = self._extend(tokens, at, seeds)
        hits.passages = self._passages(text, starts, ends, places, which)
        return hits

    def _longer(self, rule: int, grams: Grams, places: Ints, size: int) -> tuple[Ints, Ints]:
        """Of the places where the shorter n-gram matched, those where this one does."""
        group = self.grams[rule]
        fit = places[places + group.n <= size]
        return _find(group, grams.at(group.n, fit), fit)

    def _extend(self, tokens: U64, at: Ints, seeds: Ints) -> Ints:
        """Llama 2's matches as rows of (first prompt position, length)."""
        group = self.grams[SEED]
        count = np.minimum(group.first[seeds + 1] - group.first[seeds], _MOST_SHARED)
        p = np.repeat(at, count)
        offset = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        q = group.order[np.repeat(group.first[seeds], count) + offset]
        # A pair whose tokens before are equal too is inside the match that began earlier.
        begins = (p == 0) | (q == 0) | (tokens[p - 1] != self.tokens[q - 1])
        p, q = p[begins], q[begins]
        length = np.full(len(p), group.n)
        budget = np.full(len(p), SKIPS * self.factor)
        open_rows, done = np.arange(len(p)), group.n
        steps = np.arange(_WINDOW)
        while len(open_rows):
            i, j = p[open_rows, None] + done + steps, q[open_rows, None] + done + steps
            inside = (i < len(tokens)) & (j < len(self.tokens))
            mine = self.tokens[np.minimum(j, len(self.tokens) - 1)]
            same = inside & (tokens[np.minimum(i, len(tokens) - 1)] == mine)
            stop = np.maximum.accumulate(~inside | (mine == _BORDER), axis=1)
            missed = np.cumsum(~same, axis=1)
            good = same & ~stop & (missed <= budget[open_rows, None])
            last = np.where(good.any(axis=1), _WINDOW - np.argmax(good[:, ::-1], axis=1), 0)
            longer = last > 0
            length[open_rows[longer]] = done + last[longer]
            budget[open_rows] -= missed[:, -1]
            done += _WINDOW
            open_rows = open_rows[(budget[open_rows] >= 0) & ~stop[:, -1]]
        kept = length > group.n
        return np.stack([q[kept], length[kept]], axis=1)

    def _passages(
        self, text: bytes, starts: Ints, ends: Ints, places: Ints, which: Ints
    ) -> list[tuple[int, int, str, int]]:
        """Matching passages: (prompt, tokens, text, byte).

        An n-gram that was not met before tells its passage to every prompt that holds it, so that
        each prompt with a match has one; each prompt is shown as much of it as is its own.
        """
        group = self.grams[PALM]
        new = ~self._told[which]
        if not new.any():
            return []
        self._told[which] = True
        cuts = np.flatnonzero(np.diff(places) > 1) + 1
        found: list[tuple[int, int, str, int]] = []
        for run in np.split(np.arange(len(places)), cuts):
            for prompt in self._holders(which[run[new[run]]]):
                own = places[run[np.isin(which[run], self._grams_of(prompt))]]
                first, last = own[0], own[-1] + group.n - 1
                end = min(ends[last], starts[first] + _SHOWN_BYTES)
                shown = text[starts[first] : end].decode("utf-8", "replace")
                found.append((prompt, int(last - first + 1), shown, int(starts[first])))
        return found

    def _holders(self, which: Ints) -> list[int]:
        """The prompts that hold any of these n-grams of PaLM's rule."""
        group = self.grams[PALM]
        if not len(which):
            return []
        at = np.concatenate([group.order[group.first[w] : group.first[w + 1]] for w in which])
        prompts: list[int] = np.unique(np.searchsorted(self.starts, at, "right") - 1).tolist()
        return prompts

    def _grams_of(self, prompt: int) -> Ints:
        """A prompt's n-grams of PaLM's rule; -1 where none begins."""
        end = self.starts[prompt + 1] if prompt + 1 < len(self.starts) else len(self.tokens)
        return self._gram_at[self.starts[prompt] : end]


def _find(group: Grouped, wanted: U64, places: Ints) -> tuple[Ints, Ints]:
    """The places whose n-gram stands in the prompts, and as which of them."""
    if not len(group.unique) or not len(wanted):
        return places[:0], places[:0]
    at = np.searchsorted(group.unique, wanted)
    at[at == len(group.unique)] = 0
    there = group.unique[at] == wanted
    return places[there], at[there]


def _row(texts: list[list[str]]) -> tuple[U64, Ints, Ints]:
    """Tokens of all prompts in one row with borders, where each begins, how many each has."""
    row: list[U64] = []
    starts, counts, total = [], [], 0
    border = np.array([_BORDER])
    for messages in texts:
        starts.append(total)
        parts = []
        for message in messages:
            flat = canonical(message.replace("\x1f", " ").encode("utf-8", "replace"))
            parts += [hashes(flat, *bounds(flat)), border]
        row += parts
        size = sum(len(part) for part in parts)
        counts.append(size - len(messages))
        total += size
    tokens = np.concatenate(row) if row else np.zeros(0, dtype=np.uint64)
    return tokens, np.array(starts, dtype=np.int64), np.array(counts, dtype=np.int64)


@dataclass(frozen=True)
class Overlap:
    """How much of one prompt stands in the corpus, 0 to 1 each."""

    tokens: int
    gpt3: bool
    palm: float
    llama3: float
    llama2: float


class Tally:
    """Adds up what the blocks found; the same block twice changes nothing."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._seen = {
            rule: np.zeros(len(group.unique), dtype=np.bool_) for rule, group in index.grams.items()
        }
        self._edges = np.zeros(len(index.tokens) + 1, dtype=np.int64)

    def add(self, hits: Hits) -> None:
        for rule, which in hits.seen.items():
            self._seen[rule][which] = True
        if len(hits.covered):
            np.add.at(self._edges, hits.covered[:, 0], 1)
            np.add.at(self._edges, hits.covered.sum(axis=1), -1)

    def overlaps(self) -> list[Overlap]:
        """One per prompt, in the order in which they were given."""
        covered = np.cumsum(self._edges[:-1]) > 0
        exact, _, _ = self._covered_by(EXACT)
        eights, total, seen = self._covered_by(PALM)
        _, _, thirteen = self._covered_by(GPT3)
        llama2 = self._sums((covered | exact) & (self.index.tokens != _BORDER))
        llama3 = self._sums(eights)
        found = []
        for at, tokens in enumerate(self.index.counts.tolist()):
            found.append(
                Overlap(
                    tokens=tokens,
                    gpt3=bool(thirteen[at]),
                    palm=float(seen[at] / total[at]) if total[at] else 0.0,
                    llama3=float(llama3[at] / tokens) if tokens else 0.0,
                    llama2=float(llama2[at] / tokens) if tokens else 0.0,
                )
            )
        return found

    def _covered_by(self, rule: int) -> tuple[NDArray[np.bool_], Ints, Ints]:
        """Tokens inside a seen n-gram; by prompt the number of n-grams, and of seen ones."""
        group = self.index.grams[rule]
        flags = np.repeat(self._seen[rule], np.diff(group.first))
        edges = np.zeros(len(self.index.tokens) + 1, dtype=np.int64)
        places = group.order[flags]
        np.add.at(edges, places, 1)
        np.add.at(edges, places + group.n, -1)
        here, seen = np.zeros(len(edges) - 1, bool), np.zeros(len(edges) - 1, bool)
        here[group.order] = True
        seen[places] = True
        return np.cumsum(edges[:-1]) > 0, self._sums(here), self._sums(seen)

    def _sums(self, flags: NDArray[np.bool_]) -> Ints:
        sums = np.concatenate([[0], np.cumsum(flags)])
        ends = np.append(self.index.starts[1:], len(self.index.tokens))
        return np.asarray(sums[ends] - sums[self.index.starts], dtype=np.int64)
