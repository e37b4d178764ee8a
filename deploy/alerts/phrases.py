"""Phrases that several alerts say alike. Each asks Prometheus at most once."""

from deploy.alerts.record import Text

ACCOUNT = "{{ $labels.account }}"
VALUE = '{{ printf "%.4f" $value }}'
# As much as a person takes in: 0.0471 is told as 4.7 %, 0.1574 as 15.7 %.
PERCENT = (
    '{{ if ge $value 0.1 }}{{ printf "%.3f" $value | humanizePercentage | reReplaceAll "%" " %" }}'
    '{{ else }}{{ printf "%.2g" $value | humanizePercentage | reReplaceAll "%" " %" }}{{ end }}'
)

_THOUSANDS = " | ".join(
    ["reReplaceAll `^(\\d+)(\\d{3})$` `$1,$2`", *["reReplaceAll `^(\\d+)(\\d{3}),` `$1,$2,`"] * 2]
)
# 40,801 from a hundred on, three decimals below that.
_AMOUNT = (
    '{{ define "amount" }}{{ if ge . 100.0 }}{{ printf "%.0f" . | '
    + _THOUSANDS
    + ' }}{{ else }}{{ printf "%.3g" . }}{{ end }}{{ end -}} '
)
_MONEY = '{{ template "amount" .Value }} {{ .Labels.unit }}'
AMOUNT = Text(_AMOUNT, _AMOUNT)

# "1h 40m 0s" in Chinese.
TIME_ZH = (
    '{{ define "time" }}{{ . | humanizeDuration | reReplaceAll "ms" " 毫秒" | '
    'reReplaceAll "d" " 天" | reReplaceAll "h" " 小時" | reReplaceAll "m" " 分" | '
    'reReplaceAll "s" " 秒" }}{{ end -}} '
)
AGE = Text("{{ humanizeDuration $value }}", '{{ template "time" $value }}')


def asked(query: str, *labels: str) -> str:
    """Return what asks Prometheus a query, where each %q stands for one of the alert's labels."""
    quoted = query.replace('"', r"\"")
    arguments = "".join(f" $labels.{label}" for label in labels)
    return f'printf "{quoted}"{arguments} | query'


def listed(query: str, *labels: str, name: str) -> Text:
    """Return the values of a label, with commas between, or nothing."""
    each = f"{{{{ range $i, $each := {asked(query, *labels)} }}}}"
    value = f"{{{{ .Labels.{name} }}}}{{{{ end }}}}"
    return Text(
        f"{each}{{{{ if $i }}}}, {{{{ end }}}}{value}",
        f"{each}{{{{ if $i }}}}、{{{{ end }}}}{value}",
    )


# Rounded up, so that it suffices. What to repay stands before what to add; the latter alone is
# left where no repayment is enough.
_RESCUE = (
    "sort_desc(max by (unit, way) ("
    'ceil(bitopro_margin_rescue_amount{account=%q,level="warning"} > 100)'
    ' or ceil(1000 * (bitopro_margin_rescue_amount{account=%q,level="warning"} > 0)) / 1000))'
)
_WAYS = f"{{{{ with {asked(_RESCUE, 'account', 'account')} }}}}"
RESCUE = AMOUNT + Text(
    f"{_WAYS}To be back at the warning threshold, "
    "{{ if eq (len .) 1 }}no repayment is enough: {{ end }}"
    "{{ range $i, $each := . }}{{ if $i }} or {{ end }}"
    '{{ if eq .Labels.way "repay" }}repay {{ else }}add {{ end }}'
    f"{_MONEY}{{{{ end }}}}."
    "{{ else }}This is the last ratio known, nothing newer is.{{ end }} ",
    f"{_WAYS}要回到警戒門檻，{{{{ if eq (len .) 1 }}}}只靠還款已不足夠：{{{{ end }}}}"
    "{{ range $i, $each := . }}{{ if $i }}，或{{ end }}"
    '{{ if eq .Labels.way "repay" }}還款 {{ else }}補入 {{ end }}'
    f"{_MONEY}{{{{ end }}}}。"
    "{{ else }}這是最後已知的維持率，目前沒有更新的數值。{{ end }}",
)

_NEAREST = (
    'max by (currency, unit) (bitopro_margin_liquidation_price{account=%q,level="liquidation"})'
    " and on (currency) bottomk(1, min by (currency) (abs("
    'bitopro_margin_liquidation_move_ratio{account=%q,level="liquidation"})))'
)
_NEAR = f"{{{{ with {asked(_NEAREST, 'account', 'account')} }}}}{{{{ with first . }}}}"
NEAREST = AMOUNT + Text(
    f"{_NEAR}{{{{ .Labels.currency }}}} alone gets there at {_MONEY}.{{{{ end }}}}"
    "{{ else }}Not every price is known now; this is what is known, or was.{{ end }} ",
    f"{_NEAR}單看 {{{{ .Labels.currency }}}}，價格到 {_MONEY} 就會如此。{{{{ end }}}}"
    "{{ else }}目前並非所有價格都已知；這是現在或先前已知的部分。{{ end }}",
)
