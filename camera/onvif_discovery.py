"""Which ONVIF cameras are in this network: WS-Discovery (OASIS, 2005/04 as ONVIF Core 7.3 has it) over UDP multicast.

One Probe goes out, twice, because UDP loses; each device answers with where its service is. What answers is untrusted:
a datagram is parsed without entities or network, and only http addresses are taken from it.
"""

import asyncio
import socket
import uuid
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from lxml import etree

GROUP = ("239.255.255.250", 3702)
MOST = 1000  # devices; a flood of answers ends there
AGAIN_S = 0.5
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
DISCOVERY = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
PROBE = f"""<?xml version="1.0" encoding="UTF-8"?>
<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" xmlns:w="{ADDRESSING}" xmlns:d="{DISCOVERY}"
 xmlns:dn="http://www.onvif.org/ver10/network/wsdl">
<e:Header><w:MessageID>urn:uuid:%s</w:MessageID><w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>
<w:Action>{DISCOVERY}/Probe</w:Action></e:Header>
<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"""


@dataclass(frozen=True, slots=True)
class Found:
    """A device that answered: its id, its services' addresses, and what its scopes call it."""

    id: str
    addresses: tuple[str, ...]
    name: str = ""
    hardware: str = ""
    location: str = ""


def read_match(datagram: bytes, message: str) -> list[Found]:
    """Return the devices in an answer to a Probe with this message id; none from anything else."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(datagram, parser)
    except (etree.XMLSyntaxError, ValueError):
        return []
    if root is None or message not in [_words(each) for each in root.iter(f"{{{ADDRESSING}}}RelatesTo")]:
        return []
    return [_found(each) for each in root.iter(f"{{{DISCOVERY}}}ProbeMatch")][:MOST]


async def discover(wait_s: float = 3.0, group: tuple[str, int] = GROUP, interface: str = "") -> list[Found]:
    """Return who answers within `wait_s`, by first address. Raises `OSError`: there is no network.

    Args:
        wait_s: A busy camera takes its time.
        group: Where the Probe goes.
        interface: This machine's address in the cameras' network; "" for the one of the default route.
    """
    message = f"urn:uuid:{uuid.uuid4()}"
    link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    link.setblocking(False)
    link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    if interface:
        link.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
    answers = _Answers(message)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: answers, sock=link)
    try:
        for pause_s in (min(AGAIN_S, wait_s / 2), max(wait_s - AGAIN_S, wait_s / 2)):
            transport.sendto((PROBE % message.removeprefix("urn:uuid:")).encode(), group)
            await asyncio.sleep(pause_s)
    finally:
        transport.close()
    return sorted(answers.found.values(), key=lambda each: each.addresses)


class _Answers(asyncio.DatagramProtocol):
    """Collects who answers, each once."""

    def __init__(self, message: str) -> None:
        self._message = message
        self.found: dict[str, Found] = {}

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take one datagram."""
        for each in read_match(data, self._message):
            if each.addresses and len(self.found) < MOST:
                self.found.setdefault(each.id or each.addresses[0], each)


def _found(match: "etree._Element") -> Found:
    texts = {part: _words(match.find(f".//{{{space}}}{part}")) for part, space in
             (("Address", ADDRESSING), ("XAddrs", DISCOVERY), ("Scopes", DISCOVERY))}  # fmt: skip
    addresses = tuple(each for each in texts["XAddrs"].split()[:8] if _is_http(each))
    scopes = [urlsplit(each).path for each in texts["Scopes"].split()[:64] if each.startswith("onvif://")]
    told = {kind: unquote(rest)[:100] for kind, _, rest in (path.strip("/").partition("/") for path in scopes)}
    return Found(
        texts["Address"][:200], addresses, *(_plain(told.get(key)) for key in ("name", "hardware", "location"))
    )


def _is_http(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _plain(text: str | None) -> str:
    return "".join(char for char in text or "" if char.isprintable())


def _words(element: "etree._Element | None") -> str:
    return " ".join((element.text or "").split()) if element is not None else ""
