"""The portal in a real browser: what each page looks like to axe at two widths, and the way from the first log-in to data
that the world reads, with JavaScript and without."""

import json
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
import pytest
from playwright.sync_api import Page, expect

from portal import axe_finds_nothing, is_sound, is_sound_as_it_is, log_in
from store import TENANCY

PASSWORDS = {"mia": "mia manages this", "udo": "udo uses this", "eva": "eva is elsewhere", "opal": "opal operates this"}
PREVIEWED = {
    "README.md": b"# Surface temperature\n\nMonthly *means*, see [the paper](https://example.org/paper).\n\n| a | b |\n|-|-|\n| 1 | 2 |\n\n```\nncdump -h\n```\n",
    "stations.csv": b"name,lat,lon\nEskdalemuir,55.3,-3.2\n",
    ".zattrs": b'{"title": "means", "bounds": [1, 2]}',
    "page.html": b"<script>document.title = 'ran'</script>" + b"long " * 100,
    "plot.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="80" height="60"><script>parent.document.title = "ran"</script>'
    b'<circle cx="40" cy="30" r="20"/></svg>',
    "data.bin": bytes(range(256)),
}


def s3_of(endpoint, key):
    return boto3.client(
        "s3", endpoint_url=endpoint.url, aws_access_key_id=key.access_key, aws_secret_access_key=key.secret_key
    )


@pytest.fixture(scope="module")
def people(store):
    store.create_person("mia", TENANCY, "MANAGER", PASSWORDS["mia"])
    store.create_person("udo", TENANCY, "USER", PASSWORDS["udo"])
    for name in ("eva", "opal"):
        store.admin("user", "create", name, "--password-stdin", stdin=PASSWORDS[name])


def open_portal(chromium, store, name: str, javascript: bool = True) -> Page:
    return log_in(chromium, store, name, PASSWORDS[name], javascript)


def test_every_page_is_sound(chromium, store, people, manager, internal, screenshots):
    page = open_portal(chromium, store, "mia")
    page.goto(f"/object-stores/{TENANCY}/buckets/")
    page.fill("#bucket", "portal-pages")
    page.get_by_role("button", name="Create").click()
    s3 = s3_of(internal, manager)
    s3.put_bucket_versioning(Bucket="portal-pages", VersioningConfiguration={"Status": "Enabled"})
    rules = [{"AllowedOrigins": ["https://a.example.org"], "AllowedMethods": ["GET"]}]
    s3.put_bucket_cors(Bucket="portal-pages", CORSConfiguration={"CORSRules": rules})
    for key, body in PREVIEWED.items():
        s3.put_object(Bucket="portal-pages", Key=key, Body=body, Metadata={"project": "CMIP6"})
    s3.put_object(Bucket="portal-pages", Key="deleted.txt", Body=b"x")
    s3.delete_object(Bucket="portal-pages", Key="deleted.txt")
    store_path, bucket = f"/object-stores/{TENANCY}", f"/object-stores/{TENANCY}/buckets/portal-pages"
    for path in (
        "/object-stores/",
        f"{store_path}/keys/",
        f"{store_path}/keys/new",
        f"{store_path}/buckets/",
        f"{bucket}/",
        f"{bucket}/objects/",
        *(f"{bucket}/objects/object?key={key}" for key in PREVIEWED),
        f"{bucket}/objects/object?key=deleted.txt",
        f"{bucket}/objects/deleted",
        f"{bucket}/objects/share?key=README.md",
        f"{bucket}/access",
        f"{bucket}/policies/",
        f"{bucket}/policies/new",
        f"{bucket}/policies/edit",
        "/services/",
        "/services/my/",
        f"/services/{TENANCY}/",
        f"/services/{TENANCY}/members/",
        f"/services/{TENANCY}/apply/USER",
        f"/services/{TENANCY}/message",
        "/requests/",
        "/inbox/",
        "/account/",
        "/confirm",
        f"{store_path}/usage/",
        f"{store_path}/usage/?range=12m",
        "/_admin/portal/",
        f"/_admin/portal/{TENANCY}/",
        f"/_admin/portal/{TENANCY}/properties",
        f"/_admin/portal/{TENANCY}/permissions",
        f"/_admin/portal/{TENANCY}/tokens/",
    ):
        is_sound(page, path, screenshots)


