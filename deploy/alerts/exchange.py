"""Alerts on what BitoPro itself says of an account: its label, status, liquidations, interest."""

from deploy.alerts.phrases import ACCOUNT, AGE, PERCENT, TIME_ZH, asked
from deploy.alerts.record import About, Alert, Text

_OTHER_LABELS = (
    "{{ with "
    + asked(
        "bitopro_margin_ad_ratio_label{account=%q}"
        " and on (job, instance, account) bitopro_margin_ad_ratio_label_safe == 0",
        "account",
    )
    + " }}{{ range $i, $each := . }}"
)

LABEL = Alert(
    "ExchangeLabel",
    "critical",
    About.ACCOUNT,
    """
    max by (account) (bitopro_margin_total_debt_amount != 0)
    unless on (account) (min by (account) (bitopro_margin_ad_ratio_label_safe) == 1)
    or on (account) (
      max by (account) (ALERTS{alertname="BitoproMarginExchangeLabel", alertstate="firing"})
      and on (account) account:bitopro_margin_expected:any
      unless on (account) max by (account) (last_over_time(bitopro_margin_total_debt_amount[2m]))
    )
    """,
    Text(
        f"BitoPro no longer calls account {ACCOUNT} safe.",
        f"BitoPro 不再把帳戶 {ACCOUNT} 標示為安全。",
    ),
    Text(
        f"Its label is {_OTHER_LABELS}{{{{ .Labels.label }}}} {{{{ end }}}}{{{{ else }}}}missing {{{{ end }}}}",
        f"目前的標示是{_OTHER_LABELS}{{{{ if $i }}}}、{{{{ else }}}} {{{{ end }}}}{{{{ .Labels.label }}}}{{{{ end }}}}"
        "{{ else }}空白{{ end }}",
    )
    + Text(
        "and not one of the setting safe_labels. The exchange knows its thresholds, and you may only assume "
        "them: believe the label. Look at the account on the exchange's site, and repay or add assets.",
        "，不在設定 safe_labels 之中。交易所知道自己的門檻，您可能只是假定：請以標示為準。"
        "請到交易所網站查看帳戶，並還款或補入資產。",
    ),
    waits="1m",
    keeps_firing="2m",
    why="""Only one label is documented: any other that safe_labels does not list, or none, unless
    there is proof of no debt. Once no answer was shown for two minutes, what fired goes on: silence is no all-clear.""",
)

STATUS = Alert(
    "AccountStatus",
    "critical",
    About.ACCOUNT,
    """
    max by (account, field) (account_field:bitopro_margin_status:last_known) != 1
    unless on (account) (max by (account) (bitopro_margin_total_debt_amount) == 0)
    """,
    Text(
        f"The status of account {ACCOUNT} is no longer normal ({{{{ $labels.field }}}} {{{{ $value }}}}).",
        f"帳戶 {ACCOUNT} 的狀態不再正常（{{{{ $labels.field }}}} {{{{ $value }}}}）。",
    ),
    Text(
        "The account has debt, and 1 is the only status that is documented. It may be restricted, or "
        "in liquidation. Look at it on the exchange's site, and ask its support what the status means.",
        "這個帳戶有負債，而文件只記載 1 這個值。帳戶可能受到限制，或正在被強制平倉。"
        "請到交易所網站查看帳戶，並詢問客服這個狀態的意思。",
    ),
    waits="1m",
    keeps_firing="10m",
)

# Of the latest one alone: another exporter may not have read the list again.
_SOLD = asked(
    "max by (currency, side) (("
    'label_replace(bitopro_margin_last_liquidation_asset_amount{account=%q}, "side", "sold", "", "")'
    ' or label_replace(bitopro_margin_last_liquidation_debt_amount{account=%q}, "side", "settled", "", ""))'
    " and on (job, instance) (bitopro_margin_last_liquidation_timestamp_seconds{account=%q}"
    " == on () group_left () max(bitopro_margin_last_liquidation_timestamp_seconds{account=%q})))",
    *["account"] * 4,
)

