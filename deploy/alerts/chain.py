"""Alerts on the chain itself: exporter, configuration, rules, notifications."""

from deploy.alerts.phrases import listed
from deploy.alerts.record import About, Alert, Text

_INSTANCE = "{{ $labels.instance }}"
_ACCOUNTS = listed(
    "group by (account) (last_over_time(bitopro_margin_up{instance=%q}[1d]))",
    "instance",
    name="account",
)

EXPORTER_DOWN = Alert(
    "ExporterDown",
    "critical",
    About.EXPORTER,
    'up{job="bitopro-margin"} == 0',
    Text(
        f"The exporter at {_INSTANCE} cannot be scraped.",
        f"無法抓取 {_INSTANCE} 的 exporter。",
    ),
    Text(
        "For three minutes nothing has been known of its accounts: ",
        "已有三分鐘對它負責的帳戶一無所知：",
    )
    + _ACCOUNTS
    + Text(
        ". Take them to be in danger, and look at them on the exchange's site. Then see whether the "
        "process runs, what its log says, and what Prometheus gives as the error of the target.",
        "。請當作這些帳戶有危險，到交易所網站查看。"
        "然後再查看程序是否還在執行、日誌寫了什麼，以及 Prometheus 對該目標顯示的錯誤。",
    ),
    waits="3m",
    keeps_firing="4m",
    why="""Before BitoproMarginNotProvenSafe, which it explains and holds back; and until after it,
    so that a recovery does not end in a page.""",
)

EXPORTER_ABSENT = Alert(
    "ExporterAbsent",
    "critical",
    About.CHAIN,
    'absent(up{job="bitopro-margin"})',
    Text(
        "Prometheus has no exporter of margin accounts to scrape.",
        "Prometheus 沒有任何保證金帳戶的 exporter 可抓取。",
    ),
    Text(
        "No account is watched: the job's entry is missing from Prometheus' configuration, or is "
        "called otherwise, or service discovery finds nothing. Look at the accounts on the "
        "exchange's site, and restore the target.",
        "沒有任何帳戶受到監看：Prometheus 設定中可能缺少這個抓取工作、名稱不同，或服務探索找不到目標。"
        "請到交易所網站查看帳戶，並恢復目標。",
    ),
    waits="3m",
    keeps_firing="1m",
)

ACCOUNT_UNREACHABLE = Alert(
    "AccountUnreachable",
    "none",
    About.POLLS,
    """
    count by (account) (
      last_over_time(bitopro_margin_up{job="bitopro-margin"}[1d])
      and on (job, instance) ALERTS{alertname="BitoproMarginExporterDown", alertstate="firing"}
    )
    == count by (account) (
      last_over_time(bitopro_margin_up{job!="bitopro-margin-drill"}[1d])
    )
    """,
    Text(
        "Every exporter of account {{ $labels.account }} is down.",
        "帳戶 {{ $labels.account }} 的所有 exporter 都停擺了。",
    ),
    Text(
        "BitoproMarginExporterDown tells that already, of {{ $value }} of them. This alert sends "
        "no notification: it holds back what follows from that.",
        "BitoproMarginExporterDown 已經通知此事（{{ $value }} 個）。"
        "本警報不通知任何人：它只用來抑制由此衍生的其他警報。",
    ),
    why="""Notifies no one. It lets Alertmanager hold back the page per account when all
    exporters of the account are known, and told, to be down.""",
)

EXPORTER_RESTARTING = Alert(
    "ExporterRestarting",
    "warning",
    About.EXPORTER,
    """
    max by (job, instance) (
      changes(process_start_time_seconds{job="bitopro-margin"}[15m])
    ) > 2
    """,
    Text(
        f"The exporter at {_INSTANCE} keeps restarting.",
        f"{_INSTANCE} 的 exporter 不斷重新啟動。",
    ),
    Text(
        "It has started {{ $value }} times in 15 minutes. Between two starts its accounts are not "
        "watched, and each gap is too short for other alerts. Its log says what ended it: exit code "
        "70 is a bug, 78 the configuration, 137 too little memory.",
        "它在 15 分鐘內啟動了 {{ $value }} 次。每兩次啟動之間，它的帳戶都無人監看，"
        "而每段空檔都短到其他警報察覺不到。日誌會說明它為何結束："
        "結束碼 70 是程式錯誤，78 是設定問題，137 是記憶體不足。",
    ),
    keeps_firing="10m",
)

CONFIG_RELOAD_FAILED = Alert(
    "ConfigReloadFailed",
    "warning",
    About.EXPORTER,
    """
    min by (job, instance) (
      last_over_time(bitopro_margin_exporter_config_last_reload_successful[1m])
    ) != 1
    """,
    Text(
        f"The exporter at {_INSTANCE} refused its changed configuration.",
        f"{_INSTANCE} 的 exporter 拒絕了變更後的設定。",
    ),
    Text(
        "It goes on with the former one: accounts and thresholds are not those in the file, and its "
        "next start will fail. Its log names the setting; fix it and reload.",
        "它沿用先前的設定：帳戶與門檻都不是檔案中的內容，而且下次啟動會失敗。"
        "日誌會指出是哪一項設定；請修正後重新載入。",
    ),
    waits="1m",
    keeps_firing="1m",
)

