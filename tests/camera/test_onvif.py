"""Cameras over ONVIF, against IPyCam, an independent virtual camera; what a hostile one answers; discovery."""

import asyncio
import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipycam.config import CameraConfig
from ipycam.http import IPCameraHTTPHandler
from typer.testing import CliRunner

from camera.onvif import (
    BadAnswer,
    BadLogin,
    Device,
    Login,
    NoAnswer,
    Profile,
    chosen,
    clock_error,
    probe,
    set_clock,
    site_lines,
    stream_address,
)
from camera.onvif_discovery import Found, discover, read_match
from config.settings import Camera
from mgmt_api.cli.command import app
from simulators.onvif_camera import Camera as Service
from tests.camera.site import ROOT, CameraSite, RecorderProcess, eventually, free_port, wired

# IPyCam's own answer to a Probe (ipycam 1.3.0, static/soap/probe_match.xml), and one that a Hikvision camera gave, from
# github.com/onvif/specs issue threads' form: two addresses, one of them IPv6, percent-encoded scopes.
MATCH = """<?xml version="1.0" encoding="UTF-8"?>
<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">
<env:Header><wsa:RelatesTo>urn:uuid:1</wsa:RelatesTo></env:Header><env:Body><d:ProbeMatches><d:ProbeMatch>
<wsa:EndpointReference><wsa:Address>urn:uuid:cam</wsa:Address></wsa:EndpointReference>
<d:Scopes>onvif://www.onvif.org/name/HIKVISION%20DS-2CD2T47 onvif://www.onvif.org/hardware/DS-2CD2T47
 onvif://www.onvif.org/location/city/hangzhou http://other</d:Scopes>
<d:XAddrs>http://192.168.1.64/onvif/device_service http://[fe80::1]/onvif/device_service</d:XAddrs>
</d:ProbeMatch></d:ProbeMatches></env:Body></env:Envelope>"""

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:zeep", "ignore::ResourceWarning")


