"""Whose request it is behind proxies: only what trusted ones say counts."""

import pytest
from chassis.edge.addresses import TrustedProxies, limit_key
from hypothesis import given
from hypothesis import strategies as st

OURS = ("10.0.0.0/8", "2001:db8:1::/48")


@pytest.mark.parametrize(
    ("peer", "sent", "client"),
    [
        ("198.51.100.7", [b"1.2.3.4"], "198.51.100.7"),  # not one of our proxies: it may say what it likes
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [b"1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [b"1.1.1.1, 203.0.113.9, 10.2.2.2"], "203.0.113.9"),
        ("10.0.0.1", [b"1.1.1.1", b"203.0.113.9, 10.2.2.2"], "203.0.113.9"),
        ("10.0.0.1", [b"10.9.9.9, 10.2.2.2"], "10.9.9.9"),  # all of it is ours
        ("10.0.0.1", [b"203.0.113.9:51234"], "203.0.113.9"),
        ("10.0.0.1", [b"[2001:db8::7]:443"], "2001:db8::7"),
        ("10.0.0.1", [b"2001:DB8:0::7"], "2001:db8::7"),
        ("2001:db8:1::5", [b"203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.1", [b"203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [b"203.0.113.9, unknown"], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.9, evil\xff, 10.2.2.2"], "10.2.2.2"),
        ("10.0.0.1", [b""], "10.0.0.1"),
        ("10.0.0.1", [b"203.0.113.9, "], "10.0.0.1"),
        ("", [b"203.0.113.9"], ""),  # through a Unix socket, which is not trusted here
    ],
)
def test_the_client_is_the_last_hop_that_is_not_ours(peer: str, sent: list[bytes], client: str) -> None:
    assert TrustedProxies(OURS).client(peer, sent) == client


def test_a_proxy_on_a_unix_socket_can_be_trusted() -> None:
    assert TrustedProxies(("unix",)).client("", [b"1.1.1.1, 203.0.113.9"]) == "203.0.113.9"


@pytest.mark.parametrize(
    ("sent", "client"),
    [
        ([b"for=203.0.113.9;proto=https"], "203.0.113.9"),
        ([b'for=1.1.1.1, proto=http;FOR="[2001:db8::7]:4711"'], "2001:db8::7"),
        ([b"for=_hidden"], "10.0.0.1"),
        ([b"by=203.0.113.43"], "10.0.0.1"),
    ],
)
def test_proxies_that_write_forwarded_are_understood(sent: list[bytes], client: str) -> None:
    assert TrustedProxies(OURS, forwarded=True).client("10.0.0.1", sent) == client


def test_only_the_nearest_proxy_tells_whether_it_was_https() -> None:
    ours = TrustedProxies(OURS)
    assert ours.https("10.0.0.1", [b"https"])
    assert not ours.https("10.0.0.1", [b"https, http"])
    assert not ours.https("198.51.100.7", [b"https"])
    assert not ours.https("10.0.0.1", [])
    assert TrustedProxies(OURS, forwarded=True).https("10.0.0.1", [b"for=1.1.1.1;proto=https"])
    assert not TrustedProxies(OURS, forwarded=True).https("10.0.0.1", [b"proto=https, for=1.1.1.1"])


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_no_header_breaks_it_and_none_makes_a_client_of_what_is_no_address(sent: list[bytes]) -> None:
    client = TrustedProxies(OURS).client("10.0.0.1", sent)
    assert client == "10.0.0.1" or limit_key(client)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:aaaa:bbbb:1:2:3:4", "2001:db8:aaaa:bbbb::/64"),
        ("2001:db8:aaaa:bbbb:9:9:9:9", "2001:db8:aaaa:bbbb::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_limits_count_ipv6_by_the_network_that_one_customer_has(address: str, key: str) -> None:
    assert limit_key(address) == key