EXPOSED_WITHOUT_AUTH = Alert(
    "ExposedWithoutAuth",
    "info",
    About.EXPORTER,
    """
    max by (job, instance) (
      last_over_time(bitopro_margin_exporter_exposed_without_auth[1m])
    ) == 1
    """,
    Text(
        f"Anyone who reaches the exporter at {_INSTANCE} can read its accounts.",
        f"連得到 {_INSTANCE} 的人都能讀取這個 exporter 的帳戶。",
    ),
    Text(
        "It listens on an address that other machines may reach, and asks for no password. "
        "Give it --web.config.file with users or certificates of clients, let it listen on "
        "127.0.0.1, or make sure that only Prometheus can reach its port.",
        "它在其他機器也可能連得到的位址上提供頁面，而且不查驗對方身分。"
        "請以 --web.config.file 設定使用者或用戶端憑證、讓它只監聽 127.0.0.1，"
        "或確認只有 Prometheus 連得到它的連接埠。",
    ),
    waits="15m",
    keeps_firing="1m",
)

NO_ACCOUNT_EXPECTED = Alert(
    "NoAccountExpected",
    "critical",
    About.CHAIN,
    "absent(bitopro_margin:expected_account)",
    Text(
        "No margin account is expected, so none can be missed.",
        "沒有預期任何保證金帳戶，因此帳戶消失也不會察覺。",
    ),
    Text(
        "Either expected-accounts.rules.yml is not loaded, or its list is empty, or the default is "
        "in use and no account was seen for a day. Until that is fixed, an account that vanishes "
        "raises no alert.",
        "可能是 expected-accounts.rules.yml 未載入、清單是空的，或使用預設值而一天以來沒有看到任何帳戶。"
        "在修正之前，帳戶消失不會觸發任何警報。",
    ),
    waits="5m",
    keeps_firing="1m",
)

RULES_FAILING = Alert(
    "RulesFailing",
    "critical",
    About.CHAIN,
    """
    sum by (rule_group) (
      increase(prometheus_rule_evaluation_failures_total{rule_group=~".*bitopro-margin.*"}[5m])
    ) > 0
    """,
    Text(
        "Prometheus cannot evaluate rules for margin accounts.",
        "Prometheus 無法計算保證金帳戶的規則。",
    ),
    Text(
        'Rules of the group {{ $labels.rule_group }} failed {{ printf "%.0f" $value }} times in '
        'five minutes: their alerts cannot fire. The page "Rules" of Prometheus names the rule and '
        "the error; most often an edited rule, two series where one is meant, or a query limit.",
        '規則群組 {{ $labels.rule_group }} 在五分鐘內失敗了 {{ printf "%.0f" $value }} 次：'
        '其中的警報無法觸發。Prometheus 的 "Rules" 頁面會指出是哪條規則、什麼錯誤；'
        "最常見的是規則被改過、應該只有一條時間序列卻出現兩條，或達到查詢上限。",
    ),
    keeps_firing="5m",
)

NOTIFICATIONS_FAILING = Alert(
    "NotificationsFailing",
    "critical",
    About.CHAIN,
    """
    sum by (job, instance, integration) (
      increase(alertmanager_notifications_failed_total[5m])
    ) > 0
    """,
    Text(
        "Alertmanager cannot deliver notifications by {{ $labels.integration }}.",
        "Alertmanager 無法透過 {{ $labels.integration }} 送出通知。",
    ),
    Text(
        '{{ printf "%.0f" $value }} deliveries failed in five minutes at {{ $labels.instance }}, so '
        "alerts on margin accounts may not have reached you. Look at the firing alerts in "
        "Alertmanager now. Its log names the receiver and the error.",
        '五分鐘內，{{ $labels.instance }} 有 {{ printf "%.0f" $value }} 次送出失敗，'
        "保證金帳戶的警報可能沒有送到您手上。請立刻到 Alertmanager 查看觸發中的警報。"
        "它的日誌會指出是哪個接收端、什麼錯誤。",
    ),
    waits="1m",
    keeps_firing="10m",
    why="""A minute, because Alertmanager tries again by itself. Its route goes to every receiver, for
    the one that fails cannot tell.""",
)

NO_ALERTMANAGER = Alert(
    "NoAlertmanager",
    "critical",
    About.CHAIN,
    """
    max by (job, instance) (prometheus_notifications_alertmanagers_discovered) == 0
    or on (job, instance) sum by (job, instance) (
      increase(prometheus_notifications_errors_total[5m])
    ) > 0
    """,
    Text(
        f"Prometheus at {_INSTANCE} cannot hand its alerts to Alertmanager.",
        f"{_INSTANCE} 的 Prometheus 無法把警報交給 Alertmanager。",
    ),
    Text(
        "No alert on margin accounts is sent from there. Look at the firing alerts in Prometheus "
        "itself now. Then see whether Alertmanager runs, and whether its address is that in "
        "Prometheus' configuration.",
        "那裡的保證金帳戶警報都送不出去。請立刻在 Prometheus 上查看觸發中的警報。"
        "然後查看 Alertmanager 是否還在執行，以及位址是否與 Prometheus 設定中的一致。",
    ),
    waits="2m",
    keeps_firing="5m",
    why="""Another Alertmanager, Grafana's own alerting or the heartbeat outside tells of it; it
    is on Prometheus' own page in any case.""",
)

WATCHDOG = Alert(
    "Watchdog",
    "none",
    About.CHAIN,
    "vector(1)",
    Text(
        "Alerts for margin accounts reach Alertmanager.",
        "保證金帳戶的警報能送達 Alertmanager。",
    ),
    Text(
        "This alert fires always. Alertmanager passes it to a heartbeat outside, which calls you "
        "when it no longer comes. Then Prometheus, Alertmanager or the way out is broken, and no "
        "other alert would reach you.",
        "本警報永遠處於觸發狀態。Alertmanager 會把它轉送到外部的心跳服務，一旦沒有收到，該服務就會通知您。"
        "那表示 Prometheus、Alertmanager 或對外連線故障，其他警報也都送不到您手上。",
    ),
)
