"""Tokens as the programs of a Swarm site make them, and what those programs then do with S3.

The requests are those of JASMIN's object store portal and of the client of NLDS, sent as they send them: with urllib3,
header for header, to the port that is 81 there, and with boto3.
"""

import base64
import json
import random
import string
from datetime import datetime, timedelta

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

from store import TENANCY

PASSWORD = "correct horse battery"
# All actions of the form of JASMIN's portal.
ACTIONS = (
    "ListBucket,GetBucket,DeleteBucket,CopyBucket,GetBucketAcl,PutBucketAcl,GetBucketCORS,PutBucketCORS,"
    "GetBucketObjectLocking,PutBucketObjectLocking,GetObject,PutObject,DeleteObject,CreateObject,CopyObject,AppendObject,"
    "GetObjectAcl,PutObjectAcl,GetObjectRetention,PutObjectRetention,PutObjectLegalHold,BypassGovernanceRetention"
).split(",")


@pytest.fixture(scope="module")
def mary(store):
    store.create_person("mary", TENANCY, "USER", PASSWORD)
    return "mary"


@pytest.fixture
def tokens(store, internal):
    """Sends a request to `/.TOKEN/` of the tenancy."""
    http = urllib3.PoolManager()
    url = store.legacy(TENANCY).url + "/.TOKEN/"

    def send(method, path="", headers=None, basic=None):
        headers = dict(headers or {})
        if basic:
            headers["Authorization"] = "Basic " + base64.b64encode(":".join(basic).encode()).decode()
        return http.request(method, url + path, headers=headers, retries=False)

    return send


def s3(internal, access_key, secret_key):
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client(
        "s3", endpoint_url=internal.url, aws_access_key_id=access_key, aws_secret_access_key=secret_key,
        region_name="us-east-1", config=config,
    )


def test_a_key_of_nlds_reads_and_writes(tokens, internal, mary):
    new_name = f"nlds.{random.getrandbits(64):x}"
    secret = "".join(random.choices(string.ascii_letters + string.digits, k=64))
    headers = {
        "X-User-Secret-Key-Meta": secret,
        "X-Custom-Meta-Source": f"NLDS access key for user: {mary}",
        "X-User-Token-Expires-Meta": (datetime.today() + timedelta(weeks=26)).strftime("%Y-%m-%d"),
    }
    answer = tokens("POST", headers=headers, basic=(mary, PASSWORD))
    assert answer.status == 201, answer.data
    client = s3(internal, answer.data.decode().split()[1], secret)
    client.create_bucket(Bucket=new_name)
    # What NLDS writes for a group and itself, with the call that it uses.
    policy = {
        "Version": "2008-10-17",
        "Id": f"{new_name} policy",
        "Statement": [
            {"Sid": "Read-only access for group", "Effect": "Allow",
             "Principal": {"user": [], "group": [f"{TENANCY}-members"]},
             "Action": ["ListBucket", "GetBucket", "CopyBucket", "GetObject", "CopyObject"], "Resource": "*"},
            {"Sid": "Full access for nlds", "Effect": "Allow", "Principal": {"user": ["nlds"]}, "Action": ["*"],
             "Resource": "*"},
        ],
    }
    with pytest.raises(ClientError) as error:
        client.get_bucket_policy(Bucket=new_name)
    assert error.value.response["Error"]["Code"] == "NoSuchBucketPolicy"
    document = json.dumps(policy)
    client.put_bucket_policy(Bucket=new_name, Policy=document)
    assert client.get_bucket_policy(Bucket=new_name)["Policy"] == document
    client.put_object(Bucket=new_name, Key="/gws/nopw/j04/file", Body=b"tape")
    assert client.get_object(Bucket=new_name, Key="/gws/nopw/j04/file")["Body"].read() == b"tape"
    owner = client.get_bucket_acl(Bucket=new_name)["Owner"]
    assert owner == {"DisplayName": mary, "ID": mary}
    client.delete_object(Bucket=new_name, Key="/gws/nopw/j04/file")
    client.delete_bucket(Bucket=new_name)


def test_what_nlds_is_told_of_failures(tokens, store, internal, mary, neighbour):
    headers = {"X-User-Secret-Key-Meta": "x" * 64, "X-User-Token-Expires-Meta": "2020-01-01"}
    assert tokens("POST", headers=headers, basic=(mary, PASSWORD)).status == 400
    headers["X-User-Token-Expires-Meta"] = "+30"
    assert tokens("POST", headers=headers, basic=(mary, "wrong")).status == 401
    store.admin("user", "set-password", "dora", stdin=PASSWORD)
    assert tokens("POST", headers=headers, basic=("dora", PASSWORD)).status == 403


