"""Quotas as command-line clients meet them: they say what is reached, do not try for ever, and go on once there is room."""

import time

from conftest import boto3_client
from store import TENANCY
from test_mc import mc_at
from test_rclone import rclone_at
from test_s3cmd import s3cmd_at

PART_BYTES = 5 << 20


def used(store, bucket):
    usage = store.admin("usage", TENANCY)["tenancies"][0]
    return next((of["bytes"], of["objects"]) for of in usage["buckets"] if of["bucket"] == bucket)


def test_clients_say_that_the_quota_is_reached_and_do_not_try_for_ever(store, internal, member, tmp_path, bucket_name):
    s3 = boto3_client(internal, member)
    s3.create_bucket(Bucket=bucket_name)
    s3.put_object(Bucket=bucket_name, Key="first", Body=b"x" * 900)
    store.admin("quota", "set", TENANCY, "--bucket", bucket_name, "--bytes", "1000")
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"s" * 200)
    large.write_bytes(b"l" * 2 * PART_BYTES)
    homes = {name: tmp_path / name for name in ("s3cmd", "mc", "rclone")}
    for home in homes.values():
        home.mkdir()
    # With the retries that they have by default.
    s3cmd = s3cmd_at(internal, member, homes["s3cmd"], max_retries=5)
    rclone = rclone_at(internal, member, homes["rclone"])
    rclone.command = [word for word in rclone.command if word not in ("--retries", "--low-level-retries", "1")]
    mc = mc_at(internal, member, homes["mc"])
    tries = [
        (s3cmd, ["put", "{}", f"s3://{bucket_name}/new"], ["del", f"s3://{bucket_name}/first"]),
        (mc, ["cp", "{}", f"store/{bucket_name}/new"], ["rm", f"store/{bucket_name}/first"]),
        (rclone, ["copyto", "{}", f"store:{bucket_name}/new"], ["deletefile", f"store:{bucket_name}/first"]),
    ]
    for client, put, delete in tries:
        program = client.command[0]
        for file in (small, large):
            began = time.monotonic()
            said = client.fails(*[word.format(file) for word in put])
            assert f"Bucket {bucket_name} of tenancy {TENANCY} may hold 1000 bytes" in said, (program, said)
            assert time.monotonic() - began < 60, program
        assert used(store, bucket_name) == (900, 1), program
        client(*delete)
        client(*[word.format(small) for word in put])
        assert used(store, bucket_name) == (200, 1), program
        s3.delete_object(Bucket=bucket_name, Key="new")
        s3.put_object(Bucket=bucket_name, Key="first", Body=b"x" * 900)
