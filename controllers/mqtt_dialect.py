"""The driver of MQTT devices whose dialect is not ours: one broker connection and the session that speaks over it.

The connection is MQTT 5 with a clean start: nothing waits for us in the broker. Commands carry an expiry, which the
broker keeps for devices of MQTT 3.1.1 too, go out at most once (QoS 0) and are never retained. What the kernel could
not deliver within a second dies with the connection, so that no command leaves late.
"""

import select
import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import paho.mqtt.client as paho
import structlog
from paho.mqtt import MQTTException
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from controllers.driver import Capabilities, Command, DeviceEvent, Result, Sink
from controllers.errors import BadSetup, LinkLost
from controllers.inbox import Inbox
from controllers.session import Moment, carry_out, outcome
from controllers.standstill import Standstill

log = structlog.get_logger()

KEEPALIVE_S = 5
CONNECT_S = 5.0
STALL_S = 1.0  # bytes that the broker does not take for so long break the connection
MAX_BYTES = 1 << 20  # a terminal's record may hold a picture


@dataclass(frozen=True, slots=True)
class Publish:
    """A message to send. Only states for watchers are retained, never a command."""

    topic: str
    payload: bytes
    expiry_s: int | None = None
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message that came."""

    topic: str
    payload: bytes
    retained: bool


Action = DeviceEvent | Publish


@dataclass(frozen=True, slots=True)
class BrokerLogin:
    """Where the broker is, and who we are there. Files are PEM; an empty `username` logs in as nobody."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password: str = ""
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def __repr__(self) -> str:
        return f"BrokerLogin({self.host}:{self.port} as {self.username!r})"


class MqttSession(Protocol):
    """A dialect (session.py). `tick` comes at least every `tick_s`."""

    tick_s: float

    def devices(self) -> dict[str, Capabilities]:
        """The devices, by name."""

    def topics(self) -> list[str]:
        """What to subscribe to."""

    def start(self, now: Moment) -> Iterator[Action]:
        """The broker is there, and the subscriptions stand."""

    def received(self, message: Message, now: Moment) -> Iterator[Action]:
        """A message came."""

    def tick(self, now: Moment) -> Iterator[Action]:
        """Time passed."""

    def command(self, command: Command, now: Moment) -> Iterator[Action]:
        """Carry out a command, still in time, for a device of this session."""

    def lost(self, now: Moment) -> Iterator[DeviceEvent]:
        """The broker is gone."""


