"""The names of the forms in which `once` prints, apart from what prints them."""

from enum import StrEnum


class Form(StrEnum):
    """For people, for programs, for the textfile collector of node_exporter."""

    TABLE = "table"
    JSON = "json"
    PROM = "prom"
