"""What has to outlive the exporter: the last that was known, who is expected, what is proven.

All else is computed by the exporter, and alerts compare what it exports.
"""

from deploy.alerts.record import Recording

OF_ACCOUNTS = [
    Recording(
        "account:bitopro_margin_expected:any",
        """
        group by (account) (last_over_time(bitopro_margin:expected_account[15m]))
        or group by (account) (up{job="bitopro-margin-drill"})
        """,
        why="""A quarter of an hour bridges a Prometheus that starts again. A drill is expected for
        as long as its target is there, even if it does not answer.""",
    ),
    Recording(
        "account:bitopro_margin_ad_ratio:exact",
        """
        min by (account) (
          bitopro_margin_total_asset_amount / (bitopro_margin_total_debt_amount > 0)
        )
        """,
        why="""Reported ratios are truncated to two decimals; the quotient of the totals is not.""",
    ),
    Recording(
        "account:bitopro_margin_ad_ratio:last_known",
        """
        (account:bitopro_margin_ad_ratio:exact >= 0 < Inf)
        or on (account) ((max by (account) (bitopro_margin_total_debt_amount) == 0) + Inf)
        or on (account) (
          last_over_time(account:bitopro_margin_ad_ratio:last_known[1h])
          and on (account) account:bitopro_margin_expected:any
        )
        """,
        why="""A proper ratio of now, else infinity where there is proof of no debt, else what was
        known before, however long ago, for as long as the account is expected. An hour bridges a
        Prometheus that was down.""",
    ),
    Recording(
        "account_level:bitopro_margin_ad_ratio_threshold:last_known",
        """
        max by (account, level) (bitopro_margin_ad_ratio_threshold)
        or on (account, level) (
          last_over_time(account_level:bitopro_margin_ad_ratio_threshold:last_known[1h])
          and on (account) account:bitopro_margin_expected:any
        )
        """,
    ),
    Recording(
        "account_field:bitopro_margin_status:last_known",
        """
        max by (account, field) (
          label_replace(bitopro_margin_account_status != 1, "field", "accountStatus", "", "")
          or label_replace(bitopro_margin_margin_status != 1, "field", "marginStatus", "", "")
        )
        or max by (account, field) (
          label_replace(bitopro_margin_account_status, "field", "accountStatus", "", "")
          or label_replace(bitopro_margin_margin_status, "field", "marginStatus", "", "")
        )
        or on (account, field) (
          last_over_time(account_field:bitopro_margin_status:last_known[1h])
          and on (account) account:bitopro_margin_expected:any
        )
        """,
        why="""Of two exporters that differ, the one with something to tell.""",
    ),
    Recording(
        "account:bitopro_margin_proven_safe:max",
        """
        max by (account) (
          (bitopro_margin_up{exported_account=""} == 1)
          and (
            abs(time() - bitopro_margin_last_success_timestamp_seconds)
            < bitopro_margin_stale_after_seconds + 60
          )
          and ignoring (unit) (last_over_time(bitopro_margin_total_asset_amount[2m]) >= 0 < Inf)
          and (
            (
              min without (unit) (
                bitopro_margin_total_asset_amount
                / (last_over_time(bitopro_margin_total_debt_amount[2m]) > 0 < Inf)
              )
              >= ignoring (level) bitopro_margin_ad_ratio_threshold{level="liquidation"}
            )
            or max without (unit) (last_over_time(bitopro_margin_total_debt_amount[2m])) == 0
          )
        )
        """,
        why="""All of it from the page of one exporter: the last poll succeeded, at a time that is
        neither long past nor in the future (a minute is granted for scrapes and clocks), the
        totals are numbers and of the last two minutes, and the ratio is at or above the threshold,
        or there is no debt. What carries exported_account is no proof: its label account is the
        target's, under which other accounts may stand.""",
    ),
]

OF_RISK = [
    Recording(
        "bitopro_margin:interest_share_limit",
        "vector(0.001)",
        why="""Yours to edit: the interest of a day, as a share of the assets, above which you want
        to know.""",
    ),
    Recording(
        "account_level:bitopro_margin_moving_distance:last_known",
        """
        min by (account, level) (
          (
            abs(
              bitopro_margin_liquidation_move_ratio
              unless on (job, instance, account, currency) bitopro_margin_stable_currency
            )
            or abs(bitopro_margin_liquidation_move_together_ratio)
            or (
              0 * bitopro_margin_ad_ratio_threshold + Inf
              and on (job, instance, account) (
                bitopro_margin_debt_value or bitopro_margin_total_debt_amount == 0
              )
            )
          )
          unless on (job, instance, account) (
            bitopro_margin_price_missing == 1
            unless on (job, instance, account, currency) bitopro_margin_stable_currency
          )
          or bitopro_margin_liquidation_distance_ratio == 0
        )
        or on (account, level) min by (account, level) (
          abs(
            bitopro_margin_liquidation_move_ratio
            unless on (job, instance, account, currency) bitopro_margin_stable_currency
          )
          or max by (account, level) (
            label_replace(
              last_over_time(account_level:bitopro_margin_moving_distance:last_known[1h])
              and on (account) account:bitopro_margin_expected:any,
              "side", "before", "", ""
            )
            or label_replace(
              1 - account_level:bitopro_margin_ad_ratio_threshold:last_known
              / on (account) group_left () min by (account) (bitopro_margin_ad_ratio_exact)
              and on (account, level)
              last_over_time(account_level:bitopro_margin_moving_distance:last_known[1h]),
              "side", "ratio", "", ""
            )
          )
        )
        """,
        why="""The smallest move, of one currency or all together, that reaches the threshold;
        stable ones alone are not expected to move. Infinite where no move does it. While a price
        is missing, the least of what is known now and what was known before; the latter only for
        as long as the ratio alone, by which the assets may fall before they are the threshold
        times the debt, does not prove that more is left.""",
    ),
    Recording(
        "account:bitopro_margin_last_liquidation_timestamp:last_known",
        """
        max by (account) (
          label_replace(
            bitopro_margin_last_liquidation_timestamp_seconds
            or 0 * bitopro_margin_liquidations_unfinished,
            "side", "now", "", ""
          )
          or label_replace(
            last_over_time(account:bitopro_margin_last_liquidation_timestamp:last_known[1d])
            and on (account) account:bitopro_margin_expected:any,
            "side", "before", "", ""
          )
        )
        """,
        why="""0 where liquidations were read and none was listed. It never goes back, whatever is
        listed later. A day bridges a Prometheus that was down.""",
    ),
]
