"""A tenancy that is full to the byte: boto3 gives up with the retries that it has by itself, parts and versions are what fills
it, and what deletes free is there at once."""

import time
import uuid

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from conftest import boto3_client
from test_mc import mc_at

MIB = 1 << 20
# Full with an object of 6 MiB and one of 100 bytes.
LIMIT = 6 * MIB + 100
# A client that tries an answer again that will not change takes longer, by its pauses alone.
GIVES_UP_S = 30


class Full:
    """A tenancy of its own with a bucket that is full to the byte."""

    def __init__(self, store):
        self.store = store
        self.tenancy = f"full-{uuid.uuid4().hex[:8]}"
        store.admin("tenancy", "create", self.tenancy, "--quota", str(LIMIT))
        self.key = store.create_person(f"eve-{uuid.uuid4().hex[:8]}", self.tenancy, "MANAGER")
        self.endpoint = store.localhost()
        self.s3 = boto3_client(self.endpoint, self.key)
        self.s3.create_bucket(Bucket="data")
        self.s3.put_object(Bucket="data", Key="large", Body=b"x" * (6 * MIB))
        self.s3.put_object(Bucket="data", Key="small", Body=b"x" * 100)

    def used(self) -> tuple[int, int]:
        usage = self.store.admin("usage", self.tenancy)["tenancies"][0]
        return usage["bytes"], usage["objects"]


@pytest.fixture
def full(store):
    full = Full(store)
    yield full
    assert full.used()[0] <= LIMIT


@pytest.fixture(params={"one": 1 * MIB, "parts": 20 * MIB}.items(), ids=lambda item: item[0])
def file(request, tmp_path):
    name, size = request.param
    path = tmp_path / name
    path.write_bytes(b"y" * size)
    return path


def test_boto3(full):
    # As users have it, with botocore's own retries.
    s3 = boto3_client(full.endpoint, full.key, retries={"mode": "standard", "total_max_attempts": 5})
    for key, body in (("new", b"x"), ("small", b"x" * 101), ("new", b"x" * MIB)):
        with pytest.raises(ClientError) as refused:
            s3.put_object(Bucket="data", Key=key, Body=body)
        answer = refused.value.response
        assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("QuotaExceeded", 403)
        assert f"Tenancy {full.tenancy} may hold {LIMIT} bytes" in answer["Error"]["Message"]
        assert answer["ResponseMetadata"]["RetryAttempts"] == 0
    for refused_call in (
        lambda: s3.copy_object(Bucket="data", Key="copy", CopySource="data/small"),
        lambda: s3.create_multipart_upload(Bucket="data", Key="parts"),
    ):
        with pytest.raises(ClientError, match="QuotaExceeded"):
            refused_call()
    assert s3.get_object(Bucket="data", Key="small")["Body"].read() == b"x" * 100
    s3.put_object(Bucket="data", Key="small", Body=b"z" * 100)
    deleted = s3.delete_objects(Bucket="data", Delete={"Objects": [{"Key": "small"}]})
    assert [one["Key"] for one in deleted["Deleted"]] == ["small"] and "Errors" not in deleted
    s3.put_object(Bucket="data", Key="new", Body=b"x" * 100)
    assert full.used() == (LIMIT, 2)


def test_boto3_parts_and_versions(full):
    s3 = full.s3
    s3.delete_object(Bucket="data", Key="large")
    upload = s3.create_multipart_upload(Bucket="data", Key="parts")["UploadId"]
    part = {"Bucket": "data", "Key": "parts", "UploadId": upload}
    tag = s3.upload_part(**part, PartNumber=1, Body=b"p" * (6 * MIB))["ETag"]
    with pytest.raises(ClientError, match="QuotaExceeded"):
        s3.upload_part(**part, PartNumber=2, Body=b"p")
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    assert full.used() == (LIMIT, 2)
    s3.put_bucket_versioning(Bucket="data", VersioningConfiguration={"Status": "Enabled"})
    with pytest.raises(ClientError, match="QuotaExceeded"):
        s3.put_object(Bucket="data", Key="small", Body=b"x")
    # A delete marker frees nothing; the version that it hides does.
    s3.delete_object(Bucket="data", Key="small")
    with pytest.raises(ClientError, match="QuotaExceeded"):
        s3.put_object(Bucket="data", Key="small", Body=b"x")
    s3.delete_object(Bucket="data", Key="small", VersionId="null")
    s3.put_object(Bucket="data", Key="small", Body=b"x" * 100)
    assert full.used() == (LIMIT, 2)


def test_boto3_transfers(full, file):
    s3 = boto3_client(full.endpoint, full.key, retries={"mode": "adaptive", "total_max_attempts": 5})
    began = time.monotonic()
    with pytest.raises(Exception, match="QuotaExceeded"):
        s3.upload_file(str(file), "data", "new", Config=TransferConfig(multipart_threshold=6 * MIB))
    assert time.monotonic() - began < GIVES_UP_S
    assert full.used() == (LIMIT, 2)


def test_sync_goes_on_with_what_fits(full, tmp_path):
    """A tree of which a part fits: what fits is there, and what does not is told."""
    mc = mc_at(full.endpoint, full.key, tmp_path)
    mc("rm", "store/data/large")
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(8):
        (tree / f"{number}").write_bytes(b"t" * MIB)
    said = mc.fails("mirror", tree, "store/data/tree")
    assert "may hold" in said or "QuotaExceeded" in said, said
    assert full.used()[0] <= LIMIT
