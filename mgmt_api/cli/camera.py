"""`menjin camera`: find the cameras of this network over ONVIF, ask one what it offers, set its clock.

A password comes from a file or is asked for; it is no argument, which other users of the machine could read.
"""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.secret import BadSecret, read_secret
from mgmt_api.cli.output import JsonOption, answer, say, stop

if TYPE_CHECKING:  # the ONVIF library takes a second to load: only these commands wait for it
    from camera.onvif import Device, Login
    from camera.onvif_discovery import Found

app = typer.Typer(no_args_is_help=True)
Url = Annotated[str, typer.Argument(help="http://ADDRESS[:PORT] of its ONVIF service / 摄像机 ONVIF 地址")]
User = Annotated[str, typer.Option("--username", "-u", help="Of the camera's own account / 摄像机用户名")]
PasswordFile = Annotated[Path | None, typer.Option(help="Its password, mode 600; left out: asked for / 密码文件")]


@app.command("discover", help="Who answers in this network / 搜索本网段摄像机")
def discover_cameras(
    wait_s: Annotated[float, typer.Option("--wait", min=0.2, max=60, help="Seconds / 秒")] = 3.0,
    interface: Annotated[str, typer.Option(help="This machine's address in that network / 本机网卡地址")] = "",
    json: JsonOption = False,
) -> None:
    """List the ONVIF devices of a network."""
    from camera.onvif_discovery import discover

    try:
        found = asyncio.run(discover(wait_s, interface=interface))
    except OSError as error:
        stop(f"no network to ask in: {error}")
    if json:
        answer([asdict(each) for each in found])
        return
    for each in found:
        say(_line(each))
    if not found:
        say("No ONVIF device answers: is ONVIF switched on in the cameras, and is this machine in their network?")


@app.command("probe", help="What a camera offers, as lines for the site file / 查询摄像机码流并生成配置")
def probe_camera(
    url: Url,
    username: User = "",
    password_file: PasswordFile = None,
    name: Annotated[str, typer.Option(help="What the site file calls it / 配置中的名称")] = "camera-1",
    json: JsonOption = False,
) -> None:
    """Ask a camera what it is and which streams it has."""
    from camera.onvif import chosen, site_lines

    login = _login(url, username, password_file)
    device = _asked(login)
    main, sub = chosen(device.profiles)
    if json:
        answer(asdict(device) | {"main": main.token if main else None, "sub": sub.token if sub else None})
        return
    say(f"{device.maker} {device.model}, firmware {device.firmware}, serial {device.serial}")
    say(_clock_words(device.clock_error_s))
    for each in device.profiles:
        said = f"  {each.token}: {each.codec} {each.width} x {each.height}, {each.fps:g} fps, {each.kbps} kbit/s"
        say(f"{said}  {each.url or '-'}" + (f"  ({each.note})" if each.note else ""))
    say("\n".join(["", *site_lines(name, login, device)]))


@app.command("set-clock", help="Set a camera's clock to this machine's / 校准摄像机时钟")
def set_camera_clock(
    url: Url, username: User = "", password_file: PasswordFile = None, json: JsonOption = False
) -> None:
    """Set a camera's clock; NTP in the camera is better."""
    from camera.onvif import OnvifFault, set_clock

    login = _login(url, username, password_file)
    try:
        asyncio.run(set_clock(login))
    except OnvifFault as fault:
        stop(str(fault))
    error_s = _asked(login).clock_error_s
    answer({"clock_error_s": error_s}) if json else say(_clock_words(error_s))


def _login(url: str, username: str, password_file: Path | None) -> "Login":
    from camera.onvif import Login

    try:
        given = read_secret(password_file) if password_file else ""
    except BadSecret as error:
        stop(str(error))
    if username and not password_file:
        given = typer.prompt("Password / 密码", hide_input=True)
    return Login(url, username, given)


def _asked(login: "Login") -> "Device":
    from camera.onvif import OnvifFault, probe

    try:
        return asyncio.run(probe(login))
    except OnvifFault as fault:
        stop(f"{login.url}: {fault}")


def _line(found: "Found") -> str:
    what = " ".join(each for each in (found.name, found.hardware, found.location) if each)
    return f"{'  '.join(found.addresses)}  {what}".rstrip()


def _clock_words(error_s: float | None) -> str:
    if error_s is None:
        return "its clock: not told"
    return f"its clock: {abs(error_s):.1f} s {'ahead' if error_s > 0 else 'behind'}"
