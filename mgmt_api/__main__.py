"""The management process: `run` blocks until SIGTERM or SIGINT, then stops within three seconds."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Generator
from pathlib import Path

import structlog
import uvicorn

from config.load import BadSettings, load_settings
from config.logs import configure
from config.secret import BadSecret, read_key, read_secret
from config.settings import Settings
from mgmt_api.app import create_app
from mgmt_api.database import SchemaTooNew
from mgmt_api.pass_keys import BadIssuerKey, load_issuer_key
from mgmt_api.plane import CameraPlace, Estate, Plane
from mgmt_api.recorders import RecorderAddress

log = structlog.get_logger()
GRACE_S = 1  # open requests get this long once the process is told to stop
EXIT_OK, EXIT_CONFIG = 0, 78  # EX_CONFIG of sysexits.h


class Server(uvicorn.Server):
    """Uvicorn with signals of our own: it wakes the open streams, and leaves with 0."""

    def __init__(self, config: uvicorn.Config, plane: Plane) -> None:
        super().__init__(config)
        self._plane = plane

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """SIGTERM and SIGINT ask for a stop; uvicorn's own would be raised again afterwards."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say `ready` once the port is open."""
        await super().startup(sockets)
        if self.started:
            log.info("ready", host=self.config.host, port=self.config.port)

    def _stop(self) -> None:
        self._plane.hub.close()
        self.should_exit = True


def run(settings: Settings) -> int:
    """Serve the management API of a site; the exit code."""
    configure("api")
    if settings.api is None:
        log.error("not_configured", detail="the site file has no `api` part")
        return EXIT_CONFIG
    try:
        plane = Plane(estate_of(settings))
    except (BadSecret, BadIssuerKey) as error:
        log.error("cannot_start", detail=str(error))
        return EXIT_CONFIG
    config = uvicorn.Config(
        create_app(plane),
        host=settings.api.host,
        port=settings.api.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="websockets-sansio",
        ws_max_size=1 << 16,
        ws_ping_interval=20.0,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = Server(config, plane)
    try:
        server.run()
    except SchemaTooNew as error:
        log.error("cannot_start", detail=str(error))
        return EXIT_CONFIG
    return EXIT_OK if server.started else EXIT_CONFIG


def estate_of(settings: Settings) -> Estate:
    """Plain values from the site file and its secret files. Raises `BadSecret` and `BadIssuerKey`."""
    api = settings.api
    if api is None:
        raise BadSecret("the site file has no `api` part")
    issuer = load_issuer_key(read_secret(api.issuer_key_file).encode()) if api.issuer_key_file else None
    return Estate(
        site_id=settings.site.id,
        site_key=read_key(settings.secrets.site_key_file),
        data_dir=settings.data_dir / "api",
        name=settings.site.name.model_dump(),
        timezone=settings.site.timezone,
        database_url=api.database_url,
        gateway_tokens={token.name: read_secret(token.token_file) for token in api.gateways},
        central_tokens={token.name: read_secret(token.token_file) for token in api.central},
        recorders=[RecorderAddress(link.url, read_secret(link.token_file)) for link in api.recorders],
        cameras=[CameraPlace(each.name, each.label.model_dump(), each.doors) for each in settings.cameras],
        issuer_key=issuer,
        card_numbers=settings.site.board_lists,
    )


def main(arguments: list[str]) -> int:
    """`python -m mgmt_api site.yaml`."""
    try:
        settings = load_settings(Path(arguments[0] if arguments else "site.yaml"))
    except BadSettings as error:
        configure("api")
        log.error("bad_settings", detail=str(error))
        return EXIT_CONFIG
    return run(settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
