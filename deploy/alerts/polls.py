"""Alerts on why requests to BitoPro fail, and on undocumented answers."""

from deploy.alerts.phrases import ACCOUNT, PERCENT, asked, listed
from deploy.alerts.record import About, Alert, Text

_TIMES = '{{ printf "%.0f" $value }}'
_ENDPOINT = "{{ $labels.endpoint }}"

AUTHENTICATION_FAILING = Alert(
    "AuthenticationFailing",
    "warning",
    About.POLLS,
    """
    sum by (account, instance) (
      increase(bitopro_margin_poll_failures_total{reason="auth"}[5m])
    ) > 1.5
    and on (account, instance) (bitopro_margin_up == 0)
    """,
    Text(
        f"BitoPro rejects the credentials of account {ACCOUNT}.",
        f"BitoPro 拒絕了帳戶 {ACCOUNT} 的 API 金鑰。",
    ),
    Text(
        f"It answered 401 or 403 to {_TIMES} polls of the exporter {{{{ $labels.instance }}}} in "
        "five minutes, and soon nothing will be known of the account. Check the API key: does it "
        "exist, may it read, is this machine's address allowed? Changed key files are read again by "
        "themselves.",
        f"五分鐘內，它對 exporter {{{{ $labels.instance }}}} 的 {_TIMES} 次輪詢回應 401 或 403，"
        "很快就會對這個帳戶一無所知。請檢查 API 金鑰：是否還存在、是否有讀取權限、是否允許這台機器的位址？"
        "金鑰檔案變更後會自動重新讀取。",
    ),
    keeps_firing="2m",
    why="Twice, for rejected credentials are tried once a minute, and one answer may be a slip.",
)

RATE_LIMITED = Alert(
    "RateLimited",
    "warning",
    About.POLLS,
    """
    sum by (account, instance) (
      increase(bitopro_margin_poll_failures_total{reason="rate_limited"}[15m])
    ) > 1.5
    """,
    Text(
        f"BitoPro limits the polls of account {ACCOUNT}.",
        f"BitoPro 限制了帳戶 {ACCOUNT} 的輪詢次數。",
    ),
    Text(
        f"It refused {_TIMES} polls of the exporter {{{{ $labels.instance }}}} with 429 in 15 "
        "minutes. The account is not looked at while the exporter waits. Run fewer programs on this "
        "address and this account, or lengthen the poll interval.",
        f"15 分鐘內，它以 429 拒絕了 exporter {{{{ $labels.instance }}}} 的 {_TIMES} 次輪詢。"
        "等待期間無法監看這個帳戶。請減少在此位址與此帳戶上執行的程式，或拉長輪詢間隔。",
    ),
    keeps_firing="5m",
    why="Twice, because one refusal is what limits are for.",
)

CLOCK_SKEW = Alert(
    "ClockSkew",
    "warning",
    About.POLLS,
    """
    max by (account, instance) (
      abs(last_over_time(bitopro_margin_clock_skew_seconds[1m]))
    ) > 5
    """,
    Text(
        f"The clock of the exporter and BitoPro's differ by {_TIMES} s.",
        f"exporter 的時鐘與 BitoPro 相差 {_TIMES} 秒。",
    ),
    Text(
        f"It was seen at the exporter {{{{ $labels.instance }}}}, in polls of account {ACCOUNT}. "
        f"{{{{ with {asked('max(bitopro_margin_up{account=%q,instance=%q}) == 1', 'account', 'instance')} }}}}"
        "BitoPro accepts the signed requests, so the clock is about right: a cache on the way "
        "answers with old copies. Look at the account on the exchange's site, and exempt the API "
        "from caching.{{ else }}Polls fail. With the reason cached, a cache on the way answers with "
        "old copies; otherwise check that the machine's clock is set by NTP.{{ end }}",
        f"這是在 exporter {{{{ $labels.instance }}}} 由帳戶 {ACCOUNT} 的輪詢得知的。"
        f"{{{{ with {asked('max(bitopro_margin_up{account=%q,instance=%q}) == 1', 'account', 'instance')} }}}}"
        "簽章請求都被接受，所以時鐘大致正確：途中有快取以舊副本回應。"
        "請到交易所網站查看帳戶，並讓快取略過這個 API。{{ else }}輪詢失敗。"
        "原因若是 cached，表示途中有快取以舊副本回應；否則請檢查機器的時鐘是否由 NTP 校時。{{ end }}",
    ),
    waits="5m",
    keeps_firing="5m",
)

