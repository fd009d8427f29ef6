"""`menjin code`: sign a live code or visitor pass, show what a code says, and ask whether a door would take it."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from string import hexdigits
from typing import Annotated, Any

import segno
import typer
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.access import mj1
from mgmt_api.cli.code_verdict import verdict
from mgmt_api.cli.moment import unix_s
from mgmt_api.cli.output import Exit, JsonOption, answer, say, stop
from mgmt_api.pass_keys import BadIssuerKey, load_issuer_key, public_of, sign

app = typer.Typer(no_args_is_help=True)

KeyFile = Annotated[Path, typer.Option("--key", help="PEM file with the P-256 private key / 私钥文件")]
SiteNumber = Annotated[int, typer.Option("--site", min=1, max=2**32 - 1, help="The site's number / 站点编号")]


def _drawable(path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in (".png", ".svg"):
        raise typer.BadParameter(f"{path}: ends in neither .png nor .svg / 只支持 .png 与 .svg")
    return path


Picture = Annotated[
    Path | None,
    typer.Option("--out", callback=_drawable, help="Write a picture too, by its ending .png or .svg / 输出图片"),
]
Qr = Annotated[bool, typer.Option("--qr", help="Draw it on the terminal / 在终端显示二维码")]
Text = Annotated[str, typer.Argument(metavar="TEXT", help="The code, as a scanner reads it / 码文本")]
HANDLE_DIGITS = 16
DAY_S = 24 * 60 * 60
ISO = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]


@app.callback()
def _code() -> None:
    """MJ1 codes."""


@app.command("key", help="Make a key that signs codes / 生成签名密钥")
def key(
    path: Annotated[Path, typer.Argument(help="The new PEM file / 新私钥文件", metavar="KEY.pem")],
    json: JsonOption = False,
) -> None:
    """Write a fresh private key, readable by its owner alone, and print its public key."""
    made = generate_private_key(SECP256R1())
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    except OSError as error:
        stop(f"{path}: {error.strerror}")
    found = {"file": str(path), "public_key": public_of(made).hex()}
    answer(found) if json else say(found["public_key"])


@app.command("issue", help="Sign a live code or a visitor pass / 签发动态码或访客码")
def issue(
    key: KeyFile,
    site: SiteNumber,
    handle: Annotated[str, typer.Option(help="Live code: its handle, 16 hex digits / 动态码句柄")] = "",
    door: Annotated[int, typer.Option(min=0, max=65535, help="Live code: one door's number / 门编号")] = 0,
    duress: Annotated[bool, typer.Option("--duress", help="Live code: a silent cry for help / 胁迫标志")] = False,
    profile: Annotated[int, typer.Option(min=0, max=65535, help="Pass: the profile's number / 权限组编号")] = 0,
    kid: Annotated[int, typer.Option(min=0, max=15, help="The key's number / 密钥编号")] = 0,
    uses: Annotated[
        int | None, typer.Option(min=1, max=255, help="Pass: so many passages; 1 without / 可用次数，默认 1 次")
    ] = None,
    begins: Annotated[
        datetime | None, typer.Option("--from", formats=ISO, help="ISO 8601; now without / 生效时间")
    ] = None,
    ends: Annotated[
        datetime | None, typer.Option("--to", formats=ISO, help="Pass: ISO 8601; 24 h later without / 失效时间")
    ] = None,
    out: Picture = None,
    qr: Qr = False,
    json: JsonOption = False,
) -> None:
    """Sign a live code (with --handle) or a visitor pass (with --profile)."""
    if bool(handle) == bool(profile):
        stop("give --handle for a live code, or --profile for a visitor pass", Exit.USAGE)
    if handle:
        _refuse("not of a live code / 动态码无此项", {"--uses": uses, "--to": ends})
    else:
        _refuse("not of a visitor pass / 访客码无此项", {"--door": door, "--duress": duress})
    start = int(unix_s(begins or datetime.now(UTC)))
    end = int(unix_s(ends)) if ends else start + DAY_S
    if end <= start:
        stop("--to is not after --from / 失效时间须晚于生效时间", Exit.USAGE)
    signed = (
        mj1.live_signed(kid, _handle(handle), site, start, mj1.DURESS if duress else 0, door)
        if handle
        else mj1.pass_signed(kid, secrets.token_bytes(8), site, start, end, profile, uses or 1)
    )
    private = _private(key)
    text = mj1.encode(signed, sign(private, signed))
    _tell(text, {"public_key": public_of(private).hex()}, out, qr, json)


@app.command("show", help="What a code says; nothing is verified / 显示码内容（不验证）")
def show(text: Text, out: Picture = None, qr: Qr = False, json: JsonOption = False) -> None:
    """Print the fields of a code."""
    _tell(text, {}, out, qr, json)


@app.command("verify", help="Whether a door of this site would take the code now / 验证码")
def verify(
    text: Text,
    public_key: Annotated[str, typer.Option("--public-key", help="66 hex digits, compressed P-256 / 公钥")],
    site: SiteNumber,
    door: Annotated[int, typer.Option(min=1, max=65535, help="The door's number / 门编号")] = 1,
    at: Annotated[datetime | None, typer.Option(formats=ISO, help="ISO 8601; now without / 时间")] = None,
    json: JsonOption = False,
) -> None:
    """Decide on the code as a door does whose table has this key and all rights; exit 1 if it is refused."""
    code = _parsed(text)
    try:
        found = verdict(code, bytes.fromhex(public_key), site, door, unix_s(at or datetime.now(UTC)) // 1)
    except ValueError as error:
        stop(f"the public key cannot be used: {error}", Exit.USAGE)
    words = f"{'✓' if found['ok'] else '✗'} {found['reason'] or 'Granted'}  {found['zh']} {found['en']}  {found['at']}"
    answer(found) if json else say(words)
    raise typer.Exit(Exit.OK if found["ok"] else Exit.FAILED)


def fields(code: mj1.LiveCode | mj1.VisitorPass) -> dict[str, Any]:
    """A code's fields as JSON values."""
    if isinstance(code, mj1.LiveCode):
        flags = {"duress": bool(code.flags & mj1.DURESS), "software_key": bool(code.flags & mj1.SOFTWARE_KEY)}
        told = {"type": "live", "kid": code.kid, "handle": code.handle.hex(), "site": code.site}
        return told | {"iat": _iso(code.iat), "door": code.door, **flags}
    told = {"type": "pass", "kid": code.kid, "pass": code.pass_id.hex(), "site": code.site}
    window = {"valid_from": _iso(code.nbf), "valid_to": _iso(code.exp)}
    return told | window | {"profile": code.profile, "max_uses": code.max_uses}


