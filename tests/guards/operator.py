"""Guards of what an operator is shown: `status_page`, `check`, `listing`, `terminal`."""

from tests.guards.guard import Guard

_PAGE = ("test_status_page.py",)
_CHECK = "process/test_check.py"

OPERATOR_GUARDS: tuple[Guard, ...] = (
    Guard(
        "shows no balance on the status page unless asked to",
        "web/status_page.py",
        "state.snapshot if self._shows_balances and state.is_fresh(monotonic) else None",
        "state.snapshot if state.is_fresh(monotonic) else None",
        _PAGE,
    ),
    Guard(
        "shows no old balance on the status page",
        "web/status_page.py",
        "state.snapshot if self._shows_balances and state.is_fresh(monotonic) else None",
        "state.snapshot if self._shows_balances else None",
        _PAGE,
    ),
    Guard(
        "escapes what the exchange says on the status page",
        "web/status_page.py",
        "<dd>{escape(text)}</dd>",
        "<dd>{text}</dd>",
        _PAGE,
    ),
    Guard(
        "calls an account stale whose last poll is too old",
        "web/account_view.py",
        "if state.received is not None and not state.is_fresh(monotonic_seconds):",
        "if False:",
        _PAGE,
    ),
    Guard(
        "lets no style into the status page but its own",
        "web/application.py",
        "style-src {STYLE_SOURCE};",
        "style-src 'unsafe-inline';",
        ("test_web.py",),
    ),
    Guard(
        "masks secrets in a check",
        "checking/listing.py",
        "return Listed(name, MASK, _source(secret.setting))",
        "return Listed(name, secret.read(), _source(secret.setting))",
        (f"{_CHECK}::test_secrets_are_masked",),
    ),
    Guard(
        "masks secrets of files in a check",
        "checking/listing.py",
        'return Listed(name, MASK, f"secret file',
        'return Listed(name, secret.read(), f"secret file',
        (f"{_CHECK}::test_it_tells_where_each_setting_came_from",),
    ),
    Guard(
        "fails a check whose clock is wrong",
        "checking/steps.py",
        "if abs(skew_seconds) <= _MAX_SKEW_SECONDS:",
        "if skew_seconds <= _MAX_SKEW_SECONDS:",
        (f"{_CHECK}::test_wrong_clock_leads_to_ntp",),
    ),
    Guard(
        "fails a check with one bad account of several",
        "checking/check.py",
        "return not failed",
        "return len(failed) < len(settings.accounts)",
        (f"{_CHECK}::test_each_of_two_accounts_is_tried_and_the_bad_one_named",),
    ),
    Guard(
        "sends no request when told to be offline",
        "checking/check.py",
        "if options.offline:",
        "if False:",
        (f"{_CHECK}::test_offline_asks_nobody",),
    ),
    Guard(
        "does not show the proxy, whose URL may hold a password",
        "checking/steps.py",
        'return "; the proxy of this environment is not used',
        'return f"{getproxies_environment()}; the proxy of this environment is not used',
        (f"{_CHECK}::test_proxy_that_is_not_used_is_mentioned_without_its_url",),
    ),
    Guard(
        "does not repeat an unknown word of the command line",
        "command_line/flags.py",
        "'a word without a flag'",
        "unknown[0]",
        ("test_cli.py",),
    ),
)
