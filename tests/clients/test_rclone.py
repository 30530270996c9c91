"""rclone, with the remote that JASMIN's help page gives (`provider = Other`)."""

import json
import os

import pytest

from dataset import AWKWARD_NAMES, read_tree
from programs import Client

# Not a whole second: rclone keeps nanoseconds in its metadata.
MTIME_NS = 1_234_567_890_123_456_000


def rclone_at(endpoint, key, home) -> Client:
    config = home / "rclone.conf"
    config.write_text(f"""[store]
type = s3
provider = Other
access_key_id = {key.access_key}
secret_access_key = {key.secret_key}
endpoint = {endpoint.url}
acl = private
""")
    options = ["--config", config, "--retries", "1", "--low-level-retries", "1", "--s3-upload-cutoff", "6M", "--s3-chunk-size", "5M"]
    return Client("rclone", *options, "--ca-cert", endpoint.ca_file, home=home)


@pytest.fixture
def rclone(internal, manager, tmp_path):
    return rclone_at(internal, manager, tmp_path)


def test_round_trip(endpoint, manager, tmp_path, files_folder, files, bucket_name):
    rclone = rclone_at(endpoint, manager, tmp_path)
    rclone("mkdir", f"store:{bucket_name}")
    assert bucket_name in rclone("lsd", "store:")
    for name in ("empty.bin", "small.txt", "large.bin"):
        rclone("copyto", files_folder / name, f"store:{bucket_name}/{name}")
        rclone("copyto", f"store:{bucket_name}/{name}", tmp_path / name)
        assert (tmp_path / name).read_bytes() == files[name]
    rclone("purge", f"store:{bucket_name}")
    assert bucket_name not in rclone("lsd", "store:")


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names(rclone, files_folder, files, bucket, name):
    rclone("copyto", files_folder / name, f"store:{bucket}/folder/{name}")
    assert rclone.bytes("cat", f"store:{bucket}/folder/{name}") == files[name]
    assert rclone("lsf", f"store:{bucket}/folder").splitlines() == [name]
    rclone("deletefile", f"store:{bucket}/folder/{name}")


def test_trees(rclone, files_folder, files, bucket, tmp_path):
    rclone("copy", files_folder, f"store:{bucket}/tree")
    rclone("check", files_folder, f"store:{bucket}/tree")
    rclone("check", "--download", files_folder, f"store:{bucket}/tree")
    assert rclone("ls", f"store:{bucket}/tree").count("\n") == len(files)
    rclone("sync", f"store:{bucket}/tree", tmp_path / "down")
    assert read_tree(tmp_path / "down") == files
    (tmp_path / "down/small.txt").unlink()
    rclone("sync", tmp_path / "down", f"store:{bucket}/tree")
    assert "small.txt" not in rclone("lsf", f"store:{bucket}/tree")
    size = json.loads(rclone("size", "--json", f"store:{bucket}/tree"))
    total = sum(map(len, files.values())) - len(files["small.txt"])
    assert (size["count"], size["bytes"]) == (len(files) - 1, total)
    rclone("purge", f"store:{bucket}/tree")
    assert rclone("ls", f"store:{bucket}") == ""


def test_modification_times(rclone, files, bucket, tmp_path):
    for name in ("small.txt", "large.bin"):
        path = tmp_path / "source" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(files[name])
        os.utime(path, ns=(MTIME_NS, MTIME_NS))
    rclone("copy", tmp_path / "source", f"store:{bucket}")
    assert "2009-02-13 23:31:30.123456" in rclone("lsl", f"store:{bucket}", "--use-server-modtime=false")
    rclone("copy", f"store:{bucket}", tmp_path / "down")
    for name in ("small.txt", "large.bin"):
        assert (tmp_path / "down" / name).stat().st_mtime_ns == MTIME_NS
    # A changed time alone is written by a copy of the object onto itself.
    os.utime(tmp_path / "source/small.txt", (1_500_000_000, 1_500_000_000))
    rclone("copy", tmp_path / "source", f"store:{bucket}")
    assert "2017-07-14 02:40:00" in rclone("lsl", f"store:{bucket}/small.txt")
    rclone("touch", "--timestamp", "2001-02-03T04:05:06", f"store:{bucket}/small.txt")
    assert "2001-02-03 04:05:06" in rclone("lsl", f"store:{bucket}/small.txt")
    assert rclone.bytes("cat", f"store:{bucket}/small.txt") == files["small.txt"]


def test_streams_and_moves(rclone, files, files_folder, bucket, tmp_path, http):
    rclone("rcat", f"store:{bucket}/piped.txt", stdin=b"from a pipe")
    assert rclone("cat", f"store:{bucket}/piped.txt") == "from a pipe"
    rclone("rcat", f"store:{bucket}/piped.bin", stdin=files["large.bin"])
    assert rclone.bytes("cat", "--offset", "5000000", "--count", "1000", f"store:{bucket}/piped.bin") == files["large.bin"][5000000:5001000]
    rclone("moveto", f"store:{bucket}/piped.bin", f"store:{bucket}/moved/to here.bin")
    assert rclone.bytes("cat", f"store:{bucket}/moved/to here.bin") == files["large.bin"]
    assert "piped.bin" not in rclone("lsf", f"store:{bucket}")
    rclone("move", f"store:{bucket}/moved", tmp_path / "moved")
    assert (tmp_path / "moved/to here.bin").read_bytes() == files["large.bin"]
    rclone("copy", "--s3-upload-cutoff", "6M", "--s3-copy-cutoff", "5M", files_folder / "large.bin", f"store:{bucket}")
    rclone("copyto", "--s3-copy-cutoff", "5M", f"store:{bucket}/large.bin", f"store:{bucket}/copied in parts.bin")
    assert rclone.bytes("cat", f"store:{bucket}/copied in parts.bin") == files["large.bin"]
    answer = http.request("GET", rclone("link", f"store:{bucket}/piped.txt").strip())
    assert (answer.status, answer.data) == (200, b"from a pipe")


def test_left_over_uploads(rclone, bucket, s3):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="left over")["UploadId"]
    assert upload in rclone("backend", "list-multipart-uploads", f"store:{bucket}")
    rclone("backend", "cleanup", "-o", "max-age=0s", f"store:{bucket}")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_errors(rclone, bucket, files_folder):
    rclone("copy", files_folder / "small.txt", f"store:{bucket}")
    assert "BucketNotEmpty" in rclone.fails("rmdir", f"store:{bucket}")
    assert "not found" in rclone.fails("ls", "store:no-such-bucket-here")