_POLL_REASONS = listed(
    "sum by (reason) (increase("
    "bitopro_margin_poll_failures_total{account=%q,instance=%q}[10m])) > 0",
    "account",
    "instance",
    name="reason",
)

POLL_FAILURES = Alert(
    "PollFailures",
    "warning",
    About.POLLS,
    """
    (
      sum by (account, instance) (increase(bitopro_margin_poll_failures_total[10m]))
      / sum by (account, instance) (increase(bitopro_margin_polls_total[10m]))
    ) > 0.3
    and sum by (account, instance) (increase(bitopro_margin_poll_failures_total[10m])) > 2.5
    """,
    Text(
        f"{PERCENT} of the polls of account {ACCOUNT} fail.",
        f"帳戶 {ACCOUNT} 的輪詢有 {PERCENT} 失敗。",
    ),
    Text(
        "The ratio is seen less often than you think, at the exporter {{ $labels.instance }}. Reasons: ",
        "在 exporter {{ $labels.instance }}，維持率更新得比您以為的少。原因：",
    )
    + _POLL_REASONS
    + Text(
        ". The exporter's log and the runbook tell what each asks for.",
        "。各種原因該如何處理，請看 exporter 的日誌與處理手冊。",
    ),
    waits="2m",
    keeps_firing="5m",
    why="Three in ten minutes, and near a third of all: more than an outage of two minutes makes.",
)

_WITHOUT = Text(
    '{{ if eq $labels.endpoint "mark-price" }}Without prices there are no liquidation prices, '
    "distances and stress. "
    '{{ else if eq $labels.endpoint "provisioning/borrow" }}Without rates there is no interest. '
    "{{ else }}Liquidations of the account are not seen. {{ end -}} ",
    '{{ if eq $labels.endpoint "mark-price" }}沒有價格，就沒有強制平倉價格、距離與壓力測試。'
    '{{ else if eq $labels.endpoint "provisioning/borrow" }}沒有利率，就無法計算利息。'
    "{{ else }}看不到這個帳戶的強制平倉紀錄。{{ end -}} ",
)

_ENDPOINT_REASONS = listed(
    "sum by (reason) (increase("
    "bitopro_margin_endpoint_failures_total{account=%q,endpoint=%q}[1h])) > 0",
    "account",
    "endpoint",
    name="reason",
)

ENDPOINT_FAILING = Alert(
    "EndpointFailing",
    "info",
    About.POLLS,
    """
    max by (account, endpoint) (
      max_over_time(bitopro_margin_endpoint_up[5m])
    ) == 0
    unless on (account, endpoint) (
      bitopro_margin_endpoint_up{endpoint!="user-liquidations"}
      and on (job, instance, endpoint) (
        (bitopro_margin_endpoint_up == 1)
        and time() - bitopro_margin_endpoint_last_success_timestamp_seconds < 900
      )
    )
    """,
    Text(
        f"{_ENDPOINT} cannot be read with the key of account {ACCOUNT}.",
        f"無法以帳戶 {ACCOUNT} 的金鑰讀取 {_ENDPOINT}。",
    ),
    Text("Requests have failed for an hour, ", "請求已經失敗一小時，")
    + _ENDPOINT_REASONS.or_else(Text("for no reason that is known", "原因不明"))
    + Text(". ", "。")
    + _WITHOUT
    + Text(
        "The key may lack the right, or BitoPro may have withdrawn the endpoint; the ratio does not "
        "depend on it.",
        "金鑰可能沒有權限，或 BitoPro 已停用這個端點；維持率不受影響。",
    ),
    waits="60m",
    keeps_firing="5m",
    why="""Prices and rates are read once for all accounts of an exporter. While one key reads them,
    another whose last request failed is not asked, and its failure, however old, does not
    matter.""",
)

