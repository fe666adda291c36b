"""Whose request it is, when proxies stand between.

Anyone can send X-Forwarded-For. It is believed only as far as those who wrote it are: from the right, each address was
added by the one to its right, so the client is the first address that is not one of our own proxies.
"""

import functools
import ipaddress
import re
from collections.abc import Sequence

UNIX = "unix"
"""In place of an address: whoever connects through a Unix socket, such as a proxy on the same machine."""

_FORWARDED_FOR = re.compile(r"(?:^|;)\s*for\s*=\s*\"?([^\";]+)", re.IGNORECASE)
_FORWARDED_PROTO = re.compile(r"(?:^|;)\s*proto\s*=\s*\"?(https?)", re.IGNORECASE)
_KNOWN = 4096

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxies:
    """The proxies that are believed.

    Args:
        networks: CIDRs, single addresses, or "unix".
        forwarded: whether they write ``Forwarded`` (RFC 7239) rather than ``X-Forwarded-For``. Only the one that they
            write is read: they would pass on the other as the client sent it.

    Raises:
        ValueError: one of them is neither.
    """

    def __init__(self, networks: Sequence[str], *, forwarded: bool = False) -> None:
        """Parse the networks."""
        self._networks = [ipaddress.ip_network(each, strict=False) for each in networks if each != UNIX]
        self._unix = UNIX in networks
        self.any = bool(networks)
        self._forwarded = forwarded
        self.address_header = b"forwarded" if forwarded else b"x-forwarded-for"
        self.scheme_header = b"forwarded" if forwarded else b"x-forwarded-proto"
        self.trusts = functools.lru_cache(_KNOWN)(self._trusts)

    def _trusts(self, address: str) -> bool:
        if not address:
            return self._unix
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def client(self, peer: str, lines: Sequence[bytes]) -> str:
        """Return the client's address.

        Args:
            peer: who is connected; "" through a Unix socket.
            lines: the header's values, in order.
        """
        if not self.trusts(peer):
            return peer
        client = peer
        for hop in reversed(b",".join(lines).decode("latin-1").split(",")):
            address = self._address(hop)
            if address is None:  # "unknown", a name or nonsense: who wrote it is the last that is known
                return client
            client = address
            if not self.trusts(address):
                return client
        return client

    def https(self, peer: str, lines: Sequence[bytes]) -> bool:
        """Tell whether the nearest proxy was asked by https."""
        if not lines or not self.trusts(peer):
            return False
        last = lines[-1].decode("latin-1").rpartition(",")[2].strip()
        if self._forwarded:
            found = _FORWARDED_PROTO.search(last)
            last = found[1] if found else ""
        return last.lower() == "https"

    def _address(self, hop: str) -> str | None:
        if self._forwarded:
            found = _FORWARDED_FOR.search(hop)
            hop = found[1] if found else ""
        hop = hop.strip()
        if hop.startswith("["):
            hop = hop[1:].partition("]")[0]
        elif hop.count(":") == 1:
            hop = hop.partition(":")[0]
        parsed = _parsed(hop)
        return None if parsed is None else str(parsed)


def limit_key(address: str) -> str:
    """Return what limits count an address as: itself, or its /64 network for IPv6, which one customer has all of."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address if parsed is None else str(parsed)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
