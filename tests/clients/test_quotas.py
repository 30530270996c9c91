"""Quotas as clients meet them: what is refused in each state, how clients take it, and that nothing ever passes a limit."""

import time
from concurrent.futures import ThreadPoolExecutor

import botocore.exceptions
import pytest

from conftest import boto3_client
from store import TENANCY
from test_mc import mc_at
from test_rclone import rclone_at
from test_s3cmd import s3cmd_at

# A state such as read-only begins within about ten seconds.
PATIENCE_S = 30
PART = b"p" * (5 << 20)


def set_quota(store, bucket, *arguments):
    store.admin("quota", "set", TENANCY, "--bucket", bucket, *map(str, arguments))


def used(store, bucket):
    usage = store.admin("usage", TENANCY)["tenancies"][0]
    return next((of["bytes"], of["objects"]) for of in usage["buckets"] if of["bucket"] == bucket)


def outcome(act):
    """None where it is done, else status and code."""
    try:
        act()
    except botocore.exceptions.ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"].get("Code")
    return None


@pytest.mark.parametrize("races", [{"limit": 1_000_000, "size": 30_000}, {"objects": 20, "size": 1000}], ids=["bytes", "objects"])
def test_64_writers_never_pass_a_limit(store, internal, member, bucket_name, races):
    s3 = boto3_client(internal, member, max_pool_connections=64)
    s3.create_bucket(Bucket=bucket_name)
    if "limit" in races:
        set_quota(store, bucket_name, "--bytes", races["limit"])
    else:
        set_quota(store, bucket_name, "--objects", races["objects"])

    def write(number):
        return outcome(lambda: s3.put_object(Bucket=bucket_name, Key=f"{number}", Body=b"x" * races["size"]))

    with ThreadPoolExecutor(64) as writers:
        outcomes = list(writers.map(write, range(128)))
    written = outcomes.count(None)
    assert set(outcomes) == {None, (403, "QuotaExceeded")}
    room = races["limit"] // races["size"] if "limit" in races else races["objects"]
    assert written == room, "as many as fit, and no more"
    assert used(store, bucket_name) == (written * races["size"], written)
    listed = s3.list_objects_v2(Bucket=bucket_name)["Contents"]
    assert sum(each["Size"] for each in listed) == written * races["size"]
    # What is freed can be had at once.
    s3.delete_object(Bucket=bucket_name, Key=listed[0]["Key"])
    assert write("again") is None
    assert write("one more") == (403, "QuotaExceeded")


