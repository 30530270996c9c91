"""boto3 on buckets: creation, listing of buckets, objects and versions, versioning."""

import pytest

from conftest import boto3_client
from test_boto3_objects import content, refused


def fill(s3, bucket, keys) -> None:
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())


def keys_of(page) -> list[str]:
    return [entry["Key"] for entry in page.get("Contents", [])]


def prefixes_of(page) -> list[str]:
    return [entry["Prefix"] for entry in page.get("CommonPrefixes", [])]


def test_creation(s3, bucket_name, other_member, internal):
    answer = s3.create_bucket(Bucket=bucket_name)
    assert answer["Location"] == f"/{bucket_name}"
    s3.head_bucket(Bucket=bucket_name)
    stranger = boto3_client(internal, other_member)
    assert refused(stranger.create_bucket, Bucket=bucket_name)[1] == 409
    located = {"LocationConstraint": "eu-west-2"}
    s3.create_bucket(Bucket=f"{bucket_name}-2", CreateBucketConfiguration=located)
    assert s3.get_bucket_location(Bucket=f"{bucket_name}-2")["LocationConstraint"] == "eu-west-2"
    s3.put_object(Bucket=bucket_name, Key="k", Body=b"")
    assert refused(s3.delete_bucket, Bucket=bucket_name) == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket=bucket_name, Key="k")
    s3.delete_bucket(Bucket=bucket_name)
    assert refused(s3.head_bucket, Bucket=bucket_name) == ("404", 404)


def test_names(s3, bucket_name):
    for name in (f"{bucket_name}_with_underscore", f"nlds.{bucket_name}", f"CMIP6.{bucket_name}.BCC-CSM2-MR"):
        s3.create_bucket(Bucket=name)
        s3.put_object(Bucket=name, Key="k", Body=b"x")
        assert content(s3, name, "k") == b"x"
    for name in ("ab", "x" * 64, "0123456789abcdef0123456789abcdef"):
        assert refused(s3.create_bucket, Bucket=name) == ("InvalidBucketName", 400), name


def test_list_buckets(s3, bucket_name, manager):
    names = [f"{bucket_name}-{letter}" for letter in "cab"]
    for name in names:
        s3.create_bucket(Bucket=name)
    answer = s3.list_buckets()
    listed = [bucket["Name"] for bucket in answer["Buckets"]]
    assert listed == sorted(listed)
    assert set(names) <= set(listed)
    assert answer["Owner"]["ID"] == manager.user
    ours = s3.list_buckets(Prefix=bucket_name, MaxBuckets=2)
    assert [bucket["Name"] for bucket in ours["Buckets"]] == sorted(names)[:2]
    rest = s3.list_buckets(Prefix=bucket_name, ContinuationToken=ours["ContinuationToken"])
    assert [bucket["Name"] for bucket in rest["Buckets"]] == sorted(names)[2:]


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_listing(s3, bucket, operation):
    keys = sorted(["a", "b/1", "b/2", "b/c/1", "b0", "ü", "z/", "z//x", "with space", "a+b", "100%"], key=str.encode)
    fill(s3, bucket, keys)
    listing = getattr(s3, operation)
    assert keys_of(listing(Bucket=bucket)) == keys
    page = listing(Bucket=bucket, Delimiter="/")
    assert prefixes_of(page) == ["b/", "z/"]
    assert keys_of(page) == [key for key in keys if "/" not in key]
    page = listing(Bucket=bucket, Prefix="b/", Delimiter="/")
    assert (keys_of(page), prefixes_of(page)) == (["b/1", "b/2"], ["b/c/"])
    assert keys_of(listing(Bucket=bucket, Prefix="b")) == ["b/1", "b/2", "b/c/1", "b0"]
    assert keys_of(listing(Bucket=bucket, EncodingType="url", Prefix="ü")) in (["ü"], ["%C3%BC"])
    for size in (1, 2, 3):
        pages = list(s3.get_paginator(operation).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": size}))
        found = [name for page in pages for name in keys_of(page) + prefixes_of(page)]
        assert sorted(found) == sorted([*(key for key in keys if "/" not in key), "b/", "z/"])
        assert all(len(keys_of(page) + prefixes_of(page)) <= size for page in pages)
    assert listing(Bucket=bucket, MaxKeys=0).get("Contents", []) == []


def test_listing_details(s3, bucket, manager):
    fill(s3, bucket, ["a", "b", "c"])
    entry = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]
    assert (entry["Size"], entry["StorageClass"], entry["Owner"]["ID"]) == (1, "STANDARD", manager.user)
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert s3.list_objects(Bucket=bucket)["Contents"][0]["Owner"]["DisplayName"] == manager.user
    page = s3.list_objects_v2(Bucket=bucket, StartAfter="a")
    assert (keys_of(page), page["KeyCount"], page["StartAfter"]) == (["b", "c"], 2, "a")
    page = s3.list_objects(Bucket=bucket, Marker="a", MaxKeys=1)
    assert (keys_of(page), page["IsTruncated"]) == (["b"], True)
    assert refused(s3.list_objects_v2, Bucket=bucket, MaxKeys=-1) == ("InvalidArgument", 400)


