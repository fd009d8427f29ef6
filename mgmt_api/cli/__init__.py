"""The `menjin` command: the roof of the house, which may import all of it."""

from mgmt_api.cli.command import main

__all__ = ["main"]
