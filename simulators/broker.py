"""The real broker: mosquitto with a user for each device, and rights that keep devices apart."""

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

ACL = """\
user menjin
topic readwrite menjin/1/#

user watcher
topic read menjin/1/#

pattern write menjin/1/d/%u/up/#
pattern read menjin/1/d/%u/down/#
"""


def write_broker(directory: Path, port: int, passwords: Mapping[str, str]) -> None:
    """Write mosquitto.conf, its hashed password file and its rights."""
    directory.mkdir(parents=True, exist_ok=True)
    users, rights = directory / "passwords", directory / "acl"
    users.touch(mode=0o600)
    users.write_text("".join(f"{user}:{password}\n" for user, password in passwords.items()))
    subprocess.run([tool("mosquitto_passwd"), "-U", str(users)], check=True, capture_output=True)
    rights.write_text(ACL)
    rights.chmod(0o600)
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous false",
        f"password_file {users}",
        f"acl_file {rights}",
        "persistence false",
        "set_tcp_nodelay true",  # else answers wait 40 ms for a delayed acknowledgement
        "log_dest stderr",
        *(["user root"] if os.geteuid() == 0 else []),  # else mosquitto gives up root, and cannot read 0600 files
    ]
    (directory / "mosquitto.conf").write_text("\n".join(lines) + "\n")


def argv(directory: Path) -> list[str]:
    """How to start it."""
    return [tool("mosquitto"), "-c", str(directory / "mosquitto.conf")]


def answers(port: int) -> bool:
    """Whether it listens."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True


def tool(name: str) -> str:
    """A program's path; Debian keeps daemons where a plain user's PATH does not look. Raises `FileNotFoundError`."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if path is None:
        raise FileNotFoundError(name)
    return path
