"""`menjin explain`, `who-can` and `where-can`: the rights at this machine's doors, by the functions that decide.

They read the gateway's folder and disturb nobody: the door process may run, or not.
"""

from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from gateway.access.world import BadWorld
from mgmt_api.cli.moment import unix_s
from mgmt_api.cli.output import DEFAULT_CONFIG, ConfigOption, Exit, JsonOption, say, settings_of, stop
from mgmt_api.cli.output import answer as print_json
from mgmt_api.cli.simulate import load
from mgmt_api.rights_csv import RIGHT, rights_csv

AtOption = Annotated[str | None, typer.Option("--at", help="A moment, ISO 8601; the site's own time / 时刻")]
DoorOption = Annotated[str, typer.Option("--door", help="The door's name / 门")]
PlanOption = Annotated[Path | None, typer.Option("--what-if", help="A planned change, YAML / 假设的变更")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV / 输出 CSV")]
LAST_EVENT = 2**63 - 1  # what a column of the journal holds
MARKS = {"passed": "✓", "refused": "✗", "also refuses": "✗", "not asked": "·", "not known": "?"}


def explain(
    door: DoorOption = "",
    credential: Annotated[str, typer.Option("--credential", help="The credential's id / 凭证编号")] = "",
    event: Annotated[
        int | None, typer.Option("--event", min=1, max=LAST_EVENT, help="A journal event's number, instead / 事件序号")
    ] = None,
    at: AtOption = None,
    what_if: PlanOption = None,
    pin: Annotated[bool, typer.Option(help="With its PIN, if it has one / 附带密码")] = True,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Why a credential opens a door or does not, step by step; exit 1 if it does not, 2 if there is no answer."""
    if event is None and not (door and credential):
        stop("give --door and --credential, or --event / 请给出门和凭证，或事件序号", Exit.USAGE)
    question: dict[str, Any] = {"ask": "explain", "event": event}
    if event is None:
        question |= {"door": door, "credential": credential, "pin": pin}
    found = _ask(config, question, at, what_if)
    if json:
        print_json(found)
    else:
        for each in found["answers"]:
            _say(found, each)
    opens = any(each["decision"] == "Granted" for each in found["answers"])
    raise typer.Exit(Exit.OK if opens else Exit.FAILED)


def who_can(
    door: DoorOption,
    at: AtOption = None,
    what_if: PlanOption = None,
    as_csv: CsvOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Everybody whom a door lets pass."""
    _tell(_ask(config, {"ask": "who-can", "door": door}, at, what_if), as_csv, json)


def where_can(
    resident: Annotated[str, typer.Option("--resident", help="The resident's id / 住户编号")],
    at: AtOption = None,
    what_if: PlanOption = None,
    as_csv: CsvOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Every door that lets a resident pass."""
    _tell(_ask(config, {"ask": "where-can", "resident": resident}, at, what_if), as_csv, json)


def _ask(config: Path, question: dict[str, Any], at: str | None, plan: Path | None) -> dict[str, Any]:
    from gateway.place import of_site
    from gateway.why import BadPlan, NoAnswer, answer
    from gateway.wiring import site_of

    settings = settings_of(config)
    if settings.gateway is None:
        stop(f"{config}: has no 'gateway' section", Exit.BAD_CONFIG)
    gateway = of_site(settings.data_dir / "gateway", site_of(settings))
    try:
        question["what_if"] = load(plan) if plan else None
        question["at"] = _moment(at, ZoneInfo(settings.site.timezone))
        return answer(gateway, question)
    except (NoAnswer, BadPlan, BadWorld) as error:
        stop(str(error), Exit.USAGE)


def _moment(text: str | None, tz: tzinfo) -> float | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        stop(f"--at {text!r}: not a time; write 2027-01-15T18:04 / 时间格式应为 2027-01-15T18:04", Exit.USAGE)
    return unix_s(found, tz)


def _say(found: dict[str, Any], each: dict[str, Any]) -> None:
    say(f"{each['access_point']} ({each['door']})  {found['at']}  table {found['table_version']}")
    for step in each["steps"]:
        facts = "  ".join(f"{name}={value}" for name, value in step["facts"].items())
        say(f"  {MARKS[step['outcome']]} {step['reason']:<26} {step['zh']} {step['en']}  {facts}")
    say(f"  = {each['decision']} {each['policy'] or each['reason']}: {each['zh']} {each['en']}")
    if each.get("agrees") is False:
        told = each["recorded"]
        say(f"  ! the journal says / 日志记录为: {told['decision']} {told['reason']}")


def _tell(found: dict[str, Any], as_csv: bool, json: bool) -> None:
    if json:
        print_json(found)
    elif as_csv:
        say(rights_csv(found["rights"], RIGHT).rstrip())
    else:
        for right in found["rights"]:
            say(f"{right['resident']:<20} {right['credential']:<20} {right['access_point']:<20} {right['policy']}")
        say(f"{len(found['rights'])} rights / 项权限  {found['at']}  table {found['table_version']}")
