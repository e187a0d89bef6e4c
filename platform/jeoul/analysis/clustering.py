"""Covariance of scores estimated from judgements that share prompts and workers."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from scipy import sparse

from jeoul.analysis.counts import (
    A_WINS,
    B_WINS,
    BLOCK,
    Floats,
    Ints,
    Votes,
    compact,
    repeated_cells,
    sums,
)
from jeoul.analysis.errors import TooFew
from jeoul.analysis.intervals import FEW_CLUSTERS
from jeoul.analysis.tally import SCORE, Cells, Tally

Kind: TypeAlias = Literal["model", "sandwich", "prompt", "worker", "two_way"]

# Up to this many cells a dense table of clusters by parameters is faster than a sparse one.
_DENSE_CELLS: Final = 8_000_000


@dataclass(frozen=True)
class Covariance:
    """`matrix` (K, K), positive semidefinite; `floors`: one-way matrices no variance goes under.

    `freedom`: degrees of freedom for Student's t (infinite where judgements are independent).
    """

    matrix: Floats
    floors: tuple[Floats, ...]
    freedom: float
    method: str
    note: str

    def variances(self) -> Floats:
        """Variance of each parameter, (K,)."""
        found: Floats = np.max([np.diagonal(m) for m in (self.matrix, *self.floors)], axis=0)
        return np.maximum(found, 0.0)

    def difference_variances(self) -> Floats:
        """Variance of each difference i − j, (K, K): V_ii + V_jj − 2 V_ij."""
        found: Floats = np.max([_differences(m) for m in (self.matrix, *self.floors)], axis=0)
        return np.maximum(found, 0.0)


def _differences(matrix: Floats) -> Floats:
    own = np.diagonal(matrix)
    result: Floats = own[:, None] + own[None, :] - 2 * matrix
    return result


def tally_covariance(t: Tally, expected: Floats, bread: Floats) -> Covariance:
    """The two-way covariance of vote_covariance from votes counted by cells (K, K)."""
    k = t.n_systems
    gap = expected[t.low, t.high]
    # What each category leaves: score of the lower code less the model's win rate, (P, Q).
    left = SCORE[: t.total.shape[1]] - gap[:, None]

    def meat(cells: Cells) -> tuple[Floats, int]:
        cluster, n = compact(cells.cluster)
        sums_of = np.einsum("cq,cq->c", cells.counts, left[cells.pair])
        return _cell_meat(cluster, n, t.low[cells.pair], t.high[cells.pair], sums_of, k), n

    by_prompt, prompts = meat(t.prompt)
    by_worker, workers = meat(t.worker)
    again, repeats = meat(t.repeated)
    pair = (t.single * left**2).sum(axis=1)
    single = np.zeros((k, k))
    single[t.low, t.high] = pair
    single += single.T
    both = again + np.diag(single.sum(axis=1)) - single
    return combine(
        bread,
        by_prompt if prompts > 1 else None,
        by_worker if workers > 1 else None,
        both,
        Sizes(prompts, workers, repeats + int(t.single.sum())),
    )


def _cell_meat(cluster: Ints, n: int, a: Ints, b: Ints, residual: Floats, k: int) -> Floats:
    """Σ_g U_g U_gᵀ with U_g the sum over g's cells of residual·(e_a − e_b), (K, K)."""
    if n * k > _DENSE_CELLS:
        cells = (np.concatenate([cluster, cluster]), np.concatenate([a, b]))
        values = np.concatenate([residual, -residual])
        wide = sparse.csr_array((values, cells), shape=(n, k))
        return np.asarray((wide.T @ wide).todense(), dtype=np.float64)
    base, size = cluster.astype(np.int64) * k, n * k
    table = (sums(base + a, residual, size) - sums(base + b, residual, size)).reshape(n, k)
    return np.asarray(table.T @ table, dtype=np.float64)


def pair_meat(counts: Ints, expected: Floats) -> Floats:
    """Σ_t r_t² (e_a − e_b)(e_a − e_b)ᵀ from outcome counts (4, K, K): independent judgements.

    `expected` (K, K): model win rate of row over column; r_t = s_t − expected.
    """
    ties = counts[2:].sum(axis=0)
    cells = (
        counts[A_WINS] * (1 - expected) ** 2
        + counts[B_WINS] * expected**2
        + ties * (0.5 - expected) ** 2
    )
    cells = cells + cells.T
    result: Floats = np.diag(cells.sum(axis=1)) - cells
    return result


