"""Every way in which the analysis refuses to give a number, by name."""

from collections.abc import Sequence


class AnalysisError(Exception):
    """The data cannot carry the number that was asked for."""


class BrokenVotes(AnalysisError, ValueError):
    """The arrays contradict themselves: lengths, codes or values that cannot be."""


class NoVotes(AnalysisError):
    """Nothing is left to count."""


class TooFew(AnalysisError):
    """There are votes, but not enough of them (or not varied enough) for this number."""


class Disconnected(AnalysisError):
    """The systems fall into groups that are not linked by wins both ways.

    `components` holds the system codes of each group, the largest group first.
    """

    def __init__(self, components: Sequence[Sequence[int]], why: str = "") -> None:
        self.components = tuple(tuple(int(s) for s in group) for group in components)
        groups = "; ".join(", ".join(map(str, group)) for group in self.components)
        super().__init__(why or f"The systems are not linked by wins both ways: {groups}.")


class NotConverged(AnalysisError):
    """The iteration stopped before it reached a fixed point."""

    def __init__(self, method: str, iterations: int, change: float) -> None:
        self.method, self.iterations, self.change = method, iterations, change
        super().__init__(
            f"{method} had not converged after {iterations} steps (last change {change:.3g})."
        )


class NotIdentifiable(AnalysisError):
    """Several answers fit these data equally well; `why` names what is missing."""
