"""`menjin wiegand`: card bits to numbers and back, and which format a reader speaks."""

from typing import Annotated, Any

import typer

from controllers import wiegand, wiegand_forms
from controllers.errors import ControllerError
from mgmt_api.cli.output import Exit, JsonOption, answer, say, stop

app = typer.Typer(no_args_is_help=True)

Bits = Annotated[int, typer.Option("--bits", min=1, max=512, help="How many bits the card has / 位数")]
Left = Annotated[bool, typer.Option("--left", help="HEX is left-aligned, as OSDP sends it / 左对齐")]
FormatName = Annotated[str, typer.Option("--format", help="Format, see `formats` / 格式名")]
FIELDS = {"F": "facility", "C": "card", "I": "issue", "M": "oem"}


@app.callback()
def _wiegand() -> None:
    """Card formats."""


@app.command("decode", help="Read a card's bits; without --format, in every format of that length / 解码卡号")
def decode(
    hex_: Annotated[str, typer.Argument(metavar="HEX", help="The bits in hex, right-aligned / 十六进制，右对齐")],
    bits: Bits,
    format_: Annotated[str | None, typer.Option("--format", help="Format; all candidates without / 格式名")] = None,
    left: Left = False,
    json: JsonOption = False,
) -> None:
    """Read a card's bits."""
    value = bits_of(hex_, bits, left)
    if format_ is None:
        found = [_card(card, bits) for card in wiegand.candidates(value, bits)]
        if not found:
            stop(f"no format has {bits} bits like these; `menjin wiegand formats` lists them all")
        answer(found) if json else say("\n".join(map(_line, found)))
        return
    try:
        one = _card(wiegand.decode(_name(format_), value, bits), bits)
    except ControllerError as error:
        stop(str(error))
    answer(one) if json else say(_line(one))


@app.command("encode", help="The bits of a card number / 编码卡号")
def encode(
    format_: FormatName,
    card: Annotated[int, typer.Option(min=0, help="Card number / 卡号")],
    facility: Annotated[int, typer.Option(min=0, help="Facility code / 区域码")] = 0,
    issue: Annotated[int, typer.Option(min=0, help="Issue level / 版次")] = 0,
    oem: Annotated[int | None, typer.Option(min=0, help="Maker's code; the format's own without / 厂商码")] = None,
    json: JsonOption = False,
) -> None:
    """Print the bits of a card number, right-aligned and as OSDP has them."""
    try:
        value, count = wiegand.encode(_name(format_), facility, card, issue, oem)
    except ControllerError as error:
        stop(str(error))
    made = _card(wiegand.decode(_name(format_), value, count), count) | {
        "hex": f"{value:0{-(-count // 4)}x}",
        "left": wiegand.to_left_aligned(value, count).hex(),
        "binary": f"{value:0{count}b}",
    }
    answer(made) if json else say(f"{made['bits']} bits {made['hex']} (OSDP {made['left']})")


@app.command("formats", help="All card formats / 全部卡格式")
def formats(json: JsonOption = False) -> None:
    """List all formats with the bits of their fields."""
    rows = [_format(layout) for name, layout in wiegand.FORMATS.items() if name == layout.name]
    if json:
        answer(rows)
        return
    for row in rows:
        fields = ", ".join(f"{name} {row[name]}" for name in FIELDS.values() if row[name])
        say(f"{row['format']:<10} {row['bits']:>3} bits  {fields:<34} {' '.join(row['aliases'])}".rstrip())


@app.command("learn", help="Find a reader's format from a card presented twice and its printed number / 识别卡格式")
def learn(
    reads: Annotated[list[str], typer.Argument(metavar="HEX HEX", help="The two reads in hex / 两次读数")],
    bits: Bits,
    printed: Annotated[str, typer.Option(help="What is printed on the card / 卡面印号，如 0233116943 或 229,05391")],
    left: Left = False,
    json: JsonOption = False,
) -> None:
    """Compare two reads of one card with what is printed on it."""
    if len(reads) != 2:
        stop("give the two reads of the same card", Exit.USAGE)
    first, second = ((bits_of(each, bits, left), bits) for each in reads)
    try:
        found = [_match(match, bits) for match in wiegand_forms.learn(first, second, printed)]
    except ControllerError as error:
        stop(str(error))
    if json:
        answer({"candidates": found})
    else:
        say("\n".join(map(_match_line, found)) or "no format makes these bits the printed number / 没有匹配的格式")
    raise typer.Exit(Exit.OK if found else Exit.FAILED)


def bits_of(text: str, count: int, left: bool) -> int:
    """Right-aligned bits from hex as a person gives it, or the end with what is wrong."""
    digits = text.lower().removeprefix("0x")
    try:
        value = int(digits, 16) if digits.isalnum() else int("?")
    except ValueError:
        stop(f"{text!r} is not hex", Exit.USAGE)
    if left:
        if len(digits) * 4 < count:
            stop(f"{text!r} has fewer than {count} bits", Exit.USAGE)
        return value >> len(digits) * 4 - count
    if value >> count:
        stop(f"{text!r} has more than {count} bits; is it left-aligned (--left)?", Exit.USAGE)
    return value


def _name(name: str) -> str:
    """A format's name in whatever case it was typed; unknown ones stay, for the error to say so."""
    by_case = {known.casefold(): known for known in wiegand.FORMATS}
    return name if name in wiegand.FORMATS else by_case.get(name.casefold(), name)


def _card(card: wiegand.CardNumber, bits: int) -> dict[str, Any]:
    return {
        "format": card.format,
        "bits": bits,
        "facility": card.facility,
        "card": card.card,
        "issue": card.issue,
        "oem": card.oem,
        "parity_ok": card.parity_ok,
    }


def _line(card: dict[str, Any]) -> str:
    parity = "" if card["parity_ok"] else "  wrong parity / 校验错误"
    issue = f" issue {card['issue']}" if card["issue"] else ""
    return f"{card['format']:<10} facility {card['facility']} card {card['card']}{issue}{parity}"


def _format(layout: wiegand.Format) -> dict[str, Any]:
    aliases = [name for name, each in wiegand.FORMATS.items() if each is layout and name != layout.name]
    widths = {word: len(layout.fields[key]) for key, word in FIELDS.items()}
    return {"format": layout.name, "bits": layout.count, **widths, "parity": bool(layout.parity), "aliases": aliases}


def _match(match: wiegand_forms.Match, bits: int) -> dict[str, Any]:
    how = {"form": match.form, "backward": match.backward, "cut": match.cut, "inverted": match.inverted}
    return _card(match.card, bits) | how


def _match_line(match: dict[str, Any]) -> str:
    notes = {
        "backward": "bytes reversed / 字节反序",
        "cut": "the number is cut / 卡号被截短",
        "inverted": "D0 and D1 are swapped / D0 D1 接反",
    }
    told = "; ".join(note for key, note in notes.items() if match[key])
    return f"{_line(match)}  {match['form']}{'  ' + told if told else ''}"