def test_every_page_of_operators_is_sound(chromium, store, people, screenshots):
    page = open_portal(chromium, store, "opal")
    page.goto("/operate/tenancies/new")
    page.fill("#tenancy", "made-in-portal-o")
    page.fill("#quota", "10 GiB")
    page.fill("#manager", "mia")
    page.get_by_role("button", name="Create the tenancy").click()
    expect(page.get_by_role("status")).to_have_text("The tenancy is created.")
    made = "/operate/tenancies/made-in-portal-o"
    for path in (
        "/operate/tenancies/",
        "/operate/tenancies/new",
        f"{made}/",
        f"{made}/quotas/",
        f"{made}/members/",
        f"{made}/usage/",
        "/operate/people/",
        "/operate/people/mia/",
        "/operate/requests/",
        "/operate/usage",
        "/operate/audit/",
        "/operate/health/?check=directory",
    ):
        is_sound(page, path, screenshots)
    expect(page.locator("tr", has_text="meter_usage")).to_contain_text("item")


def test_an_operator_suspends_and_reactivates(chromium, store, people):
    opal = open_portal(chromium, store, "opal")
    store.admin("user", "create", "sue", "--password-stdin", stdin="sue is suspended")
    opal.goto("/operate/people/?search=sue")
    opal.get_by_role("link", name="sue").click()
    opal.locator("summary", has_text="Suspend").click()
    opal.fill("#reason", "on leave")
    opal.get_by_role("button", name="Suspend sue").click()
    expect(opal.get_by_role("status")).to_contain_text("The person is suspended")
    opal.get_by_role("button", name="Reactivate sue").click()
    expect(opal.get_by_role("status")).to_contain_text("The person is reactivated")
    opal.goto("/operate/audit/?actor=opal&action=user.*")
    expect(opal.locator("tbody tr")).to_have_count(2)
    with opal.expect_download() as download:
        opal.get_by_role("link", name="Export as JSON lines").click()
    lines = Path(download.value.path()).read_text().splitlines()
    assert [json.loads(line)["entry"]["action"] for line in lines] == ["user.suspend", "user.reactivate"]
    mia = open_portal(chromium, store, "mia")
    assert mia.goto("/operate/tenancies/").status == 404


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_from_the_first_log_in_to_shared_data(chromium, store, people, internal, javascript):
    """A member makes a bucket and a key, writes with it, and opens the bucket to the world by a preset."""
    page = open_portal(chromium, store, "udo", javascript)
    bucket = f"shared-{'with' if javascript else 'without'}-script"
    page.goto(f"/object-stores/{TENANCY}/buckets/")
    page.fill("#bucket", bucket)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("status")).to_have_text("The bucket is created.")

    page.goto(f"/object-stores/{TENANCY}/keys/new")
    page.fill("#description", "browser test")
    page.select_option("#expires", "30")
    page.get_by_role("button", name="Create the key").click()
    access_key, secret_key = page.locator("dl.facts code").all_inner_texts()
    copy = page.locator("button.copy").first
    assert copy.is_visible() == javascript, "buttons that copy need a script"
    assert f"endpoint = https://{TENANCY}." in page.content(), "configurations have the address from outside"
    s3 = boto3.client(
        "s3", endpoint_url=internal.url, aws_access_key_id=access_key, aws_secret_access_key=secret_key
    )
    s3.put_object(Bucket=bucket, Key="README", Body=b"for everyone")
    page.goto(f"/object-stores/{TENANCY}/keys/")
    expect(page.locator("tr", has_text=access_key)).to_contain_text("PutObject")

    url = f"{internal.url}/{bucket}/README"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url)
    page.goto(f"/object-stores/{TENANCY}/buckets/{bucket}/policies/new")
    page.check("input[value=read-only-all]")
    page.locator("form", has=page.locator("input[value=read-only-all]")).get_by_role("button").click()
    expect(page.get_by_role("row", name="Everyone, without logging in")).to_contain_text("read objects")
    page.get_by_role("button", name="Save the policy").click()
    expect(page.get_by_role("status")).to_contain_text("The policy is saved")
    assert urllib.request.urlopen(url).read() == b"for everyone"


