"""Who may see figures of the machine: this machine itself, and the networks the settings name."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.requests import HTTPConnection

from core.settings import Network
from workbench.resources import settings

_PASSED_ON = ("x-forwarded-for", "forwarded", "x-real-ip")
"""What proxies add: behind one on this machine, every visitor would come from the loopback address."""


def is_trusted(connection: HTTPConnection) -> bool:
    """Whether a request comes straight from this machine, or from a network of ``KORRIGO_METRICS_FROM``."""
    if any(name in connection.headers for name in _PASSED_ON) or connection.client is None:
        return False
    return is_loopback(connection.client.host) or is_in(connection.client.host, settings().metrics_from)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_in(host: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address lies in one of ``networks``."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)
