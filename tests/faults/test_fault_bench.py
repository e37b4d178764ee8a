"""Every fault of the simulator's registry: no wrong value, no hang, no silence, and recovery."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import pytest

from exporter.simulator import FAULTS
from tests.faults.bench import ACCEPTED, Page, Verdict, verdict_on

pytestmark = pytest.mark.anyio

DEADLINE_SECONDS = 10.0
# Of what never ends.
SHORT_DEADLINE_SECONDS = 0.4

# Every fault is named by exactly one pattern: what an operator is to read about it.
OUTCOMES: Mapping[str, str] = {
    "network": "reset-* close-at-accept close-without-answer",
    "timeout": "tls-stall stall-* drip-*",
    "too_large": (
        "endless-interim-answers endless-body-* endless-chunks endless-header endless-headers "
        "huge-header many-* chunked-tiny padded-to-2-mib field-of-2-mib"
    ),
    "framing": (
        "close-in-headers close-after-headers close-in-body close-before-last-byte length-* "
        "lengths-differ cut-without-length bytes-after-body second-answer-after-body "
        "chunked-without-last-chunk chunked-cut-in-chunk chunked-twice-ended chunk-size-* "
        "transfer-coding-unknown garbage tls-on-plain-port other-protocol body-without-head "
        "status-line-* header-* gzip gzip-truncated gzip-bomb gzip-claimed deflate "
        "brotli-claimed content-coding-unknown good-body-under-101"
    ),
    "cached": "cached-*",
    "content_type": "html json-as-* json-untyped content-type-junk",
    "json": (
        "gzip-unannounced html-as-json empty-body json-first-byte json-half "
        "json-without-last-byte json-then-* json-twice json-lines json-in-parentheses "
        "json-behind-guard json-single-quoted json-comment json-trailing-comma byte-order-mark "
        "utf-* invalid-utf-8 overlong-utf-8 surrogate-in-utf-8 raw-newline-in-string blank "
        "deep-* duplicate-* additional-bare-nan amount-nan amount-infinity "
        "amount-minus-infinity status-huge-integer"
    ),
    "auth": "status-401 status-401-empty status-403 *-under-401",
    "clock": "status-409",
    "rate_limited": "status-429 status-429-empty retry-after-*",
    "redirect": "redirect-*",
    "http_status": (
        "status-400 status-404* status-408 status-422 status-401-html status-403-html "
        "status-403-challenge status-5[0-3]* good-body-under-20* good-body-under-304 "
        "good-body-under-500 good-body-under-999"
    ),
    "wrong_account": "another-account",
    "schema": (
        "null true number string empty-list empty-object error-under-200 wrapped-in-* missing-* "
        "null-* number-* list-* string-* bool-* float-* empty-balance amount-[!nim]* "
        "amount-nan-text amount-n[!a]* amount-infinity-* ratio-nan-text ratio-infinity-text "
        "ratio-exponent ratio-thousands-separators ratio-empty debt-* status-exponent "
        "negative-* currency-[!a]* currencies-501 label-[!u]* unit-[!c]* account-id-*"
    ),
    ACCEPTED: (
        "idle-* 409-once chunked chunked-last-chunk-zeros chunked-with-extensions "
        "chunked-with-trailer chunked-many http-1-0 interim-answer byte-by-byte "
        "connection-close date-* fresh-* additional-field additional-object "
        "additional-balance-field additional-field-odd-name label-unknown statuses-unknown "
        "currency-appears odd-currency-* currencies-disappear currencies-500 "
        "currencies-in-lower-case no-currencies ad-ratio-contradicts ratio-falls unit-changes "
        "no-debt-ratio-* eighteen-decimals whole-numbers json-indented json-escaped"
    ),
}

# What an accepted answer changes on the page; None where a series disappears.
GONE = None
NO_DEBT = {
    "bitopro_margin_ad_ratio": GONE,
    'bitopro_margin_total_debt_amount{unit="USDT"}': "0.0",
    'bitopro_margin_borrow_amount{currency="BTC"}': "0.0",
    'bitopro_margin_borrow_amount{currency="USDT"}': "0.0",
    'bitopro_margin_borrow_interest_amount{currency="BTC"}': "0.0",
}
FIELDS = (
    *("available_amount", "traded_amount", "borrow_amount", "borrow_interest_amount"),
    *("total_amount", "borrow_status", "transfer_status"),
)
AMOUNTS = ("9.9999", "0.0", "2.00008624", "0.00236786", "9.9999", "1.0", "1.0")
DUST = ("1e-08", "0.0", "0.0", "0.0", "1e-08", "0.0", "2.0")


def of_currency(currency: str, values: Sequence[str | None]) -> dict[str, str | None]:
    return {
        f'bitopro_margin_{name}{{currency="{currency}"}}': value
        for name, value in zip(FIELDS, values, strict=True)
    }


def without(*currencies: str) -> dict[str, str | None]:
    return {
        name: value
        for currency in currencies
        for name, value in of_currency(currency, [GONE] * len(FIELDS)).items()
    }


CHANGES: Mapping[str, Mapping[str, str | None]] = {
    "label-unknown": {
        'bitopro_margin_ad_ratio_label{label="SAFETY_THRESHOLD"}': GONE,
        'bitopro_margin_ad_ratio_label{label="LIQUIDATION_WARNING"}': "1.0",
        "bitopro_margin_ad_ratio_label_safe": "0.0",
    },
    "statuses-unknown": {
        "bitopro_margin_account_status": "9.0",
        "bitopro_margin_margin_status": "9.0",
        'bitopro_margin_borrow_status{currency="BTC"}': "9.0",
        'bitopro_margin_transfer_status{currency="BTC"}': "9.0",
    },
    "currency-appears": of_currency("DUST", DUST),
    "currencies-disappear": without("ETH", "USDT"),
    "currencies-500": {
        **without("BTC", "ETH", "USDT"),
        **{
            name: value
            for number in range(500)
            for name, value in of_currency(f"TOKEN{number}", AMOUNTS).items()
        },
    },
    "no-currencies": {
        **without("BTC", "ETH", "USDT"),
        "bitopro_margin_ad_ratio": GONE,
        'bitopro_margin_total_asset_amount{unit="USDT"}': "0.0",
        'bitopro_margin_total_debt_amount{unit="USDT"}': "0.0",
    },
    "ad-ratio-contradicts": {
        "bitopro_margin_ad_ratio": "9.99",
        'bitopro_margin_inconsistent{check="ad_ratio"}': "1.0",
    },
    "ratio-falls": {
        "bitopro_margin_ad_ratio": "0.01",
        'bitopro_margin_total_asset_amount{unit="USDT"}': "1000.0",
        'bitopro_margin_total_debt_amount{unit="USDT"}': "90000.0",
    },
    "unit-changes": {
        'bitopro_margin_account_info{account_id="5411716254",unit="USDT"}': GONE,
        'bitopro_margin_account_info{account_id="5411716254",unit="TWD"}': "1.0",
        'bitopro_margin_total_asset_amount{unit="USDT"}': GONE,
        'bitopro_margin_total_debt_amount{unit="USDT"}': GONE,
        'bitopro_margin_total_asset_amount{unit="TWD"}': "2.431908727042242e+07",
        'bitopro_margin_total_debt_amount{unit="TWD"}': "4.21924765022605e+06",
    },
    **{f"no-debt-ratio-{each}": NO_DEBT for each in ("empty", "zero", "999", "null")},
    "whole-numbers": {
        'bitopro_margin_available_amount{currency="BTC"}': "10.0",
        'bitopro_margin_total_amount{currency="BTC"}': "10.0",
    },
}


def expected_outcomes(fault: str) -> list[str]:
    return [
        outcome
        for outcome, patterns in OUTCOMES.items()
        if any(fnmatchcase(fault, pattern) for pattern in patterns.split())
    ]


def expected_values(before: Page, outcome: str, fault: str) -> Page:
    """Return what may be shown: what was known, changed by what an accepted answer said."""
    if outcome == "wrong_account":
        return {}
    changed = {**before, **(CHANGES.get(fault, {}) if outcome == ACCEPTED else {})}
    return {name: value for name, value in changed.items() if value is not None}


async def judged(fault: str) -> Verdict:
    never_ends = expected_outcomes(fault) == ["timeout"]
    deadline = SHORT_DEADLINE_SECONDS if never_ends else DEADLINE_SECONDS
    return await verdict_on(
        fault, lambda before, outcome: expected_values(before, outcome, fault), deadline
    )


def test_bench_covers_at_least_ninety_faults() -> None:
    assert len(FAULTS) >= 90


@pytest.mark.parametrize("fault", FAULTS)
async def test_fault(fault: str, verdicts: list[Verdict]) -> None:
    verdict = await judged(fault)
    verdicts.append(verdict)

    assert [verdict.outcome] == expected_outcomes(fault)
    assert verdict.is_up == (verdict.outcome == ACCEPTED) == FAULTS[fault].accepted
    assert verdict.counted == ({} if verdict.is_up else {verdict.outcome: 1})
    assert not verdict.is_silently_wrong
    assert not verdict.hangs
    assert verdict.recovers
    assert (verdict.descriptors_leaked, verdict.tasks_leaked) == (0, 0)
