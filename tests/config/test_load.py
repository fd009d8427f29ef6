"""The site file: what is good is read whole, and each mistake is named with its place."""

import re
from pathlib import Path

import pytest

from config.load import BadSettings, load_settings
from config.settings import Model, Settings

EXAMPLE = Path("config/site.example.yaml")


@pytest.fixture
def example() -> str:
    return (Path(__file__).parents[2] / EXAMPLE).read_text(encoding="utf-8")


def write(folder: Path, text: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(path: Path) -> list[str]:
    with pytest.raises(BadSettings) as caught:
        load_settings(path)
    return [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]


def test_the_example_is_good_and_its_paths_stand_beside_it(tmp_path: Path, example: str) -> None:
    settings = load_settings(write(tmp_path, example))
    assert settings.secrets.site_key_file == tmp_path / "secrets/site.key"
    assert settings.data_dir == Path("/var/lib/menjin")
    assert settings.site.name.zh == "云栖花园"


def test_the_example_shows_every_setting(example: str) -> None:
    def names(model: type[Model]) -> set[str]:
        found = set(model.model_fields)
        for field in model.model_fields.values():
            for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
                if isinstance(part, type) and issubclass(part, Model):
                    found |= names(part)
        return found

    shown = set(re.findall(r"([a-z_]+):", example))
    assert not names(Settings) - shown


def test_a_time_of_day_stays_text_as_yaml_1_2_has_it(tmp_path: Path, example: str) -> None:
    settings = load_settings(write(tmp_path, example.replace("zh: 会所", "zh: 22:00")))
    assert settings.doors[2].label.zh == "22:00"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("held_open_s: 30 ", "held_open: 30 ", r"LINE:5: doors\.0\.held_open: unknown key; did you mean 'held_open_s'"),
        ("baud: 115200", "baud: 115201", r"LINE:5: buses\.0\.baud: Input should be 9600"),
        ("max_age_h: 720", "max_age_h: .inf", r"retention\.max_age_h: Input should be a finite number"),
        ("id: 4097", "id: 0", r"LINE:3: site\.id: Input should be greater than or equal to 1"),
        ("Asia/Shanghai", "Asia/Shanghia", r"6:1: site: unknown time zone 'Asia/Shanghia'"),
        ("rtsp://192", "file://192", r"cameras\.0\.url: String should match pattern"),
        ("rtsp://192.168.1.64:554/", "rtsp:///", r"cameras\.0\.url: the address names no host"),
        ("rtsp://192.168.1.64:554/", "rtsp://192.168.1.64:99999/", r"cameras\.0\.url: the address cannot be read"),
        ("rtsp://192.168.1.64:554/", "rtsp://u:p#q@192.168.1.64/", r"cameras\.0\.url: the address cannot be read"),
        ("rtsp://192.168.1.64:554/", "rtsp://192.168.1.64/p#q/", r"cameras\.0\.url: the address has a #"),
        ("rtsp://192.168.1.64:554/", "rtsp://u:p@192.168.1.64/", r"cameras\.0\.url: .* name it by password_file"),
        ("rtsp://192.168.1.64:554/", "rtsp://u:12/x@192.168.1.64/", r"cameras\.0\.url: the address has an @"),
        ("Channels/102\n", "Channels/1#2\n", r"cameras\.0\.sub\.url: the address has a #"),
        ("linger_s: 900 ", "linger_s: 5 ", r"cameras\.0\.recording: linger_s: footage would be gone"),
        ("door: lobby-1\n", "door: lobby-9\n", r"access_points\.0\.door: no door is named 'lobby-9'"),
        ("readers: [lobby-1]", "readers: [lobby-7]", r"access_points\.0\.readers\.0: no reader is named 'lobby-7'"),
        ("device: clubhouse,", "device: gate-scanner,", r"no device with outputs is named 'gate-scanner'"),
        ("address: 2", "address: 1", r"buses\.0\.readers\.1\.address: address on this bus 1 is used twice"),
        ("number: 2", "number: 1", r"doors\.1\.number: door number 1 is used twice"),
        ("name: garage-in\n", "name: lobby-1\n", r"device name 'lobby-1' is used twice"),
        ("doors: [gate]", "doors: [gait]", r"cameras\.0\.doors\.0: no door is named 'gait'"),
        ("output: 1}", "output: 0}", r"doors\.3\.lock: lock 'garage-in output 0' is used twice"),
        ("framing: dec10_crlf ", "framing: dec10 ", r"LINE:5: serial_readers\.0\.framing: Input should be 'hex_cr'"),
        ("framing: dec10_crlf ", "framing: hex_cr ", r"serial_readers\.0\.keypad: hex_cr has no keys"),
        ("port: /dev/ttyUSB1\n", "port: /dev/ttyUSB0\n", r"LINE:5: serial_readers\.0\.port: serial port .* twice"),
        ("device: board-1, output: 0", "device: board-1, output: 4", r"lock\.output: 'board-1' has no output 4"),
        ("device: board-1, input: 0", "device: board-1, input: 8", r"contact\.input: 'board-1' has no input 8"),
        ("device: pool}", "device: parking-1}", r"no device with outputs is named 'parking-1'"),
        ("readers: [parking-1]", "readers: [board-1]", r"access_points\.4\.readers\.0: no reader is named 'board-1'"),
        ("relay: true", "relay: false", r"doors\.5\.lock\.device: no device with outputs is named 'tower-2'"),
        ("disk: disk-2", "disk: disk-3", r"cameras\.0\.disk: no disk is named 'disk-3'; there are: disk-2"),
        ("event_h: 4320", "event_h: 24", r"cameras\.0\.retention: footage would go before its legal minimum"),
        ("mode: event ", "mode: events ", r"cameras\.0\.recording\.mode: Input should be 'continuous', 'motion'"),
        ("commands: [clubhouse]", "commands: [club]", r"broker\.home_assistant\.commands\.0: no door"),
        ("address: 192.168.1.100", "address: board", r"LINE:7: uhppote\.boards\.0\.address: String should match"),
        ("  key_file: secrets/broker-client.key\n", "", r"broker\.key_file: cert_file and key_file go together"),
        ("data_dir: /var/lib/menjin ", "data_dir: /a\ndata_dir: /b ", r"NEXT:1: found duplicate key \"data_dir\""),
        ("site:\n", "site: [\n", r":\d+: "),
        ("way_out: button", "way_out: software_button", r"LINE:5: doors\.0\.way_out: a software_button needs rex"),
        ("pulse_s: 0, shunt", "pulse_s: 3, shunt", r"doors\.0\.rex\.pulse_s: a button that releases the lock itself"),
        ("input: 1, pressed", "input: 0, pressed", r"doors\.0\.rex: input 'lobby-1 input 0' is used twice"),
        ("fire_zone: building-1-fire ", "fire_zone: cellar ", r"LINE:5: doors\.0\.fire_zone: no fire zone is named"),
        ("loop: {device: lobby-1,", "loop: {device: gate-scanner,", r"loop\.device: no device with inputs is named"),
        ("    fire_zone: building-1-fire", "    # ", r"fire_zones\.0\.name: no door is in fire zone 'building-1-fire'"),
        ("interlocks: []", "interlocks: [{name: x, doors: [lobby-1, gate]}]", r"doors\.1: door 'gate' has no contact"),
        ("interlocks: []", "interlocks: [{name: x, doors: [pool, lobby-1]}]", r"0: door 'pool' needs way_out handle"),
        ("lock: {device: pool}", "lock: {device: pool}\n    fire_zone: building-1-fire", r"'pool' can only pulse"),
        ("interlocks: []", "interlocks: [{name: x, doors: [gate, gate]}]", r"1: door of this interlock 'gate' is used"),
        ("interlocks: []", "interlocks: [{name: x, doors: [gate, lobby-1]}]", r"1: door 'lobby-1' is unlocked by"),
        ("from: estate, zone_to: pool", "from: pool, zone_to: pool", r"access_points\.6\.zone_to: leads nowhere"),
        ("min_assurance: 1 ", "min_assurance: high ", r"LINE:5: access_points\.0\.min_assurance: Input should be"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_with_its_line_and_column(
    tmp_path: Path, example: str, old: str, new: str, fault: str
) -> None:
    assert old in example
    line = example[: example.index(old)].count("\n") + 1
    found = faults_of(write(tmp_path, example.replace(old, new, 1)))
    fault = fault.replace("LINE", f"^{line}").replace("NEXT", f"^{line + 1}")
    assert any(re.search(fault, each) for each in found), found


@pytest.mark.parametrize(
    ("wiring", "fault"),
    [
        (
            "lock: {device: clubhouse}, way_out: software_button",
            "way_out: who is inside is let out by software alone: the",
        ),
        (
            "lock: {device: clubhouse}, way_out: software_button",
            "way_out: who is inside is let out by software alone: it",
        ),
        (
            "lock: {device: clubhouse}, way_out: reader",
            "way_out: an exit reader is no way out, it may refuse or be dead",
        ),
        ("lock: {device: clubhouse, without_power: locked}, way_out: button", "lock.without_power: a button cuts the"),
        ("lock: {device: clubhouse, without_power: locked}", "lock.without_power: say way_out"),
        ("lock: {device: clubhouse}, rex: {device: clubhouse, input: 4, pulse_s: 2}", "rex.pulse_s: say way_out"),
        ("lock: {device: clubhouse}, relock: {on: open}", "relock: without a contact nobody sees it"),
    ],
)
def test_a_door_that_could_lock_people_in_is_refused(tmp_path: Path, example: str, wiring: str, fault: str) -> None:
    door = f"  - {{name: cellar, number: 9, label: {{zh: 地下室, en: Cellar}}, {wiring}}}\n"
    wired = example.replace("device: clubhouse, output: 0", "device: clubhouse, output: 1")
    found = faults_of(write(tmp_path, wired.replace("doors:\n", "doors:\n" + door, 1)))
    assert any(f"doors.0.{fault}" in each for each in found), found


EXIT = "  - {name: pool-out, door: pool, readers: [shop-1], zone_from: pool, zone_to: estate}\n"


@pytest.mark.parametrize(("said", "good"), [("", False), ("none", False), ("handle", True), ("button", True)])
def test_a_door_with_an_exit_reader_says_how_people_get_out_without_it(
    tmp_path: Path, example: str, said: str, good: bool
) -> None:
    wired = example.replace("access_points:\n", "access_points:\n" + EXIT)
    if said:
        wired = wired.replace("lock: {device: pool}", f"lock: {{device: pool}}\n    way_out: {said}")
    if good:
        load_settings(write(tmp_path, wired))
    else:
        [fault] = faults_of(write(tmp_path, wired))
        assert "doors.6.way_out: people leave by its exit reader" in fault


def test_a_door_that_software_lets_out_is_good_if_it_opens_without_power_and_in_a_fire(
    tmp_path: Path, example: str
) -> None:
    wired = example.replace("way_out: button", "way_out: software_button").replace("pulse_s: 0, sh", "pulse_s: 3, sh")
    assert load_settings(write(tmp_path, wired)).doors[0].way_out == "software_button"


def test_what_is_missing_is_named_at_its_parent(tmp_path: Path, example: str) -> None:
    found = faults_of(write(tmp_path, example.replace("    door: lobby-1\n", "")))
    assert any("access_points.0.door: is missing" in each for each in found)


@pytest.mark.parametrize("text", ["", "- a\n", "just words", "a: [1, 2\n", "a: \x07\n", "&a [*a]"])
def test_what_is_no_site_file_is_refused_in_one_fault(tmp_path: Path, text: str) -> None:
    assert len(faults_of(write(tmp_path, text))) == 1


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    assert "No such file" in faults_of(tmp_path / "none.yaml")[0]
    (tmp_path / "site.yaml").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in faults_of(tmp_path / "site.yaml")[0]


def test_all_mistakes_are_told_at_once(tmp_path: Path, example: str) -> None:
    text = example.replace("id: 4097", "id: -1").replace("strike_s: 3 ", "strike: 3 ")
    text = text.replace("baud: 115200", "baud: 1", 1)
    assert len(faults_of(write(tmp_path, text))) == 3


@pytest.mark.parametrize("name", ["incoming", "unusable", "snapshots", "stills"])
def test_no_camera_is_called_as_a_folder_of_the_recorder(tmp_path: Path, example: str, name: str) -> None:
    at = example.index("name:", example.index("\ncameras:"))
    text = f"{example[:at]}name: {name}{example[example.index(chr(10), at) :]}"
    assert any("a folder of the recorder's own" in each for each in faults_of(write(tmp_path, text)))