def test_the_story_of_jasmins_portal(tokens, internal, mary, member):
    listed = tokens("GET", "?format=json", basic=(mary, PASSWORD))
    assert listed.status == 200
    expires = (datetime.today() + timedelta(weeks=1)).strftime("%Y-%m-%d")
    own = {"X-Custom-Meta-Source": "JASMIN account auth access key", "X-User-Token-Expires-Meta": expires}
    made = tokens("POST", headers=own, basic=(mary, PASSWORD))
    token = made.data.decode().split()[1]
    cookie = {"Cookie": "token=" + token}
    for_s3 = {
        "X-User-Secret-Key-Meta": "a secret of the server's".replace(" ", "-"),
        "X-Custom-Meta-Source": "JASMIN account auth access key S3",
        "X-User-Token-Expires-Meta": expires,
        **cookie,
    }
    access_key = tokens("POST", headers=for_s3).data.decode().split()[1]
    client = s3(internal, access_key, for_s3["X-User-Secret-Key-Meta"])
    bucket = f"portal-{random.getrandbits(64):x}"
    client.create_bucket(Bucket=bucket)
    assert bucket in [one["Name"] for one in client.list_buckets()["Buckets"]]

    # *Create Bucket Policy*: read what there is, add a statement, put all of it.
    def statements():
        try:
            return json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError:
            return {"Version": "2008-10-17", "Id": f"{bucket} policy", "Statement": []}

    def put(policy):
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))

    for sid, principal, action in [
        ("read-only-all", {"anonymous": ["*"]}, ["GetObject"]),
        ("read-only-users", {"user": ["*"]}, ["GetObject"]),
        ("full-access-users", {"user": ["*"]}, ["*"]),
        ("uploads-no-login", {"anonymous": ["*"]}, ["CopyObject", "CreateObject", "PutObject"]),
        ("bucket-manage-users", {"user": ["*"]},
         ["CopyBucket", "CreateBucket", "DeleteBucket", "GetBucket", "ListBucket"]),
        ("share", {"user": [""], "group": [f"{TENANCY}-members"]}, ["*"]),
        ("share", {"user": [member.user], "group": [""]}, ACTIONS[:-1]),
    ]:
        policy = statements()
        policy["Statement"].append(
            {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}
        )
        put(policy)
    assert len(statements()["Statement"]) == 7
    theirs = s3(internal, member.access_key, member.secret_key)
    theirs.put_object(Bucket=bucket, Key="shared", Body=b"by another member")
    anonymous = urllib3.request("GET", f"{internal.url}/{bucket}/shared")
    assert (anonymous.status, anonymous.data) == (200, b"by another member")
    for _ in range(7):
        policy = statements()
        del policy["Statement"][0]
        put(policy)
    assert statements()["Statement"] == []
    assert urllib3.request("GET", f"{internal.url}/{bucket}/shared").status == 403
    with pytest.raises(ClientError):
        theirs.put_object(Bucket=bucket, Key="shared", Body=b"no longer")

    # *View Keys* and *Delete*.
    shown = json.loads(tokens("GET", "?format=json", headers=cookie).data)
    by_name = {one["name"]: one for one in shown}
    assert by_name[token]["x_custom_meta_source"] == "JASMIN account auth access key"
    for one in shown:
        datetime.strptime(one["last_modified"].split("T")[0], "%Y-%m-%d")
        datetime.strptime(one["lifepoint"].split("]")[0], "[%a, %d %b %Y %H:%M:%S %Z")
        assert one["x_owner_meta"] == mary
    client.delete_object(Bucket=bucket, Key="shared")
    client.delete_bucket(Bucket=bucket)
    assert tokens("DELETE", access_key, headers=cookie).status == 200
    assert tokens("DELETE", access_key, headers=cookie).status == 400
    with pytest.raises(ClientError):
        client.list_buckets()


def test_the_same_paths_at_the_portals_address(store, mary):
    basic = urllib3.make_headers(basic_auth=f"{mary}:{PASSWORD}")
    url = f"{store.portal_url}/.TOKEN/?format=json&domain={TENANCY}"
    assert urllib3.request("GET", url, headers=basic).status == 200
    assert urllib3.request("GET", f"{store.portal_url}/_admin/manage/version").json()["version"]