def test_a_stranger_applies_and_a_manager_lets_in(chromium, store, people):
    eva, mia = open_portal(chromium, store, "eva"), open_portal(chromium, store, "mia")
    expect(eva.locator(".empty")).to_contain_text("You belong to no object store yet")
    eva.goto("/services/")
    eva.get_by_role("link", name=f"Apply for access to {TENANCY}").click()
    eva.fill("#reason", "To compare with our model")
    eva.get_by_role("button", name="Submit").click()
    expect(eva.locator("h1")).to_contain_text("PENDING")

    mia.goto("/requests/")
    mia.locator("tr", has_text="eva").get_by_role("link").click()
    mia.get_by_role("button", name="Approve").click()
    expect(mia.locator("h1")).to_contain_text("APPROVED")
    eva.goto("/object-stores/")
    expect(eva.locator(".card")).to_contain_text(TENANCY)


def test_nothing_foreign_runs_and_wrong_passwords_are_told(chromium, store, people):
    page = chromium.new_context(base_url=store.portal_url).new_page()
    refused = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto("/login")
    page.evaluate("() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s) }")
    assert page.evaluate("window.ran") is None
    assert any("Content Security Policy" in text for text in refused), refused
    page.fill("#name", "udo")
    page.fill("#password", "guess")
    page.click("main button")
    expect(page.get_by_role("alert")).to_contain_text("is not right")


def test_folders_are_walked_and_an_object_is_saved(chromium, store, people, manager, internal):
    s3 = boto3.client(
        "s3",
        endpoint_url=internal.url,
        aws_access_key_id=manager.access_key,
        aws_secret_access_key=manager.secret_key,
    )
    s3.create_bucket(Bucket="folders")
    script = b"<script>document.title = 'ran'</script>"
    for key in ("top.txt", "run 1/a&b/page.html", "run 1/other.bin"):
        s3.put_object(Bucket="folders", Key=key, Body=script, ContentType="text/html")
    for number in range(250):
        s3.put_object(Bucket="folders", Key=f"many/{number:04}", Body=b"")
    page = open_portal(chromium, store, "mia")
    page.goto(f"/object-stores/{TENANCY}/buckets/folders/objects/")
    expect(page.get_by_role("row", name="top.txt")).to_contain_text("39 B")
    page.get_by_role("link", name="run 1/").click()
    page.get_by_role("link", name="a&b/").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download page.html").click()
    assert download.value.suggested_filename == "page.html"
    assert Path(download.value.path()).read_bytes() == script
    page.get_by_role("navigation", name="Folder").get_by_role("link", name="run 1").click()
    expect(page.get_by_role("link", name="Download other.bin")).to_be_visible()
    # Even asked for as a page, stored HTML is saved and not shown.
    reply = page.request.get(f"/object-stores/{TENANCY}/buckets/folders/objects/download?key=top.txt")
    assert reply.headers["content-disposition"].startswith("attachment") and reply.body() == script
    page.goto(f"/object-stores/{TENANCY}/buckets/folders/objects/?prefix=many/")
    assert page.get_by_role("link", name="Download").count() == 200
    page.get_by_role("link", name="Next").click()
    assert page.get_by_role("link", name="Download").count() == 50

    udo = open_portal(chromium, store, "udo")
    assert udo.goto(f"/object-stores/{TENANCY}/buckets/folders/objects/").status == 404
    assert udo.request.get(f"/object-stores/{TENANCY}/buckets/folders/objects/download?key=top.txt").status == 403


