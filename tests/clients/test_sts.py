"""Temporary credentials with the clients that know them: boto3, the AWS CLI, minio-py."""

import json
import os
import subprocess

import boto3
import botocore
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError
from minio import Minio
from minio.credentials import AssumeRoleProvider, LdapIdentityProvider, WebIdentityProvider

from conftest import boto3_client
from store import TENANCY, Key

READ_ONE_BUCKET = """{{"Version": "2012-10-17", "Statement": [
  {{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::{0}", "arn:aws:s3:::{0}/*"]}}]}}"""
PASSWORD = "correct horse battery"


def sts_client(endpoint, key=None):
    config = Config(retries={"total_max_attempts": 1}, **({} if key else {"signature_version": botocore.UNSIGNED}))
    secrets = {}
    if key:
        secrets = {"aws_access_key_id": key.access_key, "aws_secret_access_key": key.secret_key}
    return boto3.session.Session().client(
        "sts", endpoint_url=endpoint.url, region_name="us-east-1", verify=str(endpoint.ca_file), config=config, **secrets
    )


def s3_with(endpoint, credentials, **config):
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}).merge(Config(**config))
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint.url,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        verify=str(endpoint.ca_file),
        config=config,
    )


def code_of(call) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


@pytest.fixture(scope="session")
def person(store) -> Key:
    """A USER of the tenancy with a password."""
    return store.create_person("pia", TENANCY, "USER", PASSWORD)


def test_boto3_assumes_a_narrower_role(endpoint, member, store, bucket_name):
    own = boto3_client(endpoint, member)
    own.create_bucket(Bucket=bucket_name)
    own.put_object(Bucket=bucket_name, Key="k", Body=b"content")
    sts = sts_client(endpoint, member)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{TENANCY}:user/{member.user}"
    answer = sts.assume_role(
        RoleArn=f"arn:aws:iam::{TENANCY}:role/USER",
        RoleSessionName="job-17",
        DurationSeconds=900,
        Policy=READ_ONE_BUCKET.format(bucket_name),
    )
    assert answer["AssumedRoleUser"]["AssumedRoleId"] == f"{member.user}:job-17"
    s3 = s3_with(endpoint, answer["Credentials"])
    assert s3.get_object(Bucket=bucket_name, Key="k")["Body"].read() == b"content"
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket_name)["Contents"]] == ["k"]
    assert code_of(lambda: s3.put_object(Bucket=bucket_name, Key="new", Body=b"x")) == "AccessDenied"
    assert code_of(lambda: s3.delete_object(Bucket=bucket_name, Key="k")) == "AccessDenied"
    assert code_of(lambda: s3.list_buckets()) == "AccessDenied"


def test_boto3_session_token_in_links_and_forms(internal, member, http, bucket_name):
    credentials = sts_client(internal, member).get_session_token()["Credentials"]
    s3 = s3_with(internal, credentials)
    s3.create_bucket(Bucket=bucket_name)
    s3.put_object(Bucket=bucket_name, Key="a b+c", Body=b"content")
    for version in ("s3v4", "s3"):
        signer = s3_with(internal, credentials, signature_version=version)
        url = signer.generate_presigned_url("get_object", Params={"Bucket": bucket_name, "Key": "a b+c"})
        answer = http.request("GET", url)
        assert (answer.status, answer.data) == (200, b"content"), version
        assert signer.get_object(Bucket=bucket_name, Key="a b+c")["Body"].read() == b"content", version
        form = signer.generate_presigned_post(bucket_name, f"form-{version}")
        answer = http.request("POST", form["url"], fields={**form["fields"], "file": ("f", b"by a form")})
        assert answer.status == 204, answer.data
        assert s3.get_object(Bucket=bucket_name, Key=f"form-{version}")["Body"].read() == b"by a form"
    assert code_of(lambda: sts_client(internal).assume_role(RoleArn=f"arn:aws:iam::{TENANCY}:role/USER", RoleSessionName="xy")) == (
        "MissingAuthenticationToken"
    )


def test_sessions_are_revoked(internal, store, bucket_name):
    key = store.create_person("quinn", TENANCY, "USER")
    make = lambda: s3_with(internal, sts_client(internal, key).get_session_token()["Credentials"])
    first = make()
    first.list_buckets()
    store.admin("session", "revoke", "quinn")
    assert code_of(first.list_buckets) == "ExpiredToken"
    second = make()
    second.list_buckets()
    shown = store.admin("key", "show", key.access_key)
    assert shown["last_use"]["source"] == "127.0.0.1"
    store.admin("user", "disable", "quinn")
    assert code_of(second.list_buckets) == "AccessDenied"
    store.admin("user", "enable", "quinn")
    store.admin("key", "delete", key.access_key)
    assert code_of(second.list_buckets) == "ExpiredToken"


