"""Alerts on the account-to-debt ratio: where it is, and where it is going."""

from deploy.alerts.phrases import ACCOUNT, NEAREST, PERCENT, RESCUE, VALUE
from deploy.alerts.record import About, Alert, Text

_LAST_KNOWN = "account:bitopro_margin_ad_ratio:last_known"
_THRESHOLD = "account_level:bitopro_margin_ad_ratio_threshold:last_known"


def _below(level: str) -> str:
    return f'{_LAST_KNOWN}\n< on (account) {_THRESHOLD}{{level="{level}"}}'


def _while_firing(alert: str, *conditions: str) -> str:
    """Return what holds an alert that fires, with the value of the first condition."""
    firing = f'ALERTS{{alertname="BitoproMargin{alert}", alertstate="firing"}}'
    held = "\n  and on (account) ".join([*(f"({each})" for each in conditions), firing])
    return f"\nor on (account) (\n  {held}\n)"


_BELOW_WARNING = f'{_LAST_KNOWN} < on (account) {_THRESHOLD}{{level="warning"}}'


def _below_and_held(alert: str, level: str, *conditions: str) -> str:
    near = f'{_LAST_KNOWN} < on (account) 1.05 * {_THRESHOLD}{{level="{level}"}}'
    return _below(level) + _while_firing(alert, near, *conditions)


# What a crossing back and forth says is nothing new.
_HELD = """It goes on until the ratio is proven 5 % above the threshold, or above warning: a ratio that
    crosses back and forth is one page, and a repayment is confirmed at once."""

LIQUIDATION = Alert(
    "RatioLiquidation",
    "critical",
    About.ACCOUNT,
    _below_and_held("RatioLiquidation", "liquidation", _BELOW_WARNING),
    Text(
        f"Account {ACCOUNT} has fallen below its liquidation threshold, and is at {VALUE}.",
        f"帳戶 {ACCOUNT} 已跌破強制平倉門檻，目前維持率為 {VALUE}。",
    ),
    RESCUE
    + Text(
        "The exchange may be selling its assets now, for a fee. Open the exchange and repay, or add "
        "assets if it still lets you.",
        "交易所可能正在賣出帳戶資產，並收取費用。請立刻打開交易所網站還款，或在網站仍允許時補入資產。",
    ),
    why=f"No waiting: the answer was verified, and the exchange does not wait either. {_HELD}",
)

CRITICAL = Alert(
    "RatioCritical",
    "critical",
    About.ACCOUNT,
    _below_and_held("RatioCritical", "critical", _BELOW_WARNING),
    Text(
        f"Account {ACCOUNT} has fallen below its critical threshold, and is at {VALUE}.",
        f"帳戶 {ACCOUNT} 已跌破危險門檻，目前維持率為 {VALUE}。",
    ),
    RESCUE
    + Text(
        "Do it now, while the exchange still lets you.",
        "趁交易所仍允許，請立刻行動。",
    ),
    why=f"No waiting: a fall from here to liquidation has taken a minute. {_HELD}",
)

IMMINENT = Alert(
    "LiquidationImminent",
    "critical",
    About.ACCOUNT,
    f"""\
account:bitopro_margin_ad_ratio:exact
< on (account) 4 / 3 * {_THRESHOLD}{{level="liquidation"}}
and on (account) (
  predict_linear(account:bitopro_margin_ad_ratio:exact[5m], 0.25 * 3600)
  < on (account) {_THRESHOLD}{{level="liquidation"}}
)
and on (account) last_over_time(account:bitopro_margin_ad_ratio:exact[1m] offset 4m)""",
    Text(
        f"Account {ACCOUNT} was falling to liquidation within a quarter of an hour, and is at {VALUE}.",
        f"照下跌的速度，帳戶 {ACCOUNT} 會在一刻鐘內被強制平倉，目前維持率為 {VALUE}。",
    ),
    RESCUE
    + Text(
        "Markets turn, but this is the time there is: decide now.",
        "行情可能反轉，但時間只有這些：請立刻決定。",
    ),
    waits="30s",
    keeps_firing="2m",
    why="""By the slope of the last five minutes, where they are known, and only where the ratio is
    below 4/3 of liquidation already.""",
)

WARNING = Alert(
    "RatioWarning",
    "warning",
    About.ACCOUNT,
    _below_and_held("RatioWarning", "warning"),
    Text(
        f"Account {ACCOUNT} is below its warning threshold, at {VALUE}.",
        f"帳戶 {ACCOUNT} 已低於警戒門檻，維持率為 {VALUE}。",
    ),
    RESCUE
    + Text(
        "Decide today which of them you do; the exchange may refuse new loans.",
        "請在今天內決定；交易所可能拒絕新的借款。",
    ),
    waits="5m",
    why="It goes on until the ratio is proven 5 % above the threshold.",
)

