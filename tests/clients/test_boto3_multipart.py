"""boto3 on multipart uploads."""

import base64

import pytest

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from dataset import md5
from test_boto3_objects import content, refused

PART_BYTES = 5 * 1024 * 1024


def pieces(body: bytes) -> list[bytes]:
    return [body[start:start + PART_BYTES] for start in range(0, len(body), PART_BYTES)]


def upload_parts(s3, where, body, **options) -> list[dict]:
    parts = []
    for number, piece in enumerate(pieces(body), start=1):
        part = s3.upload_part(**where, PartNumber=number, Body=piece, **options)
        checksums = {name: value for name, value in part.items() if name.startswith("Checksum")}
        parts.append({"PartNumber": number, "ETag": part["ETag"], **checksums})
    return parts


def begin(s3, bucket, key, **options) -> dict:
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, **options)["UploadId"]
    return {"Bucket": bucket, "Key": key, "UploadId": upload}


def test_whole_life(s3, files, bucket):
    where = begin(s3, bucket, "a b/assembled", Metadata={"project": "CMIP6"}, ContentType="application/x-netcdf")
    parts = upload_parts(s3, where, files["large.bin"])
    assert refused(s3.get_object, Bucket=bucket, Key="a b/assembled") == ("NoSuchKey", 404)
    listed = s3.list_parts(**where)
    assert [part["Size"] for part in listed["Parts"]] == [len(piece) for piece in pieces(files["large.bin"])]
    page = s3.list_parts(**where, MaxParts=2)
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 2)
    assert [part["PartNumber"] for part in s3.list_parts(**where, PartNumberMarker=2)["Parts"]] == [3, 4, 5]
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    digests = b"".join(bytes.fromhex(part["ETag"].strip('"')) for part in parts)
    assert done["ETag"] == f'"{md5(digests)}-{len(parts)}"'
    head = s3.head_object(Bucket=bucket, Key="a b/assembled")
    assert (head["Metadata"], head["ContentType"], head["ETag"]) == ({"project": "CMIP6"}, "application/x-netcdf", done["ETag"])
    assert content(s3, bucket, "a b/assembled") == files["large.bin"]
    assert refused(s3.list_parts, **where) == ("NoSuchUpload", 404)
    part = s3.get_object(Bucket=bucket, Key="a b/assembled", PartNumber=2)
    assert (part["PartsCount"], part["Body"].read()) == (5, pieces(files["large.bin"])[1])
    assert s3.head_object(Bucket=bucket, Key="a b/assembled", PartNumber=5)["ContentLength"] == len(pieces(files["large.bin"])[-1])
    across = content(s3, bucket, "a b/assembled", Range=f"bytes={PART_BYTES - 10}-{2 * PART_BYTES + 10}")
    assert across == files["large.bin"][PART_BYTES - 10:2 * PART_BYTES + 11]


def test_parts_out_of_order_and_replaced(s3, files, bucket):
    where = begin(s3, bucket, "k")
    etags = {}
    for number, body in ((9, b"end"), (3, files["large.bin"][:PART_BYTES]), (3, files["large.bin"][-PART_BYTES:]), (5, b"left out")):
        etags[number] = s3.upload_part(**where, PartNumber=number, Body=body)["ETag"]
    chosen = {"Parts": [{"PartNumber": number, "ETag": etags[number]} for number in (3, 9)]}
    s3.complete_multipart_upload(**where, MultipartUpload=chosen)
    assert content(s3, bucket, "k") == files["large.bin"][-PART_BYTES:] + b"end"


