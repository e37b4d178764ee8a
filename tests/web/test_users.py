"""Users and passwords: who is let in, at the cost of how much work, and in whose turn."""

import asyncio
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from unittest.mock import patch

import bcrypt
import pytest

from exporter.web.users import Authenticator, CrowdedError, FairSemaphore, Verdict
from tests.web.protected import PASSWORD, USER, hash_of

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1"
GRANTED, DENIED, CROWDED = Verdict.GRANTED, Verdict.DENIED, Verdict.CROWDED


def basic(name: str, password: str) -> str:
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


RIGHT = basic(USER, PASSWORD)


def one_user() -> Authenticator:
    return Authenticator({USER: hash_of(PASSWORD)})


class Hasher:
    """Counts what bcrypt has to do, in units of the work of cost 4."""

    def __init__(self) -> None:
        self.work = 0
        self._check = bcrypt.checkpw

    def __call__(self, password: bytes, hash_: bytes) -> bool:
        self.work += 2 ** int(hash_[4:6]) // 2**4
        return self._check(password, hash_)


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Hasher:
    counting = Hasher()
    monkeypatch.setattr(bcrypt, "checkpw", counting)
    return counting


async def test_right_password_is_let_in_under_the_scheme_in_any_case() -> None:
    for scheme in ("Basic", "basic", "BASIC", "bAsIc"):
        assert await one_user().check(RIGHT.replace("Basic", scheme), HOST) is GRANTED


async def test_anything_else_is_not_let_in() -> None:
    for authorization in (
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic \u00ff",
        f"Bearer {RIGHT.split()[1]}",
        basic(USER, "wrong"),
        basic(USER, ""),
        basic(USER, PASSWORD + " "),
        basic("", PASSWORD),
        basic("other", PASSWORD),
        basic(USER.upper(), PASSWORD),
        "Basic " + b64encode(USER.encode()).decode(),
        "Basic " + b64encode(b"\xff\xfe:\xff").decode(),
        basic(USER, "a" * 10_000),
    ):
        assert await one_user().check(authorization, HOST) is DENIED, authorization


async def test_colon_belongs_to_the_password() -> None:
    authenticator = Authenticator({"a": hash_of("b:c")})

    assert await authenticator.check(basic("a", "b:c"), HOST) is GRANTED


async def test_password_counts_up_to_72_bytes_as_everywhere_with_bcrypt() -> None:
    authenticator = Authenticator({"a": hash_of("x" * 72)})

    assert await authenticator.check(basic("a", "x" * 72 + "more"), HOST) is GRANTED
    assert await authenticator.check(basic("a", "x" * 71), HOST) is DENIED


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
async def test_hashes_of_other_programs_are_understood(prefix: str) -> None:
    authenticator = Authenticator({USER: prefix + hash_of(PASSWORD)[4:]})

    assert await authenticator.check(RIGHT, HOST) is GRANTED


async def test_right_password_is_hashed_once_and_a_wrong_one_each_time(hasher: Hasher) -> None:
    authenticator = one_user()
    hosts = (HOST, HOST, "10.0.0.1")

    assert [await authenticator.check(RIGHT, each) for each in hosts] == [GRANTED] * 3
    assert hasher.work == 1
    assert [await authenticator.check(basic(USER, "wrong"), HOST) for _ in "12"] == [DENIED] * 2
    assert hasher.work == 3


async def test_memory_of_one_success_is_none_of_another_split_of_the_same_text() -> None:
    # CVE-2022-46146: joined without their lengths, these are the same bytes.
    hash_ = hash_of("bc")
    authenticator = Authenticator({"a": hash_, "ab": hash_})
    await authenticator.check(basic("a", "bc"), HOST)

    assert await authenticator.check(basic("ab", "c"), HOST) is DENIED


async def test_memory_of_success_is_lost_with_the_user() -> None:
    authenticator = one_user()
    await authenticator.check(RIGHT, HOST)

    assert await authenticator.with_users({}).check(RIGHT, HOST) is DENIED
    other = authenticator.with_users({USER: hash_of("another")})
    assert await other.check(RIGHT, HOST) is DENIED


