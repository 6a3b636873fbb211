"""A reminder before a certificate of the broker or of one of its clients ends.

Without it the first sign of an end would be that every camera is cut off. It is due from the day on
from which `broker config` issues the certificate anew. What the broker and the cameras really have
is not looked at: `broker check` and `tallylight-camera doctor` do that.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from provisioning.broker.configuration import RENEW_BEFORE_END, REVOKED_PROBE
from provisioning.broker.mosquitto_files import AUTHORITY_FILE, SERVER_FILE
from provisioning.errors import BrokerRefused
from provisioning.lists.reminder import Ending
from provisioning.site.folder import Site


def certificate_endings(site: Site, within: timedelta) -> Iterator[Ending]:
    """Yield the end of the broker's authority, of its certificate, and of the first of its clients.

    Yields nothing for a site without a broker.

    Raises:
        BrokerRefused: a certificate cannot be read.
    """
    before = max(within, RENEW_BEFORE_END)
    renew = "tallylight broker config, then bring the new files to "
    for name, what, do in (
        (AUTHORITY_FILE, "The broker's authority", "tallylight desk replace-key --purpose broker"),
        (SERVER_FILE, "The broker's certificate", f"{renew}the broker"),
    ):
        path = site.broker / name
        if path.exists():
            yield Ending(what, _end(path), _end(path) - before, do)
    ends = {path.stem: _end(path) for path in (site.broker / "clients").glob("*.pem")}
    ends.pop(REVOKED_PROBE, None)
    if ends:
        first = min(ends, key=lambda name: (ends[name], name))
        what = f"The first certificate of the broker's clients, {first},"
        yield Ending(what, ends[first], ends[first] - before, f"{renew}each client that it names")


def _end(path: Path) -> datetime:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    except ValueError as error:
        raise BrokerRefused(f"{path} is no certificate: run tallylight broker config.") from error