def test_pages_of_a_thousand(s3, bucket, internal, manager):
    from concurrent.futures import ThreadPoolExecutor

    keys = [f"{number:05}" for number in range(2345)]
    with ThreadPoolExecutor(16) as workers:
        list(workers.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b""), keys))
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket))
    assert [page["KeyCount"] for page in pages] == [1000, 1000, 345]
    assert [key for page in pages for key in keys_of(page)] == keys


def test_versioning(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"before versions")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first, second = (s3.put_object(Bucket=bucket, Key="k", Body=body)["VersionId"] for body in (b"first", b"second"))
    assert first != second
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"]
    assert refused(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)
    assert refused(s3.get_object, Bucket=bucket, Key="k", VersionId=marker["VersionId"]) == ("MethodNotAllowed", 405)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    for version, body in ((first, b"first"), (second, b"second"), ("null", b"before versions")):
        assert content(s3, bucket, "k", VersionId=version) == body
    listed = s3.list_object_versions(Bucket=bucket)
    assert [entry["VersionId"] for entry in listed["Versions"]] == [second, first, "null"]
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert content(s3, bucket, "k") == b"second"
    s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": first})
    assert content(s3, bucket, "k") == b"first"
    assert refused(s3.delete_bucket, Bucket=bucket) == ("BucketNotEmpty", 409)


def test_suspended_versioning(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    kept = s3.put_object(Bucket=bucket, Key="k", Body=b"kept")["VersionId"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Suspended"
    for body in (b"null 1", b"null 2"):
        s3.put_object(Bucket=bucket, Key="k", Body=body)
    listed = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [entry["VersionId"] for entry in listed] == ["null", kept]
    s3.delete_object(Bucket=bucket, Key="k")
    listed = s3.list_object_versions(Bucket=bucket)
    assert [entry["VersionId"] for entry in listed["DeleteMarkers"]] == ["null"]
    assert [entry["VersionId"] for entry in listed["Versions"]] == [kept]
    assert content(s3, bucket, "k", VersionId=kept) == b"kept"


def test_listing_versions(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    keys = ["a", "b/1", "b/2", "c"]
    for _ in range(3):
        fill(s3, bucket, keys)
    s3.delete_object(Bucket=bucket, Key="c")
    whole = s3.list_object_versions(Bucket=bucket)
    assert [entry["Key"] for entry in whole["Versions"]] == [key for key in keys for _ in range(3)]
    assert [entry["IsLatest"] for entry in whole["Versions"]] == [True, False, False] * 3 + [False] * 3
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2}))
    found = [entry["VersionId"] for page in pages for entry in page.get("Versions", [])]
    assert found == [entry["VersionId"] for entry in whole["Versions"]]
    page = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert prefixes_of(page) == ["b/"]
    assert {entry["Key"] for entry in page["Versions"]} == {"a", "c"}
    doomed = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in whole["Versions"] + whole["DeleteMarkers"]]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": doomed})
    assert len(answer["Deleted"]) == 13
    s3.delete_bucket(Bucket=bucket)
