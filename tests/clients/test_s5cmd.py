"""s5cmd, which runs many requests at once."""

import json

import pytest

from dataset import AWKWARD_NAMES, read_tree
from programs import Client


def s5cmd_at(endpoint, key, home) -> Client:
    environment = {
        "AWS_ACCESS_KEY_ID": key.access_key,
        "AWS_SECRET_ACCESS_KEY": key.secret_key,
        "SSL_CERT_FILE": str(endpoint.ca_file),
    }
    return Client("s5cmd", "--endpoint-url", endpoint.url, "--retry-count", "0", home=home, environment=environment)


@pytest.fixture
def s5cmd(internal, manager, tmp_path):
    return s5cmd_at(internal, manager, tmp_path)


def test_round_trip(endpoint, manager, tmp_path, files_folder, files, bucket_name):
    s5cmd = s5cmd_at(endpoint, manager, tmp_path)
    s5cmd("mb", f"s3://{bucket_name}")
    assert f"s3://{bucket_name}" in s5cmd("ls")
    for name in ("empty.bin", "small.txt", "large.bin"):
        s5cmd("cp", "--part-size", "5", files_folder / name, f"s3://{bucket_name}/{name}")
        s5cmd("cp", "--part-size", "5", f"s3://{bucket_name}/{name}", tmp_path / name)
        assert (tmp_path / name).read_bytes() == files[name]
    s5cmd("rm", f"s3://{bucket_name}/*")
    s5cmd("rb", f"s3://{bucket_name}")


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names(s5cmd, files_folder, files, bucket, name):
    s5cmd("cp", "--raw", files_folder / name, f"s3://{bucket}/in a folder/{name}")
    assert s5cmd.bytes("cat", "--raw", f"s3://{bucket}/in a folder/{name}") == files[name]
    s5cmd("rm", "--raw", f"s3://{bucket}/in a folder/{name}")


def test_trees(s5cmd, files_folder, files, bucket, tmp_path):
    s5cmd("cp", f"{files_folder}/", f"s3://{bucket}/tree/")
    listed = s5cmd("ls", f"s3://{bucket}/tree/*")
    assert listed.count("\n") == len(files)
    s5cmd("cp", f"s3://{bucket}/tree/*", f"{tmp_path}/down/")
    assert read_tree(tmp_path / "down") == files
    assert s5cmd("sync", "--size-only", f"{files_folder}/", f"s3://{bucket}/tree/") == ""
    (tmp_path / "down/small.txt").unlink()
    s5cmd("sync", "--delete", "--size-only", f"{tmp_path}/down/", f"s3://{bucket}/tree/")
    assert s5cmd("ls", f"s3://{bucket}/tree/*").count("\n") == len(files) - 1
    assert str(sum(map(len, files.values())) - len(files["small.txt"])) in s5cmd("du", f"s3://{bucket}/tree/*")


def test_objects(s5cmd, files_folder, files, bucket, http):
    s5cmd("cp", "--metadata", "project=CMIP6", "--content-type", "application/x-netcdf",
          files_folder / "large.bin", f"s3://{bucket}/large.bin")
    head = json.loads(s5cmd("head", f"s3://{bucket}/large.bin"))
    assert head["size"] == len(files["large.bin"])
    assert head["content_type"] == "application/x-netcdf"
    assert {name.lower(): value for name, value in head["metadata"].items()} == {"project": "CMIP6"}
    s5cmd("cp", f"s3://{bucket}/large.bin", f"s3://{bucket}/copy.bin")
    s5cmd("mv", f"s3://{bucket}/copy.bin", f"s3://{bucket}/moved.bin")
    assert s5cmd.bytes("cat", f"s3://{bucket}/moved.bin") == files["large.bin"]
    s5cmd("pipe", f"s3://{bucket}/piped.txt", stdin=b"from a pipe")
    url = s5cmd("presign", "--expire", "5m", f"s3://{bucket}/piped.txt").strip()
    assert http.request("GET", url).data == b"from a pipe"


def test_run_many(s5cmd, bucket, tmp_path, files_folder):
    commands = "".join(f"cp {files_folder}/small.txt s3://{bucket}/many/{number:04}.txt\n" for number in range(300))
    s5cmd("--numworkers", "32", "run", stdin=commands.encode())
    assert s5cmd("ls", f"s3://{bucket}/many/*").count("\n") == 300
    s5cmd("rm", f"s3://{bucket}/many/*")
    assert "no object found" in s5cmd.fails("ls", f"s3://{bucket}/many/*")


def test_versions(s5cmd, bucket, s3, tmp_path):
    s5cmd("bucket-version", "--set", "Enabled", f"s3://{bucket}")
    assert "Enabled" in s5cmd("bucket-version", f"s3://{bucket}")
    for text in (b"first", b"second"):
        s5cmd("pipe", f"s3://{bucket}/notes", stdin=text)
    s5cmd("rm", f"s3://{bucket}/notes")
    assert s5cmd("ls", "--all-versions", f"s3://{bucket}/notes").count("\n") == 3
    oldest = s3.list_object_versions(Bucket=bucket)["Versions"][-1]["VersionId"]
    assert s5cmd("cat", "--version-id", oldest, f"s3://{bucket}/notes") == "first"
    s5cmd("rm", "--all-versions", f"s3://{bucket}/notes")
    assert "Versions" not in s3.list_object_versions(Bucket=bucket)


def test_errors(s5cmd, files_folder, bucket):
    s5cmd("cp", files_folder / "small.txt", f"s3://{bucket}/small.txt")
    assert "BucketNotEmpty" in s5cmd.fails("rb", f"s3://{bucket}")
    assert "not found" in s5cmd.fails("cat", f"s3://{bucket}/absent")
    assert "NotFound" in s5cmd.fails("ls", "s3://no-such-bucket-here")