def test_a_member_logs_in_with_the_identity_provider(chromium, store, people, oidc_provider):
    oidc_provider.remembered = None
    page = chromium.new_context(base_url=store.portal_url).new_page()
    page.goto("/services/my/")
    page.get_by_role("link", name="Log in with your institution").click()
    page.fill("#user", "udo")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("h1")).to_have_text("My services")
    expect(page.locator(".person")).to_contain_text("udo")
    # The provider has just asked for the password, so it is not asked for again.
    page.goto(f"/object-stores/{TENANCY}/keys/new")
    expect(page.locator("h1")).to_have_text("Create a key")
    logged_in = store.admin("audit", "list", "--action", "login.begin", "--actor", "anonymous")
    assert any(line["entry"]["target"] == "login oidc callback" for line in logged_in), logged_in

    # Somebody whom the provider remembers from long ago gives the password again, there or here.
    oidc_provider.remembered = ("udo", int(time.time()) - 7200)
    page = chromium.new_context(base_url=store.portal_url).new_page()
    page.goto("/login?next=/account/")
    page.get_by_role("link", name="Log in with your institution").click()
    expect(page.locator("h1")).to_have_text("Your account")
    page.goto(f"/object-stores/{TENANCY}/keys/new")
    expect(page.locator("h1")).to_have_text("Please confirm your password")
    page.get_by_role("link", name="Confirm with your institution").click()
    assert oidc_provider.asked[-1]["prompt"] == "login" and oidc_provider.asked[-1]["max_age"] == "0"
    page.fill("#user", "mia")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("another person")
    page.get_by_role("link", name="Confirm with your institution").click()
    page.fill("#user", "udo")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("h1")).to_have_text("Create a key")


def test_a_group_of_the_identity_provider_opens_a_bucket(chromium, store, people, manager, internal, oidc_provider):
    s3 = s3_of(internal, manager)
    s3.create_bucket(Bucket="of-the-lab")
    allowed = {"Effect": "Allow", "Principal": {"user": [], "group": ["lab"]}, "Resource": "*"}
    allowed["Action"] = ["ListBucket", "GetObject", "PutObject"]
    s3.put_bucket_policy(Bucket="of-the-lab", Policy=json.dumps({"Version": "2008-10-17", "Statement": [allowed]}))
    objects = f"/object-stores/{TENANCY}/buckets/of-the-lab/objects/"
    assert open_portal(chromium, store, "udo").goto(objects).status == 404, "his password says nothing of groups"

    oidc_provider.remembered = ("udo", int(time.time()))
    oidc_provider.groups = {"udo": ["lab"]}
    try:
        page = chromium.new_context(base_url=store.portal_url).new_page()
        page.goto(f"/login?next=/object-stores/{TENANCY}/buckets/")
        page.get_by_role("link", name="Log in with your institution").click()
    finally:
        oidc_provider.groups = {}
    page.get_by_role("link", name="of-the-lab").first.click()
    page.goto(objects)
    # The script sends it to the store, at an address that is signed for the login.
    page.locator(".dropping input[type=file]").first.set_input_files({"name": "run.txt", "mimeType": "text/plain", "buffer": b"42"})
    page.get_by_role("link", name="Show the folder as it is now").click()
    expect(page.get_by_role("link", name="Download run.txt")).to_be_visible()
    assert s3.get_object(Bucket="of-the-lab", Key="run.txt")["Body"].read() == b"42"


