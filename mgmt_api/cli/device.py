"""`menjin device ...`: an installer's work at OSDP readers while the gateway runs. The gateway owns the wires.

Without a running gateway there is nothing to ask: `menjin doctor` finds ports, readers, baud rates and brokers then.
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from controllers.errors import BadSetup
from controllers.vault import create_keys, load_keys
from gateway.control_client import ask_gateway, person
from gateway.control_words import (
    FILE_BYTES,
    Ask,
    CaptureLine,
    InstallWindow,
    ListDevices,
    NotDone,
    Quality,
    RotateKey,
    SearchLine,
    SendFile,
    SetAddress,
    ShowText,
    Why,
    socket_path,
)
from mgmt_api.cli.device_words import SAID, device_table, quality_table
from mgmt_api.cli.monitor import app
from mgmt_api.cli.output import DEFAULT_CONFIG, ConfigOption, Exit, JsonOption, answer, say, settings_of, stop
from mgmt_api.cli.progress import Steps

__all__ = ["app"]

NAME_LENGTH = 64


def _name(text: str) -> str:
    if not 0 < len(text) <= NAME_LENGTH or not text.isprintable():
        raise typer.BadParameter(f"1 to {NAME_LENGTH} letters / 名称为 1 至 {NAME_LENGTH} 个字符")
    return text


Reader = Annotated[str, typer.Argument(callback=_name, help="The reader's name in the site file / 读卡器名称")]
Line = Annotated[str, typer.Argument(callback=_name, help="The line's (bus) name in the site file / 总线名称")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask / 不再询问")]


@app.command("list", help="All devices as the gateway sees them / 列出设备")
def list_devices(config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Each device's link; of OSDP readers also address, maker, errors and installation window."""
    done = _ask(config, ListDevices(), json)
    answer(done) if json else _draw(device_table(done["devices"]))


