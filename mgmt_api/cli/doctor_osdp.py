"""What `menjin doctor` finds on OSDP lines: do the wired readers answer, and if not, where are they?

A question ends the session of whoever runs the line: the doctor asks only where no gateway runs.
"""

from collections.abc import Iterator

from config.settings import Bus
from controllers.errors import LinkLost
from controllers.osdp_discovery import LEAST_RATES, Found, discover, plan
from mgmt_api.cli.finding import Finding


def bus_findings(bus: Bus) -> Iterator[Finding]:
    """Each wired reader: it answers, it answers elsewhere, or it is silent."""
    addresses = [reader.address for reader in bus.readers]
    try:
        here = {each.address: each for each in discover(bus.port, list(plan([bus.baud], addresses, thorough=True)))}
        silent = [address for address in addresses if address not in here]
        elsewhere = _elsewhere(bus, silent) if silent else []
    except LinkLost as error:
        yield Finding(f"line {bus.name}", False, str(error))
        return
    rates = {each.address: each.baud for each in elsewhere if each.address in silent}
    for reader in bus.readers:
        what = f"reader {reader.name}"
        if reader.address in here:
            yield Finding(
                what, True, f"answers at address {reader.address}, {bus.baud} baud{_maker(here[reader.address])}"
            )
        elif reader.address in rates:
            yield Finding(
                what, False, f"answers at {rates[reader.address]} baud, not at {bus.baud}: mend `baud`, or set it"
            )
        else:
            yield Finding(
                what, False, f"no answer at address {reader.address}: look at power, A and B, address and baud"
            )
    for each in elsewhere:
        if each.address not in addresses:
            yield Finding(f"line {bus.name}", True, f"{found_words(each)}, which is not in the site file")


def scan(port: str) -> Iterator[Finding]:
    """Every device on a port, at every address and baud rate; it takes about a minute."""
    try:
        found = discover(port, list(plan()))
    except LinkLost as error:
        yield Finding(port, False, str(error))
        return
    if not found:
        yield Finding(port, False, "no OSDP device answers at any address or baud rate: look at power, A and B, ground")
    for each in found:
        yield Finding(port, True, found_words(each))


def found_words(found: Found) -> str:
    """A device that answered, in words."""
    return f"a device answers at address {found.address}, {found.baud} baud{_maker(found)}"


def _elsewhere(bus: Bus, silent: list[int]) -> list[Found]:
    """The silent ones at other rates; then whoever has another address at the right rate."""
    others = [baud for baud in LEAST_RATES if baud != bus.baud]
    wired = {reader.address for reader in bus.readers}
    strangers = list(plan([bus.baud], [address for address in range(127) if address not in wired]))
    # Twice if need be: the quick wait is short for a device that has something else to do just then.
    return discover(bus.port, list(plan(others, silent))) + (
        discover(bus.port, strangers) or discover(bus.port, strangers)
    )


def _maker(found: Found) -> str:
    if found.identity is None:
        return ""
    return f" (maker {found.identity.vendor}, model {found.identity.model}, firmware {found.identity.firmware})"
