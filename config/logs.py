"""Logs: colour on a terminal, one JSON object a line elsewhere. Called by each process's root."""

import logging
import sys

import structlog


def configure(process: str, level: str = "info") -> None:
    """Send structlog's and the libraries' logs of this process to stderr."""
    terminal = sys.stderr.isatty()

    def name_process(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        return {"process": process, **event}

    shared: list[structlog.types.Processor] = [
        name_process,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: structlog.types.Processor = (
        # Plain tracebacks: a pretty one prints local variables, and with them card bits and secrets.
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    if terminal:  # the console renderer draws exceptions itself
        shared = [each for each in shared if each is not structlog.processors.format_exc_info]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