@pytest.mark.parametrize("name", ["cheap", "dear", "dearest", "nobody"])
async def test_every_name_takes_the_same_work(name: str, hasher: Hasher) -> None:
    users = {"cheap": hash_of("a", 4), "dear": hash_of("a", 6), "dearest": hash_of("a", 7)}

    await Authenticator(users).check(basic(name, "wrong"), HOST)

    assert hasher.work == 2**7 // 2**4


async def test_nobodys_hash_is_of_no_password_that_stands_in_for_one() -> None:
    # A name that is not known is denied even if the stand-in's password were found.
    with patch.object(bcrypt, "checkpw", return_value=True):
        assert await one_user().check(basic("other", PASSWORD), HOST) is DENIED


async def turns_of_the_loop_during(work: Coroutine[None, None, object]) -> int:
    """Count how often anything else could run."""
    task, turns = asyncio.create_task(work), 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    return turns


async def test_hash_never_blocks_the_loop() -> None:
    authenticator = Authenticator({USER: hash_of(PASSWORD, 10)})

    assert await turns_of_the_loop_during(authenticator.check(RIGHT, HOST)) > 20


async def test_password_is_checked_while_every_thread_that_asyncio_shares_is_taken() -> None:
    # Look-ups of names are there, and a resolver may hang.
    goes_on = threading.Event()
    taken = [asyncio.create_task(asyncio.to_thread(goes_on.wait, 20.0)) for _ in range(64)]
    try:
        async with asyncio.timeout(5.0):
            verdict = await one_user().check(RIGHT, HOST)
    finally:
        goes_on.set()
        await asyncio.gather(*taken)

    assert verdict is GRANTED


async def test_more_than_can_be_checked_are_turned_away() -> None:
    authenticator = Authenticator({USER: hash_of(PASSWORD, 8)})

    verdicts = await asyncio.gather(
        *(authenticator.check(basic(USER, f"wrong {n}"), HOST) for n in range(100))
    )

    assert verdicts.count(CROWDED) >= 60
    assert GRANTED not in verdicts
    assert await authenticator.check(RIGHT, HOST) is GRANTED


