"""s3fs, as the help page uses it from Python and as Dask and xarray use it underneath."""

import time

import pytest
import s3fs

from dataset import AWKWARD_NAMES, read_tree


def s3fs_at(endpoint, key, **options) -> s3fs.S3FileSystem:
    return s3fs.S3FileSystem(
        key=key.access_key,
        secret=key.secret_key,
        client_kwargs={"endpoint_url": endpoint.url, "verify": str(endpoint.ca_file)},
        skip_instance_cache=True,
        **options,
    )


@pytest.fixture
def fs(internal, manager):
    return s3fs_at(internal, manager)


def test_round_trip(endpoint, manager, files_folder, files, bucket_name):
    fs = s3fs_at(endpoint, manager)
    fs.mkdir(bucket_name)
    assert bucket_name in fs.ls("", refresh=True)
    for name in ("empty.bin", "small.txt", "large.bin"):
        fs.put_file(str(files_folder / name), f"{bucket_name}/{name}")
        assert fs.cat_file(f"{bucket_name}/{name}") == files[name]
        assert fs.size(f"{bucket_name}/{name}") == len(files[name])
    fs.rm(bucket_name, recursive=True)
    assert not fs.exists(bucket_name)


def test_files(fs, files, bucket):
    with fs.open(f"{bucket}/large.bin", "wb", block_size=5 * 2**20) as file:
        for start in range(0, len(files["large.bin"]), 3_000_000):
            file.write(files["large.bin"][start:start + 3_000_000])
    assert isinstance(fs.open(f"{bucket}/large.bin"), s3fs.S3File)
    with fs.open(f"{bucket}/large.bin", "rb", block_size=2**16) as file:
        file.seek(9_999_990)
        assert file.read(100) == files["large.bin"][9_999_990:10_000_090]
        file.seek(-10, 2)
        assert file.read() == files["large.bin"][-10:]
    with fs.open(f"{bucket}/text", "w", encoding="utf-8") as file:
        file.write("one\nzwei\n三\n")
    with fs.open(f"{bucket}/text", "r", encoding="utf-8") as file:
        assert [line.rstrip() for line in file] == ["one", "zwei", "三"]
    with fs.open(f"{bucket}/text", "ab") as file:
        file.write(b"four\n")
    assert fs.cat_file(f"{bucket}/text").endswith(b"four\n")
    assert fs.cat_ranges([f"{bucket}/large.bin"] * 2, [0, -5], [5, None]) == [files["large.bin"][:5], files["large.bin"][-5:]]
    assert fs.tail(f"{bucket}/text", 5) == b"four\n"


def test_trees(fs, files_folder, files, bucket, tmp_path):
    fs.put(f"{files_folder}/", f"{bucket}/tree/", recursive=True)
    found = fs.find(f"{bucket}/tree")
    assert sorted(found) == sorted(f"{bucket}/tree/{name}" for name in files)
    assert f"{bucket}/tree/model" in fs.ls(f"{bucket}/tree")
    assert fs.isdir(f"{bucket}/tree/model") and fs.isfile(f"{bucket}/tree/small.txt")
    assert fs.glob(f"{bucket}/tree/**/*.nc") == [f"{bucket}/tree/model/run 1/surface.nc"]
    assert fs.du(f"{bucket}/tree") == sum(map(len, files.values()))
    assert [folder for folder, _, _ in fs.walk(f"{bucket}/tree")][-1] == f"{bucket}/tree/model/run 1"
    fs.get(f"{bucket}/tree/", f"{tmp_path}/down/", recursive=True)
    assert read_tree(tmp_path / "down") == files
    fs.copy(f"{bucket}/tree/large.bin", f"{bucket}/copy.bin")
    fs.mv(f"{bucket}/copy.bin", f"{bucket}/moved.bin")
    assert fs.cat_file(f"{bucket}/moved.bin") == files["large.bin"]
    assert not fs.exists(f"{bucket}/copy.bin")
    fs.rm(f"{bucket}/tree", recursive=True)
    fs.invalidate_cache()
    assert fs.ls(bucket) == [f"{bucket}/moved.bin"]


@pytest.mark.parametrize("name", [name for name in AWKWARD_NAMES if "[" not in name])
def test_awkward_names(fs, bucket, name):
    fs.pipe_file(f"{bucket}/folder/{name}", name.encode())
    assert fs.cat_file(f"{bucket}/folder/{name}") == name.encode()
    assert fs.ls(f"{bucket}/folder") == [f"{bucket}/folder/{name}"]
    fs.rm_file(f"{bucket}/folder/{name}")


def test_map(fs, bucket):
    mapping = s3fs.S3Map(f"{bucket}/map", s3=fs)
    mapping["a/b"] = b"1"
    mapping["c"] = b"2"
    assert sorted(mapping) == ["a/b", "c"]
    assert mapping["a/b"] == b"1"
    assert "missing" not in mapping
    mapping.setitems({"d": b"3", "e": b"4"})
    assert mapping.getitems(["d", "e"]) == {"d": b"3", "e": b"4"}
    del mapping["c"]
    assert sorted(mapping) == ["a/b", "d", "e"]


def test_permissions_and_links(fs, bucket, internal, http):
    fs.pipe_file(f"{bucket}/a b.txt", b"for all")
    url = f"{internal.url}/{bucket}/a%20b.txt"
    assert http.request("GET", url).status == 403
    fs.chmod(f"{bucket}/a b.txt", acl="public-read")
    assert http.request("GET", url).data == b"for all"
    anonymous = s3fs.S3FileSystem(anon=True, client_kwargs={"endpoint_url": internal.url}, skip_instance_cache=True)
    assert anonymous.cat_file(f"{bucket}/a b.txt") == b"for all"
    assert http.request("GET", fs.url(f"{bucket}/a b.txt", expires=60)).data == b"for all"


def test_metadata(fs, bucket):
    fs.pipe_file(f"{bucket}/k", b"x")
    fs.setxattr(f"{bucket}/k", project="CMIP6", copy_kwargs={"ContentType": "application/x-netcdf"})
    assert fs.getxattr(f"{bucket}/k", "project") == "CMIP6"
    assert fs.info(f"{bucket}/k", refresh=True)["ContentType"] == "application/x-netcdf"
    before = fs.modified(f"{bucket}/k")
    time.sleep(1.1)
    fs.touch(f"{bucket}/k", truncate=True)
    assert fs.modified(f"{bucket}/k") > before


def test_versions(internal, manager, bucket, s3):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    fs = s3fs_at(internal, manager, version_aware=True)
    for text in (b"first", b"second"):
        fs.pipe_file(f"{bucket}/notes", text)
    versions = fs.object_version_info(f"{bucket}/notes")
    assert [version["IsLatest"] for version in versions] == [True, False]
    assert fs.cat_file(f"{bucket}/notes", version_id=versions[1]["VersionId"]) == b"first"


def test_errors(fs, bucket):
    with pytest.raises(FileNotFoundError):
        fs.cat_file(f"{bucket}/absent")
    with pytest.raises(FileNotFoundError):
        fs.ls("no-such-bucket-here")
    with pytest.raises(FileExistsError):
        fs.pipe_file(f"{bucket}/once", b"1", mode="create")
        fs.pipe_file(f"{bucket}/once", b"2", mode="create")
