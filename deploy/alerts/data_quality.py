"""Alerts on whether what is known of an account can be believed."""

from deploy.alerts.phrases import ACCOUNT, AGE, TIME_ZH, listed
from deploy.alerts.record import About, Alert, Text

_REASONS = listed(
    "sum by (reason) (increase(bitopro_margin_poll_failures_total{account=%q}[10m])) > 0",
    "account",
    name="reason",
)

NOT_PROVEN_SAFE = Alert(
    "NotProvenSafe",
    "critical",
    About.ACCOUNT,
    """
    account:bitopro_margin_expected:any
    unless on (account) account:bitopro_margin_proven_safe:max
    unless on (account) (
      (
        last_over_time(account:bitopro_margin_proven_safe:max[150s])
        or on (account) (
          account:bitopro_margin_expected:any
          unless on (account) (account:bitopro_margin_expected:any offset 150s)
        )
      )
      unless on (account) (
        account:bitopro_margin_ad_ratio:last_known
        < on (account) 1.25 * account_level:bitopro_margin_ad_ratio_threshold:last_known{level="warning"}
      )
      unless on (account) (
        min by (account) (
          account_level:bitopro_margin_moving_distance:last_known{level="liquidation"}
        )
        <= on (account) max by (account) (
          last_over_time(bitopro_margin_distance_threshold_ratio{level="warning"}[1d])
        )
      )
    )
    """,
    Text(
        f"Account {ACCOUNT} is not proven safe.",
        f"帳戶 {ACCOUNT} 未能證實安全。",
    ),
    Text(
        "Nothing has proven for a while that it is safe, so treat it as being liquidated until "
        "you know better. Reasons of failed polls: ",
        "已有一段時間沒有任何資料能證實它是安全的，在弄清楚之前，請當作它正在被強制平倉。輪詢失敗的原因：",
    )
    + _REASONS.or_else(
        Text("none, so its page is missing or its totals are", "無，可能是頁面或總額缺漏、過時")
    )
    + Text(
        ". Look at the account on the exchange's own site first, then fix the exporter.",
        "。請先到交易所網站查看帳戶，再修復 exporter。",
    ),
    waits="90s",
    keeps_firing="2m",
    why="""After 90 s for an account that was in danger when it was last seen; the others, and new
    ones, have 150 s more, four minutes in all: after an outage of two, the exporter's next poll may be 75 s away, and
    one scrape and one evaluation follow. An answer that ages alarms after 105 s more.""",
)

INCONSISTENT = Alert(
    "Inconsistent",
    "critical",
    About.ACCOUNT,
    """
    max by (account, check) (
      last_over_time(bitopro_margin_inconsistent{check=~"ad_ratio|debt"}[1m])
    ) != 0
    or on (account, check) (
      max by (account, check) (ALERTS{alertname="BitoproMarginInconsistent", alertstate="firing"})
      and on (account) account:bitopro_margin_expected:any
      unless on (account) max by (account) (last_over_time(bitopro_margin_total_debt_amount[2m]))
    )
    """,
    Text(
        f"The answer for account {ACCOUNT} contradicts itself ({{{{ $labels.check }}}}): its ratio "
        "cannot be trusted.",
        f"帳戶 {ACCOUNT} 的回應自相矛盾（{{{{ $labels.check }}}}）：維持率不可信。",
    ),
    Text(
        '{{ if eq $labels.check "debt" }}BitoPro reports borrowed currencies without a total debt, '
        "or a total debt without any borrowed currency. {{ else }}The ratio that BitoPro reports is "
        "not the quotient of its totals. {{ end -}} "
        "It is unknown which number is wrong, so alerts on the ratio may be silent wrongly. "
        "Read the ratio on the exchange's own site, and act on the lower one.",
        '{{ if eq $labels.check "debt" }}BitoPro 回報有借款的幣種卻沒有總負債，或有總負債卻沒有任何借款的幣種。'
        "{{ else }}BitoPro 回報的維持率不等於總資產除以總負債。{{ end -}} "
        "無從判斷哪個數字是錯的，因此維持率的警報可能該響而不響。"
        "請到交易所網站查看維持率，並以較低者為準採取行動。",
    ),
    waits="2m",
    keeps_firing="5m",
    why="""Critical, because these two checks cover the very numbers that the alerts above rely on. Once
    no answer was shown for two minutes, what fired goes on.""",
)

