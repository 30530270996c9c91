"""Policies of buckets: by boto3, by NLDS's and the JASMIN portal's documents, s3cmd, mc, the AWS CLI; read by xarray."""

import json

import pytest
import xarray as xr

from conftest import boto3_client
from dataset import make_dataset
from store import TENANCY
from test_aws_cli import api, aws_at
from test_boto3_objects import content, refused
from test_mc import mc_at
from test_s3cmd import s3cmd_at
from test_xarray_zarr import zarr_store


@pytest.fixture
def of_member(internal, member):
    return boto3_client(internal, member)


@pytest.fixture
def of_other_member(internal, other_member):
    return boto3_client(internal, other_member)


@pytest.fixture
def shared(of_member, bucket_name) -> str:
    """A bucket of the member's, with two objects."""
    of_member.create_bucket(Bucket=bucket_name)
    for key in ("public/a", "private/b"):
        of_member.put_object(Bucket=bucket_name, Key=key, Body=key.encode())
    return bucket_name


def aws(bucket, *statements) -> str:
    full = [{"Principal": "*", "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"], **each} for each in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": full})


def test_a_policy_comes_back_byte_for_byte(of_member, of_other_member, shared):
    assert refused(of_member.get_bucket_policy, Bucket=shared) == ("NoSuchBucketPolicy", 404)
    document = aws(shared, {"Sid": "é", "Effect": "Allow", "Action": "s3:GetObject"}).replace(": ", "  :\n ")
    of_member.put_bucket_policy(Bucket=shared, Policy=document)
    assert of_member.get_bucket_policy(Bucket=shared)["Policy"] == document
    assert of_member.get_bucket_policy_status(Bucket=shared)["PolicyStatus"]["IsPublic"] is True
    assert content(of_other_member, shared, "private/b") == b"private/b"
    for call in (of_other_member.get_bucket_policy, of_other_member.delete_bucket_policy):
        assert refused(call, Bucket=shared) == ("AccessDenied", 403)
    of_member.delete_bucket_policy(Bucket=shared)
    assert refused(of_other_member.get_object, Bucket=shared, Key="private/b") == ("AccessDenied", 403)
    with pytest.raises(of_member.exceptions.ClientError, match=r"Statement\[0\]\.Action"):
        of_member.put_bucket_policy(Bucket=shared, Policy=aws(shared, {"Effect": "Allow", "Action": "s3:GetObjekt"}))


def test_two_editors(of_member, shared):
    """What boto3 has no argument for goes into its requests as headers."""
    first, second = (aws(shared, {"Sid": sid, "Effect": "Deny", "Action": "s3:DeleteBucket"}) for sid in ("one", "two"))
    of_member.put_bucket_policy(Bucket=shared, Policy=first)
    etag = of_member.get_bucket_policy(Bucket=shared)["ResponseMetadata"]["HTTPHeaders"]["etag"]

    def only_if_unchanged(params, **_):
        params["headers"]["If-Match"] = etag

    of_member.meta.events.register("before-call.s3.PutBucketPolicy", only_if_unchanged)
    of_member.put_bucket_policy(Bucket=shared, Policy=second)
    assert refused(of_member.put_bucket_policy, Bucket=shared, Policy=first) == ("PreconditionFailed", 412)
    assert of_member.get_bucket_policy(Bucket=shared)["Policy"] == second


