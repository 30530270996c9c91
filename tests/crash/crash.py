"""Kills the real server under load, again and again, and looks at what it acknowledged.

Workers with boto3 write, overwrite, copy parts together, delete and make versions, each on keys of its own, and note
what was answered. A round ends with SIGKILL in the middle of that. After the restart everything that was acknowledged
must be there, whole, and nothing that was deleted may be: a key has the state of its last answered request, or that of
the one request that was in flight. In the end `commonhold check` must find nothing.

Run by `cargo xtask crash --rounds N`; `--seed` repeats the choices of a run, though not its timing.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

sys.path.insert(0, str(Path(__file__).parent.parent / "clients"))
from store import environment, free_port  # noqa: E402

WORKERS = 6
KEYS_A_WORKER = 10
START_TIMEOUT_S = 30
MIB = 1 << 20
# Every size class of the store: empty, packed into the log, a file, many pieces. With how often each is drawn.
SIZES = [((0, 0), 6), ((1, 2000), 40), ((2000, 70_000), 25), ((70_000, 2 * MIB), 20), ((5 * MIB, 20 * MIB), 7),
         ((100 * MIB, 100 * MIB), 2)]
PART_BYTES = 5 * MIB
# Bodies of this size and above that are in memory at a time.
LARGE_BYTES = 20 * MIB
LARGE_AT_A_TIME = threading.Semaphore(1)
# A round is killed after so many seconds of load.
LOAD_S = (0.2, 3.0)
# How often everything is read, and not only what was touched.
FULL_ROUNDS = 10


class Wrong(Exception):
    """The store broke its word."""


@dataclass(frozen=True)
class Content:
    """What an object must hold."""

    size: int
    md5: str
    etag: str


MARKER = "delete marker"


class Server:
    """The program, its data, and a way to kill it."""

    def __init__(self, binary: Path, folder: Path):
        self.binary, self.folder = binary, folder
        self.port = free_port()
        self.socket = folder / "admin"
        self.config = folder / "commonhold.toml"
        self.log = folder / "server.log"
        self.config.write_text(
            f'data_dir = "{folder}/data"\n[listen]\ns3 = "127.0.0.1:{self.port}"\nmetrics = "off"\n'
            f'admin_socket = "{self.socket}"\n'
        )
        self.process = None

    def start(self) -> float:
        """Starts it; returns how many seconds it took to answer."""
        began = time.monotonic()
        with self.log.open("ab") as log:
            command = [self.binary, "serve", "--config", self.config]
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment()
            )
        while self.run("admin", "--socket", str(self.socket), "tenancy", "list", "--json").returncode != 0:
            if self.process.poll() is not None or time.monotonic() > began + START_TIMEOUT_S:
                raise Wrong(f"the server does not start:\n{self.tail()}")
            time.sleep(0.02)
        return time.monotonic() - began

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def run(self, *arguments: str):
        return subprocess.run(
            [self.binary, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment()
        )

    def admin(self, *arguments: str):
        done = self.run("admin", "--socket", str(self.socket), *arguments, "--json")
        if done.returncode != 0:
            raise Wrong(f"{arguments}: {done.stderr}")
        return json.loads(done.stdout)

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])


def client_for(server: Server, key):
    config = Config(
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=WORKERS * 2,
    )
    return boto3.session.Session().client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{server.port}",
        aws_access_key_id=key["access_key"],
        aws_secret_access_key=key["secret_key"],
        region_name="us-east-1",
        config=config,
    )


def make_body(chance: random.Random) -> bytes:
    (least, most), = chance.choices([bounds for bounds, _ in SIZES], [weight for _, weight in SIZES])
    size = chance.randint(least, most)
    block = chance.randbytes(min(size, MIB))
    # Every block says where it is, so that blocks in the wrong order show.
    blocks = [at.to_bytes(8, "big") + block[8:] for at in range(-(-size // MIB))]
    return b"".join(blocks)[:size]


class Worker:
    """One client. Its keys are nobody else's, so that what it was told is all there is to know."""

    def __init__(self, number: int, seed: int, s3):
        self.number, self.s3 = number, s3
        self.chance = random.Random(f"{seed}-{number}")
        # What each key may hold: one state, or two where a request was in flight.
        self.plain = {}
        self.versions = {}
        self.touched = set()
        self.acknowledged = 0

    def load(self, stop: threading.Event) -> None:
        """Sends requests until the server is gone."""
        try:
            while not stop.is_set():
                work = self.chance.choices(
                    [self.put, self.multipart, self.delete, self.put_version, self.delete_version], [40, 6, 18, 22, 14]
                )[0]
                work()
                self.acknowledged += 1
        except (HTTPClientError, BotoCoreError):
            if not stop.is_set():
                # The kill may come before this thread is told.
                stop.wait(5)
            if not stop.is_set():
                raise

    def key(self) -> str:
        return f"w{self.number}/k{self.chance.randrange(KEYS_A_WORKER)}"

    def change(self, known: dict, bucket: str, key: str, after, request):
        """Makes a request; until it is answered the key may be as before or as after."""
        before = known.get(key, [self.nothing(bucket)])[0]
        self.touched.add((bucket, key))
        known[key] = [before, after]
        answer = request()
        known[key] = [after]
        return answer

    @staticmethod
    def nothing(bucket: str):
        return None if bucket == "plain" else ()

    def put(self) -> None:
        body = make_body(self.chance)
        if len(body) < LARGE_BYTES:
            return self.put_body(body)
        with LARGE_AT_A_TIME:
            return self.put_body(body)

    def put_body(self, body: bytes) -> None:
        key, md5 = self.key(), hashlib.md5(body).hexdigest()
        after = Content(len(body), md5, f'"{md5}"')
        self.change(self.plain, "plain", key, after, lambda: self.s3.put_object(Bucket="plain", Key=key, Body=body))

    def multipart(self) -> None:
        key = self.key()
        upload = self.s3.create_multipart_upload(Bucket="plain", Key=key)["UploadId"]
        sizes = [PART_BYTES] * self.chance.randint(1, 2) + [self.chance.randint(1, 100_000)]
        bodies = [self.chance.randbytes(size) for size in sizes]
        parts = []
        for number, body in enumerate(bodies, 1):
            part = self.s3.upload_part(Bucket="plain", Key=key, UploadId=upload, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": part["ETag"]})
        if self.chance.random() < 0.2:
            self.s3.abort_multipart_upload(Bucket="plain", Key=key, UploadId=upload)
            return
        whole = b"".join(bodies)
        digest = hashlib.md5(b"".join(hashlib.md5(body).digest() for body in bodies)).hexdigest()
        after = Content(len(whole), hashlib.md5(whole).hexdigest(), f'"{digest}-{len(bodies)}"')
        self.change(
            self.plain, "plain", key, after,
            lambda: self.s3.complete_multipart_upload(
                Bucket="plain", Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
            ),
        )

    def delete(self) -> None:
        key = self.key()
        self.change(self.plain, "plain", key, None, lambda: self.s3.delete_object(Bucket="plain", Key=key))

    def put_version(self) -> None:
        key = self.key()
        body = self.chance.randbytes(self.chance.choice([0, 100, 5000, 100_000]))
        md5 = hashlib.md5(body).hexdigest()
        content = Content(len(body), md5, f'"{md5}"')
        before = self.versions.get(key, [()])[0]
        # The id is known by the answer; until then any will do.
        answer = self.change(
            self.versions, "versions", key, ((None, content), *before),
            lambda: self.s3.put_object(Bucket="versions", Key=key, Body=body),
        )
        self.versions[key] = [((answer["VersionId"], content), *before)]

    def delete_version(self) -> None:
        key = self.key()
        before = self.versions.get(key, [()])[0]
        if before and self.chance.random() < 0.6:
            gone = self.chance.choice(before)
            after = tuple(version for version in before if version != gone)
            self.change(
                self.versions, "versions", key, after,
                lambda: self.s3.delete_object(Bucket="versions", Key=key, VersionId=gone[0]),
            )
            return
        answer = self.change(
            self.versions, "versions", key, ((None, MARKER), *before),
            lambda: self.s3.delete_object(Bucket="versions", Key=key),
        )
        self.versions[key] = [((answer["VersionId"], MARKER), *before)]

    def verify(self, read_all: bool) -> int:
        """Compares all that the store has under this worker's keys with what it was told; returns the bytes read."""
        prefix, read = f"w{self.number}/", 0
        found = {}
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket="plain", Prefix=prefix):
            found.update({entry["Key"]: (entry["Size"], entry["ETag"]) for entry in page.get("Contents", [])})
        for key in found.keys() | self.plain.keys():
            states = self.plain.get(key, [None])
            fitting = [state for state in states if listed(state) == found.get(key)]
            if not fitting:
                raise Wrong(f"plain/{key} is {found.get(key)} and may be {states}")
            self.plain[key] = fitting[:1]
            if fitting[0] and (read_all or ("plain", key) in self.touched):
                read += self.read("plain", key, None, fitting[0])
        versions = self.listed_versions(prefix)
        for key in versions.keys() | self.versions.keys():
            states = self.versions.get(key, [()])
            fitting = [state for state in states if is_like(state, versions.get(key, ()))]
            if not fitting:
                raise Wrong(f"versions/{key} is {versions.get(key)} and may be {states}")
            contents = [content for _, content in fitting[0]]
            state = tuple((version, content) for (version, *_), content in zip(versions.get(key, ()), contents))
            self.versions[key] = [state]
            for version, content in state:
                if content != MARKER and (read_all or ("versions", key) in self.touched):
                    read += self.read("versions", key, version, content)
        self.touched.clear()
        return read

    def listed_versions(self, prefix: str) -> dict:
        """Of each key its versions as listed, newest first: id, and size and ETag or the marker."""
        versions = {}
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket="versions", Prefix=prefix):
            entries = [(e, (e["Size"], e["ETag"])) for e in page.get("Versions", [])]
            entries += [(e, MARKER) for e in page.get("DeleteMarkers", [])]
            for entry, what in entries:
                versions.setdefault(entry["Key"], []).append((entry["VersionId"], what))
        # Ids ascend with age, and an answer has versions and markers apart.
        return {key: tuple(sorted(entries)) for key, entries in versions.items()}

    def read(self, bucket: str, key: str, version, content: Content) -> int:
        more = {"VersionId": version} if version else {}
        answer = self.s3.get_object(Bucket=bucket, Key=key, **more)
        digest, size = hashlib.md5(), 0
        for piece in answer["Body"].iter_chunks(MIB):
            digest.update(piece)
            size += len(piece)
        if (size, digest.hexdigest(), answer["ETag"]) != (content.size, content.md5, content.etag):
            raise Wrong(f"{bucket}/{key} has {size} bytes with MD5 {digest.hexdigest()}, and {content} was written")
        return size


