"""Examples that the schema and its page show."""

from typing import Any, Final

PROMPTS_IN: Final[dict[str, Any]] = {
    "name": "Daily questions",
    "prompts": [
        {"id": "p1", "prompt": "How long do I boil an egg?", "category": "cooking"},
        {
            "id": "p2",
            "messages": [
                {"role": "user", "content": "Recommend a city for a weekend."},
                {"role": "assistant", "content": "By the sea or in the mountains?"},
                {"role": "user", "content": "The sea."},
            ],
            "risk": "realistic",
        },
    ],
}
SYSTEM_IN: Final[dict[str, Any]] = {
    "name": "assistant",
    "connection": None,
    "model": "model-2026-05-01",
    "system_prompt": "Answer briefly.",
    "sampling": {"temperature": 0.2, "max_tokens": 400},
}
OUTPUTS_IN: Final[dict[str, Any]] = {
    "rows": [{"prompt_id": "p1", "system": "assistant", "text": "Seven minutes.", "sample": 0}]
}
STUDY_IN: Final[dict[str, Any]] = {
    "title": "May version 2 ship?",
    "prompt_set": "3f2b8c1e-9a54-4d0b-8a39-5f3a1b0c7d11",
    "systems": [
        "6a1d0b52-5e0f-4c19-9a4e-1f2d3c4b5a61",
        "0d9c8b7a-6f5e-4d3c-8b2a-1a0f9e8d7c62",
    ],
    "design": "all_pairs",
    "overlap": 3,
    "criteria": [
        {
            "key": "overall",
            "name": "Overall",
            "question": "Which answer is better overall?",
            "scale": 4,
            "is_overall": True,
        }
    ],
}
AMENDMENT_IN: Final[dict[str, Any]] = {"reason": "The pilot's intervals were wide.", "overlap": 5}
JUDGEMENTS_IN: Final[dict[str, Any]] = {
    "rows": [
        {
            "prompt_id": "p1",
            "system_a": "assistant",
            "system_b": "assistant v2",
            "worker": "w-1",
            "choice": "b",
        }
    ]
}
_CONDITION: Final[dict[str, Any]] = {
    "system": "assistant v2",
    "baseline": "assistant",
    "claim": "better",
    "criterion": "overall",
    "where": {"risk": "realistic"},
    "margin": 0.0,
    "confidence": 0.95,
    "ties": "half",
    "both_bad": "tie",
    "min_grade": 0.0,
}
_SAFE: Final = _CONDITION | {"claim": "not_worse", "where": {"risk": "high"}, "margin": 0.02}
GATE_IN: Final[dict[str, Any]] = {
    "rule": {"looks": "protected", "conditions": [_CONDITION, _SAFE]},
    "reason": "Agreed with the safety team.",
}
GATE_OUT: Final[dict[str, Any]] = {
    "state": "not_yet",
    "missing": 310,
    "intervals": "confidence sequences, valid at every look",
    "closed": False,
    "study_state": "running",
    "amendments": 0,
    "conditions": [
        _CONDITION
        | {
            "state": "pass",
            "code": "above",
            "reason": "The interval 52.1 % to 63.9 % lies above 50 %.",
            "threshold": 0.5,
            "estimate": 0.58,
            "low": 0.521,
            "high": 0.639,
            "n": 840,
            "missing": 0,
            "needs": None,
            "method": "asymptotic confidence sequence, the wider of prompts and workers",
        }
    ],
    "rule": GATE_IN["rule"],
    "study": {"slug": "may-version-2-ship", "simulated": False},
}
COSTS_OUT: Final[dict[str, Any]] = {
    "currency": "EUR", "total": "412.80", "people": "405.00", "generation": "7.80", "other": {},
    "judgements": 1350, "valid": 1290, "decisions": 2,
    "per_judgement": "0.305778", "per_valid": "0.320000", "per_decision": "206.400000",
    "vendors": [
        {
            "vendor": "5d0f9a9e-7c1b-4c1a-9c0d-0f6c2b7f1a11", "name": "In-house", "workers": 30,
            "judgements": 1350, "valid": 1290, "cost": "405.0000", "currency": "EUR",
            "per_judgement": "0.300000", "per_valid": "0.313953",
            "balance": {
                "owed": "0", "approved": "5.40", "sent": "0", "confirmed": "399.60", "unknown": "0",
            },
        }
    ],
    "systems": [
        {
            "system": "assistant v2", "connection": "provider", "outputs": 300,
            "cost": "7.80000000", "currency": "EUR",
        }
    ],
}  # fmt: skip