ANSWER_FROZEN = Alert(
    "AnswerFrozen",
    "warning",
    About.ACCOUNT,
    """
    time() - max by (account) (bitopro_margin_last_change_timestamp_seconds) > 1800
    and on (account) max by (account) (bitopro_margin_total_debt_amount) > 0
    and on (account) (
      group by (account) (
        bitopro_margin_price_missing == 1
        unless on (job, instance, account, currency) bitopro_margin_stable_currency
      )
      or on (account) max by (account) (
        sum by (job, instance, account) (
          bitopro_margin_asset_value
          unless on (job, instance, account, currency) bitopro_margin_stable_currency
        )
        > 0.01 * max by (job, instance, account) (bitopro_margin_total_asset_amount)
      )
      or on (account) max by (account) (
        sum by (job, instance, account) (
          bitopro_margin_debt_value
          unless on (job, instance, account, currency) bitopro_margin_stable_currency
        )
        > 0.01 * max by (job, instance, account) (bitopro_margin_total_debt_amount)
      )
    )
    """,
    Text(
        f"BitoPro's answer for account {ACCOUNT} has not changed for ",
        f"{TIME_ZH}BitoPro 對帳戶 {ACCOUNT} 的回應已經 ",
    )
    + AGE
    + Text(".", "沒有變化。"),
    Text(
        "Every poll succeeds, but each answer reads like the one before, although the account holds "
        "or owes currencies whose price moves. The exchange, or something on the way, may be serving "
        "an old answer. The true ratio may be lower: compare it with the exchange's own site.",
        "每次輪詢都成功，但回應都和前一次一樣，而帳戶持有或欠有價格會波動的幣種。"
        "交易所或中間的某個環節可能在提供過時的回應。真正的維持率可能更低：請與交易所網站比對。",
    ),
    waits="2m",
    keeps_firing="5m",
    why="""Only where the answer has to move: there is debt, and more than one per cent of the
    assets or of the debt is in currencies that are not stable, or of a price that is not known.""",
)

INTEGRITY = Alert(
    "Integrity",
    "warning",
    About.ACCOUNT,
    """
    max by (account) (bitopro_margin_totals_difference_ratio) > 0.01
    or on (account) max by (account) (
      last_over_time(bitopro_margin_inconsistent{check="total_amount"}[1m])
    ) != 0
    """,
    Text(
        f"The balances of account {ACCOUNT} do not add up to the totals that BitoPro reports.",
        f"帳戶 {ACCOUNT} 的各幣種餘額加總，與 BitoPro 回報的總額不符。",
    ),
    Text(
        "Its totals differ by more than 1 % from its balances at mark prices, or the total of a "
        "currency from what is available and in orders. Liquidation prices, distances and stress are off by as much; the ratio comes from "
        "the reported totals alone. Compare both with the exchange's own site, and keep a wider "
        "margin until you know.",
        "總額與餘額乘以標記價格相差超過 1 %，或某個幣種的總額不等於可用加上掛單中的數量。"
        "強制平倉價格、距離與壓力測試會有同樣程度的誤差；維持率只由回報的總額算出。"
        "請將兩者與交易所網站比對；弄清楚之前，請保留更大的緩衝。",
    ),
    waits="5m",
    keeps_firing="10m",
    why="Prices are asked for after the balances, so a moment of a fast market differs.",
)