ENDPOINT_NOT_ASKED = Alert(
    "EndpointNotAsked",
    "info",
    About.POLLS,
    """
    (
      time() - max by (account, endpoint) (
        (
          bitopro_margin_endpoint_last_success_timestamp_seconds{endpoint="user-liquidations"}
          or (
            0 * bitopro_margin_endpoint_last_success_timestamp_seconds
            + on (job, instance, endpoint) group_left ()
            max by (job, instance, endpoint) (
              bitopro_margin_endpoint_last_success_timestamp_seconds
            )
          )
        )
        and on (job, instance, account, endpoint) (bitopro_margin_endpoint_up == 1)
        and on (job, instance, account) (max_over_time(bitopro_margin_up[5m]) == 1)
      ) > 900
    )
    or on (account, endpoint) (
      0 * max by (account, endpoint) (
        (
          label_replace(bitopro_margin_up unless on (job, instance, account)
            bitopro_margin_endpoint_up{endpoint="user-liquidations"},
            "endpoint", "user-liquidations", "", "")
          or label_replace(bitopro_margin_up unless on (job, instance)
            bitopro_margin_endpoint_up{endpoint="mark-price"}, "endpoint", "mark-price", "", "")
          or label_replace(bitopro_margin_up unless on (job, instance)
            bitopro_margin_endpoint_up{endpoint="provisioning/borrow"},
            "endpoint", "provisioning/borrow", "", "")
        )
        and on (job, instance, account) (bitopro_margin_up{job="bitopro-margin"} == 1)
        and on (job, instance, account) (bitopro_margin_up offset 15m == 1)
      ) + Inf
      unless on (account, endpoint) bitopro_margin_endpoint_up
    )
    """,
    Text(
        f"{_ENDPOINT} is not asked with the key of account {ACCOUNT}.",
        f"沒有以帳戶 {ACCOUNT} 的金鑰請求 {_ENDPOINT}。",
    ),
    Text(
        "{{ if gt $value 1e12 }}It was never asked{{ else }}It was last read "
        "{{ humanizeDuration $value }} ago{{ end }}, although polls of the balances succeed. ",
        '{{ define "time" }}{{ . | humanizeDuration | reReplaceAll "ms" " 毫秒" | '
        'reReplaceAll "d" " 天" | reReplaceAll "h" " 小時" | reReplaceAll "m" " 分" | '
        'reReplaceAll "s" " 秒" }}{{ end -}} '
        "{{ if gt $value 1e12 }}從未請求過{{ else }}上次讀取是在 "
        '{{ template "time" $value }}前{{ end }}，雖然餘額的輪詢都成功。',
    )
    + _WITHOUT
    + Text(
        "Optional requests wait for the balances: the exporter has too many accounts for its limit, "
        "or its polls take all of the interval.",
        "選用請求必須讓餘額優先：這個 exporter 的帳戶太多而上限太低，或輪詢占滿了整個間隔。",
    ),
    waits="5m",
    keeps_firing="5m",
    why="""The other way to go without: the last request succeeded, however long ago, or there was
    none. Prices and rates count as read if any key of the exporter read them.""",
)

UNDOCUMENTED_VALUES = Alert(
    "UndocumentedValues",
    "info",
    About.POLLS,
    """
    max by (account, kind) (
      bitopro_margin_undocumented_values_total > (bitopro_margin_undocumented_values_total offset 1d)
      or (bitopro_margin_undocumented_values_total > 0)
      unless (bitopro_margin_undocumented_values_total offset 1d)
    )
    """,
    Text(
        f"BitoPro's answer for account {ACCOUNT} holds an undocumented {{{{ $labels.kind }}}}.",
        f"BitoPro 對帳戶 {ACCOUNT} 的回應含有文件未記載的 {{{{ $labels.kind }}}}。",
    ),
    Text(
        "{{ $value }} such values were met since the exporter started. What they mean is unknown, "
        "and numbers may come to mean something else. Find "
        "\"undocumented in the answer\" in the exporter's log, and report it to the exporter's project.",
        "exporter 啟動以來出現了 {{ $value }} 個這樣的值。它們的意思不明，數字的意義也可能因此改變。"
        '請在 exporter 的日誌中尋找 "undocumented in the answer"，並回報給 exporter 專案。',
    ),
    keeps_firing="5m",
    why="""For a day: then it is no news. Counters start at zero with the exporter, so a rise cannot
    be seen by increase() if it came with the first poll.""",
)