@app.command("make-keys", help="Make a key for each wired reader that has none / 为新读卡器生成密钥")
def make_keys(config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Needs no gateway. A running one is started again to take up new readers; then give them their keys."""
    settings = settings_of(config)
    vault = settings.secrets.reader_keys_file
    wired = [reader.name for bus in settings.buses for reader in bus.readers]
    try:
        before = load_keys(vault) if vault.exists() else {}
        create_keys(vault, wired)
    except (BadSetup, OSError) as error:
        stop(str(error), Exit.BAD_CONFIG)
    made = [name for name in wired if name not in before]
    _end({"made": made}, ", ".join(made) or "each reader has a key / 均已有密钥", json)


@app.command("rotate-key", help="Give a reader a new secure-channel key / 更换读卡器密钥")
def rotate_key(reader: Reader, config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """The new key is in the vault before it is sent; the old one is kept until the reader proves the new one."""
    done = _ask(config, RotateKey(reader=reader, by=person()), json)
    _end(done, f"{reader} has proved its new key / 读卡器已启用新密钥", json)


@app.command("install-window", help="Let a blank reader have its key, for minutes / 限时安装新读卡器")
def install_window(
    reader: Reader,
    minutes: Annotated[float, typer.Option(min=0, max=60, help="0 closes it / 0 表示关闭")] = 10,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Whoever listens at the wire in these minutes has the key: install at a bench, or on a line nobody reaches."""
    done = _ask(config, InstallWindow(reader=reader, minutes=minutes, by=person()), json)
    opened = f"{reader}: open for {minutes:g} minutes, closed by the first key given / 安装窗口已开启 {minutes:g} 分钟"
    _end(done, opened if minutes else f"{reader}: closed / 安装窗口已关闭", json)


@app.command("comset", help="Set a reader's address and baud rate / 设置读卡器地址与波特率")
def comset(
    reader: Reader,
    address: Annotated[int, typer.Option(min=0, max=126, help="The new address / 新地址")],
    baud: Annotated[int, typer.Option(help="The new baud rate / 新波特率")],
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
    yes: Yes = False,
) -> None:
    """Then the site file must say so too, and the gateway be started again: until then the reader is off line."""
    _sure(f"{reader} will be off line until the site file says address {address}, {baud} baud. / 读卡器将离线。", yes)
    done = _ask(config, SetAddress(reader=reader, address=address, baud=baud, by=person()), json)
    _end(done, f"{reader} took it. Now set address: {address} and baud: {baud} in {config} / 请同步修改配置文件", json)


@app.command("send-file", help="Send a maker's file to a reader / 向读卡器发送文件")
def send_file(
    reader: Reader,
    file: Annotated[Path, typer.Argument(help="Configuration or firmware in its maker's form / 厂家文件")],
    kind: Annotated[int, typer.Option(min=1, max=255, help="1 opaque, 128 to 255 the maker's own / 文件类型")] = 1,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Cards are read and doors opened meanwhile, unless the reader asks for silence."""
    try:
        if file.stat().st_size > FILE_BYTES:
            stop(f"{file}: {FILE_BYTES >> 20} MiB at most")
        content = file.read_bytes()
    except OSError as error:
        stop(f"{file}: {error.strerror}")
    if not content:
        stop(f"{file}: empty")
    order = SendFile(reader=reader, size=len(content), kind=kind, by=person())
    done = _ask(config, order, json, content, f"{file.name} → {reader}", ("sent", "size"))
    _end(done, f"{reader} has all {len(content)} bytes / 文件已送达", json)


@app.command("text", help="Show a text on a reader's display / 在读卡器屏幕显示文字")
def text(
    reader: Reader,
    words: Annotated[str, typer.Argument(help="32 ASCII characters at most / 最多 32 个 ASCII 字符")],
    seconds: Annotated[int, typer.Option(min=0, max=255, help="0: for good / 0 表示一直显示")] = 0,
    row: Annotated[int, typer.Option(min=1, max=255, help="From the top / 行")] = 1,
    column: Annotated[int, typer.Option(min=1, max=255, help="From the left / 列")] = 1,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """A reader without a display refuses."""
    try:
        order = ShowText(reader=reader, text=words, seconds=seconds, row=row, column=column, by=person())
    except ValueError:
        stop("a display takes 32 printable ASCII characters at most / 最多 32 个 ASCII 字符", Exit.USAGE)
    _end(_ask(config, order, json), f"{reader} shows it / 已显示", json)


@app.command("quality", help="Test a line: errors and repeats of each reader / 线路质量测试")
def quality(
    line: Line,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long / 时长")] = 10,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Counts the line's own traffic: doors go on."""
    order = Quality(line=line, seconds=seconds, by=person())
    done = _ask(config, order, json, title=line, counts=("seconds", "of"))
    answer(done) if json else _draw(quality_table(done["readers"]))
    raise typer.Exit(Exit.OK if all(each["verdict"] == "good" for each in done["readers"]) else Exit.FAILED)


@app.command("capture", help="Record a line's frames as OSDPCAP / 抓取总线报文")
def capture(
    line: Line,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="How long / 时长")] = 30,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Frames stay encrypted as they are on the wire; nothing is recorded while an installation window is open."""
    done = _ask(config, CaptureLine(line=line, seconds=seconds, by=person()), json, quiet_s=seconds + 30)
    _end(done, done["file"], json)


@app.command("search", help="Who is on a line, at any address and baud rate / 搜索总线上的读卡器")
def search(
    line: Line,
    baud: Annotated[list[int] | None, typer.Option(help="Only this rate; may be repeated / 仅此波特率")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
    yes: Yes = False,
) -> None:
    """All readers of the line are off line meanwhile: about a minute for all rates."""
    _sure(f"All doors on {line} stay shut to cards for up to a minute. / 搜索期间该总线上的门无法刷卡。", yes)
    order = SearchLine(line=line, bauds=baud or [], by=person())
    done = _ask(config, order, json, title=line, counts=("asked", "of"))
    if json:
        answer(done)
    for each in () if json else done["found"]:
        say(f"address {each['address']}, {each['baud']} baud, {each['answer_ms']} ms")


def _ask(
    config: Path,
    order: Ask,
    json: bool,
    content: bytes = b"",
    title: str = "",
    counts: tuple[str, str] = ("", ""),
    quiet_s: float = 60.0,
) -> dict[str, Any]:
    """Have the gateway do it, with a bar on a terminal; or end with what was in the way."""
    path = socket_path(settings_of(config).data_dir)
    try:
        with Steps(title, *counts, shown=bool(title) and not json) as steps:
            return ask_gateway(path, order, content, steps.take, quiet_s)
    except NotDone as error:
        if json:
            answer({"error": error.why, "say": str(error)})
            raise typer.Exit(Exit.FAILED) from error
        stop(f"{SAID[Why(error.why)]}: {error}")


def _end(done: dict[str, Any], words: str, json: bool) -> None:
    answer(done) if json else say(words)


def _draw(table: Table) -> None:
    Console().print(table)


def _sure(what: str, yes: bool) -> None:
    if not yes:
        typer.confirm(f"{what} Go on? / 继续?", abort=True, err=True)
