"""What `menjin device` says of orders and devices."""

from typing import Any

from rich.table import Table
from rich.text import Text

from gateway.control_words import Why
from mgmt_api.cli.monitor_board import printable

SAID = {
    Why.BAD_REQUEST: "not understood / 请求无效",
    Why.NOT_ALLOWED: "not allowed / 无权操作",
    Why.NO_DEVICE: "not there / 没有此设备",
    Why.BUSY: "busy / 正忙",
    Why.UNRECORDED: "not done, since it cannot be written down / 无法记录，未执行",
    Why.REFUSED: "refused / 被拒绝",
    Why.EXPIRED: "not sent in time / 超时，未发送",
    Why.UNKNOWN: "sent, but nobody knows whether it was done / 已发送，结果未知",
    Why.LINE_LOST: "the line is lost / 线路中断",
    Why.NO_GATEWAY: "no gateway runs here with this site file; start it (menjin run), or use menjin doctor"
    " / 网关未运行，请先启动，或使用 menjin doctor",
}
GOOD, BAD = "green", "red"
VERDICTS = {"good": "good / 良好", "fair": "fair / 一般", "bad": "bad / 差", "dead": "dead / 无应答"}


def device_table(devices: list[dict[str, Any]]) -> Table:
    """All devices."""
    table = Table("Device / 设备", "Line / 线路", "State / 状态", "At / 地址", "Maker / 厂家", "Errors / 误码")
    for each in devices:
        state = Text(printable(each["reason"]), style=GOOD if each["online"] else BAD)
        if each.get("install_window_s"):
            state.append(f"  window open {each['install_window_s']} s / 安装窗口开启", style="yellow")
        at = f"{each['address']} @ {each['baud']}" if "address" in each else ""
        errors = f"{each['counters']['error_rate']:.2%}" if "counters" in each else ""
        table.add_row(each["name"], each["line"], state, at, _maker(each.get("identity")), errors)
    return table


def quality_table(readers: list[dict[str, Any]]) -> Table:
    """What a test of a line told."""
    table = Table("Reader / 读卡器", "Verdict / 结论", "Errors / 误码", "Sent / 发送", "Again / 重发", "Slowest / 最慢")
    for each in readers:
        verdict = Text(VERDICTS[each["verdict"]], style=GOOD if each["verdict"] == "good" else BAD)
        slowest = f"{each['slowest_s'] * 1000:.1f} ms"
        table.add_row(
            each["reader"], verdict, f"{each['error_rate']:.2%}", str(each["sent"]), str(each["repeated"]), slowest
        )
    return table


def _maker(identity: dict[str, Any] | None) -> str:
    if identity is None:
        return ""
    return f"{identity['vendor']} {identity['model']} v{identity['firmware']} #{identity['serial']}"
