"""A real mosquitto with the rights that Menjin writes, with or without TLS; and devices of MQTT 3.1.1."""

import contextlib
import datetime as dt
import ipaddress
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from paho.mqtt.enums import CallbackAPIVersion

from controllers.mqtt_acl import Rights, render

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
MOSQUITTO, MAKE_PASSWORDS = (str(shutil.which(tool, path=PATH)) for tool in ("mosquitto", "mosquitto_passwd"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class AclBroker:
    """mosquitto. Each user's password is the user's name and "-secret"; with TLS its certificate names it instead."""

    def __init__(self, directory: Path, rights: Iterable[Rights], tls: bool = False) -> None:
        rights = list(rights)
        self.port = free_port()
        self.directory = directory
        users, acl = directory / "users", directory / "acl"
        users.write_text("".join(f"{right.user}:{right.user}-secret\n" for right in rights))
        subprocess.run([MAKE_PASSWORDS, "-U", str(users)], check=True)
        acl.write_text(render(rights))
        lines = [f"listener {self.port} 127.0.0.1", f"acl_file {acl}", "log_type none", "persistence false"]
        lines += ["set_tcp_nodelay true"]  # else answers wait 40 ms for a delayed acknowledgement
        if tls:
            make_certificates(directory, ["broker", *(right.user for right in rights)])
            files = {"cafile": "ca.pem", "certfile": "broker.pem", "keyfile": "broker.key"}
            lines += [f"{what} {directory}/{file}" for what, file in files.items()]
            lines += ["require_certificate true", "use_identity_as_username true"]
        else:
            lines += ["allow_anonymous false", f"password_file {users}"]
        lines += ["user root"] if os.geteuid() == 0 else []
        for secret in (users, acl):
            secret.chmod(0o600)
        self._config = directory / "mosquitto.conf"
        self._config.write_text("\n".join(lines) + "\n")
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)])
        end = time.monotonic() + 5
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            assert time.monotonic() < end
            time.sleep(0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(5)


class Device:
    """A device of MQTT 3.1.1 with a session that the broker keeps, as cheap ones have."""

    def __init__(self, broker: AclBroker, user: str, topics: Iterable[str], tls: bool = False) -> None:
        self.got: list[tuple[str, dict[str, Any], bool]] = []
        self._changed = threading.Condition()
        self._topics = list(topics)
        self._ready = threading.Event()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, user, clean_session=False, protocol=paho.MQTTv311)
        self.client.on_connect = self._connected
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = self._message
        if tls:
            here = broker.directory
            self.client.tls_set(f"{here}/ca.pem", f"{here}/{user}.pem", f"{here}/{user}.key")
        else:
            self.client.username_pw_set(user, f"{user}-secret")
        self.client.connect("127.0.0.1", broker.port, 30)
        self.client.loop_start()
        assert self._ready.wait(5)

    def _connected(self, *_: Any) -> None:
        self.client.subscribe([(topic, 2) for topic in self._topics])

    def _message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        body = json.loads(message.payload) if message.payload[:1] == b"{" else {"text": message.payload.decode()}
        with self._changed:
            self.got.append((message.topic, body, message.retain))
            self._changed.notify_all()

    def say(self, topic: str, body: dict[str, Any] | str, retain: bool = False, qos: int = 1) -> None:
        payload = body if isinstance(body, str) else json.dumps(body)
        self.client.publish(topic, payload, qos, retain).wait_for_publish(5)

    def expect(self, part: str, timeout: float = 30.0, after: int = 0) -> dict[str, Any]:
        """The first message whose topic ends so."""

        def found() -> dict[str, Any] | None:
            return next((body for topic, body, _ in self.got[after:] if topic.endswith(part)), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, timeout), (part, self.got)
            body = found()
        assert body is not None
        return body

    def leave(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def make_certificates(directory: Path, names: Iterable[str]) -> None:
    """An authority and a certificate for each name."""
    authority, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test ca")])

    def write(name: str, key: ec.EllipticCurvePrivateKey, subject: x509.Name, ca: bool) -> None:
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject).issuer_name(issuer).public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
            .sign(authority, hashes.SHA256())
        )  # fmt: skip
        (directory / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (directory / f"{name}.key").write_bytes(private)

    write("ca", authority, issuer, True)
    for name in names:
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        write(name, ec.generate_private_key(ec.SECP256R1()), subject, False)