def score_meat(
    votes: Votes, residual: Floats, cluster: Ints, n_clusters: int, extra: Floats | None = None
) -> Floats:
    """Σ_g U_g U_gᵀ with U_g the sum over t∈g of [r_t (e_a − e_b), extra_t]: (K + m, K + m).

    residual (n,); extra (n, m) are the scores of further parameters, if there are any.
    """
    k, m = votes.n_systems, 0 if extra is None else extra.shape[1]
    if n_clusters * k > _DENSE_CELLS:
        return _sparse_meat(votes, residual, cluster, n_clusters, extra)
    total = np.zeros(n_clusters * k)
    # In blocks and in place: what is added is still in the cache.
    for start in range(0, len(votes), BLOCK):
        block = slice(start, start + BLOCK)
        base = cluster[block].astype(np.intp) * k
        np.add.at(total, base + votes.system_a[block], residual[block])
        np.subtract.at(total, base + votes.system_b[block], residual[block])
    table = total.reshape(n_clusters, k)
    if extra is not None:
        more = [sums(cluster, extra[:, j], n_clusters) for j in range(m)]
        table = np.column_stack([table, *more])
    return np.asarray(table.T @ table, dtype=np.float64)


def _sparse_meat(
    votes: Votes, residual: Floats, cluster: Ints, n_clusters: int, extra: Floats | None
) -> Floats:
    k, n = votes.n_systems, len(votes)
    rows, columns, values = [cluster] * 2, [votes.system_a, votes.system_b], [residual, -residual]
    m = 0 if extra is None else extra.shape[1]
    if extra is not None:
        rows += [cluster] * m
        columns += [np.full(n, k + j) for j in range(m)]
        values += list(extra.T)
    cells = (np.concatenate(rows), np.concatenate(columns))
    wide = sparse.csr_array((np.concatenate(values), cells), shape=(n_clusters, k + m))
    return np.asarray((wide.T @ wide).todense(), dtype=np.float64)


def positive(matrix: Floats) -> Floats:
    """The nearest positive semidefinite matrix: negative eigenvalues set to zero."""
    symmetric = (matrix + matrix.T) / 2
    values, vectors = np.linalg.eigh(symmetric)
    if values[0] >= 0:
        return symmetric
    result: Floats = (vectors * np.maximum(values, 0.0)) @ vectors.T
    return result


def corrected(meat: Floats, n_clusters: int) -> Floats:
    """The small-sample correction G/(G − 1)."""
    return meat * (n_clusters / (n_clusters - 1))


@dataclass(frozen=True)
class Clusters:
    """The clusterings of n votes: codes and how many, for prompts, workers and both.

    `repeated`: rows in a (prompt, worker) cell with another row; `both`: the codes of these,
    `pairs` of them; `cells` counts all cells.
    """

    prompt: Ints
    prompts: int
    worker: Ints
    workers: int
    repeated: Ints
    both: Ints
    pairs: int
    cells: int


def clusters_of(prompt: Ints, worker: Ints) -> Clusters:
    """Compact codes of both clusterings and of their intersection."""
    prompt, prompts = compact(prompt)
    worker, workers = compact(worker)
    rows, both, pairs = repeated_cells(prompt, worker)
    cells = len(prompt) - len(rows) + pairs
    return Clusters(prompt, prompts, worker, workers, rows, both, pairs, cells)


@dataclass(frozen=True)
class Sizes:
    """How many prompts, workers and (prompt, worker) cells there are."""

    prompts: int
    workers: int
    cells: int