class Full:
    """A bucket with something of everything in it, and operations on it by what they do."""

    def __init__(self, s3, http, bucket):
        self.s3, self.http, self.bucket = s3, http, bucket
        at = {"Bucket": bucket}
        s3.create_bucket(**at)
        s3.put_bucket_versioning(**at, VersioningConfiguration={"Status": "Enabled"})
        statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/secret"}
        s3.put_bucket_policy(**at, Policy=str({"Version": "2012-10-17", "Statement": [statement]}).replace("'", '"'))
        for key in ("one", "two", "three"):
            s3.put_object(**at, Key=key, Body=b"x" * 1000)
        self.version = s3.put_object(**at, Key="one", Body=b"y" * 1000)["VersionId"]
        self.upload, self.gone, self.whole = (s3.create_multipart_upload(**at, Key="up")["UploadId"] for _ in range(3))
        part = s3.upload_part(**at, Key="up", UploadId=self.whole, PartNumber=1, Body=b"last")
        self.part = {"PartNumber": 1, "ETag": part["ETag"]}

    def operations(self):
        s3, at = self.s3, {"Bucket": self.bucket}
        one = {**at, "Key": "one"}
        upload = {**at, "Key": "up", "UploadId": self.upload}
        source = {"Bucket": self.bucket, "Key": "two"}
        adds = {
            "PutObject": lambda: s3.put_object(**at, Key="new", Body=b"x"),
            "PutObject over another": lambda: s3.put_object(**one, Body=b"x"),
            "PostObject": self.post,
            "CopyObject": lambda: s3.copy_object(**at, Key="copy", CopySource=source),
            "CreateMultipartUpload": lambda: s3.create_multipart_upload(**at, Key="new"),
            "UploadPart": lambda: s3.upload_part(**upload, PartNumber=1, Body=b"x"),
            "UploadPartCopy": lambda: s3.upload_part_copy(**upload, PartNumber=2, CopySource=source),
        }
        reads = {
            "GetObject": lambda: s3.get_object(**one),
            "HeadObject": lambda: s3.head_object(**one),
            "ListObjectsV2": lambda: s3.list_objects_v2(**at),
            "ListObjectVersions": lambda: s3.list_object_versions(**at),
            "ListMultipartUploads": lambda: s3.list_multipart_uploads(**at),
            "ListParts": lambda: s3.list_parts(**upload),
            "HeadBucket": lambda: s3.head_bucket(**at),
        }
        settings = {
            "GetBucketPolicy": lambda: s3.get_bucket_policy(**at),
            "GetBucketAcl": lambda: s3.get_bucket_acl(**at),
            "GetObjectAcl": lambda: s3.get_object_acl(**one),
            "GetBucketVersioning": lambda: s3.get_bucket_versioning(**at),
        }
        removes = {
            "AbortMultipartUpload": lambda: s3.abort_multipart_upload(**at, Key="up", UploadId=self.gone),
            "DeleteObject of a version": lambda: s3.delete_object(**one, VersionId=self.version),
            "DeleteObject": lambda: s3.delete_object(**at, Key="two"),
            "DeleteObjects": self.delete_objects,
        }
        return {"add": adds, "read": reads, "settings": settings, "remove": removes}

    def post(self):
        form = self.s3.generate_presigned_post(self.bucket, "form")
        answer = self.http.request("POST", form["url"], fields={**form["fields"], "file": ("f", b"by a form")})
        if answer.status >= 300:
            code = answer.data.decode().partition("<Code>")[2].partition("</Code>")[0]
            error = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": answer.status}}
            raise botocore.exceptions.ClientError(error, "PostObject")

    def delete_objects(self):
        answer = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "three"}]})
        for refused in answer.get("Errors", []):
            error = {"Error": {"Code": refused["Code"]}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            raise botocore.exceptions.ClientError(error, "DeleteObjects")

    def complete(self):
        parts = {"Parts": [self.part]}
        self.s3.complete_multipart_upload(Bucket=self.bucket, Key="up", UploadId=self.whole, MultipartUpload=parts)


# What each kind of operation is answered once a limit is reached: None where it goes on.
FULL = (403, "QuotaExceeded")
STATES = {
    "without a quota": dict(add=None, read=None, settings=None, remove=None),
    "soft": dict(add=None, read=None, settings=None, remove=None),
    "notify": dict(add=None, read=None, settings=None, remove=None),
    "read-and-delete": dict(add=FULL, read=None, settings=None, remove=None),
    "read-only": dict(add=403, read=None, settings=None, remove=403),
    "lockout": dict(add=403, read=403, settings=403, remove=403),
}


@pytest.mark.parametrize("state", STATES)
def test_each_operation_in_each_state(store, internal, member, manager, http, bucket_name, state):
    full = Full(boto3_client(internal, member), http, bucket_name)
    held, _ = used(store, bucket_name)
    assert held == 4004
    if state == "soft":
        set_quota(store, bucket_name, "--soft-bytes", held)
    elif state != "without a quota":
        set_quota(store, bucket_name, "--bytes", held, "--action", state)
    s3 = full.s3
    if state in ("read-only", "lockout"):
        deadline = time.monotonic() + PATIENCE_S
        while outcome(lambda: s3.delete_object(Bucket=bucket_name, Key="none", VersionId="null")) is None:
            assert time.monotonic() < deadline, f"{state} does not begin"
            time.sleep(0.2)
    for kind, operations in full.operations().items():
        expected = STATES[state][kind]
        if kind == "remove" and expected is None and state == "read-and-delete":
            # Its bytes are counted already.
            assert outcome(full.complete) is None
        for name, act in operations.items():
            got = outcome(act)
            # The answer to a HEAD has no code.
            assert (got and got[0] if expected == 403 else got) == expected, name
    if state == "lockout":
        of_manager = boto3_client(internal, manager)
        assert outcome(lambda: of_manager.get_bucket_policy(Bucket=bucket_name)) is None
        assert outcome(lambda: of_manager.get_object(Bucket=bucket_name, Key="one"))[0] == 403
    if state in ("read-and-delete", "without a quota"):
        assert used(store, bucket_name)[0] < held + (5000 if state == "without a quota" else 0)


def test_clients_say_that_the_quota_is_reached_and_do_not_try_for_ever(store, internal, member, tmp_path, bucket_name):
    s3 = boto3_client(internal, member)
    s3.create_bucket(Bucket=bucket_name)
    s3.put_object(Bucket=bucket_name, Key="first", Body=b"x" * 900)
    set_quota(store, bucket_name, "--bytes", "1000")
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(b"s" * 200)
    large.write_bytes(PART * 2)
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
    assert s3.list_multipart_uploads(Bucket=bucket_name).get("Uploads") is None
