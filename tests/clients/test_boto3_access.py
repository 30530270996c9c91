"""boto3 as different people: tenancies, roles, ACLs, keys that are wrong."""

import dataclasses
import datetime
import time

import pytest

from conftest import boto3_client
from store import OTHER_TENANCY
from test_boto3_objects import content, refused


@pytest.fixture
def of_member(internal, member):
    return boto3_client(internal, member)


@pytest.fixture
def of_other_member(internal, other_member):
    return boto3_client(internal, other_member)


@pytest.fixture
def of_neighbour(store, internal, neighbour):
    return boto3_client(store.internal(OTHER_TENANCY), neighbour)


def test_same_name_in_two_tenancies(s3, of_neighbour, bucket_name, store, neighbour):
    for client, body in ((s3, b"of atmos-o"), (of_neighbour, b"of ocean-o")):
        client.create_bucket(Bucket=bucket_name)
        client.put_object(Bucket=bucket_name, Key="k", Body=body)
    assert content(s3, bucket_name, "k") == b"of atmos-o"
    assert content(of_neighbour, bucket_name, "k") == b"of ocean-o"
    # No tenancy in the host name: that of the key that signed.
    assert content(boto3_client(store.localhost(), neighbour), bucket_name, "k") == b"of ocean-o"


def test_keys_of_another_tenancy(internal, neighbour, bucket):
    stranger = boto3_client(internal, neighbour)
    for call, arguments in ((stranger.list_buckets, {}), (stranger.list_objects_v2, {"Bucket": bucket})):
        assert refused(call, **arguments)[1] == 403
    assert refused(stranger.head_bucket, Bucket=bucket) == ("403", 403)


def test_a_user_reaches_its_own_buckets_alone(of_member, of_other_member, s3, bucket_name, member):
    of_member.create_bucket(Bucket=bucket_name)
    of_member.put_object(Bucket=bucket_name, Key="k", Body=b"mine")
    attempts = [
        (of_other_member.get_object, {"Key": "k"}),
        (of_other_member.put_object, {"Key": "k", "Body": b""}),
        (of_other_member.delete_object, {"Key": "k"}),
        (of_other_member.list_objects_v2, {}),
        (of_other_member.get_bucket_acl, {}),
        (of_other_member.create_multipart_upload, {"Key": "k"}),
        (of_other_member.delete_bucket, {}),
    ]
    for call, arguments in attempts:
        assert refused(call, Bucket=bucket_name, **arguments) == ("AccessDenied", 403), arguments
    assert bucket_name not in [bucket["Name"] for bucket in of_other_member.list_buckets()["Buckets"]]
    assert bucket_name in [bucket["Name"] for bucket in of_member.list_buckets()["Buckets"]]
    # A manager reaches every bucket.
    assert content(s3, bucket_name, "k") == b"mine"
    assert bucket_name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert s3.get_bucket_acl(Bucket=bucket_name)["Owner"]["ID"] == member.user


def test_deletion_of_many_is_decided_key_by_key(of_member, of_other_member, bucket_name):
    of_member.create_bucket(Bucket=bucket_name)
    of_member.put_object(Bucket=bucket_name, Key="k", Body=b"mine")
    try:
        answer = of_other_member.delete_objects(Bucket=bucket_name, Delete={"Objects": [{"Key": "k"}]})
        assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    except of_other_member.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
    assert content(of_member, bucket_name, "k") == b"mine"


def test_copies_need_both_ends(of_member, of_other_member, bucket_name):
    of_member.create_bucket(Bucket=bucket_name)
    of_member.put_object(Bucket=bucket_name, Key="k", Body=b"mine")
    of_other_member.create_bucket(Bucket=f"{bucket_name}-2")
    source = {"Bucket": bucket_name, "Key": "k"}
    assert refused(of_other_member.copy_object, Bucket=f"{bucket_name}-2", Key="k", CopySource=source) == ("AccessDenied", 403)
    of_member.put_object_acl(Bucket=bucket_name, Key="k", ACL="authenticated-read")
    of_other_member.copy_object(Bucket=f"{bucket_name}-2", Key="k", CopySource=source)
    assert content(of_other_member, f"{bucket_name}-2", "k") == b"mine"


