"""Leave modules out of `watch` that it never uses: HTTP, TLS and PKCS#11 (imports, attack surface).

`watch` has no network. It verifies the site with python-tuf, from files. But python-tuf's updater
imports its HTTP fetcher, and with it urllib3, http and ssl; securesystemslib imports a signer for
each kind of key. Without them `watch` starts sooner and holds less code that could be misused.

Only a program that calls `leave_out` first is changed. The name of the fetcher stays, and refuses.
"""

import sys
from types import ModuleType
from typing import Final

FETCHER: Final = "tuf.ngclient.urllib3_fetcher"
SIGNERS: Final = "pkcs11"
"""The library of smart cards, which securesystemslib imports where it is installed."""


class Urllib3Fetcher:
    """The fetcher that python-tuf takes if it is given none."""

    def __init__(self, *_: object, **__: object) -> None:
        """Refuse.

        Raises:
            RuntimeError: always.
        """
        raise RuntimeError("This program has no network: give the updater a fetcher of files.")


def leave_out() -> None:
    """Let no later import load these modules. Call this before anything of TUF is imported."""
    fetcher = ModuleType(FETCHER)
    vars(fetcher)[Urllib3Fetcher.__name__] = Urllib3Fetcher
    sys.modules[FETCHER] = fetcher
    vars(sys)["modules"][SIGNERS] = None  # An import of it fails: Python's own rule.