FALLING_FAST = Alert(
    "RatioFallingFast",
    "warning",
    About.ACCOUNT,
    f"""\
(
  account:bitopro_margin_ad_ratio:exact
  < 0.95 * max_over_time(account:bitopro_margin_ad_ratio:exact[5m])
  or account:bitopro_margin_ad_ratio:exact
  < 0.9 * max_over_time(account:bitopro_margin_ad_ratio:exact[15m])
)
< on (account) 2 * {_THRESHOLD}{{level="warning"}}"""
    + _while_firing(
        "RatioFallingFast",
        "account:bitopro_margin_ad_ratio:exact"
        " < 0.97 * max_over_time(account:bitopro_margin_ad_ratio:exact[15m])",
    ),
    Text(
        f"The ratio of account {ACCOUNT} is falling fast, now at {VALUE}.",
        f"帳戶 {ACCOUNT} 的維持率正在快速下降，目前 {VALUE}。",
    ),
    Text(
        "It is more than 5 % below its highest of the last 5 minutes, or 10 % of the last 15. If it was not you who "
        "borrowed or withdrew, the market moves against you. Be ready to repay or to add assets.",
        "它比過去 5 分鐘的最高值低了 5 % 以上，或比過去 15 分鐘的低了 10 % 以上。如果不是您自己借款或提領，就是市場正往不利的方向走。"
        "請準備還款或補入資產。",
    ),
    waits="30s",
    why="""Far above the thresholds a fall does not matter. It goes on until the ratio is back
    within 3 % of its highest of a quarter of an hour.""",
)

PREDICTED_TO_CROSS = Alert(
    "RatioPredictedToCross",
    "warning",
    About.ACCOUNT,
    f"""
    (
      predict_linear(account:bitopro_margin_ad_ratio:exact[1h], 4 * 3600)
      < on (account) {_THRESHOLD}{{level="liquidation"}}
    )
    and on (account) (
      predict_linear(account:bitopro_margin_ad_ratio:exact[15m], 4 * 3600)
      < on (account) {_THRESHOLD}{{level="liquidation"}}
    )
    and on (account) (
      account:bitopro_margin_ad_ratio:exact >= on (account) {_THRESHOLD}{{level="liquidation"}}
    )
    and on (account) (
      account:bitopro_margin_ad_ratio:exact < on (account) 2 * {_THRESHOLD}{{level="warning"}}
    )
    and on (account) last_over_time(account:bitopro_margin_ad_ratio:exact[5m] offset 30m)
    """,
    Text(
        f"Account {ACCOUNT} will be below its liquidation threshold within four hours, at the "
        "pace of the last hour.",
        f"依過去一小時的速度，帳戶 {ACCOUNT} 將在四小時內低於強制平倉門檻。",
    ),
    Text(
        'At this pace its ratio is {{ printf "%.2f" $value }} in four hours. Markets do not move '
        "in straight lines. Decide now what you would repay or add, and at which ratio.",
        '照這個速度，四小時後的維持率是 {{ printf "%.2f" $value }}。市場不會直線前進。'
        "請現在就決定要還款或補入多少，以及在哪個維持率動手。",
    ),
    waits="10m",
    keeps_firing="15m",
    why="""By the pace of the hour and of the last quarter of it, so that a fall that is over
    predicts nothing; only where half an hour is known, the ratio is near, and it has not crossed
    yet.""",
)


_DISTANCE = (
    "min by (account) "
    '(account_level:bitopro_margin_moving_distance:last_known{level="liquidation"})'
)


def _within(level: str, times: str = "") -> str:
    family = f'bitopro_margin_distance_threshold_ratio{{level="{level}"}}'
    return f"{_DISTANCE}\n  <= on (account) {times}max by (account) (last_over_time({family}[1d]))"


_A_MOVE = Text(
    f"A move of prices by {PERCENT} would bring account {ACCOUNT} below its liquidation threshold.",
    f"價格只要變動 {PERCENT}，帳戶 {ACCOUNT} 就會低於強制平倉門檻。",
)

DISTANCE_CRITICAL = Alert(
    "DistanceCritical",
    "critical",
    About.ACCOUNT,
    _within("critical")
    + _while_firing("DistanceCritical", _within("critical", "1.3 * "), _BELOW_WARNING),
    _A_MOVE,
    NEAREST
    + Text(
        "Repay or add assets now, before the market does its part.",
        "請趕在市場之前，立刻還款或補入資產。",
    ),
    why="""Known as last, so that a price that vanishes is no all-clear. It goes on until the
    distance is a third more again, or the ratio is proven above warning.""",
)

DISTANCE_WARNING = Alert(
    "DistanceWarning",
    "warning",
    About.ACCOUNT,
    _within("warning") + _while_firing("DistanceWarning", _within("warning", "1.3 * ")),
    _A_MOVE,
    NEAREST + Text("Decide at which price you act, and how.", "請決定在什麼價格動手，以及怎麼做。"),
    waits="5m",
    why="It goes on until the distance is a third more again.",
)

STRESS_CROSSES = Alert(
    "StressCrosses",
    "info",
    About.ACCOUNT,
    f"""
    min by (account) (bitopro_margin_stress_ad_ratio{{shock=~"-0.2|0.2"}})
    < on (account) {_THRESHOLD}{{level="liquidation"}}
    """,
    Text(
        f"A move of all that moves by 20 % would bring account {ACCOUNT} to {VALUE}, into "
        "liquidation.",
        f"所有會波動的幣種一起變動 20 %，帳戶 {ACCOUNT} 的維持率就會到 {VALUE}，進入強制平倉。",
    ),
    Text(
        "It is the worse of a fall and a rise, of everything but the account's unit and stable "
        "currencies. Such days happen. Have ready what you would repay or add.",
        "這是下跌與上漲中較差的一個，計價單位與穩定幣除外。這種日子確實會發生。"
        "請先備妥要還款或補入的資金。",
    ),
    waits="5m",
    keeps_firing="10m",
    why="Held back while an alert on the distance says the same.",
)
