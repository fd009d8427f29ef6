"""The list of commands."""

import platform
import sys
from importlib.metadata import version as installed_version

import typer

from mgmt_api.cli import (
    boards,
    broker,
    calendar,
    camera,
    check_config,
    code,
    device,
    doctor,
    evidence,
    process,
    simulate,
    site,
    why,
    wiegand,
)
from mgmt_api.cli.output import Exit, JsonOption, answer, say

app = typer.Typer(
    name="menjin",
    help="Menjin 门禁: the on-site access-control gateway / 现场门禁网关",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.command("run", help="All three processes on this machine / 启动全部进程")(process.run)
app.command("gateway", help="The door process / 门禁进程")(process.gateway)
app.command("recorder", help="The recorder / 录像进程")(process.recorder)
app.command("api", help="The management plane and console / 管理平台与控制台")(process.api)
app.command("demo", help="Menjin against a virtual site / 虚拟站点演示")(site.demo)
app.command("init", help="A first site file with fresh secrets / 生成初始配置与密钥")(site.init)
app.command("check-config", help="Check a site file / 检查配置文件")(check_config.check_config)
app.command("config-schema", help="JSON Schema of the site file / 配置文件的 JSON Schema")(check_config.schema)
app.command("simulate", help="A whole world from one file / 用一个文件模拟门禁")(simulate.simulate)
app.command("explain", help="Why a door opens or does not / 为何开门或拒绝")(why.explain)
app.command("who-can", help="Whom a door lets pass / 谁能通过此门")(why.who_can)
app.command("where-can", help="Which doors let a resident pass / 住户能通过哪些门")(why.where_can)
app.command("doctor", help="What is wrong with this machine / 检查本机环境")(doctor.doctor)
app.add_typer(device.app, name="device", help="Devices: live, and an installer's work / 设备")
app.command("boards", help="The UHPPOTE boards' own lists / 控制板本地名单")(boards.boards)
app.add_typer(broker.app, name="broker", help="The MQTT broker's rights / MQTT 代理权限")
app.add_typer(code.app, name="code", help="QR codes: sign, show, verify / 二维码")
app.add_typer(calendar.app, name="calendar", help="Schedules as iCalendar, China's holidays / 日历与节假日")
app.add_typer(wiegand.app, name="wiegand", help="Card formats: decode, encode, learn / 韦根卡格式")
app.add_typer(camera.app, name="camera", help="Cameras in this network, over ONVIF / 网络摄像机（ONVIF）")
app.add_typer(evidence.journal, name="journal", help="The event journal / 事件日志")
app.add_typer(evidence.recordings, name="recordings", help="The footage / 录像")
app.add_typer(evidence.clip, name="clip", help="Exported footage / 导出的录像")


@app.command("version", help="Versions / 版本")
def version(json: JsonOption = False) -> None:
    """Print Menjin's and Python's version."""
    found = {"menjin": installed_version("menjin"), "python": platform.python_version()}
    answer(found) if json else say(f"menjin {found['menjin']} (Python {found['python']})")


def main() -> None:
    """Run the command line; a file that is another user's is named plainly, whichever command came upon it."""
    if not _is_text("".join(sys.argv)):
        sys.stderr.write("an argument is not UTF-8 text / 参数不是 UTF-8 文本\n")
        sys.exit(Exit.USAGE)
    try:
        app()
    except PermissionError as error:
        sys.stderr.write(f"{error}: run as the user whose it is / 无权访问，请以所属用户运行\n")
        sys.exit(Exit.FAILED)


def _is_text(given: str) -> bool:
    """Bytes that are no text stand as lone surrogates in it, which can be neither looked up nor printed."""
    return not any("\ud800" <= letter <= "\udfff" for letter in given)
