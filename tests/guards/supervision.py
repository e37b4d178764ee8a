"""Guards of what those are told who keep us running: `healthcheck`, `supervision`."""

from tests.guards.guard import Guard

_HEALTHCHECK = ("test_healthcheck.py",)
_SUPERVISION = ("test_supervision.py",)

SUPERVISION_GUARDS: tuple[Guard, ...] = (
    Guard(
        "takes no other server for itself",
        "checking/healthcheck.py",
        "if not answer.endswith(_HEALTHY):",
        "if False:",
        _HEALTHCHECK,
    ),
    Guard(
        "calls nothing healthy but status 200",
        "checking/healthcheck.py",
        'if status[1] != b"200":',
        "if False:",
        _HEALTHCHECK,
    ),
    Guard(
        "wants a certificate of another machine it is asked about",
        "checking/healthcheck.py",
        "if _is_loopback(host):",
        "if True:",
        _HEALTHCHECK,
    ),
    Guard(
        "feeds a watchdog only while every account is polled",
        "service/supervision.py",
        "if not overdue:",
        "if True:",
        _SUPERVISION,
    ),
    Guard(
        "takes no pause that the exchange asked for as the end of an account",
        "service/supervision.py",
        'MAX_RETRY_AFTER_SECONDS if state.reason == "rate_limited" else SLOW_SECONDS',
        "SLOW_SECONDS",
        _SUPERVISION,
    ),
    Guard(
        "feeds a watchdog twice in its patience",
        "service/supervision.py",
        "return min(_LOOK_SECONDS, int(microseconds) * _MICRO / 2)",
        "return _LOOK_SECONDS",
        ("test_supervision.py::test_watchdog_that_hurries_is_fed_twice_in_its_patience",),
    ),
    Guard(
        "takes no account for polled because others are",
        "service/supervision.py",
        "since if polls == state.polls else now",
        "now",
        _SUPERVISION,
    ),
)