@contextmanager
def camera(*options: str, rtsp: int = 8554) -> Iterator[Login]:
    """A running camera; the login that it takes."""
    port, user, password = free_port(), "admin", "s3cret-Pass"
    login = [f"--user={user}", f"--password={password}"]
    argv = [sys.executable, "-W", "ignore", "-m", "simulators.onvif_camera", "--port", str(port), "--rtsp", str(rtsp)]
    process = subprocess.Popen([*argv, *login, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Login(f"http://127.0.0.1:{port}/onvif/device_service", user, password)
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture(scope="module")
def gate() -> Iterator[Login]:
    with camera() as login:
        yield login


async def test_a_camera_tells_what_it_is_and_which_streams_it_has(gate: Login) -> None:
    device = await probe(gate)
    assert (device.maker, device.model, device.serial) == ("PythonCam", "VirtualCam-1", "PY-000001")
    main, sub = chosen(device.profiles)
    assert main is not None
    assert sub is not None
    assert (main.width, main.height, main.codec, main.url) == (1920, 1080, "H264", "rtsp://127.0.0.1:8554/gate")
    assert (sub.width, sub.url) == (640, "rtsp://127.0.0.1:8554/garage")
    assert abs(device.clock_error_s or 0) < 3


async def test_what_it_offers_is_a_camera_of_the_site_file(gate: Login) -> None:
    from ruamel.yaml import YAML

    lines = "\n".join(site_lines("gate-1", gate, await probe(gate)))
    assert gate.password not in lines
    (entry,) = YAML(typ="safe").load(lines)
    wired_camera = Camera.model_validate(entry)
    assert wired_camera.sub is not None
    assert wired_camera.onvif is not None
    assert wired_camera.onvif.url == gate.url


@pytest.mark.parametrize("login", [("admin", "wrong"), ("nobody", "s3cret-Pass"), ("", "")])
async def test_a_wrong_login_is_said_and_the_password_is_not(gate: Login, login: tuple[str, str]) -> None:
    with pytest.raises(BadLogin) as refused:
        await probe(Login(gate.url, *login))
    assert "wrong" not in str(refused.value).replace("wrong user name", "")
    assert "wrong" not in repr(Login(gate.url, *login))


async def test_nobody_there_is_said() -> None:
    with pytest.raises(NoAnswer):
        await probe(Login(f"http://127.0.0.1:{free_port()}"), limit_s=5)


@pytest.mark.parametrize("url", ["", "rtsp://1.2.3.4", "file:///etc/passwd", "http://", "http://a:b@c/", "http://[x"])
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadAnswer):
        await probe(Login(url))


async def test_a_clock_an_hour_off_is_told_although_the_login_depends_on_it_and_can_be_set() -> None:
    with camera("--clock-off", "-3600") as login:
        assert await clock_error(login) == pytest.approx(-3600, abs=5)
        assert (await probe(login)).profiles
        await set_clock(login)
        assert await clock_error(login) == pytest.approx(0, abs=3)


@pytest.mark.parametrize(
    "told", ["exec:rm -rf /", "file:///etc/shadow", "pipe:0", "concat:/etc/passwd|x", "http://x/y", "rtsp:///x", "", "‮"]
)
def test_a_stream_address_that_is_none_is_refused_with_its_reason(told: str) -> None:
    url, note = stream_address(told, Login("http://192.168.1.64"))
    assert url == ""
    assert note.startswith("refused")


async def test_a_camera_that_offers_a_command_as_its_stream_offers_nothing() -> None:
    with camera("--stream", "exec:rm -rf /") as login:
        device = await probe(login)
    assert chosen(device.profiles) == (None, None)
    assert {each.note for each in device.profiles} == {
        "refused: the address has spaces or control characters",
    }


@pytest.mark.parametrize(
    ("main", "sub"),
    [
        ("/a", "/s'x"),
        ("/a:", "/b # c".replace(" ", "%20")),
        ("/{a: [b", "/s',record:true,x:'"),
        ("/user=admin_password=S3cret_channel=1", "/b"),
    ],
)
def test_whatever_its_streams_are_called_its_lines_are_yaml_without_a_password(main: str, sub: str) -> None:
    from ruamel.yaml import YAML

    login = Login("http://10.0.0.9", "ad: min", "p")
    profiles = [
        Profile("t", "n", "H264", width, width, 1, 1, *stream_address(f"rtsp://10.0.0.9{path}".replace(" ", ""), login))
        for path, width in ((main, 200), (sub, 100))
    ]
    text = "\n".join(site_lines("gate", login, Device("m", "m", "f", "s", 0.0, tuple(profiles))))
    (entry,) = YAML(typ="safe").load(text)
    assert (entry["url"], entry["sub"]["url"]) == tuple(each.url for each in profiles)
    assert entry["username"] == "ad: min"
    assert "S3cret" not in text
    assert ("S3cret" in main) == ("***" in profiles[0].note)


async def test_a_stream_on_another_host_is_led_back_to_the_camera() -> None:
    with camera("--stream", "rtsp://admin:hunter2@10.0.0.9:8554/ch1?a=1") as login:
        (first, *_) = (await probe(login)).profiles
    assert first.url == "rtsp://127.0.0.1:8554/ch1?a=1"
    assert first.note == "it named another host, 10.0.0.9"


@given(st.text(max_size=60))
def test_whatever_is_told_as_an_address_is_rtsp_on_the_cameras_host_or_nothing(told: str) -> None:
    url, note = stream_address(told, Login("http://192.168.1.64"))
    assert url.startswith(("rtsp://192.168.1.64", "rtsps://192.168.1.64")) if url else note.startswith("refused")


@contextmanager
def device(answer: Callable[[http.server.BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Something that listens for HTTP and answers as it likes."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                answer(self)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def sends(body: bytes, status: int = 200) -> Callable[[http.server.BaseHTTPRequestHandler], None]:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/soap+xml")
        handler.end_headers()
        handler.wfile.write(body)

    return answer


BOMB = b"<!DOCTYPE e [" + b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"lol") for n in range(10)
) + b"]><e>&l9;</e>"  # fmt: skip


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"<html></html>", b"<a", BOMB, b"x" * 1_000_000])
async def test_something_else_that_answers_is_no_camera(body: bytes) -> None:
    with device(sends(body)) as url, pytest.raises(BadAnswer):
        await probe(Login(url), limit_s=15)


async def test_a_device_that_never_ends_its_answer_costs_its_child_and_a_while() -> None:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        sends(b"<a>")(handler)
        while True:
            handler.wfile.write(b"<b/>" * 100)
            threading.Event().wait(0.05)

    with device(answer) as url, pytest.raises(NoAnswer):
        await clock_error(Login(url), limit_s=2)


def test_a_cameras_wrong_clock_is_an_alarm_and_no_argument_has_its_password(tmp_path: Path) -> None:
    site = CameraSite("/gate")
    secret = tmp_path / "password"
    secret.touch(0o600)
    secret.write_text("s3cret-Pass")
    with camera("--clock-off", str(-56 * 365 * 86400)) as login:  # 1970
        onvif = {"url": login.url, "check_every_s": 1}
        entry = wired("gate", site.url("/gate"), onvif=onvif, username="admin", password_file=secret)
        recorder = RecorderProcess(tmp_path, [entry])
        alarm = eventually(lambda: recorder.get("/alarms")["alarms"], 30)[0]
        assert (alarm["kind"], alarm["to"]) == ("wrong_time", None)
        asyncio.run(set_clock(login))
        eventually(lambda: recorder.get("/alarms")["alarms"][0]["to"], 30)
        assert recorder.state("gate") == "recording"
        recorder.close()
    site.kill()
    assert "s3cret-Pass" not in recorder.log_path.read_text()


