"""What the status page says of an account, and what it keeps to itself."""

import re
from dataclasses import replace
from decimal import Decimal
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from exporter.clock import Clock
from exporter.errors import NetworkError, WrongAccountError
from exporter.metrics.exporter import ExporterStatus
from exporter.state import AccountState
from exporter.web.status_page import StatusPage, span, view_of
from tests.bitopro.answers import answer_with
from tests.conftest import FIXTURES
from tests.positions import POSITIONS, answer
from tests.states import ACCOUNT, at, polled

BODY = (FIXTURES / "margin_balances.json").read_bytes()
WALL = 1_700_000_000.0
UNTRIED = AccountState(ACCOUNT)
OK = polled(BODY)
FAILING = OK.after_failure(NetworkError("refused"), at(15.0))
NEVER = UNTRIED.after_failure(NetworkError("refused"), at(0.0))
MISTAKEN = OK.after_failure(WrongAccountError("another"), at(15.0))


def page(*states: AccountState, seconds: float = 20.0, shows_balances: bool = False) -> str:
    clock = Clock(wall=lambda: WALL + seconds, monotonic=lambda: seconds)
    return StatusPage(clock, "/metrics", shows_balances=shows_balances).render(states)


def named(name: str, state: AccountState) -> AccountState:
    return replace(state, account=replace(ACCOUNT, name=name))


@pytest.mark.parametrize(
    ("state", "seconds", "condition", "sentence"),
    [
        (UNTRIED, 0.0, "waiting", "not yet polled"),
        (OK, 44.0, "ok", "polls succeed; above warning"),
        (FAILING, 44.0, "failing", "polls fail; the last values are still shown; above warning"),
        (NEVER, 44.0, "failing", "polls fail; there are no values"),
        (MISTAKEN, 16.0, "failing", "polls fail; there are no values"),
        (
            FAILING,
            45.0,
            "stale",
            "polls fail; the values are too old and off the metrics page; when last seen: "
            "above warning",
        ),
        (
            OK,
            45.0,
            "stale",
            "no poll has ended for too long; the values are too old and off the metrics page; "
            "when last seen: above warning",
        ),
    ],
    ids=["untried", "ok", "failing", "never", "mistaken", "stale", "hanging"],
)
def test_condition_is_said_in_words(
    state: AccountState, seconds: float, condition: str, sentence: str
) -> None:
    view = view_of(state, WALL + seconds, seconds)

    assert (view.condition, view.sentence) == (condition, sentence)


def at_ratio(ratio: str) -> AccountState:
    """Return the state of an account that owes 10,000 of the unit."""
    total = f"{Decimal(ratio) * 10_000:f}"
    return polled(answer((total, "10000"), {"USDT": (total, "10000", "0")}))


@pytest.mark.parametrize(
    ("state", "seconds", "condition", "ending"),
    [
        (at_ratio("1.5"), 0.0, "ok", "polls succeed; above warning"),
        (at_ratio("1.4999"), 0.0, "warning", "polls succeed; below warning"),
        (at_ratio("1.2999"), 0.0, "critical", "polls succeed; below critical"),
        (at_ratio("1.1999"), 0.0, "liquidation", "polls succeed; below liquidation"),
        (at_ratio("1.4"), 45.0, "stale", "when last seen: below warning"),
        (at_ratio("1.25"), 45.0, "critical", "when last seen: below critical"),
        (
            at_ratio("1.25").after_failure(NetworkError("no"), at(15.0)),
            20.0,
            "critical",
            "the last values are still shown; below critical",
        ),
        (
            polled(answer_with("adRatioLabel", "MARGIN_CALL")),
            0.0,
            "critical",
            "the exchange no longer calls it safe",
        ),
        (
            polled(answer(("100", "0"), {"USDT": ("100", "0", "0")})),
            0.0,
            "ok",
            "polls succeed; no debt",
        ),
    ],
    ids=str,
)
def test_condition_is_the_worse_of_polls_and_ratio(
    state: AccountState, seconds: float, condition: str, ending: str
) -> None:
    view = view_of(state, WALL + seconds, seconds)

    assert view.condition == condition
    assert view.sentence.endswith(ending)


def test_worst_account_comes_first_and_is_counted() -> None:
    shown = page(
        named("a", at_ratio("1.6")),
        named("b", at_ratio("1.4")),
        named("c", at_ratio("1.1")),
        named("d", NEVER),
        named("e", at_ratio("1.25")),
    )

    assert re.findall(r"<h2>(.)</h2>", shown) == ["c", "e", "d", "b", "a"]
    assert "1 liquidation, 1 critical, 1 failing, 1 warning, 1 ok" in shown
    assert '<section class="critical">' in shown


def test_numbers_for_somebody_who_was_woken_are_shown_if_asked_for() -> None:
    loan = POSITIONS["loan"]
    state = polled(loan.body).assessed(loan.market, 0.0)

    shown = page(state, shows_balances=True)

    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", shown))
    assert {name: facts[name] for name in ("Ratio", "Distance", "Rescue")} == {
        "Ratio": "1.4118 of 1.5",
        "Distance": "15.0 % to liquidation",
        "Rescue": "repay 15,000.00 or add 7,500.00 USDT, to be back at warning",
    }
    assert "Distance" not in page(state)


