"""Runs the image that was just built as production would, without an engine, and says what it saw.

Usage: prove.py IMAGE ROOT     in mount and network namespaces of its own, as root

``IMAGE`` is what `buildah inspect` prints of the image, ``ROOT`` its root file system.
The program is started with the entry point, variables, user and folder that the configuration names, on a
root that cannot be written, with /data and /tmp as the only places that can: `migrate` ends by itself, `serve`
(the image's own command) answers ready, and both it and `worker` end by themselves when asked to.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

READY_S = 120.0
STOP_S = 40.0
SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1  # netdevice(7)


class Image:
    """The image: how its program is started."""

    def __init__(self, config: dict[str, Any], root: Path) -> None:
        self._config = config
        self._root = root
        self._user = config["User"]

    def prepare(self) -> None:
        """Mount what an engine would: the root for reading only, /data, /tmp, /proc and /dev."""
        root = str(self._root)
        owner = (self._root / "data").stat()
        _mount("--bind", root, root)
        for kind, place, options in (
            ("tmpfs", "data", f"mode=0700,uid={owner.st_uid},gid={owner.st_gid}"),
            ("tmpfs", "tmp", "mode=1777"),
            ("proc", "proc", "nosuid"),
        ):
            _mount("-t", kind, "-o", options, kind, f"{root}/{place}")
        _mount("--rbind", "/dev", f"{root}/dev")
        _mount("-o", "remount,bind,ro", root)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start the entry point with a command."""
        return subprocess.Popen(self.program([*self._config["Entrypoint"], *command]))

    def serve(self) -> subprocess.Popen[bytes]:
        """Start the command that the image runs when it is given none."""
        return self.start(*self._config["Cmd"])

    def is_alive(self) -> bool:
        """What the image's own health check says."""
        kind, *check = self._config["Healthcheck"]["Test"]
        assert kind == "CMD"  # noqa: S101 - a shell form would have to be run by a shell
        return subprocess.run(self.program(check), check=False).returncode == 0

    def program(self, arguments: Sequence[str]) -> list[str]:
        """A command inside the image, as its user, with its variables only."""
        account, group = self._config["User"].split(":")
        return [
            "chroot",
            str(self._root),
            "setpriv",
            f"--reuid={account}",
            f"--regid={group}",
            "--clear-groups",
            "--no-new-privs",
            "--bounding-set=-all",
            "--inh-caps=-all",
            "env",
            "--ignore-environment",
            f"--chdir={self._config['WorkingDir']}",
            *self._config["Env"],
            "TINI_SUBREAPER=",  # it is not the first process here, as it would be in a container
            *arguments,
        ]

    def size_bytes(self) -> int:
        """What its files hold."""
        counted = subprocess.run(
            ["du", "-s", "--block-size=1", "--one-file-system", str(self._root)],
            check=True,
            capture_output=True,
            text=True,
        )
        return int(counted.stdout.split()[0])


def main() -> None:
    """Prove the image; a phrase per step, exit 1 at the first that fails."""
    config = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["Docker"]["config"]
    image = Image(config, Path(sys.argv[2]))
    port = next(int(name.split("/")[0]) for name in config["ExposedPorts"])
    say(f"taille : {image.size_bytes() / 1e6:.0f} Mo, compte {config['User']}, racine en lecture seule")
    image.prepare()
    raise_loopback()
    check(timed("migrate", lambda: image.start("migrate").wait(READY_S) == 0), "migrate a échoué")
    prove_serve(image, port)
    prove_worker(image)


def prove_serve(image: Image, port: int) -> None:
    """The application answers, its health check agrees, and it ends by itself on SIGTERM."""
    running = image.serve()
    try:
        check(timed("serve prêt", lambda: becomes_ready(running, port)), "serve ne répond pas")
        say(f"  GET /api/health/ready : 200 {body(port, '/api/health/ready')}")
        check(image.is_alive(), "le contrôle de santé de l'image échoue")
        statuses = [process_status(pid) for pid in (running.pid, *descendants(running.pid))]
        as_root = [status for status in statuses if re.search(r"^Uid:.*\b0\b", status, re.MULTILINE)]
        check(not as_root, "le programme tourne en root")
    finally:
        ended = stop(running)
    check(ended == 0, f"serve s'est arrêté sur SIGTERM avec le code {ended}")


def prove_worker(image: Image) -> None:
    """The worker works until SIGTERM."""
    running = image.start("worker")
    at_work = timed("worker au travail", lambda: listens_to_sigterm(running))
    ended = stop(running)
    check(at_work, f"worker s'est arrêté seul avec le code {ended}")
    check(ended == 0, f"worker s'est arrêté sur SIGTERM avec le code {ended}")
    say("worker s'arrête de lui-même sur SIGTERM")


def listens_to_sigterm(running: subprocess.Popen[bytes]) -> bool:
    """Whether the command and the process it starts have both come to handle SIGTERM, before the time is out."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and running.poll() is None:
        below = descendants(running.pid)
        if len(below) > 1 and all(map(handles_sigterm, below)):
            return True
        time.sleep(0.2)
    return False


def handles_sigterm(pid: int) -> bool:
    """Whether a process has a handler of its own, as /proc tells (proc_pid_status(5), SigCgt)."""
    found = re.search(r"^SigCgt:\s*([0-9a-f]+)", process_status(pid), re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> (signal.SIGTERM - 1) & 1)


def raise_loopback() -> None:
    """Switch on the one interface of a new network namespace, where no port is taken."""
    request = struct.pack("16sh", b"lo", IFF_UP)
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def becomes_ready(running: subprocess.Popen[bytes], port: int) -> bool:
    """Whether the application answers 200 before the time is out."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and running.poll() is None:
        try:
            if status(port, "/api/health/ready") == http.client.OK:
                return True
        except OSError:
            time.sleep(0.2)
    return False


def ask(port: int, path: str) -> http.client.HTTPResponse:
    """An answer of the application."""
    connection = http.client.HTTPConnection("localhost", port, timeout=5)
    connection.request("GET", path)
    return connection.getresponse()


def status(port: int, path: str) -> int:
    """The status of an answer."""
    return ask(port, path).status


def body(port: int, path: str) -> str:
    """The text of an answer."""
    return ask(port, path).read().decode()


def stop(running: subprocess.Popen[bytes]) -> int:
    """Ask the program to end, as an engine does; -9 when it had to be killed."""
    running.send_signal(signal.SIGTERM)
    try:
        return running.wait(STOP_S)
    except subprocess.TimeoutExpired:
        running.kill()
        return running.wait()


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    try:
        listing = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:  # it ended meanwhile
        return []
    return [number for child in map(int, listing.split()) for number in (child, *descendants(child))]


def process_status(pid: int) -> str:
    """What the system knows of a process; nothing when it ended."""
    try:
        return Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return ""


def timed(what: str, act: Callable[[], bool]) -> bool:
    """Do it, and say how long it took."""
    started = time.monotonic()
    done = act()
    say(f"{what} : {time.monotonic() - started:.1f} s")
    return done


def check(holds: bool, otherwise: str) -> None:
    """Stop with a sentence unless it holds."""
    if not holds:
        sys.exit(f"L'image ne convient pas : {otherwise}.")


def say(line: str) -> None:
    """A line for whoever builds."""
    print(f"  {line}", flush=True)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


if __name__ == "__main__":
    os.umask(0o022)
    main()
