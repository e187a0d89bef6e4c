"""Every sentence in which a rule tells its evidence, so that a page can say it in other words.

Evidence is stored as it was told; a test holds each rule's sentence against these.
"""

from typing import Final

from django.utils.translation import gettext_noop as _

EVIDENCE: Final = (
    _(
        "Median {median} s per comparison, {share} of the time that reading both answers takes "
        "({timed} timed)."
    ),
    _("Median {median} s per comparison against {crowd} s over all workers ({timed} timed)."),
    _("Chose the left answer {count} of {total} times (adjusted p = {p})."),
    _("Chose the right answer {count} of {total} times (adjusted p = {p})."),
    _("{right} of {n} known answers right (95 % interval {low} to {high}, pass mark {mark})."),
    _(
        "Said otherwise in {dissent} of the {n} comparisons whose other judges all agreed; the "
        "median worker in {crowd} (adjusted p = {p})."
    ),
    _(
        "Alone with an answer in {alone} of {n} comparisons with two other judges; the median "
        "worker in {crowd} (adjusted p = {p})."
    ),
    _(
        "Agrees with the other judges {excess} more often than they with each other on the same "
        "{n} comparisons (adjusted p = {p})."
    ),
    _(
        "{left} left, {right} right, {ties} ties: {bits} bits per answer (three answers evenly "
        "used carry 1.58)."
    ),
    _(
        "Agrees with the other judges in {share} of {n} comparisons; all workers together in "
        "{crowd} (adjusted p = {p})."
    ),
    _("Said tie {ties} of {n} times; the others in {others} (adjusted p = {p})."),
    _("Chose the same side {run} times in a row among {n} decided judgements (adjusted p = {p})."),
    _(
        "{same} of {n} repeated comparisons answered alike (95 % interval {low} to {high}, pass "
        "mark {mark})."
    ),
    _(
        "Equals the weighed verdict in {share} of {n} comparisons (up to {high}); the median "
        "worker in {median}."
    ),
)