def combine(
    bread: Floats, by_prompt: Floats | None, by_worker: Floats | None, both: Floats, c: Sizes
) -> Covariance:
    """V = H⁺ (S_prompt + S_worker − S_both) H⁺ with G/(G−1) in each part (Cameron et al. 2011).

    A part is None where that clustering has a single cluster; with neither, TooFew.
    """
    note = _few(c)
    if by_prompt is None and by_worker is None:
        raise TooFew("One prompt and one worker: no variance between clusters can be seen.")
    if by_worker is None or by_prompt is None:
        meat, of, count = (
            (by_prompt, "prompt", c.prompts) if by_prompt is not None
            else (by_worker, "worker", c.workers)
        )  # fmt: skip
        assert meat is not None
        matrix = bread @ corrected(meat, count) @ bread
        other = "worker" if of == "prompt" else "prompt"
        note = f"One {other} only: the intervals hold for this {other}. {note}".strip()
        return Covariance(matrix, (), count - 1, f"clustered by {of}, Student t", note)
    v_prompt = bread @ corrected(by_prompt, c.prompts) @ bread
    v_worker = bread @ corrected(by_worker, c.workers) @ bread
    v_both = bread @ corrected(both, c.cells) @ bread
    matrix = positive(v_prompt + v_worker - v_both)
    freedom = min(c.prompts, c.workers) - 1
    method = "two-way clustered by prompt and worker, Student t"
    return Covariance(matrix, (v_prompt, v_worker), freedom, method, note)


def _few(c: Sizes) -> str:
    few = [f"{n} {what}" for n, what in ((c.prompts, "prompts"), (c.workers, "workers"))
           if 1 < n < FEW_CLUSTERS]  # fmt: skip
    if not few:
        return ""
    return f"Only {' and '.join(few)}: under {FEW_CLUSTERS} the intervals are approximate."


def vote_covariance(
    votes: Votes,
    residual: Floats,
    independent: Floats,
    bread: Floats,
    kind: Kind,
    extra: Floats | None = None,
) -> Covariance:
    """Covariance of the parameters; `bread` is the pseudo-inverse of the Hessian.

    residual (n,) and extra (n, m) as in score_meat; `independent` is the meat Σ_t u_t u_tᵀ.
    Raises TooFew where the wanted clustering has a single cluster.
    """
    if kind == "model":
        return Covariance(bread, (), np.inf, "model covariance, judgements independent", "")
    if kind == "sandwich":
        matrix = bread @ independent @ bread
        return Covariance(matrix, (), np.inf, "sandwich, judgements independent", "")
    if kind == "two_way":
        return _two_way(votes, residual, independent, bread, extra)
    cluster, n = compact(votes.prompt if kind == "prompt" else votes.worker)
    if n < 2:
        raise TooFew(f"One {kind} only: no variance between clusters can be seen.")
    matrix = bread @ corrected(score_meat(votes, residual, cluster, n, extra), n) @ bread
    note = f"Only {n} {kind}s: the intervals are approximate." if n < FEW_CLUSTERS else ""
    return Covariance(matrix, (), n - 1, f"clustered by {kind}, Student t", note)


def _two_way(
    votes: Votes, residual: Floats, independent: Floats, bread: Floats, extra: Floats | None
) -> Covariance:
    c = clusters_of(votes.prompt, votes.worker)

    def meat(cluster: Ints, n: int) -> Floats:
        return score_meat(votes, residual, cluster, n, extra)

    return combine(
        bread,
        meat(c.prompt, c.prompts) if c.prompts > 1 else None,
        meat(c.worker, c.workers) if c.workers > 1 else None,
        independent + _repeats(votes, residual, extra, c),
        Sizes(c.prompts, c.workers, c.cells),
    )


def _repeats(votes: Votes, residual: Floats, extra: Floats | None, c: Clusters) -> Floats:
    """What the rows that share a (prompt, worker) cell add to the independent meat."""
    if not len(c.repeated):
        return np.zeros((1, 1))
    part, r = votes.select(c.repeated), residual[c.repeated]
    e = None if extra is None else extra[c.repeated]
    return score_meat(part, r, c.both, c.pairs, e) - single_meat(part, r, e)


def single_meat(votes: Votes, residual: Floats, extra: Floats | None) -> Floats:
    """Σ_t u_t u_tᵀ with u_t = [r_t (e_a − e_b), extra_t], (K + m, K + m)."""
    k, m = votes.n_systems, 0 if extra is None else extra.shape[1]
    at = votes.system_a.astype(np.int64) * k + votes.system_b
    pair = sums(at, residual**2, k * k).reshape(k, k)
    meat = np.zeros((k + m, k + m))
    meat[:k, :k] = np.diag((pair + pair.T).sum(axis=1)) - pair - pair.T
    if extra is None:
        return meat
    for j in range(m):
        both = residual * extra[:, j]
        across = sums(votes.system_a, both, k) - sums(votes.system_b, both, k)
        meat[:k, k + j] = meat[k + j, :k] = across
    meat[k:, k:] = extra.T @ extra
    return meat
