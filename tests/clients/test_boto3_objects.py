"""boto3 on objects: content, ranges, conditions, checksums, metadata, copies, links, forms, deletion."""

import base64
import datetime
import hashlib
import zlib

import pytest
from botocore.exceptions import ClientError

from conftest import VIRTUAL_HOSTED_BUCKET, boto3_client
from dataset import AWKWARD_NAMES, md5

CHECKSUM_ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]


def refused(call, **arguments) -> tuple[str, int]:
    """The error code and status with which a call is refused."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def content(s3, bucket, key, **options) -> bytes:
    return s3.get_object(Bucket=bucket, Key=key, **options)["Body"].read()


def test_round_trip(endpoint, manager, files_folder, files, bucket_name):
    s3 = boto3_client(endpoint, manager)
    s3.create_bucket(Bucket=bucket_name)
    for name in ("empty.bin", "small.txt", "large.bin"):
        s3.upload_file(str(files_folder / name), bucket_name, name)
        assert content(s3, bucket_name, name) == files[name]
        s3.delete_object(Bucket=bucket_name, Key=name)
    s3.delete_bucket(Bucket=bucket_name)


@pytest.mark.parametrize("where", ["internal", "external"])
def test_virtual_hosted_addresses(where, store, internal, manager):
    endpoint = internal if where == "internal" else store.external(manager.tenancy)
    s3 = boto3_client(endpoint, manager, s3={"addressing_style": "virtual"})
    s3.create_bucket(Bucket=VIRTUAL_HOSTED_BUCKET)
    for key in ("a/b c//d", "ünïcode", "?&#%"):
        s3.put_object(Bucket=VIRTUAL_HOSTED_BUCKET, Key=key, Body=key.encode())
        assert content(s3, VIRTUAL_HOSTED_BUCKET, key) == key.encode()
        s3.delete_object(Bucket=VIRTUAL_HOSTED_BUCKET, Key=key)
    s3.delete_bucket(Bucket=VIRTUAL_HOSTED_BUCKET)


@pytest.mark.parametrize(
    "key", [*AWKWARD_NAMES, "//", "/leading", "trailing/", "a//b", "a/../b", "./a", "%2F", "\x01\x7f", "\r\n", "<&>\"'", "x" * 1024]
)
def test_keys_are_taken_as_they_are(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"x", Metadata={"kept": "yes"})
    assert s3.head_object(Bucket=bucket, Key=key)["Metadata"] == {"kept": "yes"}
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    s3.delete_object(Bucket=bucket, Key=key)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["copy"]


def test_key_too_long(s3, bucket):
    assert refused(s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"") == ("KeyTooLongError", 400)


def test_metadata(s3, bucket):
    s3.put_object(
        Bucket=bucket, Key="k", Body=b"x", Metadata={"project": "CMIP6", "empty": ""}, ContentType="application/x-netcdf",
        CacheControl="no-cache", ContentDisposition='attachment; filename="k.nc"', ContentEncoding="gzip",
        ContentLanguage="en-GB", Expires=datetime.datetime(2040, 1, 2, tzinfo=datetime.timezone.utc), StorageClass="STANDARD",
    )
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["Metadata"] == {"project": "CMIP6", "empty": ""}
    expected = ("application/x-netcdf", "no-cache", 'attachment; filename="k.nc"', "gzip", "en-GB")
    assert tuple(head[name] for name in ("ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage")) == expected
    assert head["ExpiresString"] == "Mon, 02 Jan 2040 00:00:00 GMT"
    assert (head["ETag"], head["ContentLength"]) == (f'"{md5(b"x")}"', 1)
    changed = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="text/plain", ResponseCacheControl="max-age=1")
    assert (changed["ContentType"], changed["CacheControl"]) == ("text/plain", "max-age=1")


def test_metadata_too_large(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"m": "x" * 2047})
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", Metadata={"m": "x" * 2048}) == ("MetadataTooLarge", 400)


def test_ranges(s3, files, bucket):
    body = files["large.bin"]
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    cases = [
        ("bytes=0-0", body[:1]),
        ("bytes=100-199", body[100:200]),
        ("bytes=20000000-", body[20_000_000:]),
        ("bytes=-1000", body[-1000:]),
        (f"bytes=0-{10**12}", body),
        (f"bytes=-{10**12}", body),
    ]
    for header, expected in cases:
        answer = s3.get_object(Bucket=bucket, Key="k", Range=header)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert answer["Body"].read() == expected, header
    answer = s3.get_object(Bucket=bucket, Key="k", Range="bytes=100-199")
    assert answer["ContentRange"] == f"bytes 100-199/{len(body)}"
    assert refused(s3.get_object, Bucket=bucket, Key="k", Range=f"bytes={len(body)}-") == ("InvalidRange", 416)
    for whole in ("bytes=1-2,4-5", "lines=1-2", "bytes=5-2"):
        assert s3.get_object(Bucket=bucket, Key="k", Range=whole)["ContentLength"] == len(body), whole


def test_conditional_reads(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    earlier, later = modified - datetime.timedelta(hours=1), modified + datetime.timedelta(seconds=0)
    served = [{"IfMatch": etag}, {"IfMatch": "*"}, {"IfNoneMatch": '"other"'}, {"IfModifiedSince": earlier},
              {"IfUnmodifiedSince": later}, {"IfMatch": etag, "IfUnmodifiedSince": earlier}]
    for conditions in served:
        assert content(s3, bucket, "k", **conditions) == b"x", conditions
    for conditions in ({"IfMatch": '"other"'}, {"IfUnmodifiedSince": earlier}):
        assert refused(s3.get_object, Bucket=bucket, Key="k", **conditions) == ("PreconditionFailed", 412), conditions
    for conditions in ({"IfNoneMatch": etag}, {"IfModifiedSince": later}, {"IfNoneMatch": etag, "IfModifiedSince": earlier}):
        assert refused(s3.head_object, Bucket=bucket, Key="k", **conditions) == ("304", 304), conditions


def test_conditional_writes(s3, bucket):
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == ("PreconditionFailed", 412)
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=first)
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"3", IfMatch=first) == ("PreconditionFailed", 412)
    assert refused(s3.put_object, Bucket=bucket, Key="absent", Body=b"3", IfMatch=first) == ("NoSuchKey", 404)
    assert refused(s3.delete_object, Bucket=bucket, Key="k", IfMatch=first) == ("PreconditionFailed", 412)
    assert content(s3, bucket, "k") == b"2"
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=f'"{md5(b"2")}"')
    assert refused(s3.get_object, Bucket=bucket, Key="k") == ("NoSuchKey", 404)


@pytest.mark.parametrize("algorithm", CHECKSUM_ALGORITHMS)
@pytest.mark.parametrize("name", ["empty.bin", "small.txt", "large.bin"])
def test_checksums(s3, files, bucket, algorithm, name):
    field = f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="k", Body=files[name], ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    # boto3 verifies what it reads against the checksum in the answer.
    assert got["Body"].read() == files[name]
    assert (got[field], got["ChecksumType"]) == (put[field], "FULL_OBJECT")
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectSize", "ETag", "StorageClass"])
    assert attributes["Checksum"][field] == put[field]
    assert (attributes["ObjectSize"], attributes["ETag"]) == (len(files[name]), md5(files[name]))


def test_checksum_values(s3, bucket):
    body = b"123456789"
    known = {
        "ChecksumCRC32": base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode(),
        "ChecksumCRC32C": base64.b64encode(0xE3069283.to_bytes(4, "big")).decode(),
        "ChecksumCRC64NVME": base64.b64encode(0xAE8B14860A799888.to_bytes(8, "big")).decode(),
        "ChecksumSHA1": base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode(),
        "ChecksumSHA256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }
    for field, value in known.items():
        assert s3.put_object(Bucket=bucket, Key="k", Body=body, **{field: value})[field] == value
        wrong = {field: base64.b64encode(b"\0" * len(base64.b64decode(value))).decode()}
        assert refused(s3.put_object, Bucket=bucket, Key="wrong", Body=body, **wrong) == ("BadDigest", 400)
    wrong_md5 = base64.b64encode(b"\0" * 16).decode()
    assert refused(s3.put_object, Bucket=bucket, Key="wrong", Body=body, ContentMD5=wrong_md5) == ("BadDigest", 400)
    assert refused(s3.put_object, Bucket=bucket, Key="wrong", Body=body, ContentMD5="short") == ("InvalidDigest", 400)
    assert refused(s3.head_object, Bucket=bucket, Key="wrong") == ("404", 404)


def test_streamed_bodies_with_trailers(store, manager, files, bucket):
    """Over https boto3 sends aws-chunked bodies whose checksum follows in a trailer, unsigned."""
    s3 = boto3_client(store.external(manager.tenancy), manager)
    put = s3.put_object(Bucket=bucket, Key="k", Body=files["large.bin"], ContentEncoding="gzip")
    assert "ChecksumCRC32" in put or "ChecksumCRC64NVME" in put
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ContentEncoding"] == "gzip", "aws-chunked is the framing's, not the object's"
    assert content(s3, bucket, "k") == files["large.bin"]


def test_copy(s3, bucket, files):
    s3.put_object(Bucket=bucket, Key="a b", Body=files["large.bin"], Metadata={"v": "1"}, ContentType="text/x-one")
    source = {"Bucket": bucket, "Key": "a b"}
    copied = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)["CopyObjectResult"]
    assert copied["ETag"] == f'"{md5(files["large.bin"])}"'
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert (head["Metadata"], head["ContentType"]) == ({"v": "1"}, "text/x-one")
    assert refused(s3.copy_object, Bucket=bucket, Key="a b", CopySource=source) == ("InvalidRequest", 400)
    s3.copy_object(Bucket=bucket, Key="a b", CopySource=source, MetadataDirective="REPLACE", Metadata={"v": "2"}, ContentType="text/x-two")
    head = s3.head_object(Bucket=bucket, Key="a b")
    assert (head["Metadata"], head["ContentType"]) == ({"v": "2"}, "text/x-two")
    assert content(s3, bucket, "a b") == files["large.bin"]
    conditions = {"CopySourceIfMatch": '"other"'}, {"CopySourceIfNoneMatch": copied["ETag"]}
    for condition in conditions:
        assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=source, **condition) == ("PreconditionFailed", 412)
    absent = {"Bucket": bucket, "Key": "absent"}
    assert refused(s3.copy_object, Bucket=bucket, Key="c", CopySource=absent) == ("NoSuchKey", 404)
    s3.delete_object(Bucket=bucket, Key="a b")
    assert content(s3, bucket, "copy") == files["large.bin"], "a copy outlives its source"


def test_copy_from_another_bucket(s3, bucket):
    other = f"{bucket}_Other.1"
    s3.create_bucket(Bucket=other)
    s3.put_object(Bucket=other, Key="k", Body=b"x")
    s3.copy_object(Bucket=bucket, Key="k", CopySource={"Bucket": other, "Key": "k"})
    assert content(s3, bucket, "k") == b"x"


def test_delete_a_thousand(s3, bucket):
    keys = [f"{number:04}/ü&<>" for number in range(1000)]
    for key in keys[::10]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    s3.put_object(Bucket=bucket, Key="stays", Body=b"")
    # Keys that do not exist are deleted too, as S3 says.
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert sorted(entry["Key"] for entry in answer["Deleted"]) == keys
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["stays"]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "stays"}], "Quiet": True})
    assert "Deleted" not in answer
    too_many = [{"Key": str(number)} for number in range(1001)]
    assert refused(s3.delete_objects, Bucket=bucket, Delete={"Objects": too_many}) == ("MalformedXML", 400)


def test_presigned_links(endpoint, manager, bucket, http):
    # Without a version boto3 signs links to other stores than AWS in the old way.
    s3 = boto3_client(endpoint, manager, signature_version="s3v4", region_name="us-east-1")
    where = {"Bucket": bucket, "Key": "a b/ü+%.txt"}
    put = s3.generate_presigned_url("put_object", Params={**where, "ContentType": "text/x-notes"}, ExpiresIn=60)
    assert http.request("PUT", put, body=b"linked", headers={"content-type": "text/x-other"}).status == 403
    assert http.request("PUT", put, body=b"linked", headers={"content-type": "text/x-notes"}).status == 200
    get = s3.generate_presigned_url("get_object", Params={**where, "ResponseContentDisposition": "attachment"}, ExpiresIn=60)
    answer = http.request("GET", get)
    assert (answer.status, answer.data, answer.headers["content-disposition"]) == (200, b"linked", "attachment")
    assert http.request("GET", get.replace("attachment", "inline")).status == 403
    assert http.request("DELETE", get).status == 403
    too_long = s3.generate_presigned_url("get_object", Params=where, ExpiresIn=604801)
    assert http.request("GET", too_long).status in (400, 403)
    delete = s3.generate_presigned_url("delete_object", Params=where, ExpiresIn=60)
    assert http.request("DELETE", delete).status == 204


def test_post_form(internal, manager, bucket, http):
    s3 = boto3_client(internal, manager, signature_version="s3v4", region_name="us-east-1")
    conditions = [["starts-with", "$key", "in/"], ["content-length-range", 0, 1000], {"acl": "public-read"},
                  {"success_action_status": "201"}, ["starts-with", "$x-amz-meta-by", ""]]
    fields = {"acl": "public-read", "success_action_status": "201", "x-amz-meta-by": "browser"}
    post = s3.generate_presigned_post(bucket, "in/${filename}", Fields=fields, Conditions=conditions, ExpiresIn=60)
    form = {**post["fields"], "file": ("notes ü.txt", b"from a form", "text/plain")}
    answer = http.request("POST", post["url"], fields=form)
    assert (answer.status, b"<Key>in/notes" in answer.data) == (201, True), answer.data
    key = "in/notes ü.txt"
    assert s3.head_object(Bucket=bucket, Key=key)["Metadata"] == {"by": "browser"}
    assert content(s3, bucket, key) == b"from a form"
    forged = {**form, "acl": "private"}
    assert http.request("POST", post["url"], fields=forged).status == 403
    unsigned = {**form, "x-amz-signature": "0" * 64}
    assert http.request("POST", post["url"], fields=unsigned).status == 403


def test_signature_v2(internal, manager, bucket, http):
    """botocore keeps SigV2 as `s3` (header) and `s3-query` (link)."""
    s3 = boto3_client(internal, manager, signature_version="s3")
    s3.put_object(Bucket=bucket, Key="a b+c", Body=b"x", Metadata={"m": "v"})
    assert content(s3, bucket, "a b+c", ResponseContentType="text/x-notes") == b"x"
    assert [entry["Key"] for entry in s3.list_objects(Bucket=bucket, Prefix="a ")["Contents"]] == ["a b+c"]
    link = boto3_client(internal, manager, signature_version="s3-query").generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "a b+c"}, ExpiresIn=60
    )
    assert http.request("GET", link).data == b"x"
    assert http.request("GET", link.replace("a%20b", "other")).status == 403


def test_download_helpers(s3, files, bucket, tmp_path):
    s3.put_object(Bucket=bucket, Key="large.bin", Body=files["large.bin"])
    s3.download_file(bucket, "large.bin", str(tmp_path / "large.bin"))
    assert (tmp_path / "large.bin").read_bytes() == files["large.bin"]
    s3.copy({"Bucket": bucket, "Key": "large.bin"}, bucket, "copied by parts", Config=small_parts())
    assert content(s3, bucket, "copied by parts") == files["large.bin"]


def small_parts():
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(multipart_threshold=5 * 2**20, multipart_chunksize=5 * 2**20)


def test_errors(s3, bucket):
    absent = "no-such-bucket-here"
    cases = [
        (s3.get_object, {"Bucket": bucket, "Key": "absent"}, ("NoSuchKey", 404)),
        (s3.head_object, {"Bucket": bucket, "Key": "absent"}, ("404", 404)),
        (s3.get_object, {"Bucket": absent, "Key": "k"}, ("NoSuchBucket", 404)),
        (s3.put_object, {"Bucket": absent, "Key": "k", "Body": b""}, ("NoSuchBucket", 404)),
        (s3.delete_object, {"Bucket": absent, "Key": "k"}, ("NoSuchBucket", 404)),
        (s3.head_bucket, {"Bucket": absent}, ("404", 404)),
        (s3.delete_bucket, {"Bucket": absent}, ("NoSuchBucket", 404)),
        (s3.get_object, {"Bucket": bucket, "Key": "k", "VersionId": "nonsense"}, ("InvalidArgument", 400)),
        (s3.get_bucket_policy, {"Bucket": bucket}, ("NoSuchBucketPolicy", 404)),
        (s3.get_bucket_cors, {"Bucket": bucket}, ("NoSuchCORSConfiguration", 404)),
        (s3.get_bucket_lifecycle_configuration, {"Bucket": bucket}, ("NoSuchLifecycleConfiguration", 404)),
        (s3.get_bucket_tagging, {"Bucket": bucket}, ("NoSuchTagSet", 404)),
        (s3.get_bucket_website, {"Bucket": bucket}, ("NoSuchWebsiteConfiguration", 404)),
        (s3.get_object_lock_configuration, {"Bucket": bucket}, ("ObjectLockConfigurationNotFoundError", 404)),
        (s3.get_bucket_replication, {"Bucket": bucket}, ("ReplicationConfigurationNotFoundError", 404)),
    ]
    for call, arguments, expected in cases:
        assert refused(call, **arguments) == expected, (call.__name__, arguments)
