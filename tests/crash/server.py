"""The program under test: started, killed, administered and checked."""

import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "clients"))
from store import environment, free_port  # noqa: E402

# How often a starting server is asked whether it answers: half a minute or more. Counted, and not timed, so that the test
# may be suspended.
START_POLLS = 1000
TENANCY = "crash-o"


class Wrong(Exception):
    """The store broke its word."""


class Server:
    """The program, its data, and a way to kill it."""

    def __init__(self, binary: Path, folder: Path):
        self.binary, self.folder = binary, folder
        self.port = free_port()
        self.socket = folder / "admin"
        self.config = folder / "commonhold.toml"
        self.log = folder / "server.log"
        self.config.write_text(
            f'data_dir = "{folder}/data"\n[listen]\ns3 = "127.0.0.1:{self.port}"\nportal = "off"\nmetrics = "off"\n'
            f'admin_socket = "{self.socket}"\n'
            # So that the test may be suspended.
            "[limits]\nheader_timeout_seconds = 3600\nidle_timeout_seconds = 3600\nstall_timeout_seconds = 3600\n"
        )
        self.process = None

    def start(self) -> float:
        """Starts it; returns how many seconds it took to answer."""
        began = time.monotonic()
        self.spawn()
        for _ in range(START_POLLS):
            if self.run("admin", "--socket", str(self.socket), "tenancy", "list", "--json").returncode == 0:
                return time.monotonic() - began
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise Wrong(f"the server does not start:\n{self.tail()}")

    def spawn(self) -> None:
        """Starts it and does not wait."""
        with self.log.open("ab") as log:
            command = [self.binary, "serve", "--config", self.config]
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment()
            )

    def kill(self) -> None:
        """SIGKILL; one that does not run is none."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def check(self) -> None:
        """What `commonhold check` says of the data of a killed server: it must find nothing."""
        checked = self.run("--config", str(self.config), "check", "--json")
        if checked.returncode != 0:
            raise Wrong(f"check: {checked.stdout}{checked.stderr}")

    def make_key(self) -> dict:
        """A tenancy with one MANAGER, and a key of theirs."""
        self.admin("tenancy", "create", TENANCY)
        self.admin("user", "create", "ann")
        self.admin("role", "grant", TENANCY, "ann", "MANAGER")
        return self.admin("key", "create", "--tenancy", TENANCY, "--user", "ann")

    def usage(self) -> dict:
        """Of each bucket how many objects and bytes the store counted."""
        report = self.admin("usage", TENANCY)["tenancies"][0]
        usage = {bucket["bucket"]: (bucket["objects"], bucket["bytes"]) for bucket in report["buckets"]}
        return usage | {"": (report["objects"], report["bytes"])}

    def admin(self, *arguments: str):
        done = self.run("admin", "--socket", str(self.socket), *arguments, "--json")
        if done.returncode != 0:
            raise Wrong(f"{arguments}: {done.stderr}")
        return json.loads(done.stdout)

    def run(self, *arguments: str):
        return subprocess.run(
            [self.binary, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment()
        )

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])
