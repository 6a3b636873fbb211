"""The network of a camera is addresses alone: no text can become a line of a settings file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.errors import Malformed
from formats.site_network import SiteNetwork, read_site_network
from formats.strict_json import dumps, parse

SERVERS = st.ip_addresses(network="198.51.100.0/24").map(str)
OWN = st.integers(1, 254).flatmap(lambda last: st.sampled_from([f"192.0.2.{last}", "2001:db8::1"]))


@given(OWN, st.lists(SERVERS, max_size=8))
def test_what_was_written_is_read(address: str, servers: list[str]) -> None:
    length = 64 if ":" in address else 24
    network = SiteNetwork(f"{address}/{length}", "", tuple(servers))
    text = dumps({"network": network.to_json()})
    read = parse(
        text, lambda fields: fields.object("network", read_site_network), limit=4096, what="x"
    )
    assert read == network


@pytest.mark.parametrize(
    ("address", "gateway", "server"),
    [
        ("192.0.2.21", "", ""),
        ("192.0.2.21/33", "", ""),
        ("192.0.2.021/24", "", ""),
        ("192.0.2.21/255.255.255.0", "", ""),
        ("192.0.2.21/24\nGateway=192.0.2.9", "", ""),
        ("192.0.2.21/24", "192.0.3.1", ""),
        ("", "192.0.2.1", ""),
        ("192.0.2.21/24", "router", ""),
        ("192.0.2.21/24", "", "time.example.org"),
        ("192.0.2.21/24", "", "192.0.2.5 iburst"),
        ("2001:DB8::1/64", "", ""),
        ("fe80::1%eth0 x/64", "", ""),
        ("192.0.2.21/24", "", "fe80::1%x iburst key 5"),
        ("192.0.2.21/24", "", "fe80::1%x\nserver 192.0.2.9"),
        ("0.0.0.0/0", "", ""),
        ("192.0.2.0/24", "", ""),
        ("192.0.2.255/24", "", ""),
        ("127.0.0.1/8", "", ""),
        ("224.0.0.1/24", "", ""),
        ("192.0.2.21/24", "192.0.2.21", ""),
        ("192.0.2.21/24", "", "192.0.2.21"),
        ("192.0.2.21/24", "", "224.0.1.1"),
    ],
)
def test_what_is_no_address_is_refused(address: str, gateway: str, server: str) -> None:
    with pytest.raises(Malformed):
        SiteNetwork(address, gateway, (server,) if server else ())


@given(st.integers(2, 253))
def test_addresses_follow_one_another_on_their_network(last: int) -> None:
    following = SiteNetwork(f"192.0.2.{last}/24", "192.0.2.1").next_address()
    assert following == SiteNetwork(f"192.0.2.{last + 1}/24", "192.0.2.1")


def test_no_camera_gets_the_address_of_the_gateway_or_of_a_time_server() -> None:
    network = SiteNetwork("192.0.2.20/24", "192.0.2.21", ("192.0.2.22",))
    assert network.next_address().address == "192.0.2.23/24"


def test_a_full_network_has_no_next_address() -> None:
    with pytest.raises(Malformed, match="no address after"):
        SiteNetwork("192.0.2.254/24").next_address()


def test_an_empty_network_has_no_address_to_give() -> None:
    assert SiteNetwork().next_address() == SiteNetwork()
