"""What an event is called, for people who have no console: in exports."""

from gateway.access.event import EventKind
from gateway.access.reasons import REASONS, DenyReason

KINDS: dict[EventKind, tuple[str, str]] = {  # zh-CN, English
    EventKind.GRANTED: ("已放行", "Granted"),
    EventKind.DENIED: ("拒绝", "Refused"),
    EventKind.TAKEN: ("已通过", "Passed"),
    EventKind.NOT_TAKEN: ("未通过", "Not used"),
    EventKind.DOOR_FORCED_OPEN: ("强行开门", "Forced open"),
    EventKind.DOOR_OPEN_TOO_LONG: ("开门超时", "Open too long"),
    EventKind.DOOR_CLOSED: ("门已关", "Door closed"),
    EventKind.REMOTE_UNLOCK: ("远程开门", "Opened remotely"),
    EventKind.COMMAND_OUTCOME: ("命令结果", "Command result"),
    EventKind.STALE_READ: ("迟到的读取", "Late read"),
    EventKind.LINK_UP: ("设备上线", "Device online"),
    EventKind.LINK_DOWN: ("设备离线", "Device offline"),
    EventKind.TAMPER: ("防拆告警", "Tamper alarm"),
    EventKind.POWER_FAULT: ("电源故障", "Power fault"),
    EventKind.READER_ALARM: ("连续五次被拒", "Five refusals in a row"),
    EventKind.DEVICE_RECORD: ("设备自行判定", "Decided by device"),
    EventKind.DEVICE_ALARM: ("设备告警", "Device alarm"),
    EventKind.KEY_CHANGED: ("密钥已更换", "Key changed"),
    EventKind.DEVICE_WORK: ("设备作业", "Work at a reader"),
    EventKind.TABLE_ADOPTED: ("权限已更新", "Rights updated"),
    EventKind.GATEWAY_STARTED: ("网关已启动", "Gateway started"),
    EventKind.DURESS: ("胁迫报警", "Duress"),
    EventKind.PARDONED: ("区域记录清零", "Zone pardoned"),
    EventKind.REX: ("出门请求", "Request to exit"),
    EventKind.DOOR_MODE: ("门模式变更", "Door mode"),
    EventKind.ORDERED: ("值班指令", "Order"),
    EventKind.FIRE_RELEASED: ("消防释放", "Fire release"),
    EventKind.FIRE_ENDED: ("消防复位", "Fire release ended"),
    EventKind.FIRE_RESET_REFUSED: ("消防复位被拒", "Fire reset refused"),
}


def words(kind: str, reason: str) -> dict[str, dict[str, str]]:
    """`words` of the kind and `why` of the reason, in both languages; none for what this plane does not know."""
    found = {}
    if kind in KINDS:
        found["words"] = _both(KINDS[EventKind(kind)])
    if reason in REASONS:
        found["why"] = _both(REASONS[DenyReason(reason)])
    return found


def _both(texts: tuple[str, str]) -> dict[str, str]:
    return dict(zip(("zh", "en"), texts, strict=True))
