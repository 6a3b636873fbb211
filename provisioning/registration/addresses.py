"""Give each camera of a bench an address of its own: the next one that no camera was promised."""

from dataclasses import dataclass, field
from itertools import chain
from threading import Lock

from formats.site_network import SiteNetwork
from provisioning.registration.open_file import open_acceptances
from provisioning.site.registrations import Manifest


@dataclass(slots=True)
class AddressBook:
    """Addresses from `first` on, without those of registered cameras.

    A camera whose registration was interrupted keeps the address that it was promised.
    """

    first: SiteNetwork
    manifest: Manifest
    broker_host: str = ""
    """No camera gets the broker's address."""
    _lock: Lock = field(default_factory=Lock)
    _given: set[str] = field(default_factory=set)

    def next_network(self) -> SiteNetwork:
        """Return the network with the next free address.

        Raises:
            Malformed: the network has no further address.
            CameraRefused: the file of an open registration is broken.
        """
        if not self.first.address:
            return self.first
        with self._lock:
            recorded = (one.acceptance for one in self.manifest.found)
            promised = chain(recorded, open_acceptances(self.manifest))
            taken = self._given | {acceptance.network.address for acceptance in promised}
            network = self.first
            while network.address in taken or network.host == self.broker_host:
                network = network.next_address()
            self._given.add(network.address)
            return network
