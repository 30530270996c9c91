"""mc, the MinIO client."""

import json
import shutil

import pytest

from dataset import AWKWARD_NAMES, read_tree
from programs import Client


def mc_at(endpoint, key, home) -> Client:
    authorities = home / "mc/certs/CAs"
    authorities.mkdir(parents=True, exist_ok=True)
    shutil.copy(endpoint.ca_file, authorities / "ca.pem")
    mc = Client("mc", "--config-dir", home / "mc", "--no-color", "--disable-pager", home=home)
    if "MinIO" not in mc("--version"):
        pytest.fail("the mc in PATH is Midnight Commander")
    mc("alias", "set", "store", endpoint.url, key.access_key, key.secret_key, "--api", "S3v4")
    return mc


@pytest.fixture
def mc(internal, manager, tmp_path):
    return mc_at(internal, manager, tmp_path)


def test_round_trip(endpoint, manager, tmp_path, files_folder, files, bucket_name):
    mc = mc_at(endpoint, manager, tmp_path)
    mc("mb", f"store/{bucket_name}")
    assert f"{bucket_name}/" in mc("ls", "store")
    for name in ("empty.bin", "small.txt", "large.bin"):
        mc("cp", files_folder / name, f"store/{bucket_name}/{name}")
        mc("cp", f"store/{bucket_name}/{name}", tmp_path / name)
        assert (tmp_path / name).read_bytes() == files[name]
    mc("rm", "--recursive", "--force", f"store/{bucket_name}")
    mc("rb", f"store/{bucket_name}")


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names(mc, files_folder, files, bucket, name):
    mc("cp", files_folder / name, f"store/{bucket}/folder/{name}")
    assert mc.bytes("cat", f"store/{bucket}/folder/{name}") == files[name]
    assert name in mc("ls", f"store/{bucket}/folder/")
    mc("rm", f"store/{bucket}/folder/{name}")


def test_trees(mc, files_folder, files, bucket, tmp_path):
    mc("mirror", files_folder, f"store/{bucket}/tree")
    assert mc("ls", "--recursive", f"store/{bucket}/tree/").count("\n") == len(files)
    assert mc("diff", files_folder, f"store/{bucket}/tree") == ""
    mc("mirror", f"store/{bucket}/tree", tmp_path / "down")
    assert read_tree(tmp_path / "down") == files
    (tmp_path / "down/small.txt").unlink()
    mc("mirror", "--remove", "--overwrite", tmp_path / "down", f"store/{bucket}/tree")
    assert "small.txt" in mc("diff", files_folder, f"store/{bucket}/tree")
    mc("cp", "--recursive", f"store/{bucket}/tree/", f"store/{bucket}/copy/")
    found = mc("find", f"store/{bucket}/copy", "--name", "*.nc")
    assert found == f"store/{bucket}/copy/model/run 1/surface.nc\n"
    assert "run 1" in mc("tree", f"store/{bucket}/copy")
    usage = json.loads(mc("du", "--json", f"store/{bucket}/copy"))
    assert usage["size"] == sum(map(len, files.values())) - len(files["small.txt"])
    mc("rm", "--recursive", "--force", f"store/{bucket}/copy/")
    assert mc("ls", "--recursive", f"store/{bucket}/copy/") == ""


def test_objects(mc, files_folder, files, bucket):
    mc("cp", "--attr", "project=CMIP6;Cache-Control=max-age=60", files_folder / "large.bin", f"store/{bucket}/large.bin")
    stat = json.loads(mc("stat", "--json", f"store/{bucket}/large.bin"))
    assert stat["size"] == len(files["large.bin"])
    metadata = {name.lower(): value for name, value in stat["metadata"].items()}
    assert metadata["x-amz-meta-project"] == "CMIP6"
    assert metadata["cache-control"] == "max-age=60"
    mc("stat", f"store/{bucket}")
    mc("mv", f"store/{bucket}/large.bin", f"store/{bucket}/moved.bin")
    assert mc.bytes("cat", f"store/{bucket}/moved.bin") == files["large.bin"]
    assert mc.bytes("cat", "--offset", "1000", f"store/{bucket}/moved.bin") == files["large.bin"][1000:]
    mc("pipe", f"store/{bucket}/piped", stdin=b"one\ntwo\nthree\n")
    assert mc("head", "--lines", "1", f"store/{bucket}/piped") == "one\n"
    mc("put", files_folder / "small.txt", f"store/{bucket}/put.txt")
    mc("get", f"store/{bucket}/put.txt", mc.home / "got.txt")
    assert (mc.home / "got.txt").read_bytes() == files["small.txt"]


def test_share(mc, files_folder, files, bucket, http):
    mc("cp", files_folder / "small.txt", f"store/{bucket}/a b.txt")
    shared = json.loads(mc("share", "download", "--json", "--expire", "1h", f"store/{bucket}/a b.txt"))
    answer = http.request("GET", shared["share"])
    assert (answer.status, answer.data) == (200, files["small.txt"])
    form = json.loads(mc("share", "upload", "--json", f"store/{bucket}/uploaded.txt"))
    fields = dict(word.split("=", 1) for word in form["share"].split(" -F ")[1:] if not word.startswith("file="))
    url = next(word for word in form["share"].split() if word.startswith("http"))
    fields["file"] = ("small.txt", files["small.txt"])
    assert http.request("POST", url, fields=fields).status in (200, 204)
    assert mc.bytes("cat", f"store/{bucket}/uploaded.txt") == files["small.txt"]


def test_versions(mc, bucket):
    mc("version", "enable", f"store/{bucket}")
    assert "enabled" in mc("version", "info", f"store/{bucket}")
    for text in (b"first", b"second"):
        mc("pipe", f"store/{bucket}/notes", stdin=text)
    mc("rm", f"store/{bucket}/notes")
    versions = [json.loads(line) for line in mc("ls", "--versions", "--json", f"store/{bucket}/notes").splitlines()]
    assert len(versions) == 3
    assert mc("cat", "--version-id", versions[-1]["versionId"], f"store/{bucket}/notes") == "first"
    mc("undo", "--force", f"store/{bucket}/notes")
    assert mc("cat", f"store/{bucket}/notes") == "second"
    mc("rm", "--recursive", "--versions", "--force", f"store/{bucket}")
    assert mc("ls", "--versions", f"store/{bucket}") == ""
    mc("rb", f"store/{bucket}")


def test_errors(mc, bucket, files_folder):
    mc("cp", files_folder / "small.txt", f"store/{bucket}/small.txt")
    assert "does not exist" in mc.fails("cat", f"store/{bucket}/absent")
    assert "not empty" in mc.fails("rb", f"store/{bucket}")
    mc.fails("ls", "store/no-such-bucket-here")