class Job:
    """Work that goes on until it is let go, and notes in which order it was started."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.crowded: list[str] = []
        self._goes_on = asyncio.Event()

    def end(self) -> None:
        self._goes_on.set()

    async def take_part(
        self, turns: FairSemaphore, host: str, name: str, user: bytes = b""
    ) -> None:
        try:
            await turns.in_turn(host, lambda: self._work(name), user=user)
        except CrowdedError:
            self.crowded.append(name)

    async def _work(self, name: str) -> None:
        self.started.append(name)
        await self._goes_on.wait()


@asynccontextmanager
async def waiting(
    turns: FairSemaphore, job: Job, clients: Sequence[tuple[str, str]]
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Let clients, each an address and a name, come one after the other; all end at the end."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job.take_part(turns, *each)) for each in clients]
        await settled()
        yield tasks
        job.end()


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def outcome(turns: FairSemaphore, clients: Sequence[tuple[str, str]]) -> Job:
    """Return what becomes of clients that come one after the other."""
    job = Job()
    async with waiting(turns, job, clients):
        pass
    return job


async def test_busy_client_delays_another_by_one_turn() -> None:
    busy = [("10.0.0.1", f"busy {n}") for n in range(4)]

    job = await outcome(FairSemaphore(1, 4, 24), [*busy, ("10.0.0.2", "other")])

    assert job.started == ["busy 0", "busy 1", "other", "busy 2", "busy 3"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8::1", "2001:db8::ffff:2"),
        ("10.0.0.1", "::ffff:10.0.0.1"),
        ("fe80::1%eth0", "fe80::2%eth1"),
    ],
)
async def test_one_machine_is_one_client(first: str, second: str) -> None:
    clients = [(first, "started"), (first, "a"), (second, "b")]

    job = await outcome(FairSemaphore(1, 1, 24), clients)

    assert len(job.crowded) == 1
    assert sorted(job.started + job.crowded) == ["a", "b", "started"]


async def test_two_machines_are_two_clients() -> None:
    hosts = ("10.0.0.1", "10.0.0.1", "10.0.0.2", "2001:db8:0:1::1", "2001:db8:0:2::1")

    job = await outcome(FairSemaphore(1, 1, 24), list(zip(hosts, "abcde", strict=True)))

    assert job.started == list("abcde")


async def test_no_more_wait_than_there_are_places() -> None:
    job = await outcome(FairSemaphore(1, 4, 2), [(f"10.0.0.{n}", "") for n in range(9)])

    assert (len(job.started), len(job.crowded)) == (3, 6)


async def test_one_of_the_busiest_address_gives_way_where_too_many_wait() -> None:
    busy = [("10.0.0.1", f"guess {n}") for n in range(5)]

    job = await outcome(FairSemaphore(1, 24, 4), [*busy, ("10.0.0.2", "honest")])

    assert "honest" in job.started
    assert len(job.crowded) == 1


async def guessed_beside(guesses: int) -> Job:
    """Return what becomes of one who comes after so many guesses from the same address."""
    turns, job = FairSemaphore(1, 4, 24), Job()
    async with waiting(turns, job, [("10.0.0.1", f"guess {n}") for n in range(guesses)]):
        honest = asyncio.create_task(job.take_part(turns, "10.0.0.1", "honest", b"prometheus"))
        await settled()
    await honest
    return job


async def test_users_behind_one_address_take_turns() -> None:
    assert (await guessed_beside(4)).started == [
        "guess 0",
        "guess 1",
        "honest",
        "guess 2",
        "guess 3",
    ]


async def test_one_of_the_busiest_user_gives_way_where_too_many_wait() -> None:
    job = await guessed_beside(5)

    assert "honest" in job.started
    assert len(job.crowded) == 1


async def test_client_that_leaves_is_not_waited_for() -> None:
    turns, job = FairSemaphore(1, 1, 24), Job()

    async with waiting(turns, job, [("10.0.0.1", "a"), ("10.0.0.1", "b")]) as tasks:
        tasks[1].cancel()
        await settled()
        late = asyncio.create_task(job.take_part(turns, "10.0.0.1", "c"))
        await settled()
    await late

    assert job.started == ["a", "c"]


async def test_place_of_one_who_leaves_at_work_is_free_once_the_work_is_done() -> None:
    turns, job = FairSemaphore(1, 4, 24), Job()

    async with waiting(turns, job, [("10.0.0.1", "a"), ("10.0.0.1", "b")]) as tasks:
        tasks[0].cancel()
        await settled()
        started_before_the_end = list(job.started)

    assert started_before_the_end == ["a"]
    assert job.started == ["a", "b"]


async def test_all_places_are_free_again_after_a_crowd() -> None:
    turns, job = FairSemaphore(2, 4, 24), Job()
    async with waiting(turns, job, [(f"10.0.0.{n % 3}", "") for n in range(9)]) as tasks:
        for each in tasks[::2]:
            each.cancel()
    again = Job()

    async with waiting(turns, again, [("10.0.0.1", "a"), ("10.0.0.1", "b"), ("10.0.0.1", "c")]):
        assert again.started == ["a", "b"]


async def test_turn_that_comes_as_its_client_leaves_goes_to_the_next() -> None:
    turns, job = FairSemaphore(1, 4, 24), Job()
    first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(5.0), asyncio.TaskGroup() as group:
        group.create_task(turns.in_turn("10.0.0.1", lambda: first))
        leaving = group.create_task(job.take_part(turns, "10.0.0.1", "leaving"))
        group.create_task(job.take_part(turns, "10.0.0.1", "next"))
        await settled()
        # Called right after the turn was given to the one that leaves, before it can take it.
        first.add_done_callback(lambda _: leaving.cancel())
        first.set_result(None)
        await settled()
        job.end()

    assert job.started == ["next"]
