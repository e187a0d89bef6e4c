"""Every sentence in which the analysis refuses a number, so that a page can say it in other words.

They are stored with the results, in English; a test holds each refusal against these.
"""

from typing import Final

from django.utils.translation import gettext_noop as _

REASONS: Final = (
    _("The systems fall into groups that were never linked by wins both ways: {groups}."),
    _("The systems are not linked by wins both ways: {groups}."),
    _("{method} had not converged after {n} steps (last change {change})."),
    _("No judgement knows which answer was on the left."),
    _("No text of these answers is known."),
    _("All texts are alike in length and markdown."),
    _("No judgement to weigh."),
    _("No decided judgement yet."),
    _("No judgement yet."),
    # nothing to count
    _("There is no prompt to choose."),
    _("No judgement to aggregate."),
    _("No unit was judged twice."),
    _("No judgement, no agreement."),
    _("No unit was judged."),
    _("No unit was judged by both."),
    _("No unit is left that both sources judged."),
    _("No judgement to rank from."),
    _("A proportion of nothing has no interval."),
    _("The mean of nothing has no variance."),
    _("No judgement, no win rate."),
    _("A group without judgements has no win rate."),
    _("A pilot without judgements tells nothing."),
    _("Both human-judged and machine-only comparisons are needed."),
    _("No side was chosen."),
    _("No choice was counted."),
    _("No time was measured."),
    _("A difference needs judgements on both sides."),
    _("No item was judged by both sources."),
    # too few, or too much alike
    _("A pair needs two systems."),
    _("No pair is left: nothing needs to be asked."),
    _("One system is left: nothing needs to be asked."),
    _("Only one unit was judged twice."),
    _("Every judgement is the same: without variation alpha is not defined."),
    _("All variation hangs on one unit: alpha has no interval."),
    _("More than a tenth of the resamples have no variation."),
    _("Without one of the judges there is no variation left."),
    _("Fewer than two units were judged twice."),
    _("Both judges gave one value only: kappa is not defined."),
    _("Every judgement is the same: kappa is not defined."),
    _("All variation hangs on one unit: kappa has no interval."),
    _("{n} of {times} resamples have no finite maximum."),
    _("One cluster cannot be resampled."),
    _("Davidson's model needs ties and decided judgements."),
    _("Rao and Kupper's model needs ties and decided judgements."),
    _("One prompt and one worker: no variance between clusters can be seen."),
    _("One prompt only: no variance between clusters can be seen."),
    _("One worker only: no variance between clusters can be seen."),
    _("One {kind} only: no variance between clusters can be seen."),
    _("One cluster alone has no variance between clusters."),
    _("Two prompts and workers, and wins and losses, are needed for a look."),
    _("A pilot needs two prompts, two workers, and repeated judgements of both."),
    _("Prompts and workers cannot be told apart in this pilot."),
    _("An interval needs two prompts and two workers."),
    _("{why}, however many prompts."),
    _("The variance over prompts needs two prompts on either side."),
    _("Every judgement is the same: the estimate has no error."),
    _("{n} clusters: the asymptotic sequence needs {few}."),
    _("{prompts} prompts, {workers} workers: the sequence needs {few} of each."),
    _("Every judgement is the same: the sequence has no width."),
    _("Every judgement of each side is the same: the difference has no error."),
    # several answers would fit
    _("Fewer than three workers: none can be weighed. Use the majority."),
    _("Fewer than three workers: none can be weighed."),
    _(
        "Too little overlap: fewer than two judgements per comparison on average, or none with "
        "three. Use the majority."
    ),
    _("The workers fall into {groups} groups without a shared comparison. Use the majority."),
    _("No pair was judged by two workers: none can be weighed."),
    _("{name} separates the outcomes: its effect has no finite size."),
    _("{name} never varies."),
    _("{name} cannot be told from the other effects."),
    _("{name} is the same on both sides of every comparison."),
)
