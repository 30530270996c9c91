"""Host names of tenancies that resolve to this machine.

As root, lines are added to /etc/hosts and taken out at the end. Otherwise names under `localhost` are used, which
systems with systemd-resolved or nss-myhostname resolve (RFC 6761).
"""

import os
import socket
from contextlib import contextmanager
from pathlib import Path

from store import Domains

HOSTS_FILE = Path("/etc/hosts")
MARK = f"# commonhold client tests, process {os.getpid()}"

OF_HOSTS_FILE = Domains("s3.commonhold.test", "s3-ext.commonhold.test")
OF_LOCALHOST = Domains("s3.localhost", "s3-ext.localhost")


@contextmanager
def resolvable_domains(names_under):
    """Yields `(domains, problem)`. `names_under(domains)` lists the host names that must resolve; the problem says
    why they do not."""
    if os.geteuid() == 0 and os.access(HOSTS_FILE, os.W_OK):
        _add_lines(names_under(OF_HOSTS_FILE))
        try:
            yield OF_HOSTS_FILE, _unresolved(names_under(OF_HOSTS_FILE))
        finally:
            _remove_lines()
    else:
        yield OF_LOCALHOST, _unresolved(names_under(OF_LOCALHOST))


def _unresolved(names) -> str | None:
    for name in names:
        try:
            socket.getaddrinfo(name, None)
        except OSError as error:
            return f"{name} does not resolve ({error}): run as root, or let *.localhost resolve"
    return None


def _add_lines(names) -> None:
    lines = "".join(f"127.0.0.1 {name} {MARK}\n" for name in names)
    # In place: in a container the file may be a mount, which cannot be replaced.
    with HOSTS_FILE.open("a") as hosts:
        hosts.write(lines)


def _remove_lines() -> None:
    kept = [line for line in HOSTS_FILE.read_text().splitlines(keepends=True) if MARK not in line]
    HOSTS_FILE.write_text("".join(kept))