class MqttSessionDriver:
    """One connection for all devices of one dialect."""

    def __init__(
        self,
        name: str,
        broker: BrokerLogin,
        session: MqttSession,
        sink: Sink,
        client_id: str = "",
        will: Publish | None = None,
    ) -> None:
        self.name = name
        self._broker = broker
        self._session = session
        self._sink = sink
        self._client_id = client_id or f"menjin-{name}"
        self._will = will  # what the broker tells others when we are gone, however we went
        self._inbox = Inbox()
        self._epoch = 0
        self._lost = ""
        self._stalled_s: float | None = None
        self._subscribed = False

    def devices(self) -> dict[str, Capabilities]:
        """The devices, by name."""
        return self._session.devices()

    def submit(self, command: Command) -> None:
        """Take a command from any thread."""
        if command.device not in self.devices():
            self._sink(outcome(command, Result.REFUSED, "no such device", self._now()))
        elif not self._inbox.put(command):
            self._sink(outcome(command, Result.EXPIRED, "broker is off line or too many commands wait", self._now()))

    def run(self, stop: threading.Event) -> None:
        """Serve until `stop` is set. Raises `LinkLost` when the connection breaks, `BadSetup` for unusable files."""
        self._epoch += 1
        self._lost, self._stalled_s, self._subscribed = "", None, False
        client = self._client()
        try:
            try:
                client.connect(self._broker.host, self._broker.port, KEEPALIVE_S, clean_start=True)
            except (OSError, ValueError) as error:
                raise LinkLost(f"broker does not answer: {error}") from error
            standstill = Standstill()
            while not stop.is_set():
                self._turn(client, standstill)
        finally:
            self._end(client)

    def _client(self) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, self._client_id, protocol=paho.MQTTv5)
        client.connect_timeout = CONNECT_S
        client.on_socket_open = lambda _client, _data, sock: _hurry(sock)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._on_subscribe(client)
        client.on_message = lambda _client, _data, message: self._on_message(client, message)
        client.on_disconnect = self._on_disconnect
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload, 0, self._will.retain)
        broker = self._broker
        if broker.username:
            client.username_pw_set(broker.username, broker.password)
        if broker.ca_file is not None:
            own = [str(path) if path else None for path in (broker.cert_file, broker.key_file)]
            try:
                client.tls_set(str(broker.ca_file), own[0], own[1])
            except (OSError, ValueError) as error:  # an SSLError is an OSError
                raise BadSetup(f"cannot use the certificates: {error}") from error
        return client

    def _turn(self, client: paho.Client, standstill: Standstill) -> None:
        """Wait for bytes or commands once, and serve them."""
        connection: socket.socket | None = client.socket()  # type: ignore[assignment] # paho says object
        if self._lost or connection is None:
            raise LinkLost(self._lost or "connection closed")
        pending = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
        port, wake = connection.fileno(), self._inbox.wake_fd
        writing = [port] if client.want_write() else []
        ready, writable, _ = select.select([port, wake], writing, [], 0.0 if pending else self._session.tick_s)
        standstill.turn()
        try:
            if pending or port in ready:
                client.loop_read()
            if writable:
                client.loop_write()
            client.loop_misc()
        except (MQTTException, OSError, ValueError, LookupError, struct.error) as error:
            raise LinkLost(f"broker speaks no MQTT: {type(error).__name__}") from error
        self._carry_out(client)
        if self._subscribed:
            self._do(client, self._session.tick(self._now()))
        self._watch_stall(client, connection)

    def _carry_out(self, client: paho.Client) -> None:
        waiting = deque(self._inbox.take())
        try:
            while waiting:
                command, now = waiting.popleft(), self._now()
                if client.want_write():
                    self._sink(outcome(command, Result.EXPIRED, "broker takes no bytes", now))
                else:
                    self._do(client, carry_out(self._session, command, now))
        finally:
            for command in waiting:
                self._sink(outcome(command, Result.EXPIRED, "broker lost", self._now()))

    def _watch_stall(self, client: paho.Client, connection: socket.socket) -> None:
        now_s = time.monotonic()
        if not client.want_write():
            self._stalled_s = None
        elif self._stalled_s is None:
            self._stalled_s = now_s
        elif now_s - self._stalled_s > STALL_S:
            connection.close()  # no farewell: what is queued must not go out later
            raise LinkLost("broker takes no bytes")

    def _end(self, client: paho.Client) -> None:
        for command in self._inbox.close():
            self._sink(outcome(command, Result.EXPIRED, "broker lost", self._now()))
        why = "Disconnect with will message" if self._will else "Normal disconnection"
        client.disconnect(ReasonCode(PacketTypes.DISCONNECT, why))
        for event in self._session.lost(self._now()):
            self._sink(event)

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _props: Properties | None
    ) -> None:
        if reason.is_failure:
            self._lost = f"broker refused: {reason}"
            return
        client.subscribe([(topic, 1) for topic in self._session.topics()])

    def _on_subscribe(self, client: paho.Client) -> None:
        self._subscribed = True
        self._inbox.open()
        self._do(client, self._session.start(self._now()))

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _props: Properties | None
    ) -> None:
        self._lost = self._lost or f"broker lost: {reason}"

    def _on_message(self, client: paho.Client, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        if len(payload) > MAX_BYTES:
            log.warning("message dropped", driver=self.name, topic=message.topic, bytes=len(payload))
            return
        self._do(client, self._session.received(Message(message.topic, payload, message.retain), self._now()))

    def _do(self, client: paho.Client, actions: Iterator[Action]) -> None:
        for action in actions:
            if isinstance(action, Publish):
                expiry = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho leaves it untyped
                if action.expiry_s is not None:
                    expiry.MessageExpiryInterval = max(1, action.expiry_s)
                client.publish(action.topic, action.payload, 0, action.retain, expiry)
            else:
                self._sink(action)

    def _now(self) -> Moment:
        return Moment.now(self._epoch)


def _hurry(sock: object) -> None:
    """No waiting for more bytes, and no second chance for bytes that nobody acknowledges in time."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STALL_S * 1000))
