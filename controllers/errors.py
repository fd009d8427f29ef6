"""What a driver's caller should do: restart the link, or mend the configuration.

ControllerError
├── LinkLost           the link broke: start the driver again after a pause
├── ProtocolViolation  the peer sent what its protocol forbids: drop the frame, count it
└── BadSetup           the wiring file asks for what cannot be: tell the operator, do not retry
"""


class ControllerError(Exception):
    """Any failure of this package."""


class LinkLost(ControllerError):
    """The port, socket or broker went away."""


class ProtocolViolation(ControllerError):
    """Bytes that break the peer's protocol."""


class BadSetup(ControllerError):
    """A port, key or address that can never work as configured."""
