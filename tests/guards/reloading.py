"""Guards of shards that share accounts, and of a configuration that is loaded anew."""

from tests.guards.guard import Guard

_RELOAD = ("test_reload.py",)
_PROCESS = ("process/test_reload.py",)

RELOADING_GUARDS: tuple[Guard, ...] = (
    Guard(
        "leaves an account alone that is as it was",
        "polling/account_poller.py",
        "return self.settings == settings and not self._has_others_than(credentials)",
        "return False",
        (*_RELOAD, "-k", "keeps_its_connection"),
    ),
    Guard(
        "notices a key that was rotated in its file",
        "polling/account_poller.py",
        "return self.settings == settings and not self._has_others_than(credentials)",
        "return self.settings == settings",
        (*_RELOAD, "-k", "mended_key"),
    ),
    Guard(
        "expects the account that it knows from another key as well",
        "polling/account_poller.py",
        "self._exchange.account_id if self._exchange else self.account_id,",
        "None,",
        (*_RELOAD, "-k", "another_account"),
    ),
    Guard(
        "tries a mended key at once",
        "polling/account_poller.py",
        "if self.error is None or is_mended:",
        "if self.error is None:",
        (*_RELOAD, "-k", "mended_key"),
    ),
    Guard(
        "waits as long as the exchange has asked to, whatever is reloaded",
        "polling/account_poller.py",
        "if self.error is None or is_mended:",
        "if True:",
        ("test_account_poller.py",),
    ),
    Guard(
        "shows nothing of an account that has gone",
        "polling/fleet.py",
        "        self._exposition.keep(after)\n",
        "",
        (*_RELOAD, "-k", "leaves_no_series"),
    ),
    Guard(
        "takes no account of another exchange for the same one",
        "polling/fleet.py",
        "if old is None or old.settings.account.base_url != each.account.base_url:",
        "if old is None:",
        (*_RELOAD, "-k", "another_exchange"),
    ),
    Guard(
        "lives on when a poller ends that was told to",
        "polling/fleet.py",
        "        poller.is_retired = True\n",
        "",
        (*_PROCESS, "-k", "hangup_reloads"),
    ),
    Guard(
        "dies of a bug in a poller that came later",
        "polling/vigil.py",
        "or is_retired()",
        "or True",
        (*_PROCESS, "-k", "came_later"),
    ),
    Guard(
        "goes on with the old configuration if the new one is bad",
        "polling/reloading.py",
        "except ConfigurationError as error:",
        "except ZeroDivisionError as error:",
        (*_RELOAD, "-k", "bad_file"),
    ),
    Guard(
        "goes on if loading breaks in a way that nobody thought of",
        "polling/reloading.py",
        "            except Exception:\n",
        "            except ZeroDivisionError:\n",
        (*_RELOAD, "-k", "loading_that_breaks"),
    ),
    Guard(
        "shows that the last reload failed",
        "polling/reloading.py",
        "        self._status.is_config_good = False\n",
        "",
        (*_RELOAD, "-k", "bad_file"),
    ),
    Guard(
        "reloads a crowd's requests together",
        "polling/reloading.py",
        "if self._next is None:",
        "if True:",
        (*_RELOAD, "-k", "crowd"),
    ),
    Guard(
        "reloads for no request unless that is enabled",
        "polling/reloading.py",
        "return self.reload if self._options.is_open_to_http else None",
        "return self.reload",
        (*_PROCESS, "-k", "needs_its_flag"),
    ),
    Guard(
        "hears a hangup before it serves",
        "polling/reloading.py",
        "        if self._came:\n            reload()\n",
        "",
        (*_RELOAD, "-k", "came_before"),
    ),
)
