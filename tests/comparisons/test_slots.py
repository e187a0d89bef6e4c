"""Which kind of page comes when: an early check, then by the study's shares, never foretold."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from jeoul.comparisons.pairing import MAX_LEAD, a_goes_left, plan
from jeoul.comparisons.slots import Given, Shares, early_page, next_slot

SHARES = Shares(gold=0.1, gold_max=5, repeat=0.15, repeat_max=4)


def walk(seed: str, shares: Shares, pages: int) -> list[str]:
    kinds, counts = [], Counter()
    for _ in range(pages):
        had = Given(counts["real"], counts["gold"], counts["repeat"])
        kind = next_slot(seed, had, shares, repeat_after=5)
        counts[kind] += 1
        kinds.append(kind)
    return kinds


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=20))
def test_the_first_check_is_on_one_of_the_pages_two_to_five(seed):
    kinds = walk(seed, SHARES, 60)
    assert kinds[0] == "real"
    assert 1 <= kinds.index("gold") <= 4
    assert kinds.count("gold") <= SHARES.gold_max
    assert kinds.count("repeat") <= SHARES.repeat_max
    if "repeat" in kinds:
        assert kinds[: kinds.index("repeat")].count("real") > 5


def test_early_pages_differ_and_later_checks_hold_the_share():
    walks = [walk(str(n), Shares(0.1, 10_000, 0.15, 10_000), 200) for n in range(200)]
    early = Counter(early_page(str(n)) for n in range(200))
    assert set(early) == {1, 2, 3, 4}
    assert min(early.values()) > 25
    later = Counter(kind for kinds in walks for kind in kinds[20:])
    total = sum(later.values())
    assert abs(later["gold"] / total - 0.1) < 0.01
    assert abs(later["repeat"] / total - 0.15) < 0.01
    # No page number is a check for many of them.
    at = Counter(n for kinds in walks for n, kind in enumerate(kinds) if kind == "gold" and n > 4)
    assert max(at.values()) < 45


def test_no_share_gives_no_check_and_no_repeat():
    assert set(walk("x", Shares(0.0, 5, 0.0, 5), 100)) == {"real"}
    assert set(walk("x", Shares(0.5, 0, 0.5, 0), 100)) == {"real"}


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 3), st.integers(0, 2**31), st.data())
def test_any_beginning_of_a_plan_is_even_over_pairs_prompts_and_sides(
    prompts, pairs, samples, seed, data
):
    planned = plan(prompts, [(0, n + 1) for n in range(pairs)], samples, seed)
    assert len(planned) == prompts * pairs * samples
    begun = planned[: data.draw(st.integers(0, len(planned)))]
    by_prompt = Counter(item.prompt for item in begun)
    counts = [by_prompt[n] for n in range(prompts)]
    assert max(counts) - min(counts) <= 1
    by_pair = Counter(item.pair for item in begun)
    walks = len(begun) // prompts + 1
    counts = [by_pair[n] for n in range(pairs)]
    assert max(counts) - min(counts) <= walks
    for pair in range(pairs):
        left = sum(item.a_first for item in begun if item.pair == pair)
        assert abs(2 * left - by_pair[pair]) <= 3


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=200))
def test_no_side_runs_ahead_for_a_worker(turns):
    lead = 0
    for planned, turn in turns:
        lead += 1 if a_goes_left(lead=lead, planned=planned, turn=turn) else -1
        assert abs(lead) <= MAX_LEAD
