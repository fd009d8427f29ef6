"""The driver of MQTT door controllers that speak `menjin/1` (README.md), on any MQTT 5 broker.

The session outlives a broken connection for an hour, so that reads made meanwhile are at least logged. What the broker
had kept comes before a fence, a message that the driver sends to itself after subscribing; all reads before it are
stale. Commands are never retained, expire in the broker and in the device, and die with the client that sent them.
"""

import math
import secrets
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from controllers.driver import Capabilities, Command, DeviceEvent, LockCommand, Outcome, Result, Seen, Sink
from controllers.errors import BadSetup, LinkLost, ProtocolViolation
from controllers.inbox import Inbox
from controllers.mqtt_device import MqttDevice
from controllers.mqtt_menjin import (
    Done,
    Inputs,
    Message,
    Read,
    State,
    Text,
    command_payload,
    command_topic,
    fence_topic,
    read_payload,
    read_topic,
    up_topics,
)
from controllers.standstill import Standstill

log = structlog.get_logger()

KEEPALIVE_S = 5
CONNECT_S = 5.0
FENCE_S = 10.0  # a broker that does not let us hear ourselves by then has the wrong ACL
SESSION_S = 3600
STOP_LOOK_S = 0.25
QOS = 1
RESULTS = {"done": Result.DONE, "refused": Result.REFUSED, "expired": Result.EXPIRED}


