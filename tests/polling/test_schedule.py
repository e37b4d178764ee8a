from exporter.polling.optional import Schedule


def test_everything_is_due_at_the_start() -> None:
    assert Schedule({"a": 10.0}, now=100.0).is_due("a", 100.0)


def test_what_was_taken_is_due_again_on_the_grid() -> None:
    schedule = Schedule({"a": 10.0}, now=100.0)

    schedule.take("a", 104.0)

    assert (schedule.is_due("a", 109.9), schedule.is_due("a", 110.0)) == (False, True)


def test_missed_times_are_not_made_up_for() -> None:
    schedule = Schedule({"a": 10.0}, now=100.0)

    schedule.take("a", 137.0)

    assert (schedule.is_due("a", 139.9), schedule.is_due("a", 140.0)) == (False, True)


def test_what_is_given_back_is_due_at_once_and_keeps_its_grid() -> None:
    schedule = Schedule({"a": 10.0}, now=100.0)
    schedule.take("a", 100.0)
    schedule.give_back("a")
    assert schedule.is_due("a", 103.0)

    schedule.take("a", 103.0)

    assert (schedule.is_due("a", 104.0), schedule.is_due("a", 110.0)) == (False, True)


def test_what_is_not_on_the_rota_is_never_due() -> None:
    assert not Schedule({}, now=100.0).is_due("a", 1e9)


def test_one_thing_does_not_wait_for_another() -> None:
    schedule = Schedule({"a": 10.0, "b": 10.0}, now=100.0)

    schedule.take("a", 100.0)

    assert schedule.is_due("b", 100.0)
