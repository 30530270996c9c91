"""s3cmd, with the configuration that JASMIN's help page gives."""

import re

import pytest
import urllib3

from dataset import AWKWARD_NAMES, read_tree
from programs import Client


def s3cmd_at(endpoint, key, home, **settings) -> Client:
    config = {
        "access_key": key.access_key,
        "secret_key": key.secret_key,
        "host_base": endpoint.netloc,
        "host_bucket": endpoint.netloc,
        "use_https": endpoint.secure,
        "ca_certs_file": endpoint.ca_file,
        "signature_v2": False,
        "multipart_chunk_size_mb": 5,
        "max_retries": 1,
        **settings,
    }
    file = home / "s3cfg"
    file.write_text("[default]\n" + "".join(f"{name} = {value}\n" for name, value in config.items()))
    return Client("s3cmd", "--config", file, "--no-progress", home=home)


@pytest.fixture
def s3cmd(internal, manager, tmp_path):
    return s3cmd_at(internal, manager, tmp_path)


def test_round_trip(endpoint, manager, tmp_path, files_folder, files, bucket_name):
    s3cmd = s3cmd_at(endpoint, manager, tmp_path)
    assert f"Bucket 's3://{bucket_name}/' created" in s3cmd("mb", f"s3://{bucket_name}")
    for name in ("empty.bin", "small.txt", "large.bin"):
        s3cmd("put", files_folder / name, f"s3://{bucket_name}/{name}")
        s3cmd("get", f"s3://{bucket_name}/{name}", tmp_path / name)
        assert (tmp_path / name).read_bytes() == files[name]
    assert f"s3://{bucket_name}" in s3cmd("ls")
    s3cmd("del", "--recursive", "--force", f"s3://{bucket_name}")
    s3cmd("rb", f"s3://{bucket_name}")
    assert f"s3://{bucket_name}\n" not in s3cmd("ls")


def test_signature_v2(internal, manager, tmp_path, bucket_name):
    s3cmd = s3cmd_at(internal, manager, tmp_path, signature_v2=True)
    s3cmd("mb", f"s3://{bucket_name}")
    s3cmd("put", "-", f"s3://{bucket_name}/a b+c", stdin=b"signed as in 2006")
    assert s3cmd("get", f"s3://{bucket_name}/a b+c", "-") == "signed as in 2006"


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names(s3cmd, files_folder, files, bucket, tmp_path, name):
    s3cmd("put", files_folder / name, f"s3://{bucket}/folder//{name}")
    assert f"s3://{bucket}/folder//{name}" in s3cmd("ls", "--recursive", f"s3://{bucket}")
    s3cmd("get", f"s3://{bucket}/folder//{name}", tmp_path / "got")
    assert (tmp_path / "got").read_bytes() == files[name]
    s3cmd("del", f"s3://{bucket}/folder//{name}")
    assert s3cmd("ls", "--recursive", f"s3://{bucket}") == ""


def test_listing_and_usage(s3cmd, files_folder, files, bucket):
    s3cmd("put", "--recursive", f"{files_folder}/", f"s3://{bucket}/")
    top = s3cmd("ls", f"s3://{bucket}/")
    assert re.search(rf"DIR +s3://{bucket}/model/\n", top)
    assert f"s3://{bucket}/small.txt" in top
    assert "surface.nc" not in top
    assert s3cmd("ls", f"s3://{bucket}/model/run 1/").count("\n") == 2
    assert f"s3://{bucket}/small.txt" in s3cmd("la")
    total = sum(map(len, files.values()))
    assert re.match(rf" *{total} +{len(files)} objects", s3cmd("du", f"s3://{bucket}"))


def test_info(s3cmd, files_folder, bucket, manager):
    s3cmd("put", "--add-header=x-amz-meta-project:CMIP6", files_folder / "small.txt", f"s3://{bucket}/small.txt")
    told = s3cmd("info", f"s3://{bucket}/small.txt")
    assert re.search(r"File size: +23\n", told)
    assert re.search(r"MIME type: +text/plain", told)
    assert re.search(rf"ACL: +{manager.user}: FULL_CONTROL", told)
    assert re.search(r"project: +CMIP6", told, re.IGNORECASE)
    told = s3cmd("info", f"s3://{bucket}")
    for line in (r"Location: +\S+", r"Payer: +(BucketOwner|none)", r"Expiration [Rr]ule: +none", r"Policy: +none", r"CORS: +none",
                 rf"ACL: +{manager.user}: FULL_CONTROL"):
        assert re.search(line, told), f"{line} is not in {told}"