def test_narrow_keys(internal, member, store, bucket_name):
    own = boto3_client(internal, member)
    own.create_bucket(Bucket=bucket_name)
    own.put_object(Bucket=bucket_name, Key="in/k", Body=b"content")
    own.put_object(Bucket=bucket_name, Key="out/k", Body=b"content")

    def narrow(*arguments):
        made = store.admin("key", "create", "--tenancy", TENANCY, "--user", member.user, *arguments)
        return boto3_client(internal, Key(member.user, TENANCY, made["access_key"], made["secret_key"]))

    s3 = narrow("--read-only", "--bucket", f"{bucket_name}/in/", "--source", "127.0.0.0/8")
    assert s3.get_object(Bucket=bucket_name, Key="in/k")["Body"].read() == b"content"
    assert len(s3.list_objects_v2(Bucket=bucket_name, Prefix="in/")["Contents"]) == 1
    assert code_of(lambda: s3.put_object(Bucket=bucket_name, Key="in/new", Body=b"x")) == "AccessDenied"
    assert code_of(lambda: s3.get_object(Bucket=bucket_name, Key="out/k")) == "AccessDenied"
    assert code_of(lambda: s3.list_objects_v2(Bucket=bucket_name)) == "AccessDenied"
    elsewhere = narrow("--source", "192.0.2.0/24")
    assert code_of(lambda: elsewhere.get_object(Bucket=bucket_name, Key="in/k")) == "AccessDenied"


def test_aws_cli(endpoint, member, bucket_name, tmp_path):
    def aws(*arguments, credentials=None):
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        values = credentials or (member.access_key, member.secret_key)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        environment |= dict(zip(names, values)) | {
            "AWS_ENDPOINT_URL": endpoint.url, "AWS_CA_BUNDLE": str(endpoint.ca_file), "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        }
        done = subprocess.run(["aws", *arguments], capture_output=True, text=True, timeout=60, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert json.loads(aws("sts", "get-caller-identity"))["UserId"] == member.user
    arn = f"arn:aws:iam::{TENANCY}:role/USER"
    made = json.loads(aws("sts", "assume-role", "--role-arn", arn, "--role-session-name", "cli", "--duration-seconds", "900"))
    credentials = tuple(made["Credentials"][name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
    (tmp_path / "file").write_text("content")
    aws("s3", "mb", f"s3://{bucket_name}", credentials=credentials)
    aws("s3", "cp", str(tmp_path / "file"), f"s3://{bucket_name}/file", credentials=credentials)
    assert aws("s3", "cp", f"s3://{bucket_name}/file", "-", credentials=credentials) == "content"
    assert json.loads(aws("sts", "get-caller-identity", credentials=credentials))["UserId"] == f"{member.user}:cli"


def minio_with(endpoint, provider) -> Minio:
    http = urllib3.PoolManager(ca_certs=str(endpoint.ca_file), retries=False)
    return Minio(endpoint.netloc, credentials=provider, secure=endpoint.secure, http_client=http)


def test_minio_py(endpoint, person, oidc_provider, bucket_name):
    http = urllib3.PoolManager(ca_certs=str(endpoint.ca_file), retries=False)
    token = lambda: {"access_token": oidc_provider.token(person.user), "expires_in": 300}
    for number, provider in enumerate((
        AssumeRoleProvider(
            sts_endpoint=endpoint.url, access_key=person.access_key, secret_key=person.secret_key, duration_seconds=900,
            region="us-east-1", http_client=http,
        ),
        LdapIdentityProvider(endpoint.url, person.user, PASSWORD, http_client=http),
        WebIdentityProvider(jwt_provider_func=token, sts_endpoint=endpoint.url, http_client=http),
    )):
        minio = minio_with(endpoint, provider)
        name = f"{bucket_name}-{number}"
        minio.make_bucket(name)
        assert name in [bucket.name for bucket in minio.list_buckets()]


def test_web_identity(internal, person, member, oidc_provider):
    sts = sts_client(internal)

    def assume(token):
        arn = f"arn:aws:iam::{TENANCY}:role/USER"
        return sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="notebook", WebIdentityToken=token)

    answer = assume(oidc_provider.token(person.user))
    assert answer["SubjectFromWebIdentityToken"] == f"sub-{person.user}"
    assert answer["Provider"] == oidc_provider.issuer
    s3_with(internal, answer["Credentials"]).list_buckets()
    for code, token in [
        ("ExpiredTokenException", oidc_provider.token(person.user, exp=1)),
        ("IDPRejectedClaim", oidc_provider.token(person.user, aud="another")),
        ("IDPRejectedClaim", oidc_provider.token(person.user, iss="https://id.example.org")),
        ("InvalidIdentityToken", oidc_provider.token(person.user)[:-20]),
        ("AccessDenied", oidc_provider.token("nobody-here")),
    ]:
        assert code_of(lambda: assume(token)) == code, token


def test_the_sdk_renews_by_web_identity(internal, person, oidc_provider, tmp_path, monkeypatch):
    """As in a pod: the token in a file, everything else in the environment."""
    (tmp_path / "token").write_text(oidc_provider.token(person.user))
    for name, value in {
        "AWS_WEB_IDENTITY_TOKEN_FILE": tmp_path / "token",
        "AWS_ROLE_ARN": f"arn:aws:iam::{TENANCY}:role/USER",
        "AWS_ENDPOINT_URL": internal.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_SHARED_CREDENTIALS_FILE": tmp_path / "none",
        "AWS_CONFIG_FILE": tmp_path / "none",
    }.items():
        monkeypatch.setenv(name, str(value))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    boto3.session.Session().client("s3", config=Config(s3={"addressing_style": "path"})).list_buckets()
