"""CORS: rules by boto3, and what browsers are told, by curl."""

import pytest

from conftest import boto3_client
from programs import Client
from test_boto3_objects import refused

APP = "https://app.example.org"
RULES = {
    "CORSRules": [
        {
            "ID": "upload",
            "AllowedOrigins": ["https://*.example.org"],
            "AllowedMethods": ["PUT", "POST"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 600,
        },
        {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "HEAD"]},
    ]
}


@pytest.fixture
def of_member(internal, member):
    return boto3_client(internal, member)


@pytest.fixture
def with_rules(of_member, bucket_name) -> str:
    of_member.create_bucket(Bucket=bucket_name)
    of_member.put_object(Bucket=bucket_name, Key="k", Body=b"content")
    of_member.put_bucket_cors(Bucket=bucket_name, CORSConfiguration=RULES)
    return bucket_name


@pytest.fixture
def curl(tmp_path, store):
    """Status and headers of an answer."""
    client = Client("curl", "--silent", "--show-error", "--cacert", store.certificate.ca_file, home=tmp_path)

    def ask(url, *arguments) -> tuple[int, dict[str, str]]:
        lines = client("--output", "/dev/null", "--dump-header", "-", *arguments, url).splitlines()
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        return int(lines[0].split()[1]), headers

    return ask


def test_rules_by_boto3(of_member, bucket_name):
    of_member.create_bucket(Bucket=bucket_name)
    assert refused(of_member.get_bucket_cors, Bucket=bucket_name) == ("NoSuchCORSConfiguration", 404)
    of_member.put_bucket_cors(Bucket=bucket_name, CORSConfiguration=RULES)
    assert of_member.get_bucket_cors(Bucket=bucket_name)["CORSRules"] == RULES["CORSRules"]
    strange = {"CORSRules": [{"AllowedOrigins": ["*.*"], "AllowedMethods": ["GET"]}]}
    assert refused(of_member.put_bucket_cors, Bucket=bucket_name, CORSConfiguration=strange) == ("InvalidRequest", 400)
    strange = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["PATCH"]}]}
    assert refused(of_member.put_bucket_cors, Bucket=bucket_name, CORSConfiguration=strange) == ("InvalidRequest", 400)
    assert of_member.get_bucket_cors(Bucket=bucket_name)["CORSRules"] == RULES["CORSRules"]
    of_member.delete_bucket_cors(Bucket=bucket_name)
    assert refused(of_member.get_bucket_cors, Bucket=bucket_name) == ("NoSuchCORSConfiguration", 404)


def test_a_preflight_by_curl(curl, internal, with_rules):
    url = f"{internal.url}/{with_rules}/k"
    asks = ["-X", "OPTIONS", "-H", f"Origin: {APP}", "-H", "Access-Control-Request-Method: PUT"]
    status, headers = curl(url, *asks, "-H", "Access-Control-Request-Headers: content-type")
    assert status == 200
    assert headers["access-control-allow-origin"] == APP
    assert headers["access-control-allow-methods"] == "put, post"
    assert headers["access-control-allow-headers"] == "content-type"
    assert headers["access-control-expose-headers"] == "etag"
    assert headers["access-control-max-age"] == "600"
    assert "origin" in headers["vary"]
    status, headers = curl(url, *asks[:-1], "Access-Control-Request-Method: DELETE")
    assert status == 403 and "access-control-allow-origin" not in headers


def test_a_page_reads_and_uploads(of_member, curl, with_rules):
    """Presigned links, as a page uses them; a refusal can be read by the page too."""
    get = of_member.generate_presigned_url("get_object", Params={"Bucket": with_rules, "Key": "k"})
    put = of_member.generate_presigned_url("put_object", Params={"Bucket": with_rules, "Key": "new"})
    status, headers = curl(get, "-H", f"Origin: {APP}")
    assert (status, headers["access-control-allow-origin"]) == (200, "*")
    status, headers = curl(put, "-H", f"Origin: {APP}", "-H", "Content-Type:", "-X", "PUT", "-d", "x")
    assert (status, headers["access-control-allow-origin"]) == (200, APP)
    assert headers["access-control-expose-headers"] == "etag" and headers["etag"]
    status, headers = curl(get.replace("/k?", "/other?"), "-H", f"Origin: {APP}")
    assert (status, headers["access-control-allow-origin"]) == (403, "*")
    status, headers = curl(get)
    assert status == 200 and not [name for name in headers if name.startswith("access-control")]
