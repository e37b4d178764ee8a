"""What `check` says of our own port: who may read it, by `--web.config.file`."""

from argparse import Namespace
from collections.abc import Iterator

from exporter.access.protection import Protection
from exporter.checking.step import Step
from exporter.command_line.flag_groups import DEFAULT_ADDRESS
from exporter.web.listening import is_public_address


def protection_steps(options: Namespace) -> Iterator[Step]:
    """Tell how each address that is to be listened on is protected."""
    protection = Protection(options.web_config_file)
    config = protection.present().config
    users = len(config.users)
    way = "with TLS" if protection.scheme == "https" else "without TLS"
    for address in options.listen_addresses or [DEFAULT_ADDRESS]:
        where = f"{address} {way}"
        if users and protection.scheme == "http" and is_public_address(address):
            yield Step(
                "web",
                "odd",
                f"{where}, so that passwords and balances can be read on the way",
                "give it a certificate: tls_server_config in the file of --web.config.file",
            )
        elif users:
            yield Step("web", "good", f"{where}, for {users} user{'' if users == 1 else 's'}")
        elif config.knows_its_clients:
            yield Step("web", "good", f"{where}, for clients with a certificate")
        elif not is_public_address(address):
            yield Step("web", "good", f"{where}, for whoever is on this machine")
        else:
            yield Step(
                "web",
                "odd",
                f"{where}, and balances are open to whoever reaches it",
                "give it users or client certificates by --web.config.file",
            )