def test_failing_account_says_why_what_to_do_since_when_and_when_next() -> None:
    view = view_of(replace(FAILING, due_monotonic_seconds=45.5), WALL + 30.0, 30.0)

    facts = {name: text.replace("\u00a0", " ") for name, text in view.facts}
    assert facts.pop("Do").startswith("check the base URL, name resolution, routes")
    assert facts == {
        "Why": "network: refused",
        "Since": "2023-11-14 22:13:35 UTC (15 s)",
        "Data": "30 s old",
        "Next poll": "in 15 s",
    }


def test_poll_that_is_due_comes_now() -> None:
    view = view_of(replace(OK, due_monotonic_seconds=15.0), WALL + 30.0, 30.0)

    assert ("Next poll", "now") in view.facts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1.0, "0 s"),
        (59.9, "59 s"),
        (61.0, "1 min 1 s"),
        (7_260.0, "2 h 1 min"),
        (90_000.0, "1 d 1 h"),
    ],
)
def test_span_has_the_two_units_that_matter(seconds: float, text: str) -> None:
    assert span(seconds).replace("\u00a0", " ") == text


def test_what_needs_a_person_comes_first() -> None:
    shown = page(
        named("a", polled(BODY, 20.0)),
        named("b", UNTRIED),
        named("c", polled(BODY, 20.0).after_failure(NetworkError("no"), at(40.0))),
        named("d", OK),
        seconds=60.0,
    )

    assert re.findall(r"<h2>(.)</h2>", shown) == ["d", "c", "b", "a"]
    assert "1 stale, 1 failing, 1 waiting, 1 ok" in shown


def test_no_accounts_is_a_state() -> None:
    assert "<h2>No accounts</h2>" in page()


def test_balances_are_kept_back_unless_asked_for() -> None:
    assert "748" not in page(OK)
    assert "748,279.60832069" in page(OK, shows_balances=True)
    assert "<dd>5.7638</dd>" in page(OK, shows_balances=True)


def test_stale_balances_are_not_shown_even_if_asked_for() -> None:
    assert "748" not in page(OK, seconds=45.0, shows_balances=True)


def test_no_debt_has_no_ratio() -> None:
    snapshot = polled(answer_with("totalDebtAmount", "0")).snapshot
    assert snapshot is not None
    without = replace(snapshot, ad_ratio=None, ad_ratio_label=None)
    state = UNTRIED.after_success(without, at(0.0), None)

    assert "none: no debt" in page(state, shows_balances=True)


def test_every_text_is_escaped() -> None:
    state = named("<b>", OK.after_failure(NetworkError("<i>&'\""), at(1.0)))

    shown = page(state)

    assert "&lt;b&gt;" in shown
    assert "network: &lt;i&gt;&amp;&#x27;&quot;" in shown
    assert "<b>" not in shown
    assert "<i>" not in shown


def test_it_links_to_all_that_there_is() -> None:
    targets = re.findall(r'<a href="([^"]+)"', page())

    assert targets[:3] == ["./metrics", "./-/healthy", "./-/ready"]
    assert [each.partition("#")[0].rpartition("/")[2] for each in targets[3:]] == [
        "bitopro-margin-exporter",
        "dashboards",
    ]


@pytest.mark.parametrize(
    ("path", "link"), [("/a/b", "./a/b"), ("/a:b", "./a%3Ab"), ("/a?b#c", "./a%3Fb%23c")]
)
@pytest.mark.parametrize("prefix", ["/", "/prefix/", "/two/prefixes/"])
def test_link_leads_to_the_metrics_behind_a_proxy_that_strips_a_prefix(
    prefix: str, path: str, link: str
) -> None:
    html = StatusPage(Clock(), path).render([])

    assert f'href="{link}"' in html
    reached = urlsplit(urljoin(f"https://proxy.example{prefix}", link))
    assert unquote(reached.path) == prefix.removesuffix("/") + path


def test_refused_configuration_is_said_on_top_and_since_when() -> None:
    status = ExporterStatus()
    status.loaded(WALL)
    status.refused(WALL + 60.0)
    status.refused(WALL + 90.0)
    clock = Clock(wall=lambda: WALL + 120.0, monotonic=lambda: 20.0)
    shown = StatusPage(clock, "/metrics", status)

    html = shown.render([OK]).replace("\u00a0", " ")

    assert "<title>bitopro-margin-exporter: configuration refused, 1 ok</title>" in html
    bar = html[html.index('role="alert"') : html.index("<main>")]
    assert "✗ what is below is of an older configuration than the one on disk" in bar
    assert (
        "It could not be loaded at 2023-11-14 22:14:20 UTC (1 min 0 s ago), so the one of "
        "2023-11-14 22:13:20 UTC stays in force."
    ) in bar
    status.loaded(WALL + 120.0)
    assert "refused," not in shown.render([OK])
    assert 'role="alert"' not in shown.render([OK])


def test_it_has_no_script_and_fetches_nothing() -> None:
    fetching = r"<(?:script|img|iframe|object|embed|form|base)\b|url\(|@import"

    assert re.findall(fetching, page(OK)) == []
