"""Every page an annotator can meet, one after the other, in one browser tab."""

import json
from collections.abc import Iterator

from jeoul.comparisons.known_items import import_known_items
from jeoul.comparisons.models import Assignment, AssignmentState, Comparison
from jeoul.studies.actions import CriterionSpec
from jeoul.studies.models import Prompt, Study, StudyState
from jeoul.studies.running import move_study
from jeoul.workers.models import Enrolment, Stage, Worker

from tests import factories

LONG = """### A plan

1. Read the *question* twice, slowly and with the answer's purpose in mind.
2. Compare `first` and `second`, see <https://example.org/a/very/long/address/that/does/not/break>.

```python
def compare(left: str, right: str) -> int:
    return len(left) - len(right)  # a comment that is long enough to need a scroll bar of its own
```

| Name | Value | Meaning of the value in words |
|:-----|------:|:-----:|
| alpha | 1.5 | the share of answers that were better |
| beta | 22.75 | the share of answers that were worse |

> Somebody said so. The sum is $\\sum_{i=1}^n x_i^2$.
"""
RTL = "**شكرا** لسؤالك. هذه إجابة قصيرة عن الميزان:\n\n- النقطة الأولى\n- النقطة الثانية"
SCALES = [
    CriterionSpec(
        "overall",
        "Overall",
        "Which answer is better overall?",
        definition="Judge as a *careful* reader would.",
        scale=7,
        chips=["More correct", "Clearer", "Safer"],
        is_overall=True,
    ),
    CriterionSpec("help", "Helpfulness", "Which one helps more?", scale=4, free_text="required"),
    CriterionSpec("safe", "Safety", "Which one is safer?", scale=5, free_text="none"),
]
KNOWN = "\n".join(
    json.dumps(
        {
            "kind": kind, "prompt": "Say it. " * 200, "output_a": "Yes, **this**.",
            "output_b": "No.", "right": "a", "explanation": "It *answers* the question.",
        }
    )
    for kind in ("training", "qualification")
)  # fmt: skip
CONVERSATION = [
    {"role": "system", "content": "You are a patient teacher."},
    {"role": "user", "content": "What is a pair of scales?"},
    {"role": "assistant", "content": "A tool that **weighs** two things."},
    {"role": "user", "content": "And how do I read it?"},
]


def rich_study(**settings) -> Study:
    """Three criteria, a conversation, long and right-to-left answers, a content warning."""
    study = factories.make_study(
        prompts=2,
        overlap=1,
        criteria=SCALES,
        instructions="Take *your time*.\n\n- Read everything.\n- Then choose.",
        **{
            "content_warning": "Some texts speak of violence.",
            "help_text": "If a text stays with you, call 111.",
            "contact": "study-team@example.org",
            "ethics_reference": "IRB 2026-7",
            "break_every": 1,
            "qualification_items": 1,
            "qualification_pass": 1.0,
        }
        | settings,
    )
    import_known_items(owner=factories.owner_of(study), study=study, text=KNOWN, file_kind="jsonl")
    first, second = study.comparisons.filter(kind="real").order_by("position")
    set_texts(first, LONG, RTL)
    set_texts(second, LONG * 3, "No.")
    Prompt.objects.filter(pk=first.prompt_id).update(messages=CONVERSATION)
    Prompt.objects.filter(pk=second.prompt_id).update(risk="high")
    return study


def set_texts(comparison: Comparison, a: str, b: str) -> None:
    for output, text in ((comparison.output_a, a), (comparison.output_b, b)):
        type(output).objects.filter(pk=output.pk).update(text=text, html="", renderer="")


def fill(tab) -> None:
    """Answer every question on the page."""
    for name in {box.get_attribute("name") for box in tab.locator("input[type=radio]").all()}:
        tab.locator(f"input[name={name}]").first.check()
    for box in tab.locator("textarea[required]").all():
        box.fill("because")


def send(tab) -> None:
    tab.locator("[data-submit]").click()


