"""The exporter as a process and as a target of Prometheus."""

from grafana.kinds import lines, table
from grafana.panels import FieldOptions, Panel, Target, override
from grafana.promql import column, of_account, of_exporters, of_target
from grafana.states import value_mappings
from grafana.values import Json

_NO_EXPORTER = "No exporter is being scraped."
_BARS: Json = {"drawStyle": "bars", "fillOpacity": 60, "lineWidth": 0}


def _scrape_cost() -> Panel:
    return lines(
        "Duration of a scrape",
        "Time that Prometheus needs to fetch the page. The page is rendered when a poll ends, so a "
        "scrape only sends bytes.",
        12,
        [Target(of_exporters(of_target("scrape_duration_seconds")), "{{instance}}")],
        FieldOptions(unit="s", minimum=0, empty=_NO_EXPORTER),
    )


def _scrape_size() -> Panel:
    return lines(
        "Samples in a scrape",
        "Series on the page. A fall means that values have become stale, a rise that an account "
        "has more currencies. The shipped configuration refuses more than 20,000.",
        12,
        [Target(of_exporters(of_target("scrape_samples_scraped")), "{{instance}}")],
        FieldOptions(unit="none", decimals=0, minimum=0, empty=_NO_EXPORTER),
    )


def _memory() -> Panel:
    return lines(
        "Memory",
        "Resident memory. It is flat after the first minutes; a steady rise is a bug.",
        8,
        [Target(of_exporters(of_target("process_resident_memory_bytes")), "{{instance}}")],
        FieldOptions(unit="bytes", minimum=0, empty=_NO_EXPORTER),
    )


def _cpu() -> Panel:
    seconds = of_target("process_cpu_seconds_total")
    return lines(
        "Processor time",
        "The part of one processor that the process uses.",
        8,
        [Target(of_exporters(f"rate({seconds}[$__rate_interval])"), "{{instance}}")],
        FieldOptions(unit="percentunit", minimum=0, empty=_NO_EXPORTER),
    )


def _descriptors() -> Panel:
    return lines(
        "Open file descriptors",
        "Connections and files that are open. A steady rise is a leak.",
        8,
        [Target(of_exporters(of_target("process_open_fds")), "{{instance}}")],
        FieldOptions(unit="none", decimals=0, minimum=0, empty=_NO_EXPORTER),
    )


def _starts() -> Panel:
    started = of_target("process_start_time_seconds")
    return lines(
        "Starts",
        "When the process was started again: a bar for each. Exit code 70 is a bug, 78 the "
        "configuration, 137 too little memory.",
        12,
        [
            Target(
                of_exporters(f"changes({started}[$__rate_interval])"),
                "{{instance}}",
            )
        ],
        FieldOptions(unit="none", decimals=0, minimum=0, maximum=3, empty=_NO_EXPORTER),
        custom=_BARS,
    )


def _reloads() -> Panel:
    accepted = of_target("bitopro_margin_exporter_config_last_reload_successful")
    return lines(
        "Reloads of the configuration",
        "A bar when a changed configuration was taken over, or when the process started; and at 2, "
        "for as long as the last change is refused.",
        12,
        [
            Target(f"changes({_loaded()}[$__rate_interval])", "{{instance}} loaded"),
            Target(f"2 * ({accepted} == bool 0)", "{{instance}} refused"),
        ],
        FieldOptions(unit="none", decimals=0, minimum=0, maximum=3, empty=_NO_EXPORTER),
        custom=_BARS,
    )


def _build() -> Panel:
    started = of_target("process_start_time_seconds")
    by = ("job", "instance")
    columns = {
        "Up": of_target("up"),
        "Running": f"time() - {started}",
        "Reload": of_target("bitopro_margin_exporter_config_last_reload_successful"),
        "Since": f"1000 * {_loaded()}",
        "Accounts": f"count by (job, instance) ({of_account('up')})",
    }
    build = of_target("bitopro_margin_exporter_build_info")
    versions = column("has version", build, by=(*by, "version", "python_version"))
    return table(
        "Exporters",
        "What runs where, for how long, and with how many accounts.",
        24,
        columns={
            "job": "Job",
            "instance": "Instance",
            "version": "Version",
            "python_version": "Python",
            "Accounts": "Accounts",
            "Up": "Scraped",
            "Running": "Running for",
            "Reload": "Configuration",
            "Since": "Loaded",
        },
        targets=[
            *(Target(of_exporters(column(name, value, by=by))) for name, value in columns.items()),
            Target(versions),
        ],
        look=FieldOptions(
            unit="none",
            empty="-",
            overrides=[
                override("Scraped", mappings=value_mappings({1: "yes", 0: "NO"})),
                override("Running for", unit="dtdurations", decimals=0),
                override("Configuration", mappings=value_mappings({1: "accepted", 0: "REFUSED"})),
                override("Loaded", unit="dateTimeAsIso"),
            ],
        ),
        sorted_by="instance",
        hidden=("has version",),
    )


def _loaded() -> str:
    return of_target("bitopro_margin_exporter_config_last_reload_success_timestamp_seconds")


SCRAPE_COST = _scrape_cost()
SCRAPE_SIZE = _scrape_size()
MEMORY = _memory()
CPU = _cpu()
DESCRIPTORS = _descriptors()
STARTS = _starts()
RELOADS = _reloads()
BUILD = _build()
