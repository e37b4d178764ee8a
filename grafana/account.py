"""The account holder's dashboard."""

from grafana.am_i_safe import (
    ACCOUNTS,
    AGE_TILE,
    ALERTS,
    BLINDNESS,
    FIRST_LINE,
    LIQUIDATIONS_TILE,
    STRESS,
)
from grafana.can_i_believe_it import AGES, INTEGRITY, LIQUIDATIONS, MARKET
from grafana.dashboard import ACCOUNT_UID, HEALTH_UID, Dashboard
from grafana.holdings import ASSETS, BALANCES, DEBT, INTEREST_ACCRUED, INTEREST_PER_DAY, TIME_LEFT
from grafana.how_it_got_here import DISTANCE, RATIO
from grafana.panels import Row
from grafana.what_would_push_me_over import LADDER, LADDER_OF_WORST, PRICES

DASHBOARD = Dashboard(
    uid=ACCOUNT_UID,
    title="BitoPro margin accounts",
    description="How far is liquidation, what would bring me there, and what would help?",
    other=("Exporter health", HEALTH_UID),
    rows=(
        Row(
            "Am I safe?",
            (
                (6, FIRST_LINE),
                (5, (STRESS, AGE_TILE, BLINDNESS, ALERTS, LIQUIDATIONS_TILE)),
                (6, (ACCOUNTS,)),
            ),
        ),
        Row(
            "How did it get here?",
            ((10, (RATIO, DISTANCE)),),
        ),
        Row(
            "What would push me over?",
            ((11, (LADDER, LADDER_OF_WORST)), (7, (PRICES,))),
        ),
        Row(
            "What do I hold and owe?",
            ((8, (ASSETS, DEBT)), (10, (BALANCES,))),
        ),
        Row(
            "What does it cost?",
            ((7, (INTEREST_PER_DAY, INTEREST_ACCRUED, TIME_LEFT)),),
        ),
        Row(
            "Can I believe it?",
            ((7, (AGES, INTEGRITY)), (7, (LIQUIDATIONS, MARKET))),
            is_collapsed=True,
        ),
    ),
)