LIQUIDATED = Alert(
    "Liquidated",
    "critical",
    About.ACCOUNT,
    """
    time() - max by (account) (
      last_over_time(bitopro_margin_last_liquidation_timestamp_seconds[1h])
    ) < 3600
    or on (account) (
      time() - (
        account:bitopro_margin_last_liquidation_timestamp:last_known
        > on (account)
        last_over_time(account:bitopro_margin_last_liquidation_timestamp:last_known[1d] offset 1h)
      )
    )
    """,
    Text(
        f"BitoPro has liquidated assets of account {ACCOUNT}.",
        f"BitoPro 已強制平倉帳戶 {ACCOUNT} 的資產。",
    ),
    Text(
        "It finished ",
        TIME_ZH + "這次強制平倉在 ",
    )
    + AGE
    + Text(
        f" ago{{{{ range {_SOLD} }}}}; it {{{{ .Labels.side }}}} "
        '{{ printf "%.10g" .Value }} {{ .Labels.currency }}{{ end }}. '
        "{{ if gt $value 3600.0 }}It was not seen at that time, so there may have been more than one. "
        "{{ end -}} "
        "Another may follow: see on the exchange's site what is left, then repay or add assets.",
        f"前完成{{{{ range {_SOLD} }}}}；"
        '{{ if eq .Labels.side "sold" }}賣出 {{ else }}清償負債 {{ end }}'
        '{{ printf "%.10g" .Value }} {{ .Labels.currency }}{{ end }}。'
        "{{ if gt $value 3600.0 }}當時沒有看到，因此可能不只一次。{{ end -}} "
        "可能還會再次發生：請到交易所網站查看還剩下什麼，然後還款或補入資產。",
    ),
    keeps_firing="5m",
    why="""By the time that BitoPro gives, so that neither a restart nor silence changes it. One
    that finished unobserved is told once it is seen, for an hour too: it is newer than
    what was known an hour ago, or last before that. What an exporter lists at its first start is
    not.""",
)

LIQUIDATION_RUNNING = Alert(
    "LiquidationRunning",
    "critical",
    About.ACCOUNT,
    """
    max by (account) (bitopro_margin_liquidations_unfinished) > 0
    or on (account) (
      max by (account) (ALERTS{alertname="BitoproMarginLiquidationRunning", alertstate="firing"})
      and on (account) account:bitopro_margin_expected:any
      unless on (account) max by (account) (last_over_time(bitopro_margin_liquidations_unfinished[2m]))
      unless on (account) (max by (account) (bitopro_margin_total_debt_amount) == 0)
    )
    """,
    Text(
        f"BitoPro lists a liquidation of account {ACCOUNT} that is not finished.",
        f"BitoPro 列有帳戶 {ACCOUNT} 尚未完成的強制平倉。",
    ),
    Text(
        "What the status means is not documented. Its assets may be sold at this moment. Open the "
        "exchange, and repay or add assets if it lets you.",
        "這個狀態的意思文件並未記載。此刻可能正在賣出帳戶資產。"
        "請打開交易所網站，若網站允許，立刻還款或補入資產。",
    ),
    keeps_firing="5m",
    why="""Only one status is documented: finished. Once no answer was shown for two minutes, what
    fired goes on, unless there is proof of no debt.""",
)

_REFUSED = "cached|content_type|framing|json|schema|too_large"

LIQUIDATIONS_UNREADABLE = Alert(
    "LiquidationsUnreadable",
    "warning",
    About.ACCOUNT,
    f"""
    max by (account) (
      max_over_time(bitopro_margin_endpoint_up{{endpoint="user-liquidations"}}[2m])
    ) == 0
    and on (account) (
      sum by (account) (
        increase(
          bitopro_margin_endpoint_failures_total{{
            endpoint="user-liquidations",reason=~"{_REFUSED}"
          }}[15m]
        )
      ) > 0
      or on (account) sum by (account) (
        bitopro_margin_endpoint_failures_total{{
          endpoint="user-liquidations",reason=~"{_REFUSED}"
        }}
        unless (bitopro_margin_endpoint_failures_total offset 15m)
      ) > 0
    )
    """,
    Text(
        f"BitoPro's list of liquidations of account {ACCOUNT} cannot be understood.",
        f"看不懂 BitoPro 回應的帳戶 {ACCOUNT} 強制平倉紀錄。",
    ),
    Text(
        "An entry of an unknown form is enough for that, and a liquidation that has just begun or "
        "ended may be one. Until the answer is understood, no alert tells of liquidations: look at "
        "the account on the exchange's site now. The exporter's log says what was not understood; "
        "report it to the exporter's project.",
        "只要有一筆紀錄的格式不明就會如此，而剛開始或剛完成的強制平倉可能正是這樣的紀錄。"
        "在看懂回應之前，沒有警報會通知強制平倉：請立刻到交易所網站查看帳戶。"
        "exporter 的日誌會說明哪裡看不懂；請回報給 exporter 專案。",
    ),
    waits="3m",
    keeps_firing="5m",
    why="""An answer that is not understood is refused as a whole, and what it would have told is
    not seen. Counters start at zero with the exporter, so the first failure is not seen by
    increase().""",
)

