"""minio-py, which NLDS uses."""

import io
from datetime import datetime, timedelta, timezone

import pytest
import urllib3
from minio import Minio
from minio.commonconfig import ComposeSource, CopySource
from minio.datatypes import PostPolicy
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.versioningconfig import ENABLED, VersioningConfig

from dataset import AWKWARD_NAMES

PART_BYTES = 5 * 1024 * 1024


def minio_at(endpoint, key) -> Minio:
    http = urllib3.PoolManager(ca_certs=str(endpoint.ca_file), retries=False)
    return Minio(endpoint.netloc, access_key=key.access_key, secret_key=key.secret_key, secure=endpoint.secure, http_client=http)


@pytest.fixture
def minio(internal, manager):
    return minio_at(internal, manager)


def content(minio, bucket, key, **options) -> bytes:
    answer = minio.get_object(bucket, key, **options)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


def put(minio, bucket, key, body: bytes):
    return minio.put_object(bucket, key, io.BytesIO(body), len(body))


def test_round_trip(endpoint, manager, tmp_path, files_folder, files, bucket_name):
    minio = minio_at(endpoint, manager)
    assert not minio.bucket_exists(bucket_name)
    minio.make_bucket(bucket_name)
    assert minio.bucket_exists(bucket_name)
    assert bucket_name in [bucket.name for bucket in minio.list_buckets()]
    for name in ("empty.bin", "small.txt", "large.bin"):
        minio.fput_object(bucket_name, name, str(files_folder / name), part_size=PART_BYTES)
        minio.fget_object(bucket_name, name, str(tmp_path / name))
        assert (tmp_path / name).read_bytes() == files[name]
        assert minio.stat_object(bucket_name, name).size == len(files[name])
    doomed = [DeleteObject(entry.object_name) for entry in minio.list_objects(bucket_name, recursive=True)]
    assert list(minio.remove_objects(bucket_name, doomed)) == []
    minio.remove_bucket(bucket_name)


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names(minio, bucket, name):
    key = f"folder//{name}"
    put(minio, bucket, key, name.encode())
    assert content(minio, bucket, key) == name.encode()
    assert [entry.object_name for entry in minio.list_objects(bucket, recursive=True)] == [key]
    minio.remove_object(bucket, key)


def test_stream_of_unknown_length(minio, files, bucket):
    minio.put_object(bucket, "stream", io.BytesIO(files["large.bin"]), -1, part_size=PART_BYTES, metadata={"Project": "CMIP6"})
    assert content(minio, bucket, "stream") == files["large.bin"]
    assert content(minio, bucket, "stream", offset=7_000_000, length=1000) == files["large.bin"][7_000_000:7_001_000]
    assert minio.stat_object(bucket, "stream").metadata["x-amz-meta-project"] == "CMIP6"


def test_copy_and_compose(minio, files, bucket):
    put(minio, bucket, "a", files["large.bin"][:PART_BYTES])
    put(minio, bucket, "b", files["large.bin"][PART_BYTES:])
    minio.compose_object(bucket, "whole", [ComposeSource(bucket, "a"), ComposeSource(bucket, "b")])
    assert content(minio, bucket, "whole") == files["large.bin"]
    minio.copy_object(bucket, "copied", CopySource(bucket, "whole"))
    assert content(minio, bucket, "copied") == files["large.bin"]


def test_listing(minio, bucket):
    keys = [f"year={year}/month={month:02}/data.nc" for year in (2000, 2001) for month in range(1, 13)]
    for key in keys:
        put(minio, bucket, key, b"x")
    assert [entry.object_name for entry in minio.list_objects(bucket, recursive=True)] == keys
    folders = list(minio.list_objects(bucket))
    assert [(entry.object_name, entry.is_dir) for entry in folders] == [("year=2000/", True), ("year=2001/", True)]
    assert len(list(minio.list_objects(bucket, prefix="year=2001/", start_after=keys[17], recursive=True))) == 6
    assert len(list(minio.list_objects(bucket, recursive=True, use_api_v1=True))) == 24


def test_links(minio, bucket, http):
    url = minio.presigned_put_object(bucket, "a b+c", expires=timedelta(minutes=5))
    assert http.request("PUT", url, body=b"through a link").status == 200
    url = minio.presigned_get_object(bucket, "a b+c", response_headers={"response-content-type": "text/x-notes"})
    answer = http.request("GET", url)
    assert (answer.data, answer.headers["content-type"]) == (b"through a link", "text/x-notes")


def test_post_form(minio, bucket, internal, http):
    policy = PostPolicy(bucket, datetime.now(timezone.utc) + timedelta(minutes=10))
    policy.add_starts_with_condition("key", "uploads/")
    policy.add_content_length_range_condition(1, 100)
    signed = minio.presigned_post_policy(policy)
    url = f"{internal.url}/{bucket}"
    fields = {**signed, "key": "uploads/${filename}", "file": ("notes.txt", b"by a browser")}
    assert http.request("POST", url, fields=fields).status == 204
    assert content(minio, bucket, "uploads/notes.txt") == b"by a browser"
    too_long = {**fields, "file": ("notes.txt", b"x" * 101)}
    answer = http.request("POST", url, fields=too_long)
    assert (answer.status, b"EntityTooLarge" in answer.data) == (400, True)
    elsewhere = {**fields, "key": "elsewhere/notes.txt"}
    assert http.request("POST", url, fields=elsewhere).status == 403


def test_versions(minio, bucket):
    minio.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
    assert minio.get_bucket_versioning(bucket).status == "Enabled"
    first = put(minio, bucket, "notes", b"first").version_id
    put(minio, bucket, "notes", b"second")
    minio.remove_object(bucket, "notes")
    versions = list(minio.list_objects(bucket, include_version=True))
    assert sorted((entry.is_delete_marker, entry.is_latest == "true") for entry in versions) == [
        (False, False), (False, False), (True, True)
    ]
    assert content(minio, bucket, "notes", version_id=first) == b"first"


def test_errors(minio, bucket):
    cases = [
        ("NoSuchKey", lambda: minio.get_object(bucket, "absent")),
        ("NoSuchKey", lambda: minio.stat_object(bucket, "absent")),
        ("NoSuchBucket", lambda: list(minio.list_objects("no-such-bucket-here"))),
        ("BucketAlreadyOwnedByYou", lambda: minio.make_bucket(bucket, location="eu-west-1")),
    ]
    for code, call in cases:
        with pytest.raises(S3Error) as refused:
            call()
        assert refused.value.code == code