def test_acls(of_member, of_other_member, bucket_name, internal, http, member):
    of_member.create_bucket(Bucket=bucket_name)
    url = f"{internal.url}/{bucket_name}/k"
    expected = {"private": (403, False), "public-read": (200, True), "authenticated-read": (403, True)}
    for acl, (anonymous_status, others_may_read) in expected.items():
        of_member.put_object(Bucket=bucket_name, Key="k", Body=b"x", ACL=acl)
        assert http.request("GET", url).status == anonymous_status, acl
        if others_may_read:
            assert content(of_other_member, bucket_name, "k") == b"x"
        else:
            assert refused(of_other_member.get_object, Bucket=bucket_name, Key="k") == ("AccessDenied", 403)
    grants = of_member.get_object_acl(Bucket=bucket_name, Key="k")["Grants"]
    assert {grant["Grantee"].get("ID", grant["Grantee"].get("URI")) for grant in grants} == {
        member.user, "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
    }
    assert http.request("PUT", url, body=b"y").status == 403
    of_member.put_bucket_acl(Bucket=bucket_name, ACL="public-read")
    assert http.request("GET", f"{internal.url}/{bucket_name}?list-type=2").status == 200
    of_member.put_bucket_acl(Bucket=bucket_name, ACL="public-read-write")
    assert http.request("PUT", f"{internal.url}/{bucket_name}/by nobody", body=b"y").status == 200
    of_member.put_bucket_acl(Bucket=bucket_name, ACL="private")
    assert http.request("GET", f"{internal.url}/{bucket_name}?list-type=2").status == 403


def test_wrong_keys(internal, manager, bucket, http):
    unknown = boto3_client(internal, dataclasses.replace(manager, access_key="0" * 32))
    assert refused(unknown.list_buckets) == ("InvalidAccessKeyId", 403)
    wrong = boto3_client(internal, dataclasses.replace(manager, secret_key="wrong"))
    assert refused(wrong.list_buckets) == ("SignatureDoesNotMatch", 403)
    answer = http.request("GET", internal.url)
    assert (answer.status, b"<Code>AccessDenied</Code>" in answer.data) == (403, True)
    # Who may not know is not told which buckets exist.
    for name in (bucket, "no-such-bucket-here"):
        assert http.request("GET", f"{internal.url}/{name}/k").status == 403, name


def test_revoked_and_expired_keys(store, internal, bucket_name):
    person = store.create_person(f"eve-{bucket_name[-6:]}", internal.host.split(".")[0], "USER")
    s3 = boto3_client(internal, person)
    s3.list_buckets()
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    key = store.admin(
        "key", "create", "--tenancy", person.tenancy, "--user", person.user, "--expires", end.strftime("%Y-%m-%dT%H:%M:%SZ")
    )
    expiring = boto3_client(internal, dataclasses.replace(person, access_key=key["access_key"], secret_key=key["secret_key"]))
    expiring.list_buckets()
    time.sleep(2.5)
    assert refused(expiring.list_buckets)[1] == 403
    store.admin("role", "revoke", person.tenancy, person.user, "--reason", "left")
    assert refused(s3.list_buckets)[1] == 403
    store.admin("role", "grant", person.tenancy, person.user, "USER")
    s3.list_buckets()
    store.admin("key", "delete", person.access_key)
    assert refused(s3.list_buckets) == ("InvalidAccessKeyId", 403)


def test_request_ids(s3, bucket, http, internal):
    metadata = s3.head_bucket(Bucket=bucket)["ResponseMetadata"]
    assert metadata["RequestId"] and metadata["HostId"]
    answer = http.request("GET", f"{internal.url}/{bucket}")
    request_id = answer.headers["x-amz-request-id"]
    assert f"<RequestId>{request_id}</RequestId>".encode() in answer.data
