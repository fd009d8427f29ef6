"""`menjin broker acl`: the broker's rights file, so that each device reaches its own topics alone."""

from collections.abc import Iterator
from typing import Annotated

import typer

from config.settings import Broker
from controllers import mqtt_acl
from controllers.errors import BadSetup
from controllers.mqtt_acl import Rights
from controllers.mqtt_dejaos import Terminal
from mgmt_api.cli.output import DEFAULT_CONFIG, ConfigOption, Exit, JsonOption, answer, say, settings_of, stop

HEAD = """# Rights on the broker (mosquitto: acl_file), by `menjin broker acl`. Each device logs in with its own name.
# Make the users with: mosquitto_passwd menjin.passwd NAME
"""
app = typer.Typer(no_args_is_help=True)


@app.callback()
def _broker() -> None:
    """The MQTT broker."""


@app.command("acl", help="The broker's rights file (mosquitto acl_file) / 生成代理权限文件")
def acl(
    config: ConfigOption = DEFAULT_CONFIG,
    viewer: Annotated[
        str, typer.Option("--home-assistant-user", help="Home Assistant's own user / Home Assistant 的用户名")
    ] = "homeassistant",
    json: JsonOption = False,
) -> None:
    """Print who may say and hear what."""
    broker = settings_of(config).broker
    if broker is None:
        stop(f"{config}: has no 'broker' section", Exit.BAD_CONFIG)
    if not broker.username:
        stop(f"{config}: broker.username is empty, so no rights can be given to the gateway", Exit.BAD_CONFIG)
    try:
        rights = [*rights_of(broker, viewer)]
        text = HEAD + mqtt_acl.render(rights)
    except BadSetup as error:
        stop(f"{config}: {error}", Exit.BAD_CONFIG)
    answer({"users": sorted({each.user for each in rights}), "acl": text}) if json else say(text)


def rights_of(broker: Broker, viewer: str = "homeassistant") -> Iterator[Rights]:
    """Whoever logs in at the broker: the gateway, each device, and both ends of Home Assistant. Raises `BadSetup`."""
    devices = [mqtt_acl.own_device(each.name) for each in broker.devices]
    devices += [
        mqtt_acl.dejaos_terminal(each.name, each.uuid, Terminal(each.name, each.uuid, each.prefix).base)
        for each in broker.dejaos
    ]
    devices += [mqtt_acl.esprfid_board(each.name, each.topic) for each in broker.esprfid]
    yield mqtt_acl.gateway(broker.username, devices, fence=bool(broker.devices))
    yield from devices
    shown = broker.home_assistant
    if shown is not None:
        yield mqtt_acl.home_assistant_bridge(shown.username or broker.username, shown.base, shown.discovery)
        yield mqtt_acl.home_assistant(viewer, shown.base, shown.discovery, commands=bool(shown.commands))
