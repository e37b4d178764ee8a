"""`make demo`, from the user's side: one command, three accounts, a crash to watch."""

import re

import httpx

from tests.process.running import EXPORTER, FREE_PORT, Running, until

_TOTALS = re.compile(
    r'^bitopro_margin_total_(asset|debt)_amount\{account="demo-1",unit="USDT"\} (\S+)$',
    re.MULTILINE,
)
_CARD = re.compile(r'<section class="(\w+)">\n<h2>demo-1</h2>')
_LEVELS = {"liquidation": 1.2, "critical": 1.3, "warning": 1.5}


def get(url: str) -> str:
    """Return a page."""
    return httpx.get(url, trust_env=False).text


def level_of(page: str) -> str:
    """Return the lowest level that the first account's ratio is below, "ok" for none."""
    totals = {name: float(value) for name, value in _TOTALS.findall(page)}
    if not totals:
        return ""
    ratio = totals["asset"] / totals["debt"]
    return next((name for name, level in _LEVELS.items() if ratio < level), "ok")


def test_demo_shows_three_accounts_and_says_where_and_what_happens() -> None:
    with Running([*EXPORTER, "demo", FREE_PORT], {}) as demo:
        url = until(lambda: re.search(r"metrics  (http\S+)\n", demo.stdout), "the URL")[1]

        def page_with_three_accounts() -> str:
            page = get(url)
            return page if len(re.findall(r"\nbitopro_margin_ad_ratio{", page)) == 3 else ""

        page = until(page_with_three_accounts, "three accounts with a ratio")
        status = get(url.removesuffix("metrics"))

    accounts = re.findall(r'^bitopro_margin_up{account="(.*)"} (.*)$', page, re.MULTILINE)
    assert accounts == [("demo-1", "1.0"), ("demo-2", "1.0"), ("demo-3", "1.0")]
    assert "<dt>Ratio</dt>" in status
    assert (
        "demo-1 falls through warning, critical and liquidation, and recovers, within 2.5 minutes"
        in demo.stdout
    )
    assert "once     `make once`" in demo.stdout


def test_status_page_says_the_level_at_every_moment_of_the_crash() -> None:
    seen: list[tuple[str, str]] = []
    with Running([*EXPORTER, "demo", "--speed=45", FREE_PORT], {}) as demo:
        url = until(lambda: re.search(r"metrics  (http\S+)\n", demo.stdout), "the URL")[1]

        def is_over() -> bool:
            before = level_of(get(url))
            card = _CARD.search(get(url.removesuffix("metrics")))
            # A poll between the two pages makes them differ.
            if before and card and before == level_of(get(url)):
                seen.append((before, card[1]))
            levels = [level for level, _ in seen]
            return "liquidation" in levels and levels[-1] == "ok"

        until(is_over, "the crash and the recovery", seconds=60.0)

    assert [each for each in seen if each[0] != each[1]] == []
    assert {"ok", "liquidation"} <= {level for level, _ in seen}
