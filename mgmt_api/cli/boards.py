"""`menjin boards`: how far the UHPPOTE boards' own lists are in step, as the door process last found them."""

import json as jsonlib
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mgmt_api.cli.output import DEFAULT_CONFIG, ConfigOption, Exit, JsonOption, answer, say, settings_of, stop

WORDS = {
    "unchanged": "unchanged / 未变", "updated": "updated / 更新", "added": "added / 新增", "deleted": "deleted / 删除",
    "failed": "failed / 失败", "missing": "number not known / 卡号未知",
}  # fmt: skip


def boards(config: ConfigOption = DEFAULT_CONFIG, json: JsonOption = False) -> None:
    """Show what the last turn came to, board by board."""
    from gateway.board_turns import REPORT  # brings half of the gateway, which no other command needs

    settings = settings_of(config)
    if not settings.site.board_lists:
        stop("the boards' lists are left alone: `site.board_lists` is not set", Exit.BAD_CONFIG)
    path = settings.data_dir / "gateway" / REPORT
    if not path.exists():
        stop("no list was brought in step yet: is the gateway running, and does a board answer?")
    reports = jsonlib.loads(path.read_text(encoding="utf-8"))
    if json:
        answer(reports)
        return
    for name, report in reports.items():
        say(_lines(name, report, ZoneInfo(settings.site.timezone)))


def _lines(name: str, report: dict[str, Any], zone: ZoneInfo) -> str:
    at = datetime.fromtimestamp(report["at"], zone).strftime("%Y-%m-%d %H:%M:%S")
    counts = ", ".join(f"{report[key]} {words}" for key, words in WORDS.items() if report[key])
    return "\n".join([f"{name}  {at}  {counts or 'empty / 空'}", *(f"    {error}" for error in report["errors"])])
