"""`menjin demo` and `menjin init`: a virtual site to look at, and the start of a real one."""

import json as jsonlib
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from config.secret import new_key, write_secret
from mgmt_api.cli.output import say, stop

TOKENS = ("gateway-1.token", "central.token", "recorder.token")
BROKER = ("broker.password", "broker-ha.password")  # give them to the broker: mosquitto_passwd


def demo(
    check: Annotated[bool, typer.Option("--check", help="Walk every leg, print one JSON object / 自检")] = False,
    directory: Annotated[Path | None, typer.Option("--dir", help="Where the site lives / 运行目录")] = None,
) -> None:
    """Start Menjin against the virtual site; Ctrl-C ends all of it."""
    try:
        from simulators.demo import main as start
    except ModuleNotFoundError as error:
        stop(f"the virtual site needs {error.name!r}: run `make setup` in a checkout, then `make demo`")
    raise typer.Exit(start(check=check, directory=directory))


def init(directory: Annotated[Path, typer.Argument(help="A new folder / 新目录")]) -> None:
    """Write a first site file and fresh secrets into an empty folder."""
    if directory.exists() and any(directory.iterdir()):
        stop(f"{directory}: is not empty; nothing was written")
    example = files("config").joinpath("site.example.yaml").read_text(encoding="utf-8")
    secrets = directory / "secrets"
    for name in (*TOKENS, *BROKER, "site.key"):
        write_secret(secrets / name, new_key())
    write_secret(secrets / "reader-keys.json", jsonlib.dumps({name: new_key(16) for name in ("lobby-1", "garage-in")}))
    write_secret(secrets / "issuer.pem", _issuer_key())
    (directory / "site.yaml").write_text(example, encoding="utf-8")
    say(f"{directory / 'site.yaml'}: edit it, then run: menjin check-config {directory / 'site.yaml'}")


def _issuer_key() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form).decode()
