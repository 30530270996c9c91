"""Kills the real server under load, again and again, and looks at what it acknowledged.

Workers with boto3 (`worker.py`) write on keys of their own and note what was answered (`known.py`). A round ends with
SIGKILL in the middle of that, and sometimes with another one while the server starts again. After the restart
everything that was acknowledged must be there, whole, and nothing that was deleted may be: a key has the state of its
last answered request, or that of the one request that was in flight. The usage that the store tells must be the sum of
what there is, and every few rounds, and in the end, `commonhold check` must find nothing.

Run by `cargo xtask crash --rounds N`; `--seed` repeats the choices of a run, though not its timing.
"""

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

from server import Server, Wrong
from worker import PLAIN, VERSIONS, Switch, Worker, keep_documents

WORKERS = 6
# A round is killed after so many seconds of load.
LOAD_S = (0.2, 3.0)
# How often the server is killed while it starts, and after how many seconds.
KILLED_STARTS = 0.2
START_S = (0.0, 0.3)
# How often everything is read, and not only what was touched.
FULL_ROUNDS = 10
# How often the data is checked as the kill left it.
CHECKED_ROUNDS = 5


def client_for(server: Server, key):
    config = Config(
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"},
        connect_timeout=5,
        read_timeout=600,
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


def load(server: Server, workers, chance: random.Random) -> int:
    """Load until the kill; returns how many requests were acknowledged."""
    stop = threading.Event()
    before = sum(worker.acknowledged for worker in workers)
    with ThreadPoolExecutor(WORKERS) as pool:
        loads = [pool.submit(worker.load, stop) for worker in workers]
        time.sleep(chance.uniform(*LOAD_S))
        # In this order: whoever is cut off knows that it had to be.
        stop.set()
        server.kill()
        for ended in loads:
            ended.result()
    return sum(worker.acknowledged for worker in workers) - before


def restart(server: Server, chance: random.Random) -> float:
    """Starts the killed server; returns how many seconds it took to answer."""
    while chance.random() < KILLED_STARTS:
        server.spawn()
        time.sleep(chance.uniform(*START_S))
        server.kill()
    return server.start()


def verify(server: Server, switch: Switch, workers, read_all: bool) -> int:
    """Compares the store with what it acknowledged; returns the bytes read."""
    switch.verify()
    with ThreadPoolExecutor(WORKERS) as pool:
        read = sum(pool.map(lambda worker: worker.verify(read_all), workers))
    sums = {}
    for bucket in (PLAIN, VERSIONS):
        sums[bucket] = tuple(map(sum, zip(*(worker.usage()[bucket] for worker in workers))))
    sums[""] = tuple(map(sum, zip(*sums.values())))
    if server.usage() != sums:
        raise Wrong(f"the usage is {server.usage()}, and there are {sums} objects and bytes")
    return read


def run(rounds: int, seed: int, binary: Path, folder: Path) -> None:
    server = Server(binary, folder)
    try:
        server.start()
        s3 = client_for(server, server.make_key())
        keep_documents(s3)
        s3.create_bucket(Bucket=PLAIN)
        s3.create_bucket(Bucket=VERSIONS)
        s3.put_bucket_versioning(Bucket=VERSIONS, VersioningConfiguration={"Status": "Enabled"})
        switch = Switch(s3)
        workers = [Worker(number, seed, s3, switch) for number in range(WORKERS)]
        chance = random.Random(seed)
        total = 0
        for number in range(1, rounds + 1):
            acknowledged = load(server, workers, chance)
            total += acknowledged
            if number % CHECKED_ROUNDS == 0:
                server.check()
            start_s = restart(server, chance)
            read = verify(server, switch, workers, number % FULL_ROUNDS == 0 or number == rounds)
            print(
                f"round {number}: {acknowledged} acknowledged, started in {start_s:.2f} s, {read >> 20} MiB read",
                flush=True,
            )
        server.kill()
        server.check()
        if total < rounds:
            raise Wrong(f"only {total} requests were acknowledged: that is no load")
        print(f"{rounds} rounds, {total} requests acknowledged, nothing lost, nothing back; check found all whole")
    except (Wrong, ClientError):
        print(server.tail(), file=sys.stderr)
        raise
    finally:
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