def test_conditions(of_member, of_other_member, shared, internal, http):
    url = f"{internal.url}/{shared}"

    def put(action, condition):
        of_member.put_bucket_policy(Bucket=shared, Policy=aws(shared, {"Effect": "Allow", "Action": action, "Condition": condition}))

    put("s3:GetObject", {"IpAddress": {"aws:SourceIp": ["127.0.0.0/8", "::1/128"]}})
    assert http.request("GET", f"{url}/public/a").status == 200
    put("s3:GetObject", {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
    assert http.request("GET", f"{url}/public/a").status == 403
    put("s3:ListBucket", {"StringLike": {"s3:prefix": "public/*"}})
    listed = of_other_member.list_objects_v2(Bucket=shared, Prefix="public/")
    assert [each["Key"] for each in listed["Contents"]] == ["public/a"]
    assert refused(of_other_member.list_objects_v2, Bucket=shared) == ("AccessDenied", 403)
    put("s3:GetObject", {"StringLike": {"aws:Referer": "http://example.org/*"}})
    assert http.request("GET", f"{url}/public/a", headers={"Referer": "http://example.org/map"}).status == 200
    assert http.request("GET", f"{url}/public/a", headers={"Referer": "http://example.com/map"}).status == 403


def test_a_deny_binds_managers_but_for_the_policy(s3, shared):
    s3.put_bucket_policy(Bucket=shared, Policy=aws(shared, {"Effect": "Deny", "Action": "s3:*"}))
    assert refused(s3.get_object, Bucket=shared, Key="public/a") == ("AccessDenied", 403)
    assert refused(s3.list_objects_v2, Bucket=shared) == ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket=shared)
    assert content(s3, shared, "public/a") == b"public/a"


def test_the_jasmin_portal(of_member, of_other_member, shared, other_member, internal, http):
    """What its pages send: the skeleton, statements added and removed by index, fields that were left empty."""
    policy = {"Version": "2008-10-17", "Id": f"{shared} policy", "Statement": []}
    of_member.put_bucket_policy(Bucket=shared, Policy=json.dumps(policy))

    def change(edit):
        read = json.loads(of_member.get_bucket_policy(Bucket=shared)["Policy"])
        edit(read["Statement"])
        of_member.put_bucket_policy(Bucket=shared, Policy=json.dumps(read))

    def statement(sid, principal, actions, effect="Allow"):
        return {"Sid": sid, "Effect": effect, "Principal": principal, "Action": actions, "Resource": "*"}

    url = f"{internal.url}/{shared}/public/a"
    change(lambda statements: statements.append(statement("read-only-all", {"anonymous": ["*"]}, ["GetObject"])))
    assert http.request("GET", url).status == 200
    change(lambda statements: statements.append(statement("no", {"anonymous": ["*"]}, ["*"], effect="Deny")))
    assert http.request("GET", url).status == 403
    change(lambda statements: statements.clear())
    grant = {"user": [""], "group": [f"{TENANCY}-members"]}
    change(lambda statements: statements.append(statement("grant", grant, ["*"])))
    of_other_member.put_object(Bucket=shared, Key="by another", Body=b"x")
    assert http.request("GET", url).status == 403
    change(lambda statements: statements.pop(0))
    assert refused(of_other_member.get_object, Bucket=shared, Key="public/a") == ("AccessDenied", 403)
    change(lambda statements: statements.append(statement("grant", {"user": [other_member.user], "group": []}, "*")))
    assert content(of_other_member, shared, "public/a") == b"public/a"


def test_nlds(of_member, of_other_member, shared, other_member):
    """A group may list and read, and the service may do everything."""
    reads = ["ListBucket", "GetBucket", "CopyBucket", "GetObject", "CopyObject"]
    policy = {
        "Version": "2008-10-17",
        "Id": "nlds policy",
        "Statement": [
            {"Sid": "group", "Effect": "Allow", "Principal": {"user": [], "group": [f"{TENANCY}-members"]}, "Action": reads,
             "Resource": "/*"},
            {"Sid": "nlds", "Effect": "Allow", "Principal": {"user": ["nlds"]}, "Action": ["*"], "Resource": "/*"},
        ],
    }
    of_member.put_bucket_policy(Bucket=shared, Policy=json.dumps(policy))
    assert content(of_other_member, shared, "private/b") == b"private/b"
    assert of_other_member.list_objects_v2(Bucket=shared)["KeyCount"] == 2
    assert refused(of_other_member.put_object, Bucket=shared, Key="k", Body=b"") == ("AccessDenied", 403)
    assert refused(of_other_member.put_bucket_policy, Bucket=shared, Policy=json.dumps(policy)) == ("AccessDenied", 403)


def test_ownership_and_public_access_block(of_member, of_other_member, shared, internal, http, other_member):
    assert refused(of_member.get_bucket_ownership_controls, Bucket=shared) == ("OwnershipControlsNotFoundError", 404)
    of_member.put_bucket_policy(Bucket=shared, Policy=aws(shared, {"Effect": "Allow", "Action": "s3:PutObject"}))
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    of_member.put_bucket_ownership_controls(Bucket=shared, OwnershipControls=rules)
    assert of_member.get_bucket_ownership_controls(Bucket=shared)["OwnershipControls"] == rules
    refusal = refused(of_member.put_object, Bucket=shared, Key="k", Body=b"", ACL="public-read")
    assert refusal == ("AccessControlListNotSupported", 400)
    of_other_member.put_object(Bucket=shared, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    assert of_member.get_object_acl(Bucket=shared, Key="k")["Owner"]["ID"] != other_member.user
    of_member.delete_bucket_ownership_controls(Bucket=shared)

    block = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    of_member.put_object(Bucket=shared, Key="open", Body=b"x", ACL="public-read")
    assert http.request("GET", f"{internal.url}/{shared}/open").status == 200
    of_member.put_public_access_block(Bucket=shared, PublicAccessBlockConfiguration=block)
    assert of_member.get_public_access_block(Bucket=shared)["PublicAccessBlockConfiguration"] == block
    assert http.request("GET", f"{internal.url}/{shared}/open").status == 403
    assert refused(of_member.put_bucket_acl, Bucket=shared, ACL="public-read") == ("AccessDenied", 403)
    public = aws(shared, {"Effect": "Allow", "Action": "s3:GetObject"})
    assert refused(of_member.put_bucket_policy, Bucket=shared, Policy=public) == ("AccessDenied", 403)
    of_member.delete_public_access_block(Bucket=shared)
    assert http.request("GET", f"{internal.url}/{shared}/open").status == 200


def test_s3cmd(internal, member, tmp_path, shared, http):
    s3cmd = s3cmd_at(internal, member, tmp_path)
    document = aws(shared, {"Effect": "Allow", "Action": "s3:GetObject"})
    (tmp_path / "policy.json").write_text(document)
    s3cmd("setpolicy", tmp_path / "policy.json", f"s3://{shared}")
    assert document in s3cmd("info", f"s3://{shared}")
    assert http.request("GET", f"{internal.url}/{shared}/public/a").status == 200
    s3cmd("delpolicy", f"s3://{shared}")
    assert http.request("GET", f"{internal.url}/{shared}/public/a").status == 403
    s3cmd("setacl", "--acl-public", f"s3://{shared}/public/a")
    assert "anon" in s3cmd("info", f"s3://{shared}/public/a")
    assert http.request("GET", f"{internal.url}/{shared}/public/a").status == 200
    s3cmd("setacl", "--acl-private", f"s3://{shared}/public/a")
    assert http.request("GET", f"{internal.url}/{shared}/public/a").status == 403


def test_mc_anonymous(internal, member, tmp_path, shared, http):
    mc = mc_at(internal, member, tmp_path)
    mc("anonymous", "set", "download", f"store/{shared}")
    assert "download" in mc("anonymous", "get", f"store/{shared}")
    assert http.request("GET", f"{internal.url}/{shared}/public/a").status == 200
    assert http.request("PUT", f"{internal.url}/{shared}/public/a", body=b"").status == 403
    mc("anonymous", "set", "private", f"store/{shared}")
    assert http.request("GET", f"{internal.url}/{shared}/public/a").status == 403


def test_aws_cli(internal, member, tmp_path, shared):
    cli = aws_at(internal, member, tmp_path)
    document = aws(shared, {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"]})
    api(cli, "put-bucket-policy", "--bucket", shared, "--policy", document)
    assert api(cli, "get-bucket-policy", "--bucket", shared)["Policy"] == document
    assert api(cli, "get-bucket-policy-status", "--bucket", shared)["PolicyStatus"]["IsPublic"] is True
    api(cli, "delete-bucket-policy", "--bucket", shared)
    api(cli, "create-bucket", "--bucket", f"{shared}-2", "--object-ownership", "BucketOwnerEnforced")
    controls = api(cli, "get-bucket-ownership-controls", "--bucket", f"{shared}-2")
    assert controls["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_explained_by_the_administration(store, shared, of_member, other_member):
    of_member.put_bucket_policy(
        Bucket=shared,
        Policy=aws(shared, {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{shared}/public/*"}),
    )
    asked = ("policy", "explain", TENANCY, shared)
    told = store.admin(*asked, "public/a", "--as", other_member.user, "--action", "s3:GetObject")
    assert told["allowed"] and told["statements"][0].get("misses") is None
    told = store.admin(*asked, "private/b", "--anonymous", "--action", "s3:GetObject")
    assert not told["allowed"] and told["statements"][0]["misses"] == "Resource"
    who = store.admin("policy", "who", TENANCY, shared, "public/a")
    assert {each["kind"] for each in who if each["allowed"]} >= {"public", "logged-in", "person"}
    assert any("everyone" in finding["message"] for finding in store.admin("policy", "lint", TENANCY, shared))


def test_a_public_zarr_store(internal, manager, s3, bucket):
    """CMIP6's way: everyone may read and list, and no object has an ACL of its own."""
    dataset = make_dataset()
    store = zarr_store(internal, manager, f"{bucket}/public.zarr")
    dataset.to_zarr(store, zarr_format=2, consolidated=True)
    options = {"anon": True, "client_kwargs": {"endpoint_url": internal.url}}
    everyone = {"Effect": "Allow", "Principal": {"anonymous": ["*"]}, "Action": ["GetObject", "ListBucket"], "Resource": "/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2008-10-17", "Statement": [everyone]}))
    with xr.open_zarr(f"s3://{bucket}/public.zarr", storage_options=options, consolidated=True) as read:
        xr.testing.assert_identical(read.load(), dataset)
