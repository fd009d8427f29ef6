"""`menjin demo` and `menjin init`: a virtual site to look at, and the start of a real one."""

import json as jsonlib
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from config.secret import new_key, write_secret
from mgmt_api.cli.output import Exit, JsonOption, answer, say, stop

TOKENS = ("gateway-1.token", "central.token", "recorder.token")
BROKER = ("broker.password", "broker-ha.password")  # give them to the broker: mosquitto_passwd


def demo(
    check: Annotated[bool, typer.Option("--check", help="Walk every leg, print one JSON object / 自检")] = False,
    directory: Annotated[Path | None, typer.Option("--dir", help="Where the site lives / 运行目录")] = None,
    json: JsonOption = False,
) -> None:
    """Start Menjin against the virtual site; Ctrl-C ends all of it."""
    try:
        from simulators.demo import main as start
    except ModuleNotFoundError as error:
        stop(f"the virtual site needs {error.name!r}: run `make setup` in a checkout, then `make demo`")
    raise typer.Exit(start(check=check, directory=directory, json=json))


def init(directory: Annotated[Path, typer.Argument(help="A new folder / 新目录")], json: JsonOption = False) -> None:
    """Write a first site file and fresh secrets into an empty folder."""
    try:
        if directory.exists() and any(directory.iterdir()):
            stop(f"{directory}: is not empty; nothing was written / 目录非空，未写入")
        _write(directory)
    except OSError as error:
        stop(f"{directory}: no folder can be made here ({error.strerror}) / 无法在此创建目录", Exit.USAGE)
    path = directory / "site.yaml"
    words = f"{path}: edit it, then run: menjin check-config {path} / 请编辑后检查"
    answer({"site": str(path), "secrets": str(directory / "secrets")}) if json else say(words)


def _write(directory: Path) -> None:
    secrets = directory / "secrets"
    for name in (*TOKENS, *BROKER, "site.key"):
        write_secret(secrets / name, new_key())
    write_secret(secrets / "reader-keys.json", jsonlib.dumps({name: new_key(16) for name in ("lobby-1", "garage-in")}))
    write_secret(secrets / "issuer.pem", _issuer_key())
    example = files("config").joinpath("site.example.yaml").read_text(encoding="utf-8")
    (directory / "site.yaml").write_text(example, encoding="utf-8")


def _issuer_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()
