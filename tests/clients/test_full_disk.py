"""A store that is full: clients are told so and give up, each with the retries that it has by itself."""

import shutil
import tempfile
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import REPOSITORY, host_names
from certificate import make_certificate
from programs import Client
from store import TENANCY, Store, find_binary

BUCKET = "full"
# A client that tries an answer again that will not change takes longer, by its pauses alone.
GIVES_UP_S = 30
# One request of every client, and parts of an upload where a client makes parts.
SIZES = {"one": 1 << 20, "parts": 20 << 20}


@pytest.fixture(scope="module")
def full(domains_and_problem):
    """A store whose disk has less room than it keeps in reserve, and a key to it."""
    domains, _ = domains_and_problem
    folder = Path(tempfile.mkdtemp(prefix="commonhold-full-"))
    certificate = make_certificate(folder, host_names(domains))
    store = Store(find_binary(REPOSITORY), folder, domains, certificate, "[storage]\nreserve_mib = 1048576\n")
    store.start()
    try:
        store.admin("tenancy", "create", TENANCY)
        key = store.create_person("ada", TENANCY, "MANAGER")
        boto3_at(store, key, {}).create_bucket(Bucket=BUCKET)
        yield store, key
    finally:
        store.stop()
        shutil.rmtree(folder)


@pytest.fixture(params=SIZES)
def file(request, tmp_path) -> Path:
    path = tmp_path / request.param
    path.write_bytes(b"x" * SIZES[request.param])
    return path


def boto3_at(store, key, retries):
    config = Config(retries=retries or None, s3={"addressing_style": "path"})
    return boto3.session.Session().client(
        "s3",
        endpoint_url=store.localhost().url,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret_key,
        config=config,
        region_name="us-east-1",
    )


@pytest.mark.parametrize("retries", [{}, {"mode": "standard"}, {"mode": "adaptive"}], ids=["default", "standard", "adaptive"])
def test_boto3(full, retries):
    s3 = boto3_at(*full, retries)
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("QuotaExceeded", 403)
    assert "The store is full" in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0
    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_aws_cli(full, file, tmp_path):
    store, key = full
    aws = client_at(key, tmp_path, "aws", "--endpoint-url", store.localhost().url)
    gives_up(aws, "s3", "cp", file, f"s3://{BUCKET}/k")


def test_rclone(full, file, tmp_path):
    store, key = full
    options = ["--s3-provider", "Other", "--s3-env-auth", "--s3-endpoint", store.localhost().url, "--s3-upload-cutoff", "6M"]
    gives_up(client_at(key, tmp_path, "rclone", *options), "copyto", file, f":s3:{BUCKET}/k")


def test_s5cmd(full, file, tmp_path):
    store, key = full
    s5cmd = client_at(key, tmp_path, "s5cmd", "--endpoint-url", store.localhost().url)
    gives_up(s5cmd, "cp", "--part-size", "5", file, f"s3://{BUCKET}/k")


def client_at(key, home, program: str, *arguments) -> Client:
    environment = {"AWS_ACCESS_KEY_ID": key.access_key, "AWS_SECRET_ACCESS_KEY": key.secret_key}
    client = Client(program, *arguments, home=home, environment=environment)
    # Its own retries are what is looked at.
    del client.environment["AWS_MAX_ATTEMPTS"]
    return client


def gives_up(client: Client, *arguments) -> None:
    """Runs an upload, which must fail soon and say why."""
    began = time.monotonic()
    said = client.fails(*arguments)
    took_s = time.monotonic() - began
    print(f"gave up after {took_s:.1f} s")
    assert "QuotaExceeded" in said and "The store is full" in said, said
    assert took_s < GIVES_UP_S, said
