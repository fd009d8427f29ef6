"""Does a broker let us in? One connection, its answer in words."""

import ssl
import time

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from controllers.mqtt_dialect import BrokerLogin

KEEPALIVE_S = 10


def fault(login: BrokerLogin, timeout_s: float = 3.0) -> str:
    """What is wrong with a broker or our login there; empty when all is well."""
    answers: list[ReasonCode] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, "", protocol=paho.MQTTv5)
    client.connect_timeout = timeout_s
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason)
    if login.username:
        client.username_pw_set(login.username, login.password)
    where = f"{login.host}:{login.port}"
    try:
        if login.ca_file is not None:
            own, key = (None if each is None else str(each) for each in (login.cert_file, login.key_file))
            client.tls_set(str(login.ca_file), own, key)
        client.connect(login.host, login.port, KEEPALIVE_S)
        end = time.monotonic() + timeout_s
        while not answers and time.monotonic() < end and client.loop(0.1) == paho.MQTT_ERR_SUCCESS:
            pass
        client.disconnect()
    except ssl.SSLError as error:
        return f"{where}: TLS fails ({error.reason or error}); look at ca_file and the broker's certificate"
    except (OSError, ValueError) as error:
        return f"{where} does not answer ({error}); is the broker running, is the address right?"
    return _meaning(where, login, answers[0] if answers else None)


def _meaning(where: str, login: BrokerLogin, answer: ReasonCode | None) -> str:
    if answer is None:
        return f"{where} is no MQTT 5 broker, or wants TLS (ca_file): it closed the connection"
    if not answer.is_failure:
        return ""
    if answer.getName() in ("Not authorized", "Bad user name or password"):
        return f"{where} refuses the user {login.username!r}: look at username, password_file and the broker's users"
    return f"{where} refuses: {answer}"
