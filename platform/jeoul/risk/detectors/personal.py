"""Personal data that carries its own proof: check digits, number plans, address formats."""

import ipaddress
import re
from collections.abc import Iterator
from datetime import date
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType
from stdnum import iban, luhn
from stdnum.exceptions import ValidationError
from stdnum.kr import rrn

from jeoul.risk.detectors.base import Found
from jeoul.studies.models import RiskKind

# A Korean particle follows an address without a space.
_EMAIL: Final = re.compile(
    r"(?<![a-z0-9_.+-])[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"[a-z]{2,24}(?![a-z0-9_-])",
    re.IGNORECASE | re.ASCII,
)
# Names kept for examples (RFC 2606) belong to nobody.
_EXAMPLES: Final = re.compile(
    r"(?:^|\.)(?:example\.(?:com|org|net)|[a-z]+\.(?:test|example|invalid))$"
)
_CARD: Final = re.compile(r"(?<![\d.,-])(?:\d[ -]?){12,18}\d(?![\d.,]*\d)")
_CARD_STARTS: Final = re.compile(
    r"4|5[1-5]|2[2-7]|3[47]|35|6(?:011|5|2|4[4-9])|30[0-5]|3[689]|9[4-9]"
)
_IBAN: Final = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}(?![A-Za-z0-9])")
_IP4: Final = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]*\d)")
_IP6: Final = re.compile(
    r"(?<![\w:])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6}(?![\w:])", re.I
)
_RRN: Final = re.compile(r"(?<!\d)\d{6}( ?- ?|)[1-8]\d{6}(?!\d)")
_KOREAN_MOBILE: Final = re.compile(r"(?<![\d.-])01[016-9]([-. ])\d{3,4}\1\d{4}(?![\d-])")
_HANGUL: Final = re.compile(r"[가-힣]{2}")
_VERSION: Final = re.compile(r"(?:version|ver|v|버전|release)\.?\s*$", re.IGNORECASE)
_REGIONS: Final = {"ko": "KR", "ja": "JP", "zh": "CN", "de": "DE", "fr": "FR", "es": "ES", "it": "IT",
                   "pt": "BR", "ru": "RU", "hi": "IN"}  # fmt: skip
# Numbers of companies and services reach nobody in particular.
_OF_COMPANIES: Final = frozenset(
    {PhoneNumberType.TOLL_FREE, PhoneNumberType.UAN, PhoneNumberType.SHARED_COST,
     PhoneNumberType.PREMIUM_RATE}
)  # fmt: skip
# Since October 2020 the last six digits are drawn by lot, without a check digit.
_NO_CHECK_SINCE: Final = date(2020, 10, 1)


def personal_data(text: str, *, language: str = "") -> Iterator[Found]:
    """Everything of these kinds, without overlaps: what has check digits comes first."""
    taken: list[tuple[int, int]] = []
    for finder in (_resident_numbers, _ibans, _cards, _emails, _addresses):
        for found in finder(text):
            if not any(s < found.end and found.start < e for s, e in taken):
                taken.append((found.start, found.end))
                yield found
    for found in _phones(text, language):
        if not any(s < found.end and found.start < e for s, e in taken):
            yield found


def _found(rule: str, span: tuple[int, int], detail: str = "") -> Found:
    return Found(RiskKind.PERSONAL_DATA, rule, *span, detail)


def _emails(text: str) -> Iterator[Found]:
    for match in _EMAIL.finditer(text):
        if not _EXAMPLES.search(match.group().rsplit("@", 1)[1].lower()):
            yield _found("email", match.span())


def _cards(text: str) -> Iterator[Found]:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if _CARD_STARTS.match(digits) and luhn.is_valid(digits) and len(set(digits)) > 1:
            yield _found("card", match.span())


def _ibans(text: str) -> Iterator[Found]:
    for match in _IBAN.finditer(text):
        # The last group may be a word that follows; the longest valid beginning counts.
        whole = match.group()
        for end in [len(whole), *(m.start() for m in reversed(list(re.finditer(" ", whole))))]:
            if iban.is_valid(whole[:end]):
                yield _found("iban", (match.start(), match.start() + end), whole[:2])
                break


def _resident_numbers(text: str) -> Iterator[Found]:
    for match in _RRN.finditer(text):
        number = match.group().replace(" ", "")
        if rrn.is_valid(number, allow_future=False):
            yield _found("resident_number", match.span())
            continue
        try:
            born = rrn.get_birth_date(number, allow_future=False)
        except (ValidationError, ValueError):
            continue
        if match.group(1) and born >= _NO_CHECK_SINCE:
            yield _found("resident_number_unchecked", match.span())


def _addresses(text: str) -> Iterator[Found]:
    for pattern in (_IP4, _IP6):
        for match in pattern.finditer(text):
            if _VERSION.search(text[max(0, match.start() - 12) : match.start()]):
                continue
            try:
                address = ipaddress.ip_address(match.group())
            except ValueError:
                continue
            # Private and reserved ranges name nobody, and examples use them.
            if address.is_global:
                yield _found("ip", match.span())


def _phones(text: str, language: str) -> Iterator[Found]:
    region = "KR" if _HANGUL.search(text) else _REGIONS.get(language[:2], "US")
    yield from _phones_in(text, region)
    if region != "KR":
        # Written as nobody else writes them, so that no language has to tell.
        for mobile in _KOREAN_MOBILE.finditer(text):
            for found in _phones_in(mobile.group(), "KR"):
                yield _found(found.rule, mobile.span(), found.detail)


def _phones_in(text: str, region: str) -> Iterator[Found]:
    for match in phonenumbers.PhoneNumberMatcher(
        text, region, leniency=phonenumbers.Leniency.VALID, max_tries=200
    ):
        if phonenumbers.number_type(match.number) not in _OF_COMPANIES:
            where = phonenumbers.region_code_for_number(match.number) or ""
            yield _found("phone", (match.start, match.end), where)