async def test_a_camera_in_the_network_is_found() -> None:
    with camera("--discovery") as login:
        found = await discover(1.5, interface="127.0.0.1")
    assert next(each for each in found if login.url in each.addresses).name == "gate-1"


def test_a_match_names_addresses_and_what_the_camera_calls_itself() -> None:
    addresses = ("http://192.168.1.64/onvif/device_service", "http://[fe80::1]/onvif/device_service")
    told = Found("urn:uuid:cam", addresses, "HIKVISION DS-2CD2T47", "DS-2CD2T47", "city/hangzhou")
    assert read_match(MATCH.encode(), "urn:uuid:1") == [told]


def test_an_answer_to_another_question_is_not_taken() -> None:
    assert read_match(MATCH.encode(), "urn:uuid:2") == []


@pytest.mark.parametrize("address", ["file:///etc/passwd", "exec:ls", "http://a:b@c/", "javascript:1", "http://"])
def test_only_http_addresses_are_taken_from_a_match(address: str) -> None:
    (found,) = read_match(MATCH.replace("http://192.168.1.64/onvif/device_service", address).encode(), "urn:uuid:1")
    assert found.addresses == ("http://[fe80::1]/onvif/device_service",)


@given(st.binary(max_size=300))
def test_no_datagram_breaks_discovery(datagram: bytes) -> None:
    assert read_match(datagram, "urn:uuid:1") == []


def test_the_command_finds_probes_and_asks_for_no_password_on_its_line(gate: Login, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.touch(0o600)
    secret.write_text(gate.password)
    argv = ["camera", "probe", gate.url, "-u", gate.username, "--password-file", str(secret)]
    done = CliRunner().invoke(app, [*argv, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["main"], told["sub"]) == ("Profile_Main", "Profile_Sub")
    clock = CliRunner().invoke(app, ["camera", "set-clock", *argv[2:], "--json"])
    assert abs(json.loads(clock.stdout)["clock_error_s"]) < 60
    secret.write_text("wrong")
    refused = CliRunner().invoke(app, argv)
    assert refused.exit_code == 1
    assert "wrong user name or password" in refused.output


@contextmanager
def odd_camera(change: Callable[[Service], None], user: str = "") -> Iterator[Login]:
    """The virtual camera, in this process, with some of its answers changed."""
    config = CameraConfig(
        name="gate-1", local_ip="127.0.0.1", onvif_port=0, rtsp_port=8554, main_stream_name="gate",
        sub_stream_name="sub", username=user, password=user and "s3cret-Pass",
    )  # fmt: skip
    service = Service(config, 0, "")
    change(service)
    quiet = {"camera": SimpleNamespace(onvif=service, config=config), "log_message": lambda *_: None}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (IPCameraHTTPHandler,), quiet))
    config.onvif_port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Login(f"http://127.0.0.1:{server.server_port}", user, user and "s3cret-Pass")
    finally:
        server.shutdown()
        server.server_close()


INCOMPLETE = """<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault>
<s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason>
<s:Text xml:lang="en">Incomplete configuration</s:Text></s:Reason>
</s:Fault></s:Body></s:Envelope>"""


async def test_a_profile_without_a_stream_leaves_the_others() -> None:
    def change(service: Service) -> None:
        answers = iter([service.get_stream_uri, lambda _: INCOMPLETE])
        service.get_stream_uri = lambda body: next(answers)(body)  # type: ignore[method-assign] # one answer a profile

    with odd_camera(change) as login:
        first, second = (await probe(login)).profiles
    assert first.url == "rtsp://127.0.0.1:8554/gate"
    assert (second.url, second.note) == ("", "it has no stream: Incomplete configuration")


@pytest.mark.parametrize("wrong", [{"second": 60}, {"month": 13}, {"year": 0}, {"year": 99999}])
async def test_a_clock_that_tells_no_time_does_not_stop_the_questions(wrong: dict[str, int]) -> None:
    def change(service: Service) -> None:
        told = {"year": 2026, "month": 11, "day": 27, "hour": 7, "minute": 59, "second": 0, **wrong}
        words = str(service._wrap_envelope(service._render("get_system_date_time", **told)))
        service.get_system_date_time = lambda: words  # type: ignore[method-assign] # the clock is what is tested

    with odd_camera(change) as login:
        device = await probe(login)
    assert device.profiles
    assert (device.clock_error_s is None) == ("second" not in wrong)


async def test_a_login_follows_no_redirect() -> None:
    asked: list[str] = []

    def elsewhere(handler: http.server.BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        sends(b"<a/>")(handler)

    with device(elsewhere) as other:

        def leads_on(handler: http.server.BaseHTTPRequestHandler) -> None:
            handler.send_response(307)
            handler.send_header("Location", f"{other}/onvif/device_service")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with device(leads_on) as url, pytest.raises(BadAnswer, match="another address"):
            await probe(Login(url, "admin", "s3cret-Pass"), limit_s=15)
    assert asked == []