def test_copy_move_and_modify(s3cmd, files_folder, files, bucket, s3):
    s3cmd("put", files_folder / "large.bin", f"s3://{bucket}/large.bin")
    s3cmd("cp", f"s3://{bucket}/large.bin", f"s3://{bucket}/copies/large copy.bin")
    s3cmd("mv", f"s3://{bucket}/large.bin", f"s3://{bucket}/moved.bin")
    for key in ("copies/large copy.bin", "moved.bin"):
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == files["large.bin"]
    assert f"s3://{bucket}/large.bin" not in s3cmd("ls", f"s3://{bucket}/")
    s3cmd("modify", "--add-header=Content-Type:application/x-netcdf", f"s3://{bucket}/moved.bin")
    head = s3.head_object(Bucket=bucket, Key="moved.bin")
    assert head["ContentType"] == "application/x-netcdf"
    assert head["ContentLength"] == len(files["large.bin"])


def test_sync(s3cmd, files_folder, files, bucket, tmp_path):
    s3cmd("sync", f"{files_folder}/", f"s3://{bucket}/tree/")
    assert "upload:" not in s3cmd("sync", f"{files_folder}/", f"s3://{bucket}/tree/"), "a second sync has nothing to do"
    down = tmp_path / "down"
    down.mkdir()
    s3cmd("sync", f"s3://{bucket}/tree/", f"{down}/")
    assert read_tree(down) == files
    (down / "small.txt").unlink()
    s3cmd("sync", "--delete-removed", f"{down}/", f"s3://{bucket}/tree/")
    listed = s3cmd("ls", "--recursive", f"s3://{bucket}/tree/")
    assert "small.txt" not in listed
    assert listed.count("\n") == len(files) - 1
    s3cmd("sync", f"s3://{bucket}/tree/", f"s3://{bucket}/other/")
    assert s3cmd("ls", "--recursive", f"s3://{bucket}/other/").count("\n") == len(files) - 1


def test_public_and_private(s3cmd, files_folder, bucket, internal, http):
    url = f"{internal.url}/{bucket}/public.txt"
    s3cmd("put", files_folder / "small.txt", f"s3://{bucket}/public.txt")
    assert http.request("GET", url).status == 403
    s3cmd("setacl", "--acl-public", f"s3://{bucket}/public.txt")
    answer = http.request("GET", url)
    assert (answer.status, answer.data) == (200, b"Commonhold holds this.\n")
    assert "*anon*: READ" in s3cmd("info", f"s3://{bucket}/public.txt")
    s3cmd("setacl", "--acl-private", f"s3://{bucket}/public.txt")
    assert http.request("GET", url).status == 403
    s3cmd("put", "--acl-public", files_folder / "small.txt", f"s3://{bucket}/born public.txt")
    assert http.request("GET", f"{internal.url}/{bucket}/born%20public.txt").status == 200


def test_signurl(s3cmd, files_folder, bucket, http: urllib3.PoolManager):
    s3cmd("put", files_folder / "small.txt", f"s3://{bucket}/a b.txt")
    url = s3cmd("signurl", f"s3://{bucket}/a b.txt", "+600").strip()
    answer = http.request("GET", url)
    assert (answer.status, answer.data) == (200, b"Commonhold holds this.\n")
    expired = s3cmd("signurl", f"s3://{bucket}/a b.txt", "1000000000").strip()
    assert http.request("GET", expired).status == 403


def test_multipart(s3cmd, files_folder, files, bucket, s3):
    s3cmd("put", files_folder / "large.bin", f"s3://{bucket}/large.bin")
    head = s3.head_object(Bucket=bucket, Key="large.bin")
    assert head["ETag"].endswith('-5"')
    upload = s3.create_multipart_upload(Bucket=bucket, Key="left over")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="left over", UploadId=upload, PartNumber=1, Body=b"x" * 5000)
    assert upload in s3cmd("multipart", f"s3://{bucket}")
    assert "5000" in s3cmd("listmp", f"s3://{bucket}/left over", upload)
    s3cmd("abortmp", f"s3://{bucket}/left over", upload)
    assert upload not in s3cmd("multipart", f"s3://{bucket}")


def test_errors(s3cmd, files_folder, bucket):
    s3cmd("put", files_folder / "small.txt", f"s3://{bucket}/small.txt")
    assert "BucketNotEmpty" in s3cmd.fails("rb", f"s3://{bucket}")
    assert "does not exist" in s3cmd.fails("get", f"s3://{bucket}/absent", "-")
    assert "NoSuchBucket" in s3cmd.fails("ls", "s3://no-such-bucket-here")
