"""Which addresses a provider may have: public ones, and what the operator names."""

import ipaddress

from django.conf import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """The provider's host is on a network that the operator has not allowed."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(
            f"{host} is {address}, an address inside this network. The operator can allow it in "
            "PROVIDER_NETWORKS."
        )


class AnswerTooLarge(Exception):
    """The provider sent more than any answer needs."""


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries to, else itself."""
    if isinstance(address, ipaddress.IPv6Address):
        nat64 = ipaddress.IPv6Network("64:ff9b::/96")
        if address in nat64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        teredo = address.teredo[1] if address.teredo else None
        return address.ipv4_mapped or address.sixtofour or teredo or address
    return address


def is_allowed(address: str) -> bool:
    """Whether a provider may live there: a public address, or a network the operator names."""
    ip = _inner(ipaddress.ip_address(address.split("%")[0]))
    if ip.is_global and not ip.is_multicast:
        return True
    return any(
        ip.version == net.version and ip in net
        for net in map(ipaddress.ip_network, settings.PROVIDER_NETWORKS)
    )


def refusal_in(error: BaseException | None) -> AddressRefused | AnswerTooLarge | None:
    """Our own refusal among an error's causes: client libraries wrap what they don't know."""
    while error is not None:
        if isinstance(error, AddressRefused | AnswerTooLarge):
            return error
        error = error.__cause__ or error.__context__
    return None
