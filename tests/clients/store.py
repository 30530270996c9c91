"""A running `commonhold serve`, its two tenancies, and the addresses under which clients reach them.

The server runs on free ports of 127.0.0.1 with a temporary data directory. People, roles and keys are made with the
program's own `commonhold admin`, as an operator would.
"""

import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 30

TENANCY = "atmos-o"
OTHER_TENANCY = "ocean-o"


@dataclass(frozen=True)
class Key:
    """An access key and whose it is."""

    user: str
    tenancy: str
    access_key: str
    secret_key: str


@dataclass(frozen=True)
class Endpoint:
    """One way to reach a tenancy."""

    scheme: str
    host: str
    port: int
    ca_file: Path

    @property
    def netloc(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}"

    @property
    def secure(self) -> bool:
        return self.scheme == "https"


@dataclass(frozen=True)
class Domains:
    """The two domains whose sub-domains are tenancies."""

    internal: str
    external: str


class Store:
    """The server process and what was made in it."""

    def __init__(self, binary: Path, folder: Path, domains: Domains, certificate, extra_toml: str = ""):
        self.binary = binary
        self.folder = folder
        self.domains = domains
        self.certificate = certificate
        self.extra_toml = extra_toml
        self.s3_port, self.s3_tls_port, self.portal_port, self.legacy_port, self.metrics_port = free_ports(5)
        self.socket = folder / "admin"
        self.config = folder / "commonhold.toml"
        self.log = folder / "server.log"
        self.process = None

    def start(self) -> None:
        self.config.write_text(self._config_text())
        with self.log.open("ab") as log:
            command = [self.binary, "serve", "--config", self.config]
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=environment()
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"commonhold ended with {self.process.returncode}:\n{self.log.read_text()}")
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"commonhold did not answer in {START_TIMEOUT_S} s:\n{self.log.read_text()}")
            time.sleep(0.05)

    def stop(self) -> int:
        """Asks the server to end and returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def admin(self, *arguments: str, stdin: str = ""):
        """Runs `commonhold admin … --json` and returns what it printed."""
        return self._run("admin", "--socket", self.socket, *arguments, "--json", stdin=stdin)

    def demo(self):
        """Runs `commonhold demo --json` and returns what it printed."""
        return self._run("--config", self.config, "demo", "--json")

    def create_person(self, user: str, tenancy: str, role: str, password: str | None = None) -> Key:
        if password is None:
            self.admin("user", "create", user)
        else:
            self.admin("user", "create", user, "--password-stdin", stdin=password)
        self.admin("role", "grant", tenancy, user, role)
        key = self.admin("key", "create", "--tenancy", tenancy, "--user", user)
        return Key(user, tenancy, key["access_key"], key["secret_key"])

    def internal(self, tenancy: str) -> Endpoint:
        return self._endpoint("http", f"{tenancy}.{self.domains.internal}", self.s3_port)

    def external(self, tenancy: str) -> Endpoint:
        return self._endpoint("https", f"{tenancy}.{self.domains.external}", self.s3_tls_port)

    @property
    def portal_url(self) -> str:
        return f"http://127.0.0.1:{self.portal_port}"

    def legacy(self, tenancy: str) -> Endpoint:
        """The addresses of a Swarm site: what has port 81 there."""
        return self._endpoint("http", f"{tenancy}.{self.domains.internal}", self.legacy_port)

    def localhost(self) -> Endpoint:
        return self._endpoint("http", "localhost", self.s3_port)

    def _run(self, *arguments, stdin: str = ""):
        command = [self.binary, *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=60, env=environment()
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, arguments))}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def _endpoint(self, scheme: str, host: str, port: int) -> Endpoint:
        return Endpoint(scheme, host, port, self.certificate.ca_file)

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.s3_port), timeout=1).close()
            self.admin("tenancy", "list")
            return True
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            return False

    def _config_text(self) -> str:
        return f"""
data_dir = "{self.folder}/data"
default_tenancy = "{TENANCY}"

[listen]
s3 = "127.0.0.1:{self.s3_port}"
s3_tls = "127.0.0.1:{self.s3_tls_port}"
portal = "127.0.0.1:{self.portal_port}"
legacy = "127.0.0.1:{self.legacy_port}"
metrics = "127.0.0.1:{self.metrics_port}"
admin_socket = "{self.socket}"

[domains]
internal = "{self.domains.internal}"
external = "{self.domains.external}"

[tls]
certificates = [{{ cert = "{self.certificate.cert_file}", key = "{self.certificate.key_file}" }}]
{self.extra_toml}"""


def environment() -> dict[str, str]:
    """This process's environment without settings of the server, which the configuration file of a test makes."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COMMONHOLD_")}


def free_port() -> int:
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """So many ports, each another: all are held until the last is found."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def find_binary(repository: Path) -> Path:
    """The program under test: `$COMMONHOLD_BIN`, else what cargo built last."""
    if "COMMONHOLD_BIN" in os.environ:
        return Path(os.environ["COMMONHOLD_BIN"])
    target = Path(os.environ.get("CARGO_TARGET_DIR", repository / "target"))
    built = [path for profile in ("debug", "release") if (path := target / profile / "commonhold").is_file()]
    if not built:
        raise RuntimeError("no commonhold program: run `cargo build` first")
    return max(built, key=lambda path: path.stat().st_mtime)
