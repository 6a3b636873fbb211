"""Give each camera of a bench an address of its own: the next one that no record names."""

from dataclasses import dataclass, field
from threading import Lock

from formats.site_network import SiteNetwork
from provisioning.site.registrations import Manifest


@dataclass(slots=True)
class AddressBook:
    """Addresses from `first` on, without those of the cameras in the installer's manifest.

    A registration that was interrupted keeps the address that it had. Where one was, begin the next
    run with a later address.
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
        """
        if not self.first.address:
            return self.first
        with self._lock:
            taken = self._given | {one.acceptance.network.address for one in self.manifest.found}
            network = self.first
            while network.address in taken or network.host == self.broker_host:
                network = network.next_address()
            self._given.add(network.address)
            return network
