"""What a camera is doing, and why its footage is missing: one closed set of words, in both languages."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """A camera's state; all but `RECORDING` are also the reason of a gap."""

    CONNECTING = "connecting"
    RECORDING = "recording"
    STALLED = "stalled"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    BAD_STREAM = "bad_stream"
    DISK_FULL = "disk_full"
    NO_STORAGE = "no_storage"
    DISK_CHANGED = "disk_changed"
    ENDED = "ended"
    CLOCK_STEPPED = "clock_stepped"
    STREAM_LEAPT = "stream_leapt"
    CODEC_CHANGED = "codec_changed"
    NOT_SCHEDULED = "not_scheduled"
    NOT_RECORDED = "not_recorded"
    MISCONFIGURED = "misconfigured"
    RECORDER_STOPPED = "recorder_stopped"
    RECORDER_KILLED = "recorder_killed"


# State -> (zh, en), for people.
WORDS: dict[State, tuple[str, str]] = {
    State.CONNECTING: ("正在连接", "Connecting"),
    State.RECORDING: ("录像中", "Recording"),
    State.STALLED: ("画面中断：连接仍在，但没有数据", "Stalled: connected, but no data arrives"),
    State.REFUSED: ("摄像机拒绝连接", "The camera refuses the connection"),
    State.UNREACHABLE: ("网络上找不到摄像机", "The camera cannot be reached"),
    State.UNAUTHORISED: ("用户名或密码错误", "Wrong user name or password"),
    State.NOT_FOUND: ("摄像机没有此视频流", "The camera has no such stream"),
    State.BAD_STREAM: ("收到的不是可用的视频", "What arrives is not usable video"),
    State.DISK_FULL: ("录像磁盘已满", "The recording disk is full"),
    State.NO_STORAGE: ("无法写入录像磁盘或索引", "The recording disk or the index cannot be written"),
    State.DISK_CHANGED: ("改录到另一块磁盘", "Recorded to another disk from now on"),
    State.ENDED: ("摄像机断开了连接", "The camera closed the connection"),
    State.CLOCK_STEPPED: ("本机时钟被调整", "This machine's clock was stepped"),
    State.STREAM_LEAPT: ("摄像机的时间戳跳变", "The camera's time stamps leapt"),
    State.CODEC_CHANGED: ("编码已改变", "The coding changed"),
    State.NOT_SCHEDULED: ("按计划此时不录像", "Not recorded at this time, by its schedule"),
    State.NOT_RECORDED: ("仅供观看，不录像", "Shown only, not recorded"),
    State.MISCONFIGURED: ("摄像机地址无效", "The camera's address is not valid"),
    State.RECORDER_STOPPED: ("录像服务已停止", "The recorder was stopped"),
    State.RECORDER_KILLED: ("录像服务异常中止", "The recorder ended without a shutdown"),
}

# A fast retry of these locks the camera's account or only repeats the answer.
SLOW = frozenset({State.UNAUTHORISED, State.NOT_FOUND})

# What ffmpeg 5.1 says -> what it means. The first hit wins, so the disk goes first.
_SAYINGS = (
    ("No space left on device", State.DISK_FULL),
    ("Read-only file system", State.NO_STORAGE),
    ("av_interleaved_write_frame(): Input/output error", State.NO_STORAGE),  # alone, it may be the network's
    ("401 Unauthorized", State.UNAUTHORISED),
    ("403 Forbidden", State.UNAUTHORISED),
    ("404 Not Found", State.NOT_FOUND),
    ("Connection refused", State.REFUSED),
    ("No route to host", State.UNREACHABLE),
    ("Network is unreachable", State.UNREACHABLE),
    ("Connection timed out", State.UNREACHABLE),
    ("Failed to resolve hostname", State.UNREACHABLE),
    ("Invalid data found", State.BAD_STREAM),
    ("Protocol not found", State.BAD_STREAM),
    ("does not contain any stream", State.BAD_STREAM),
    ("matches no streams", State.BAD_STREAM),
)


def diagnose(said: str) -> State:
    """Return why ffmpeg left, from its last words; any exit is a fault, also one with return code 0."""
    return next((state for saying, state in _SAYINGS if saying in said), State.ENDED)


@dataclass(frozen=True, slots=True)
class CameraState:
    """A camera's state since a moment (Unix seconds)."""

    camera: str
    state: State
    since: float