def walk(tab, study: Study, invite: str) -> Iterator[str]:
    """Yields the name of each page while the tab shows it."""
    owner = factories.owner_of(study)
    tab.goto(invite)
    yield "welcome"
    tab.locator("form button").click()
    tab.wait_for_url("**/w/*/")
    yield "consent"
    tab.locator("button[value=agree]").click()
    tab.wait_for_url("**/instructions/")
    yield "instructions"
    tab.locator(".actions a").click()
    tab.wait_for_url("**/compare/")
    address = tab.url
    yield "practice"
    _known(tab, right=True)
    tab.get_by_role("heading", level=1).wait_for()
    yield "lesson"
    tab.locator(".actions a").click()
    tab.locator("#judgement").wait_for()
    _known(tab, right=False)
    yield "once more"
    tab.goto(address)
    yield "trial"
    _known(tab, right=True)
    yield "comparison"
    for box in tab.locator("summary:visible").all():
        box.click()
    yield "comparison, all open"
    tab.evaluate("document.getElementById('judgement').noValidate = true")
    send(tab)
    tab.locator("#errors").wait_for()
    yield "errors"
    move_study(study=study, to=StudyState.PAUSED, actor=owner)
    _free()
    tab.goto(address)
    yield "paused by the study"
    move_study(study=study, to=StudyState.RUNNING, actor=owner)
    tab.goto(address)
    fill(tab)
    _free()
    Comparison.objects.filter(study=study, kind="real").update(taken=1)
    send(tab)
    tab.locator("#card:not([data-assignment])").wait_for()
    yield "expired"
    tab.goto(address)
    yield "wait"
    Comparison.objects.filter(study=study, kind="real").update(taken=0)
    tab.goto(address)
    tab.locator(".aside form button:visible").last.click()
    tab.wait_for_url("**/leave/")
    yield "break"
    tab.goto(address)
    for _ in range(2):
        if tab.locator(".guard > summary:visible").count():
            yield "content warning"
            tab.locator(".guard > summary").click()
        fill(tab)
        before = tab.locator("#card").get_attribute("data-assignment")
        send(tab)
        tab.wait_for_function(
            "id => document.querySelector('#card')?.dataset.assignment !== id", arg=before
        )
    tab.locator("#completion-code").wait_for()
    yield "done"
    Study.objects.filter(pk=study.pk).update(
        completion={"screened_out": {"code": "S1", "url": "https://app.prolific.com/x"}}
    )
    Enrolment.objects.update(stage=Stage.SCREENED_OUT)
    tab.reload()
    yield "screened out"
    Enrolment.objects.update(stage=Stage.WORKING, finished_at=None)
    Worker.objects.update(state="removed", state_reason="Two accounts.")
    tab.goto(address)
    yield "taken out"
    tab.locator("#contest-text").fill("I do not agree.")
    tab.locator("form button").last.click()
    tab.wait_for_url("**/standing/")
    yield "contested"
    study.invites.update(provider="prolific")
    tab.goto(invite)
    yield "a platform's link without its ids"
    tab.goto("/w/nobody/")
    yield "unknown link"


def _known(tab, *, right: bool) -> None:
    """Answer a known item, whose better answer says Yes."""
    first = tab.locator("#answer-1 .answer-body").text_content()
    fill(tab)
    best = tab.locator("input[name=choice_overall]")
    (best.first if ("Yes" in first) == right else best.last).check()
    before = tab.locator("#card").get_attribute("data-assignment")
    send(tab)
    tab.wait_for_function(
        "id => document.querySelector('#card')?.dataset.assignment !== id", arg=before
    )


def _free() -> None:
    """As if the time of every reservation were over and swept."""
    for held in Assignment.objects.filter(state=AssignmentState.RESERVED):
        Comparison.objects.filter(pk=held.comparison_id).update(taken=0)
    Assignment.objects.filter(state=AssignmentState.RESERVED).update(state=AssignmentState.EXPIRED)
