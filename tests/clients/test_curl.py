"""curl: the protocol versions, and what a script sees."""

import re

import pytest

from programs import Client


@pytest.fixture
def curl(tmp_path, store):
    return Client("curl", "--silent", "--show-error", "--cacert", store.certificate.ca_file, home=tmp_path)


@pytest.fixture
def public_object(s3, bucket, files):
    s3.put_object(Bucket=bucket, Key="large.bin", Body=files["large.bin"], ACL="public-read")
    return f"{bucket}/large.bin"


@pytest.mark.parametrize(("option", "version"), [("--http1.1", "1.1"), ("--http2", "2")])
def test_https(curl, store, manager, public_object, files, option, version, tmp_path):
    url = f"{store.external(manager.tenancy).url}/{public_object}"
    written = curl(option, "--output", tmp_path / "got", "--write-out", "%{http_version} %{response_code}", url)
    assert written == f"{version} 200"
    assert (tmp_path / "got").read_bytes() == files["large.bin"]


@pytest.mark.parametrize(("option", "version"), [("--http1.0", "1"), ("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")])
def test_http(curl, internal, public_object, files, option, version, tmp_path):
    url = f"{internal.url}/{public_object}"
    written = curl(option, "--output", tmp_path / "got", "--write-out", "%{http_version} %{response_code}", url)
    assert written in (f"{version} 200", "1.1 200")
    assert (tmp_path / "got").read_bytes() == files["large.bin"]


def test_connections_are_kept(curl, internal, public_object):
    url = f"{internal.url}/{public_object}"
    written = curl("--head", "--write-out", "%{num_connects}\n", url, url)
    assert re.findall(r"^\d+$", written, re.MULTILINE) == ["1", "0"]


def test_signed_upload_waits_for_the_server(curl, internal, manager, bucket, files_folder, s3, files):
    url = f"{internal.url}/{bucket}/large.bin"
    signed = ("--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{manager.access_key}:{manager.secret_key}",
              "--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD")
    curl(*signed, "--fail", "--header", "Expect: 100-continue", "--upload-file", files_folder / "large.bin", url)
    assert s3.get_object(Bucket=bucket, Key="large.bin")["Body"].read() == files["large.bin"]
    # A refused upload is refused before its body: curl sends nothing.
    told = curl("--verbose", "--header", "Expect: 100-continue", "--expect100-timeout", "20", "--upload-file", files_folder / "large.bin",
                "--write-out", "%{response_code} %{size_upload}", "--output", "refused", url)
    assert told == "403 0"
