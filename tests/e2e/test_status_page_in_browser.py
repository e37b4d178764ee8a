"""The status page in a real browser: four states, a phone and a desk, light and dark."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from decimal import Decimal

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from exporter.bitopro.balances import Balances
from exporter.clock import Clock
from exporter.errors import AuthenticationError, NetworkError
from exporter.metrics.exporter import ExporterStatus
from exporter.metrics.page import Exposition
from exporter.state import AccountState, Store
from exporter.web.application import Application
from exporter.web.status_page import StatusPage
from tests.abuse.serving import serving
from tests.conftest import FIXTURES
from tests.e2e.browser import Browser, View, chromium
from tests.positions import POSITIONS
from tests.states import ACCOUNT, at, polled

PHONE, DESK = 390, 1280
BACKGROUNDS = {"light": "rgb(246, 247, 249)", "dark": "rgb(20, 23, 26)"}
NOW = Clock(wall=lambda: 1_700_000_050.0, monotonic=lambda: 50.0)
BODY = (FIXTURES / "margin_balances.json").read_bytes()
HOSTILE = '"><script src="http://127.0.0.2/x.js"></script><img src=http://127.0.0.2/x.png>'


def due(state: AccountState, name: str) -> AccountState:
    return replace(state, account=replace(ACCOUNT, name=name), due_monotonic_seconds=61.0)


HEALTHY = due(polled(BODY, 46.0), "main")
FAILING = due(
    polled(BODY, 20.0).after_failure(AuthenticationError("401: check the API key"), at(47.0)),
    "a-name-that-is-as-long-as-an-account-can-be-named-and-has-no-space",
)
STALE = due(polled(BODY).after_failure(NetworkError(HOSTILE), at(10.0)), "hedge")
assert HEALTHY.received is not None
assert HEALTHY.snapshot is not None
HUGE = replace(
    HEALTHY,
    received=replace(
        HEALTHY.received,
        snapshot=replace(
            HEALTHY.snapshot,
            total_asset_amount=Decimal("9" * 32 + "." + "9" * 32),
            balances=Balances.of({"X" * 32: HEALTHY.snapshot.balances["BTC"]}),
        ),
    ),
)
_LOAN = POSITIONS["loan"]
LOAN = due(polled(_LOAN.body, 46.0).assessed(_LOAN.market, 46.0), "loan")
STATES = {
    "refused": [HEALTHY],
    "huge": [HUGE],
    "healthy": [HEALTHY, due(polled(BODY, 44.0), "second")],
    "stale": [HEALTHY, STALE],
    "failing": [HEALTHY, FAILING, due(AccountState(ACCOUNT), "new")],
    "danger": [HEALTHY, LOAN],
    "no-accounts": [],
}


def status_of(state: str) -> ExporterStatus:
    """Return that of an exporter that refused to reload, in the state of that name."""
    status = ExporterStatus()
    if state == "refused":
        status.refused(NOW.wall() - 60.0)
    return status


def application(states: Iterable[AccountState], status: ExporterStatus) -> Application:
    """Return our own pages of accounts in some states, with their balances."""
    kept = list(states)
    store = Store(each.account for each in kept)
    for each in kept:
        store.put(each)
    exposition = Exposition(NOW.monotonic)
    page = StatusPage(NOW, "/metrics", status, shows_balances=True)
    return Application(store, exposition, "/metrics", page)


def served(
    portal: BlockingPortal, states: Iterable[AccountState], status: ExporterStatus
) -> AbstractContextManager[int]:
    return portal.wrap_async_context_manager(serving(application(states, status)))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def urls() -> Iterator[Mapping[str, str]]:
    """The page in each state, at an address of its own."""
    with start_blocking_portal() as portal, ExitStack() as stack:
        yield {
            name: f"http://127.0.0.1:{port}/"
            for name, states in STATES.items()
            for port in [stack.enter_context(served(portal, states, status_of(name)))]
        }


@pytest.fixture(scope="module", params=STATES)
def url(request: pytest.FixtureRequest, urls: Mapping[str, str]) -> str:
    return urls[request.param]


@pytest.fixture(scope="module", params=[PHONE, DESK])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module", params=BACKGROUNDS)
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def view(url: str, width: int, scheme: str, browser: Browser) -> View:
    return browser.view(url, width, scheme)


def test_it_has_no_script_and_violates_no_policy(view: View) -> None:
    assert view.scripts == 0
    assert view.violations == ()


def test_it_asks_nobody_else(view: View, url: str) -> None:
    assert set(view.requests) - {f"{url}favicon.ico"} == {url}


def test_it_is_not_wider_than_the_window(view: View, width: int) -> None:
    assert view.content_width <= width


def test_it_follows_the_scheme_of_the_system(view: View, scheme: str) -> None:
    assert view.background == BACKGROUNDS[scheme]


@pytest.mark.parametrize(
    ("state", "texts"),
    [
        ("healthy", ["2 ok", "✓ ok: polls succeed", "4 s old", "in 11 s", "748,279.60832069"]),
        ("stale", ["1 stale, 1 ok", "✗ stale: polls fail; the values are too old", HOSTILE]),
        (
            "failing",
            [
                "1 failing, 1 waiting, 1 ok",
                "! failing: polls fail; the last values are still shown",
                "check key, secret and e-mail",
                "… waiting: not yet polled",
            ],
        ),
        (
            "refused",
            [
                "configuration refused, 1 ok",
                "✗ what is below is of an older configuration than the one on disk",
                "(1 min 0 s ago)",
            ],
        ),
        ("no-accounts", ["no accounts", "this exporter has nothing to poll"]),
    ],
)
def test_its_words_are_shown(
    state: str, texts: list[str], urls: Mapping[str, str], browser: Browser
) -> None:
    shown = browser.view(urls[state], PHONE, "light").text

    assert [text for text in texts if text not in shown] == []
