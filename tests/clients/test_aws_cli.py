"""The AWS CLI: its file commands (`aws s3`) and the operations as they are (`aws s3api`)."""

import json

import pytest

from dataset import AWKWARD_NAMES, md5, read_tree
from programs import Client


def aws_at(endpoint, key, home) -> Client:
    environment = {
        "AWS_ACCESS_KEY_ID": key.access_key,
        "AWS_SECRET_ACCESS_KEY": key.secret_key,
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_CA_BUNDLE": str(endpoint.ca_file),
        "AWS_PAGER": "",
    }
    return Client("aws", home=home, environment=environment)


@pytest.fixture
def aws(internal, manager, tmp_path):
    return aws_at(internal, manager, tmp_path)


def api(aws, operation, *arguments) -> dict:
    output = aws("s3api", operation, "--output", "json", *arguments)
    return json.loads(output) if output.strip() else {}


def test_round_trip(endpoint, manager, tmp_path, files_folder, files, bucket_name):
    aws = aws_at(endpoint, manager, tmp_path)
    aws("s3", "mb", f"s3://{bucket_name}")
    assert bucket_name in aws("s3", "ls")
    for name in ("empty.bin", "small.txt", "large.bin"):
        aws("s3", "cp", files_folder / name, f"s3://{bucket_name}/{name}")
        aws("s3", "cp", f"s3://{bucket_name}/{name}", tmp_path / name)
        assert (tmp_path / name).read_bytes() == files[name]
    aws("s3", "rb", "--force", f"s3://{bucket_name}")


def test_trees(aws, files_folder, files, bucket, tmp_path):
    aws("s3", "sync", files_folder, f"s3://{bucket}/tree")
    assert aws("s3", "sync", "--size-only", files_folder, f"s3://{bucket}/tree") == ""
    listed = aws("s3", "ls", "--recursive", "--summarize", f"s3://{bucket}/tree/")
    assert f"Total Objects: {len(files)}" in listed
    assert all(name in listed for name in AWKWARD_NAMES)
    aws("s3", "sync", f"s3://{bucket}/tree", tmp_path / "down")
    assert read_tree(tmp_path / "down") == files
    (tmp_path / "down/small.txt").unlink()
    aws("s3", "sync", "--delete", tmp_path / "down", f"s3://{bucket}/tree")
    assert "small.txt" not in aws("s3", "ls", f"s3://{bucket}/tree/")
    aws("s3", "cp", "--recursive", f"s3://{bucket}/tree", f"s3://{bucket}/copy")
    aws("s3", "mv", "--recursive", f"s3://{bucket}/copy", f"s3://{bucket}/moved")
    listed = aws("s3", "ls", "--recursive", f"s3://{bucket}/moved/")
    assert listed.count("\n") == len(files) - 1
    aws("s3", "rm", "--recursive", f"s3://{bucket}/moved")
    assert "moved" not in aws("s3", "ls", f"s3://{bucket}/")


def test_streams_and_links(aws, files, bucket, http):
    aws("s3", "cp", "-", f"s3://{bucket}/piped.bin", stdin=files["large.bin"])
    assert aws.bytes("s3", "cp", f"s3://{bucket}/piped.bin", "-") == files["large.bin"]
    url = aws("s3", "presign", f"s3://{bucket}/piped.bin").strip()
    assert http.request("GET", url).data == files["large.bin"]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_checksums(aws, files_folder, bucket, algorithm, tmp_path):
    put = api(aws, "put-object", "--bucket", bucket, "--key", "k", "--body", files_folder / "small.txt",
              "--checksum-algorithm", algorithm)
    field = f"Checksum{algorithm}"
    assert put[field]
    head = api(aws, "head-object", "--bucket", bucket, "--key", "k", "--checksum-mode", "ENABLED")
    assert head[field] == put[field]
    assert head["ChecksumType"] == "FULL_OBJECT"
    attributes = api(aws, "get-object-attributes", "--bucket", bucket, "--key", "k",
                     "--object-attributes", "Checksum", "ObjectSize", "ETag")
    assert attributes["Checksum"][field] == put[field]
    assert attributes["ObjectSize"] == 23
    aws("s3", "cp", "--checksum-algorithm", algorithm, files_folder / "large.bin", f"s3://{bucket}/large.bin")
    aws("s3", "cp", "--checksum-mode", "ENABLED", f"s3://{bucket}/large.bin", tmp_path / "large.bin")


def test_multipart_by_hand(aws, files, bucket, tmp_path):
    where = ("--bucket", bucket, "--key", "assembled.bin")
    upload = api(aws, "create-multipart-upload", *where)["UploadId"]
    parts = []
    for number, start in enumerate(range(0, len(files["large.bin"]), 8_000_000), start=1):
        body = tmp_path / "part"
        body.write_bytes(files["large.bin"][start:start + 8_000_000])
        part = api(aws, "upload-part", *where, "--upload-id", upload, "--part-number", number, "--body", body)
        assert part["ETag"] == f'"{md5(body.read_bytes())}"'
        parts.append({"ETag": part["ETag"], "PartNumber": number})
    listed = api(aws, "list-parts", *where, "--upload-id", upload)["Parts"]
    assert [(part["PartNumber"], part["ETag"]) for part in listed] == [(part["PartNumber"], part["ETag"]) for part in parts]
    whole = json.dumps({"Parts": parts})
    done = api(aws, "complete-multipart-upload", *where, "--upload-id", upload, "--multipart-upload", whole)
    assert done["ETag"].endswith('-3"')
    api(aws, "get-object", *where, tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == files["large.bin"]


def test_versions_and_acl(aws, files_folder, bucket, internal, http):
    api(aws, "put-bucket-versioning", "--bucket", bucket, "--versioning-configuration", "Status=Enabled")
    assert api(aws, "get-bucket-versioning", "--bucket", bucket)["Status"] == "Enabled"
    for _ in range(2):
        put = api(aws, "put-object", "--bucket", bucket, "--key", "k", "--body", files_folder / "small.txt")
    api(aws, "delete-object", "--bucket", bucket, "--key", "k")
    versions = api(aws, "list-object-versions", "--bucket", bucket)
    assert (len(versions["Versions"]), len(versions["DeleteMarkers"])) == (2, 1)
    where = ("--bucket", bucket, "--key", "k", "--version-id", put["VersionId"])
    api(aws, "put-object-acl", *where, "--acl", "public-read")
    assert http.request("GET", f"{internal.url}/{bucket}/k?versionId={put['VersionId']}").status == 200
    grants = api(aws, "get-object-acl", *where)["Grants"]
    assert {grant["Permission"] for grant in grants} == {"FULL_CONTROL", "READ"}


def test_errors(aws, bucket, files_folder):
    assert "NoSuchBucket" in aws.fails("s3", "ls", "s3://no-such-bucket-here")
    assert "404" in aws.fails("s3", "cp", f"s3://{bucket}/absent", "-")
    assert "NoSuchKey" in aws.fails("s3api", "get-object", "--bucket", bucket, "--key", "absent", "got")
    condition = ("--if-none-match", "*")
    put = ("s3api", "put-object", "--bucket", bucket, "--key", "once", "--body", str(files_folder / "small.txt"), *condition)
    aws(*put)
    assert "PreconditionFailed" in aws.fails(*put)
    assert "BucketNotEmpty" in aws.fails("s3", "rb", f"s3://{bucket}")