def test_part_copy(s3, files, bucket):
    s3.put_object(Bucket=bucket, Key="source ü", Body=files["large.bin"])
    where = begin(s3, bucket, "k")
    source = {"Bucket": bucket, "Key": "source ü"}
    first = s3.upload_part_copy(**where, PartNumber=1, CopySource=source)["CopyPartResult"]
    second = s3.upload_part_copy(**where, PartNumber=2, CopySource=source, CopySourceRange="bytes=100-199")["CopyPartResult"]
    assert second["ETag"] == f'"{md5(files["large.bin"][100:200])}"'
    chosen = [{"PartNumber": 1, "ETag": first["ETag"]}, {"PartNumber": 2, "ETag": second["ETag"]}]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": chosen})
    assert content(s3, bucket, "k") == files["large.bin"] + files["large.bin"][100:200]
    beyond = {"PartNumber": 1, "CopySource": source, "CopySourceRange": f"bytes=0-{len(files['large.bin'])}"}
    assert refused(s3.upload_part_copy, **begin(s3, bucket, "k"), **beyond)[1] in (400, 416)


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("CRC32", "COMPOSITE"), ("CRC32", "FULL_OBJECT"), ("CRC32C", "COMPOSITE"), ("CRC32C", "FULL_OBJECT"),
     ("CRC64NVME", "FULL_OBJECT"), ("SHA1", "COMPOSITE"), ("SHA256", "COMPOSITE")],
)
def test_checksums(s3, files, bucket, algorithm, kind):
    field = f"Checksum{algorithm}"
    where = begin(s3, bucket, "k", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    parts = upload_parts(s3, where, files["large.bin"], ChecksumAlgorithm=algorithm)
    assert all(field in part for part in parts)
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert done["ChecksumType"] == kind
    if kind == "FULL_OBJECT":
        assert done[field] == s3.put_object(Bucket=bucket, Key="whole", Body=files["large.bin"], ChecksumAlgorithm=algorithm)[field]
    else:
        assert done[field].endswith(f"-{len(parts)}")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (got[field], got["Body"].read()) == (done[field], files["large.bin"])
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts", "Checksum"], MaxParts=3)
    assert attributes["Checksum"]["ChecksumType"] == kind
    assert attributes["ObjectParts"]["TotalPartsCount"] == len(parts)
    wrong = [{**parts[0], field: base64.b64encode(b"\0" * len(base64.b64decode(parts[0][field]))).decode()}]
    again = begin(s3, bucket, "k", ChecksumAlgorithm=algorithm, ChecksumType=kind)
    upload_parts(s3, again, files["large.bin"][:100], ChecksumAlgorithm=algorithm)
    assert refused(s3.complete_multipart_upload, **again, MultipartUpload={"Parts": wrong})[1] == 400


def test_listing_and_aborting(s3, bucket):
    keys = ["a/1", "a/2", "b", "c"]
    uploads = {key: begin(s3, bucket, key) for key in keys}
    second = begin(s3, bucket, "b")
    listed = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [entry["Key"] for entry in listed] == ["a/1", "a/2", "b", "b", "c"]
    page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=3)
    rest = s3.list_multipart_uploads(Bucket=bucket, KeyMarker=page["NextKeyMarker"], UploadIdMarker=page["NextUploadIdMarker"])
    assert [entry["UploadId"] for entry in page["Uploads"] + rest["Uploads"]] == [entry["UploadId"] for entry in listed]
    grouped = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [entry["Prefix"] for entry in grouped["CommonPrefixes"]] == ["a/"]
    assert len(s3.list_multipart_uploads(Bucket=bucket, Prefix="a/")["Uploads"]) == 2
    for upload in [*uploads.values(), second]:
        s3.upload_part(**upload, PartNumber=1, Body=b"x")
        s3.abort_multipart_upload(**upload)
        assert refused(s3.list_parts, **upload) == ("NoSuchUpload", 404)
        assert refused(s3.upload_part, **upload, PartNumber=2, Body=b"x") == ("NoSuchUpload", 404)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    s3.delete_bucket(Bucket=bucket)


def test_conditional_completion(s3, bucket):
    def complete(**conditions):
        where = begin(s3, bucket, "k")
        parts = upload_parts(s3, where, b"body")
        return s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, **conditions)

    etag = complete(IfNoneMatch="*")["ETag"]
    assert refused(complete, IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert refused(complete, IfMatch='"other"') == ("PreconditionFailed", 412)
    complete(IfMatch=etag)


def test_refusals(s3, files, bucket):
    where = begin(s3, bucket, "k")
    parts = upload_parts(s3, where, files["large.bin"])
    for number in (0, 10_001):
        assert refused(s3.upload_part, **where, PartNumber=number, Body=b"x") == ("InvalidArgument", 400)
    cases = [
        ([{"PartNumber": 1, "ETag": '"00000000000000000000000000000000"'}], "InvalidPart"),
        ([{"PartNumber": 77, "ETag": parts[0]["ETag"]}], "InvalidPart"),
        (list(reversed(parts)), "InvalidPartOrder"),
        ([], "MalformedXML"),
    ]
    for chosen, expected in cases:
        code, status = refused(s3.complete_multipart_upload, **where, MultipartUpload={"Parts": chosen})
        assert (code, status) == (expected, 400)
    small = begin(s3, bucket, "k")
    etags = [s3.upload_part(**small, PartNumber=number, Body=b"small")["ETag"] for number in (1, 2)]
    chosen = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, start=1)]
    assert refused(s3.complete_multipart_upload, **small, MultipartUpload={"Parts": chosen}) == ("EntityTooSmall", 400)


def test_upload_manager(s3, files_folder, files, bucket):
    config = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=8)
    s3.upload_file(str(files_folder / "large.bin"), bucket, "large.bin", Config=config, ExtraArgs={"Metadata": {"a": "b"}})
    assert s3.head_object(Bucket=bucket, Key="large.bin")["ETag"].endswith('-5"')
    s3.download_file(bucket, "large.bin", str(files_folder.parent / "downloaded.bin"), Config=config)
    assert (files_folder.parent / "downloaded.bin").read_bytes() == files["large.bin"]


def test_many_parts(s3, bucket):
    """Parts below 5 MiB are refused at completion only, and 1,000 parts list in pages."""
    where = begin(s3, bucket, "k")
    for number in range(1, 1003):
        s3.upload_part(**where, PartNumber=number, Body=b"%d" % number)
    pages = list(s3.get_paginator("list_parts").paginate(**where))
    assert [len(page["Parts"]) for page in pages] == [1000, 2]
    with pytest.raises(ClientError, match="EntityTooSmall"):
        parts = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for page in pages for part in page["Parts"]]
        s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
