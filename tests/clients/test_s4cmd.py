"""s4cmd, which works in many threads and parts."""

import pytest

from dataset import read_tree
from programs import Client


def s4cmd_at(endpoint, key, home) -> Client:
    environment = {
        "S3_ACCESS_KEY": key.access_key,
        "S3_SECRET_KEY": key.secret_key,
        "AWS_CA_BUNDLE": str(endpoint.ca_file),
    }
    sizes = ("--multipart-split-size=8388608", "--max-singlepart-upload-size=8388608", "--max-singlepart-download-size=8388608")
    return Client("s4cmd", f"--endpoint-url={endpoint.url}", *sizes, "--retry=1", home=home, environment=environment)


@pytest.fixture
def s4cmd(internal, manager, tmp_path):
    return s4cmd_at(internal, manager, tmp_path)


def test_round_trip(endpoint, manager, tmp_path, files_folder, files, bucket_name):
    s4cmd = s4cmd_at(endpoint, manager, tmp_path)
    s4cmd("mb", f"s3://{bucket_name}")
    for name in ("empty.bin", "small.txt", "large.bin"):
        s4cmd("put", files_folder / name, f"s3://{bucket_name}/{name}")
        s4cmd("get", f"s3://{bucket_name}/{name}", tmp_path / name)
        assert (tmp_path / name).read_bytes() == files[name]
    assert f"s3://{bucket_name}" in s4cmd("ls")
    assert f"s3://{bucket_name}/large.bin" in s4cmd("ls", f"s3://{bucket_name}/")


def test_trees(s4cmd, files_folder, files, bucket, tmp_path):
    s4cmd("dsync", "--recursive", f"{files_folder}/", f"s3://{bucket}/tree/")
    listed = s4cmd("ls", "--recursive", f"s3://{bucket}/tree/")
    assert listed.count("\n") == len(files)
    s4cmd("dsync", "--recursive", f"s3://{bucket}/tree/", f"{tmp_path}/down/")
    assert read_tree(tmp_path / "down") == files
    assert str(sum(map(len, files.values()))) in s4cmd("du", "--recursive", f"s3://{bucket}/tree/")


def test_copy_move_delete(s4cmd, files_folder, files, bucket, s3):
    s4cmd("put", files_folder / "large.bin", f"s3://{bucket}/large.bin")
    s4cmd("cp", f"s3://{bucket}/large.bin", f"s3://{bucket}/copy.bin")
    s4cmd("mv", f"s3://{bucket}/large.bin", f"s3://{bucket}/moved.bin")
    for key in ("copy.bin", "moved.bin"):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == files["large.bin"]
    s4cmd("del", f"s3://{bucket}/moved.bin")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == ["copy.bin"]


def test_errors(s4cmd, bucket, tmp_path):
    s4cmd.fails("get", f"s3://{bucket}/absent", tmp_path / "absent")
