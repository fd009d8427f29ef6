"""The lock file pins every package by its hash and names no address: any registry may serve it."""

import json
from pathlib import Path

CONSOLE = Path(__file__).parents[2] / "mgmt_api" / "console"


def test_the_lock_file_names_no_address() -> None:
    text = (CONSOLE / "package-lock.json").read_text("utf-8")
    packages = json.loads(text)["packages"]
    assert not [name for name, package in packages.items() if "resolved" in package]
    for package in packages.values():
        package.pop("funding", None)  # pages about the authors
    assert "://" not in json.dumps(packages)


def test_every_package_of_the_lock_file_has_a_strong_hash() -> None:
    packages = json.loads((CONSOLE / "package-lock.json").read_text("utf-8"))["packages"]
    fetched = {name: package for name, package in packages.items() if name and not package.get("inBundle")}
    assert len(fetched) > 100
    assert not [name for name, package in fetched.items() if not package.get("integrity", "").startswith("sha512-")]


def test_npm_is_told_to_keep_addresses_out() -> None:
    settings = (CONSOLE / ".npmrc").read_text("ascii").splitlines()
    assert "omit-lockfile-registry-resolved=true" in settings
    assert not [line for line in settings if "registry=" in line or "_auth" in line]


def test_the_lock_file_answers_the_wanted_packages() -> None:
    wanted = json.loads((CONSOLE / "package.json").read_text("utf-8"))
    locked = json.loads((CONSOLE / "package-lock.json").read_text("utf-8"))["packages"][""]
    assert locked["dependencies"] == wanted["dependencies"]
    assert locked["devDependencies"] == wanted["devDependencies"]