PRICE_MISSING = Alert(
    "PriceMissing",
    "warning",
    About.ACCOUNT,
    """
    max by (account, currency) (bitopro_margin_price_missing) == 1
    and on (account) (account:bitopro_margin_ad_ratio:exact < 100)
    """,
    Text(
        f"No price of {{{{ $labels.currency }}}} is known for account {ACCOUNT}.",
        f"帳戶 {ACCOUNT} 的 {{{{ $labels.currency }}}} 沒有已知價格。",
    ),
    Text(
        "Alerts on distance, stress and interest are silent, or go by what was known before. "
        "Those on the ratio need no prices. See whether the exchange gives a mark price of "
        "{{ $labels.currency }}, in the account's unit.",
        "距離、壓力測試與利息的警報不會響，或只依先前已知的數值。維持率的警報不需要價格。"
        "請查看交易所是否以帳戶的計價單位提供 {{ $labels.currency }} 的標記價格。",
    ),
    waits="10m",
    keeps_firing="5m",
    why="Only with debt, and not with one that is a hundredth of the assets.",
)

ACCOUNT_LABEL_HIDDEN = Alert(
    "AccountLabelHidden",
    "critical",
    About.POLLS,
    """
    group by (job, account, exported_account) (
      bitopro_margin_up{exported_account!="",job!="bitopro-margin-drill"}
    )
    """,
    Text(
        "A label of the scrape configuration hides account {{ $labels.exported_account }}.",
        "抓取設定的標籤遮住了帳戶 {{ $labels.exported_account }}。",
    ),
    Text(
        f"Its series carry the label account={ACCOUNT}, which the job {{{{ $labels.job }}}} or its "
        "targets add, so its alerts fire under that name or not at all. Set honor_labels: true in "
        "that job (honorLabels in a ServiceMonitor), or remove the label account from its targets. "
        "Until then look at the account on the exchange's site.",
        f"它的時間序列帶著標籤 account={ACCOUNT}，這是抓取工作 {{{{ $labels.job }}}} 或其目標加上的，"
        "因此它的警報會以那個名稱觸發，或根本不觸發。"
        "請在該抓取工作設定 honor_labels: true（ServiceMonitor 則是 honorLabels），或移除目標上的標籤 account。"
        "在那之前，請到交易所網站查看帳戶。",
    ),
    keeps_firing="5m",
    why="""Every page of an account shows its bitopro_margin_up, and one scrape renames a label on
    all series alike. At once: until it is fixed, alerts name the wrong account.""",
)

_TWINS = listed(
    'group by (account) (bitopro_margin_account_info{account!=%q,exported_account="",'
    'job!="bitopro-margin-drill"} and on (account_id) bitopro_margin_account_info{account=%q,'
    'account_id!="",exported_account="",job!="bitopro-margin-drill"})',
    "account",
    "account",
    name="account",
)

ACCOUNTS_ARE_ONE = Alert(
    "AccountsAreOne",
    "critical",
    About.POLLS,
    """
    group by (account) (
      bitopro_margin_account_info{account_id!="",exported_account="",job!="bitopro-margin-drill"}
      and on (account_id) (
        count by (account_id) (
          group by (account, account_id) (
            bitopro_margin_account_info{account_id!="",exported_account="",job!="bitopro-margin-drill"}
          )
        ) > 1
      )
    )
    """,
    Text(
        f"Account {ACCOUNT} is the same account at BitoPro as another one.",
        f"帳戶 {ACCOUNT} 與另一個帳戶在 BitoPro 是同一個。",
    ),
    Text(
        "Its answers carry the same accountID as those for ",
        "它的回應所帶的 accountID，與下列帳戶相同：",
    )
    + _TWINS
    + Text(
        ". One of them is not watched, and looks safe by the numbers of the other: both keys may "
        "belong to one account, or something on the way answers one with the other's copy. Look at "
        "all of them on the exchange's site, then give each its own key.",
        "。其中一個其實無人監看，只是借另一個的數字看起來安全："
        "兩把金鑰可能屬於同一個帳戶，或途中有東西用別人的副本回應。"
        "請到交易所網站查看所有這些帳戶，然後讓每個帳戶使用自己的金鑰。",
    ),
    waits="2m",
    keeps_firing="5m",
    why="""By the exchange's own id, whatever scrapes and shards there are. One name that is scraped
    twice is one account. An id that is hidden is empty, and cannot be compared.""",
)
