"""Running command-line clients."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TIMEOUT_S = 180


def require(program: str) -> str:
    """The program's path. Without it the test is skipped, aloud, and in CI it fails."""
    path = shutil.which(program)
    if path is None:
        missing(f"{program} is not installed")
    return path


def missing(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class Client:
    """A program with the arguments and environment that every call of it has."""

    def __init__(self, program: str, *arguments, home: Path, environment: dict | None = None):
        self.command = [require(program), *map(str, arguments)]
        self.home = home
        # Nothing of the caller's own configuration must reach a client.
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.environment = {
            **kept,
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            # A client's own retries would hide an answer that is only sometimes right.
            "AWS_MAX_ATTEMPTS": "1",
            **(environment or {}),
        }

    def __call__(self, *arguments, stdin: bytes = b"", cwd: Path | None = None) -> str:
        """Runs it, expects success, returns its output."""
        done = self._run(arguments, stdin, cwd)
        assert done.returncode == 0, self._told(done)
        return done.stdout.decode()

    def bytes(self, *arguments) -> bytes:
        """As a call, with the output as it is."""
        done = self._run(arguments, b"", None)
        assert done.returncode == 0, self._told(done)
        return done.stdout

    def fails(self, *arguments, stdin: bytes = b"") -> str:
        """Runs it, expects failure, returns all that it said."""
        done = self._run(arguments, stdin, None)
        assert done.returncode != 0, self._told(done)
        return (done.stdout + done.stderr).decode(errors="replace")

    def _run(self, arguments, stdin: bytes, cwd: Path | None):
        command = self.command + [str(argument) for argument in arguments]
        return subprocess.run(
            command, input=stdin, capture_output=True, env=self.environment, cwd=cwd or self.home, timeout=TIMEOUT_S
        )

    @staticmethod
    def _told(done) -> str:
        output = (done.stdout + done.stderr).decode(errors="replace")
        return f"{' '.join(done.args)} ended with {done.returncode}:\n{output}"