class MqttDriver:
    """One connection to the broker, for all devices behind it. An empty `username` logs in as nobody.

    `certificate` is our own and its key (PEM), where the broker asks for one.
    """

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        username: str,
        password: str,
        ca_file: Path | None,
        devices: Sequence[str],
        sink: Sink,
        client_id: str = "",
        certificate: tuple[Path | None, Path | None] = (None, None),
    ) -> None:
        if any(set(device) & set("/+#") for device in devices):
            raise BadSetup("a device's name cannot hold / + or #")
        self.name = name
        self._broker = (host, port)
        self._login = (username, password)
        self._ca_file = ca_file
        self._certificate = certificate
        self._client_id = client_id or f"menjin-{username or name}"
        self._devices = {device: MqttDevice(device, ca_file is not None) for device in devices}
        self._sink = sink
        self._inbox = Inbox()
        self._waiting: dict[str, Command] = {}  # sent, not answered yet
        self._fence = ""
        self._fence_at = 0.0
        self._lost: str | None = None
        self._subscribed = 0

    def devices(self) -> dict[str, Capabilities]:
        """The door controllers, by name."""
        has = Capabilities(cards=True, text=True, inputs=1, outputs=1, feedback=True, secure=self._ca_file is not None)
        return dict.fromkeys(self._devices, has)

    def run(self, stop: threading.Event) -> None:
        """Serve the broker until `stop` is set. Raises `LinkLost` when the connection breaks."""
        reason = "driver stopped"
        client = self._new_client()
        try:
            self._connect(client)
            self._serve(client, stop)
        except LinkLost as error:
            reason = str(error)
            raise
        finally:
            left = self._inbox.close()
            client.disconnect()
            self._end(left, reason)

    def submit(self, command: Command) -> None:
        """Take a command from any thread."""
        if not self._inbox.put(command):
            self._outcome(command, Result.EXPIRED, "broker is off line or too many commands wait")

    # The connection

    def _new_client(self) -> paho.Client:
        """A client for one connection: a new one forgets what the last one had not got through."""
        client = paho.Client(CallbackAPIVersion.VERSION2, self._client_id, protocol=paho.MQTTv5)
        client.connect_timeout = CONNECT_S
        client.on_socket_open = lambda _client, _data, sock: _no_delay(sock)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        username, password = self._login
        if username:
            client.username_pw_set(username, password)
        if self._ca_file is not None:
            try:
                own, key = (None if each is None else str(each) for each in self._certificate)
                client.tls_set(str(self._ca_file), own, key)
            except (OSError, ssl.SSLError) as error:
                raise BadSetup(f"cannot use {self._ca_file}: {error}") from error
        return client

    def _connect(self, client: paho.Client) -> None:
        self._lost, self._fence, self._subscribed = None, secrets.token_hex(8), 0
        self._fence_at = time.monotonic() + FENCE_S
        keep = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho leaves it untyped
        keep.SessionExpiryInterval = SESSION_S
        host, port = self._broker
        try:
            client.connect(host, port, KEEPALIVE_S, clean_start=False, properties=keep)
        except (OSError, ValueError) as error:
            raise LinkLost(f"broker does not answer: {error}") from error

    def _serve(self, client: paho.Client, stop: threading.Event) -> None:
        wake, standstill = self._inbox.wake_fd, Standstill()
        while not stop.is_set():
            self._send_commands(client)
            connection: socket.socket | None = client.socket()  # type: ignore[assignment] # paho says object
            if self._lost is not None or connection is None:
                raise LinkLost(self._lost or "connection closed")
            pending = isinstance(connection, ssl.SSLSocket) and connection.pending() > 0
            writing = [connection.fileno()] if client.want_write() else []
            wait_s = 0.0 if pending else self._wait_s()
            readable, writable, _ = select.select([connection.fileno(), wake], writing, [], wait_s)
            standstill.turn()  # before reading: the broker sends again what was not acknowledged, as backlog
            if pending or connection.fileno() in readable:
                client.loop_read()
            if writable:
                client.loop_write()
            client.loop_misc()
            self._look_at_clock()

    def _wait_s(self) -> float:
        soonest = min((command.deadline_mono_s for command in self._waiting.values()), default=math.inf)
        return min(max(soonest - time.monotonic(), 0.0), STOP_LOOK_S)

    def _look_at_clock(self) -> None:
        """Commands that nobody answered in time, and a fence that does not come back."""
        now = time.monotonic()
        for command in [command for command in self._waiting.values() if command.deadline_mono_s <= now]:
            del self._waiting[command.command_id]
            self._outcome(command, Result.UNKNOWN, "no answer")
        if self._fence and now > self._fence_at:
            raise LinkLost("broker does not let this user hear itself: look at its ACL")

    # What the client calls

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _props: Properties | None
    ) -> None:
        if reason.is_failure:
            self._lost = f"broker refused: {reason}"
            return
        self._inbox.open()
        log.info("mqtt_connected", driver=self.name, devices=len(self._devices))
        topics = [fence_topic(self._client_id), *(up_topics(device) for device in self._devices)]
        client.subscribe([(topic, QOS) for topic in topics])

    def _on_subscribe(self, client: paho.Client, *_rest: object) -> None:
        client.publish(fence_topic(self._client_id), self._fence, QOS)

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _props: Properties | None
    ) -> None:
        self._lost = self._lost or f"broker lost: {reason}"

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic == fence_topic(self._client_id):
            if message.payload == self._fence.encode():
                self._fence = ""
            return
        try:
            device, kind = read_topic(message.topic)
            self._take(self._devices[device], read_payload(kind, bytes(message.payload)), message.retain)
        except (ProtocolViolation, KeyError) as error:
            log.warning("mqtt_message_dropped", driver=self.name, topic=message.topic, why=str(error))

    def _take(self, device: MqttDevice, message: Message, retained: bool) -> None:
        mono_s, wall_s = time.monotonic(), time.time()
        match message:
            case State():
                self._tell(device.state(message, mono_s, wall_s))
            case Read() if not retained:  # a retained read is as old as may be
                self._tell(device.read(message, not self._fence, mono_s, wall_s))
            case Text() if not retained:
                self._tell(device.text(message, not self._fence, mono_s, wall_s))
            case Inputs():
                self._tell(device.inputs(message, retained, mono_s, wall_s))
            case Done() if not retained:
                self._answered(device, message)

    def _answered(self, device: MqttDevice, message: Done) -> None:
        command = self._waiting.get(message.id)
        if command is None or command.device != device.name or message.result not in RESULTS:
            raise ProtocolViolation("an answer that nobody waits for")
        del self._waiting[message.id]
        self._outcome(command, RESULTS[message.result], message.detail[:200])

    # Commands

    def _send_commands(self, client: paho.Client) -> None:
        for command in self._inbox.take():
            refusal = self._refusal(command)
            if refusal is not None:
                self._outcome(command, *refusal)
            else:
                self._publish(client, command)

    def _refusal(self, command: Command) -> tuple[Result, str] | None:
        """Why a command is not sent, if it is not."""
        device = self._devices.get(command.device)
        if device is None:
            return Result.REFUSED, "no such device"
        if not device.online:
            return Result.EXPIRED, "device is off line"
        if command.deadline_mono_s <= time.monotonic():
            return Result.EXPIRED, "waited past its deadline"
        return None

    def _publish(self, client: paho.Client, command: Command) -> None:
        left_s = command.deadline_mono_s - time.monotonic()
        now = time.time()
        expiry = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho leaves it untyped
        expiry.MessageExpiryInterval = max(1, math.ceil(left_s))
        payload = command_payload(command, now, now + left_s)
        client.publish(command_topic(command), payload, QOS, retain=False, properties=expiry)
        if isinstance(command, LockCommand):
            self._waiting[command.command_id] = command
        else:
            self._outcome(command, Result.DONE, "sent; a signal is not answered")

    def _end(self, left: Iterable[Command], reason: str) -> None:
        """The connection is over: what was sent is unknown, what was not has expired."""
        for command in left:
            self._outcome(command, Result.EXPIRED, reason)
        for command in self._waiting.values():
            self._outcome(command, Result.UNKNOWN, reason)
        self._waiting.clear()
        for device in self._devices.values():
            self._tell(device.lost(reason, time.monotonic(), time.time()))

    def _outcome(self, command: Command, result: Result, detail: str) -> None:
        device = self._devices.get(command.device)
        mono_s, wall_s = time.monotonic(), time.time()
        seen = device.seen(mono_s, wall_s) if device else Seen(mono_s, wall_s, 0)
        self._sink(Outcome(command.command_id, command.device, result, detail, seen))

    def _tell(self, events: Iterable[DeviceEvent]) -> None:
        for event in events:
            self._sink(event)


def _no_delay(sock: object) -> None:
    """With Nagle's algorithm on, a QoS 1 exchange waits 40 ms for a delayed acknowledgement."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