TRANSFER_MAINTENANCE = Alert(
    "TransferMaintenance",
    "warning",
    About.ACCOUNT,
    "max by (account, currency) (last_over_time(bitopro_margin_transfer_status[1m])) == 2",
    Text(
        f"Transfers of {{{{ $labels.currency }}}} are under maintenance for account {ACCOUNT}.",
        f"帳戶 {ACCOUNT} 的 {{{{ $labels.currency }}}} 劃轉維護中。",
    ),
    Text(
        "It can be moved neither into nor out of the account. If you meant to rescue the account "
        "with {{ $labels.currency }}, have another currency ready.",
        "這個幣種既無法轉入、也無法轉出帳戶。如果打算用 {{ $labels.currency }} 救援帳戶，請另外準備其他幣種。",
    ),
    waits="2m",
    keeps_firing="5m",
)

BORROW_MAINTENANCE = Alert(
    "BorrowMaintenance",
    "info",
    About.ACCOUNT,
    "max by (account, currency) (last_over_time(bitopro_margin_borrow_status[1m])) == 2",
    Text(
        f"Borrowing of {{{{ $labels.currency }}}} is under maintenance for account {ACCOUNT}.",
        f"帳戶 {ACCOUNT} 的 {{{{ $labels.currency }}}} 借款維護中。",
    ),
    Text(
        "What is borrowed already stays, and so does the ratio. Nothing is to be done, unless you "
        "count on borrowing it.",
        "已經借入的不受影響，維持率也不變。除非您正打算借入，否則不必處理。",
    ),
    waits="2m",
    keeps_firing="5m",
)

INTEREST_HIGH = Alert(
    "InterestHigh",
    "warning",
    About.ACCOUNT,
    """
    max by (account) (
      max by (job, instance, account) (bitopro_margin_interest_per_day_amount)
      / (max by (job, instance, account) (bitopro_margin_total_asset_amount) > 0)
    )
    > on () group_left () bitopro_margin:interest_share_limit
    """,
    Text(
        f"Interest costs account {ACCOUNT} {PERCENT} of its assets per day.",
        f"帳戶 {ACCOUNT} 每天的利息占資產的 {PERCENT}。",
    ),
    Text(
        "At today's rates and prices that is {{ with "
        + asked("max by (unit) (bitopro_margin_interest_per_day_amount{account=%q})", "account")
        + ' }}{{ with first . }}{{ printf "%.2f" .Value }} {{ .Labels.unit }}{{ end }}{{ end }}. '
        "See which loan is expensive, and repay it or borrow another currency.",
        "依今天的利率與價格是 {{ with "
        + asked("max by (unit) (bitopro_margin_interest_per_day_amount{account=%q})", "account")
        + ' }}{{ with first . }}{{ printf "%.2f" .Value }} {{ .Labels.unit }}{{ end }}{{ end }}。'
        "請找出利息昂貴的借款，還掉它，或改借其他幣種。",
    ),
    waits="15m",
    keeps_firing="30m",
)

BORROW_RATE_DOUBLED = Alert(
    "BorrowRateDoubled",
    "warning",
    About.ACCOUNT,
    """
    max by (account, currency) (
      (
        max by (job, instance, currency) (bitopro_margin_borrow_annual_interest_ratio > 0 < Inf)
        >= 2 * min by (job, instance, currency) (
          min_over_time(bitopro_margin_borrow_annual_interest_ratio[1d])
        )
      )
      * on (job, instance, currency) group_right ()
      group by (job, instance, account, currency) (
        bitopro_margin_borrow_amount + bitopro_margin_borrow_interest_amount > 0
      )
    )
    unless on (account, currency) (
      max by (account, currency) (bitopro_margin_debt_value)
      < on (account) group_left ()
      (0.01 * min by (account) (bitopro_margin_total_asset_amount))
    )
    """,
    Text(
        f"The interest on {{{{ $labels.currency }}}}, which account {ACCOUNT} owes, has doubled "
        "within a day.",
        f"帳戶 {ACCOUNT} 所欠的 {{{{ $labels.currency }}}}，利率在一天內變成兩倍。",
    ),
    Text(
        f"It now costs {PERCENT} a year, at least twice the lowest rate of the last day. "
        "A rate that jumps often tells that the currency is scarce. Decide whether to keep this loan.",
        f"年利率現在是 {PERCENT}，至少是過去一天最低利率的兩倍。"
        "利率突然跳升，往往表示這個幣種正供不應求。請決定是否保留這筆借款。",
    ),
    waits="10m",
    keeps_firing="10m",
    why="""Compared with the lowest of the day, and only for a debt that counts: one per cent of the
    assets, or of unknown value.""",
)
