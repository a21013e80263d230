"""What is installed: locks, lists of packages, and the script that asks apt only for what is missing."""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALL = ROOT / "deploy/install"
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-dev.lock", INSTALL / "bootstrap.lock")


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE))


def asked_for(requirements: Path) -> set[str]:
    return set(re.findall(r"^([a-z0-9][a-z0-9-]*)", requirements.read_text(encoding="utf-8"), re.MULTILINE))


def packages(listing: str) -> set[str]:
    text = (INSTALL / listing).read_text(encoding="utf-8")
    return {line.split()[0] for line in text.splitlines() if line and not line.startswith("#")}


def fonts_of(recipe: str) -> set[str]:
    found = json.loads((ROOT / "data/demo" / recipe).read_text(encoding="utf-8"))
    return {font["package"] for font in found["handwriting"]["fonts"]}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_pins_every_package_by_hash_and_names_no_place_to_fetch_it_from(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]

    assert all(
        re.match(r"[a-z0-9-]+==\S+( ; .+)? \\$| {4}--hash=sha256:[0-9a-f]{64}( \\)?$", line) for line in lines
    )
    assert "://" not in text
    assert "/tmp" not in text


def test_both_locks_hold_the_same_versions_so_that_one_environment_serves_both() -> None:
    assert pins(ROOT / "requirements.lock").items() <= pins(ROOT / "requirements-dev.lock").items()


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_whatever_is_asked_for_is_locked(name: str) -> None:
    assert asked_for(ROOT / f"{name}.in") <= pins(ROOT / f"{name}.lock").keys()


def test_only_the_headless_opencv_is_installed_because_both_share_one_folder() -> None:
    locked = {name for name in pins(ROOT / "requirements-dev.lock") if name.startswith("opencv")}

    assert locked == {"opencv-python-headless"}


def test_what_the_code_imports_is_asked_for_by_name_and_not_left_to_somebody_elses_needs() -> None:
    distributions = packages_distributions()
    asked = asked_for(ROOT / "requirements.in")
    files = [path for part in ("core", "workbench", "pages") for path in (ROOT / part).rglob("*.py")]
    outside = {
        module
        for path in files
        for module in top_levels(path)
        if module not in sys.stdlib_module_names and module not in {"core", "workbench", "pages"}
    }

    assert {module for module in outside if not asked & set(map(normalised, distributions[module]))} == set()


def normalised(name: str) -> str:
    """A distribution's name as requirements and locks write it."""
    return re.sub(r"[._-]+", "-", name).lower()


def top_levels(path: Path) -> set[str]:
    """The first words of the modules that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    return {module.split(".")[0] for module in plain | named}


def test_the_handwriting_fonts_of_the_demonstration_are_the_debian_packages_installed_for_it() -> None:
    installed = {package for package in packages("debian-run.txt") if package.startswith("fonts-")}

    assert installed - {"fonts-dejavu-core"} == fonts_of("recipe.json")


def test_the_handwriting_fonts_of_the_tests_are_the_npm_packages_installed_for_them() -> None:
    manifest = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    locked = {path.removeprefix("node_modules/"): entry for path, entry in lock["packages"].items() if path}

    assert set(manifest["devDependencies"]) == fonts_of("recipe_tests.json")
    assert set(locked) == set(manifest["devDependencies"])
    assert all(entry["integrity"] and "resolved" not in entry for entry in locked.values())


@pytest.mark.parametrize("listing", sorted(INSTALL.glob("debian-*.txt")), ids=lambda path: path.name)
def test_a_list_of_debian_packages_says_of_each_whether_it_is_required_and_what_it_is_for(
    listing: Path,
) -> None:
    lines = [
        line for line in listing.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")
    ]

    assert lines
    assert [
        line
        for line in lines
        if not re.match(r"[a-z0-9.+-]+ +(required|optional) +([a-z0-9_-]+|-)( |$)", line)
    ] == []


@pytest.fixture
def bare_machine(tmp_path: Path) -> dict[str, str]:
    """An environment whose apt notes what it is asked for, whose sudo refuses and which has few commands."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for command in ("bash", "env", "cat", "dirname"):
        (folder / command).symlink_to(f"/usr/bin/{command}")
    for name, body in {
        "apt-get": f'echo "$@" >> {tmp_path / "asked"}',
        "dpkg-query": '[ "${@: -1}" = fonts-here ] && echo -n installed',
        "id": "echo 1000",
        "sudo": "exit 1",
        "there": "",
    }.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
        (folder / name).chmod(stat.S_IRWXU)
    return {**os.environ, "PATH": str(folder), "HERE": str(tmp_path)}


def install(machine: dict[str, str], listing: str) -> subprocess.CompletedProcess[str]:
    path = Path(machine["HERE"]) / "list.txt"
    path.write_text(listing, encoding="utf-8")
    return subprocess.run(
        ["/bin/bash", INSTALL / "debian.sh", path], env=machine, capture_output=True, text=True, check=False
    )


def asked_of_apt(machine: dict[str, str]) -> str:
    path = Path(machine["HERE"]) / "asked"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_nothing_is_asked_of_apt_when_nothing_is_missing(bare_machine: dict[str, str]) -> None:
    done = install(bare_machine, "fonts-here optional -\nelsewhere required there for a reason\n# a remark\n")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert asked_of_apt(bare_machine) == ""


def test_without_root_a_missing_required_package_stops_with_one_sentence_naming_it(
    bare_machine: dict[str, str],
) -> None:
    done = install(bare_machine, "needed required absent-command\nfonts-gone optional -\n")

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.endswith("sudo apt-get install needed fonts-gone\n")
    assert asked_of_apt(bare_machine) == ""


def test_without_root_a_missing_optional_package_is_named_and_does_not_stop(
    bare_machine: dict[str, str],
) -> None:
    done = install(bare_machine, "fonts-gone optional -\n")

    assert done.returncode == 0
    assert done.stderr.endswith("on continue sans eux ; pour les ajouter : sudo apt-get install fonts-gone\n")


def test_with_root_only_what_is_missing_is_asked_of_apt(bare_machine: dict[str, str]) -> None:
    Path(bare_machine["PATH"], "id").write_text("#!/bin/bash\necho 0\n", encoding="utf-8")

    done = install(bare_machine, "fonts-here optional -\nfonts-gone optional -\n")

    assert done.returncode == 0  # apt here installs nothing, and the package is optional
    assert "update" in asked_of_apt(bare_machine)
    assert asked_of_apt(bare_machine).splitlines()[1].endswith("install --no-install-recommends fonts-gone")