def test_who_is_not_known_here_is_not_let_in_by_the_provider(chromium, store, people, oidc_provider):
    oidc_provider.remembered = ("nobody-here", int(time.time()))
    page = chromium.new_context(base_url=store.portal_url).new_page()
    page.goto("/login")
    page.get_by_role("link", name="Log in with your institution").click()
    expect(page.get_by_role("alert")).to_contain_text("Nobody of this name is known here")
    page.goto("/account/")
    expect(page.locator("h1")).to_have_text("Log in")


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_a_new_key_is_shown_once_to_copy_or_download(chromium, store, people, javascript):
    page = open_portal(chromium, store, "udo", javascript)
    page.goto(f"/object-stores/{TENANCY}/keys/new")
    page.fill("#description", "dialog test")
    page.get_by_role("button", name="Create the key").click()
    dialog = page.locator("dialog.once")
    expect(dialog).to_be_visible()
    assert dialog.evaluate("dialog => dialog.matches(':modal')") == javascript
    if javascript:
        page.keyboard.press("Escape")
        expect(dialog).to_be_visible()
        axe_finds_nothing(page)
    access_key, secret_key = page.locator("dl.facts code").all_inner_texts()
    names = [summary.split("\n")[0].split(" ~")[0] for summary in page.locator("dialog summary").all_inner_texts()]
    assert names == ["s3cmd", "rclone", "mc", "s5cmd", "AWS CLI", "Python"]
    for summary in page.locator("dialog summary").all()[1:]:
        summary.click()
    for link in page.locator("a[download]").all():
        with page.expect_download() as download:
            link.click()
        text = Path(download.value.path()).read_text()
        assert access_key in text and secret_key in text, download.value.suggested_filename
    page.get_by_role("link", name="I have copied it").click()
    expect(page.locator("tr", has_text=access_key)).to_contain_text("dialog test")
    assert secret_key not in page.content()


def test_names_are_completed_from_the_directory(chromium, store, people):
    page = open_portal(chromium, store, "mia")
    page.goto(f"/services/{TENANCY}/members/")
    page.locator("#user").press_sequentially("ev")
    expect(page.locator("#known-people option[value=eva]")).to_have_count(1)
    eva = open_portal(chromium, store, "eva")
    assert eva.goto("/complete?prefix=mi").status in (200, 404), "eva may hold a role by now"


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_files_are_uploaded_shared_deleted_and_had_back(
    chromium, store, people, manager, internal, tmp_path, screenshots, javascript
):
    s3, bucket = s3_of(internal, manager), f"uploads-{'with' if javascript else 'without'}-script"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    small, large = tmp_path / "small & ü.txt", tmp_path / "large.bin"
    small.write_bytes(b"small")
    large.write_bytes(bytes(range(256)) * 4096 * 40)
    page = open_portal(chromium, store, "mia", javascript)
    objects = f"/object-stores/{TENANCY}/buckets/{bucket}/objects/"
    page.goto(f"{objects}?prefix=run 1/")
    page.locator("#upload summary").click()
    if javascript:
        page.locator(".dropping input[type=file]").first.set_input_files([small, large])
        expect(page.locator(".upload-said")).to_contain_text("2 of 2 uploaded.", timeout=60_000)
        page.get_by_role("link", name="Show the folder").click()
    else:
        page.locator("#file").set_input_files([small, large])
        page.get_by_role("button", name="Upload", exact=True).click()
        expect(page.get_by_role("status")).to_have_text("The upload is in the bucket.")
    expect(page.get_by_role("row", name="large.bin")).to_contain_text("40 MiB")
    uploaded = s3.get_object(Bucket=bucket, Key="run 1/large.bin")
    assert uploaded["Body"].read() == large.read_bytes()
    assert ("-3" in uploaded["ETag"]) == javascript, "with a script it went in parts, straight to the store"
    assert s3.get_object(Bucket=bucket, Key="run 1/small & ü.txt")["ContentType"] == "text/plain"

    page.get_by_role("link", name="small & ü.txt", exact=True).click()
    expect(page.get_by_role("region", name="Preview of")).to_have_text("small")
    page.get_by_role("link", name="Share a link").click()
    page.get_by_role("button", name="Create the link").click()
    link = page.locator("code.long").inner_text()
    trusting = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=store.certificate.ca_file))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trusting)
    with opener.open(link) as answer:
        assert answer.read() == b"small"

    page.goto(f"{objects}?prefix=run 1/")
    page.check("input[name=key][value='run 1/large.bin']")
    page.get_by_role("button", name="Delete what is ticked").click()
    expect(page.locator("h1")).to_have_text("Delete 1 object?")
    if javascript:
        is_sound_as_it_is(page, screenshots, "ask-delete")
    page.get_by_role("button", name="Delete 1 object").click()
    expect(page.get_by_role("status")).to_have_text("1 object deleted.")
    if javascript:
        is_sound_as_it_is(page, screenshots, "deleted")
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=bucket, Key="run 1/large.bin")
    page.get_by_role("button", name="Undo").click()
    assert s3.get_object(Bucket=bucket, Key="run 1/large.bin")["ContentLength"] == large.stat().st_size