def listed(content):
    """How a content shows in a listing."""
    return content and (content.size, content.etag)


def is_like(state, versions) -> bool:
    """Whether listed versions are these; an id that nobody was told is any."""
    if len(state) != len(versions):
        return False
    shown = [(version, content if content == MARKER else listed(content)) for version, content in state]
    return all(a[0] in (None, b[0]) and a[1] == b[1] for a, b in zip(shown, versions))


def round_of_load(server: Server, workers, chance: random.Random) -> int:
    """Load until the kill; returns how many requests were acknowledged."""
    stop = threading.Event()
    before = sum(worker.acknowledged for worker in workers)
    with ThreadPoolExecutor(WORKERS) as pool:
        loads = [pool.submit(worker.load, stop) for worker in workers]
        time.sleep(chance.uniform(*LOAD_S))
        server.kill()
        stop.set()
        for load in loads:
            load.result()
    return sum(worker.acknowledged for worker in workers) - before


def verify_all(workers, read_all: bool) -> int:
    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(lambda worker: worker.verify(read_all), workers))


def run(rounds: int, seed: int, binary: Path, folder: Path) -> None:
    server = Server(binary, folder)
    try:
        server.start()
        for arguments in (
            ["tenancy", "create", "crash-o"], ["user", "create", "ann"], ["role", "grant", "crash-o", "ann", "MANAGER"],
        ):
            server.admin(*arguments)
        key = server.admin("key", "create", "--tenancy", "crash-o", "--user", "ann")
        s3 = client_for(server, key)
        s3.create_bucket(Bucket="plain")
        s3.create_bucket(Bucket="versions")
        s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
        workers = [Worker(number, seed, s3) for number in range(WORKERS)]
        chance = random.Random(seed)
        total = 0
        for number in range(1, rounds + 1):
            acknowledged = round_of_load(server, workers, chance)
            total += acknowledged
            start_s = server.start()
            read_all = number % FULL_ROUNDS == 0 or number == rounds
            read = verify_all(workers, read_all)
            print(
                f"round {number}: {acknowledged} acknowledged, started in {start_s:.2f} s, {read >> 20} MiB read",
                flush=True,
            )
        server.kill()
        checked = server.run("--config", str(server.config), "check", "--json")
        if checked.returncode != 0:
            raise Wrong(f"check: {checked.stdout}{checked.stderr}")
        if total < rounds:
            raise Wrong(f"only {total} requests were acknowledged: that is no load")
        print(f"{rounds} rounds, {total} requests acknowledged, nothing lost, nothing back; check found all whole")
    except (Wrong, ClientError):
        print(server.tail(), file=sys.stderr)
        raise
    finally:
        if server.process and server.process.poll() is None:
            server.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = parser.parse_args()
    binary = Path(os.environ["COMMONHOLD_BIN"])
    print(f"seed {arguments.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="commonhold-crash-") as folder:
        run(arguments.rounds, arguments.seed, binary, Path(folder))


if __name__ == "__main__":
    main()