def _refuse(why: str, options: dict[str, object]) -> None:
    """What was given and belongs to the other kind of code would be left out of this one without a word."""
    given = [option for option, value in options.items() if value]
    if given:
        stop(f"{', '.join(given)}: {why}", Exit.USAGE)


def _handle(text: str) -> bytes:
    if len(text) != HANDLE_DIGITS or not set(text) <= set(hexdigits):
        stop(f"--handle {text!r}: not {HANDLE_DIGITS} hex digits / 句柄须为 {HANDLE_DIGITS} 位十六进制数", Exit.USAGE)
    return bytes.fromhex(text)


def _tell(text: str, more: dict[str, Any], out: Path | None, qr: bool, json: bool) -> None:
    told = {"text": text, **fields(_parsed(text)), **more}
    picture = segno.make(text, error="m", boost_error=False, micro=False)
    told["qr"] = picture.designator
    if out is not None:
        try:
            picture.save(str(out), scale=8)
        except (OSError, ValueError) as error:
            stop(f"{out}: {error}")
        told["file"] = str(out)
    if json:
        answer(told)
        return
    for name, value in told.items():
        say(f"{name:<12} {value}")
    if qr:
        picture.terminal(compact=True)


def _parsed(text: str) -> mj1.LiveCode | mj1.VisitorPass:
    try:
        return mj1.parse(text)
    except mj1.Malformed as error:
        stop(f"no MJ1 code: {error.reason} / 不是有效的码", Exit.FAILED)


def _private(path: Path) -> EllipticCurvePrivateKey:
    try:
        return load_issuer_key(path.read_bytes())
    except OSError as error:
        stop(f"{path}: {error.strerror}")
    except BadIssuerKey as error:
        stop(f"{path}: {error}")


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