def test_an_upload_pauses_and_a_folder_is_dropped(chromium, store, people, manager, internal, tmp_path, screenshots):
    s3 = s3_of(internal, manager)
    s3.create_bucket(Bucket="paused")
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(1024 * 1024) * 70)
    page = open_portal(chromium, store, "mia")
    # The line is slow, so that there is a middle to pause in: 20 MB a second.
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 20_000_000}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", slow)
    page.goto(f"/object-stores/{TENANCY}/buckets/paused/objects/")
    page.locator("#upload summary").click()
    page.locator(".dropping input[type=file]").first.set_input_files(large)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".upload-said")).to_contain_text("Paused.")
    is_sound_as_it_is(page, screenshots, "paused")
    assert "Contents" not in s3.list_objects_v2(Bucket="paused")
    begun = {upload["UploadId"] for upload in s3.list_multipart_uploads(Bucket="paused").get("Uploads", [])}
    # The page is left and opened again: the same file goes on in the same upload.
    page.goto(f"/object-stores/{TENANCY}/buckets/paused/objects/")
    page.locator("#upload summary").click()
    page.locator(".dropping input[type=file]").first.set_input_files(large)
    expect(page.locator(".upload-said")).to_contain_text("1 of 1 uploaded.", timeout=60_000)
    assert s3.head_object(Bucket="paused", Key="large.bin")["ContentLength"] == large.stat().st_size
    assert not s3.list_multipart_uploads(Bucket="paused").get("Uploads"), f"nothing is left of {begun}"

    folder = tmp_path / "run"
    (folder / "deep").mkdir(parents=True)
    for number in range(30):
        (folder / "deep" / f"{number}.txt").write_text(str(number))
    page.goto(f"/object-stores/{TENANCY}/buckets/paused/objects/")
    page.locator("#upload summary").click()
    page.locator(".dropping input[type=file]").nth(1).set_input_files(folder)
    expect(page.locator(".upload-said")).to_contain_text("30 of 30 uploaded.", timeout=60_000)
    listed = s3.list_objects_v2(Bucket="paused", Prefix="run/deep/")
    assert listed["KeyCount"] == 30
    # Dropped, as a browser hands it over.
    page.goto(f"/object-stores/{TENANCY}/buckets/paused/objects/")
    page.evaluate(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File(["dropped"], "dropped.txt", { type: "text/plain" }));
            for (const type of ["dragenter", "dragover", "drop"])
                document.body.dispatchEvent(new DragEvent(type, { dataTransfer: carried, bubbles: true, cancelable: true }));
        }"""
    )
    expect(page.locator(".upload-said")).to_contain_text("1 of 1 uploaded.")
    assert s3.get_object(Bucket="paused", Key="dropped.txt")["Body"].read() == b"dropped"
