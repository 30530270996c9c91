"""The story of each role, from an installation with nothing in it to data that the world reads.

The people are in an institution's directory, and are met by the store when they first log in. Everything is done on the
pages, by what they say: buttons, links and labels. What they show is used by programs as people would use it: the key, the
addresses, the script to download. It is told twice, at the width of a desktop in light colours and at that of a phone in
dark ones; axe looks at each page on the way, and a picture of it is kept.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import s3fs
import xarray as xr
from playwright.sync_api import Page, expect

from certificate import make_certificate
from conftest import REPOSITORY, host_names
from dataset import make_dataset
from directory import Directory
from portal import DESKTOP, HEIGHT, PHONE, axe_finds_nothing, fits, log_in
from programs import missing
from store import OTHER_TENANCY, TENANCY, Store, find_binary

QUOTA = "10 GiB"
TOLD_WITHIN_S = 90


@dataclass(frozen=True)
class Cast:
    """Who plays, at which width, and around which tenancy."""

    width: int
    scheme: str
    tenancy: str
    operator: str
    manager: str
    scientist: str
    colleague: str


CASTS = [
    Cast(DESKTOP, "light", TENANCY, "olga", "marit", "sana", "cole"),
    Cast(PHONE, "dark", OTHER_TENANCY, "oscar", "mona", "sven", "chloe"),
]


def password_of(name: str) -> str:
    return f"{name} in the directory"


@pytest.fixture(scope="module")
def site(domains_and_problem):
    """An installation with nothing in it, on an institution's directory."""
    domains, problem = domains_and_problem
    if problem:
        missing(problem)
    people = [name for cast in CASTS for name in (cast.operator, cast.manager, cast.scientist, cast.colleague)]
    folder = Path(tempfile.mkdtemp(prefix="commonhold-story-"))
    directory = Directory(folder / "directory", {name: password_of(name) for name in people})
    operators = "\n[operators]\npeople = [" + ", ".join(f'"{cast.operator}"' for cast in CASTS) + "]\n"
    certificate = make_certificate(folder, host_names(domains))
    store = Store(find_binary(REPOSITORY), folder, domains, certificate, operators + directory.settings())
    store.start()
    yield store
    status = store.stop()
    directory.stop()
    log = store.log.read_text(errors="replace")
    shutil.rmtree(folder)
    assert status == 0 and "panicked at" not in log, log[-4000:]


@dataclass
class Story:
    """What has come to be, chapter by chapter."""

    chromium: object
    site: Store
    cast: Cast
    screenshots: Path
    pages: dict[str, Page] = field(default_factory=dict)
    pictures: int = 0
    url: str = ""
    access_key: str = ""
    secret_key: str = ""

    def logged_in(self, name: str) -> Page:
        """The browser of a person, who logs in where they have not yet."""
        if name not in self.pages:
            page = log_in(self.chromium, self.site, name, password_of(name), width=self.cast.width)
            page.emulate_media(color_scheme=self.cast.scheme)
            self.pages[name] = page
        return self.pages[name]

    def visitor(self) -> Page:
        """A browser of somebody who has not logged in, and trusts the authority of the tests."""
        size = {"width": self.cast.width, "height": HEIGHT}
        context = self.chromium.new_context(ignore_https_errors=True, viewport=size, color_scheme=self.cast.scheme)
        return context.new_page()

    def look(self, page: Page, what: str) -> None:
        """Axe finds nothing, nothing is wider than the browser, and a picture is kept."""
        self.pictures += 1
        axe_finds_nothing(page)
        fits(page, self.screenshots / f"story-{self.cast.width}-{self.pictures:02}-{what}.png")

    def storage(self, **credentials) -> s3fs.S3FileSystem:
        kwargs = {"endpoint_url": self.url, "verify": str(self.site.certificate.ca_file)}
        return s3fs.S3FileSystem(client_kwargs=kwargs, skip_instance_cache=True, use_listings_cache=False, **credentials)

    def read_by_the_world(self, path: str) -> xr.Dataset:
        """What somebody reads who has no key."""
        kwargs = {"endpoint_url": self.url, "verify": str(self.site.certificate.ca_file)}
        options = {"anon": True, "client_kwargs": kwargs, "skip_instance_cache": True}
        with xr.open_zarr(f"s3://{path}", storage_options=options) as read:
            return read.load()


@pytest.mark.parametrize("cast", CASTS, ids=["desktop", "phone"])
def test_from_nothing_to_data_that_the_world_reads(chromium, site, screenshots, tmp_path, cast):
    story = Story(chromium, site, cast, screenshots)
    data = make_dataset()
    the_operator_makes_a_tenancy(story)
    the_scientist_applies(story)
    the_manager_approves(story)
    the_scientist_makes_a_key(story, tmp_path)
    the_scientist_stores_a_dataset(story, data)
    the_scientist_opens_it_to_the_world(story, data)
    a_colleague_is_let_in(story)
    the_manager_ends_the_scientists_role(story, data)
    the_operator_reads_what_happened(story)


def the_operator_makes_a_tenancy(story: Story) -> None:
    cast, page = story.cast, story.logged_in(story.cast.operator)
    expect(page.locator(".empty")).to_contain_text("You belong to no object store yet")
    story.look(page, "operator-first-page")
    portal_part(page, "Operate")
    story.look(page, "operator-tenancies")
    page.get_by_role("link", name="Create a tenancy").click()
    page.get_by_label("Name", exact=True).fill(cast.tenancy)
    page.get_by_label("Summary, one line").fill("Surface fields of the atmosphere")
    page.get_by_label("Description").fill("Model output at six hours, for everybody who compares with it.")
    page.get_by_label("Quota").fill(QUOTA)
    page.get_by_label("First manager").fill(cast.manager)
    story.look(page, "operator-new-tenancy")
    page.get_by_role("button", name="Create the tenancy").click()
    expect(page.get_by_role("status")).to_have_text("The tenancy is created.")
    expect(page.locator("dl.facts")).to_contain_text(QUOTA)
    story.look(page, "operator-tenancy")


def the_scientist_applies(story: Story) -> None:
    cast, page = story.cast, story.logged_in(story.cast.scientist)
    expect(page.locator(".empty")).to_contain_text("You belong to no object store yet")
    portal_part(page, "Services")
    expect(page.locator(".empty")).to_contain_text("You belong to no object store yet")
    story.look(page, "scientist-my-services")
    page.locator("main").get_by_role("link", name="Find yours and apply").click()
    page.get_by_label("Search").fill(cast.tenancy)
    page.get_by_role("button", name="Search").click()
    story.look(page, "scientist-services")
    page.get_by_role("link", name="More information").click()
    expect(page.locator("main")).to_contain_text("Model output at six hours")
    story.look(page, "scientist-more-information")
    page.get_by_role("link", name="Apply for USER").click()
    page.get_by_label("Why you need it").fill("I publish the fields that our group computes.")
    story.look(page, "scientist-apply")
    page.get_by_role("button", name="Submit the request").click()
    expect(page.locator("h1")).to_contain_text("PENDING")
    story.look(page, "scientist-request")


def the_manager_approves(story: Story) -> None:
    cast, page = story.cast, story.logged_in(story.cast.manager)
    expect(page.locator(".card", has_text=cast.tenancy)).to_contain_text("MANAGER")
    expect(page.locator("nav.parts .badge")).to_have_text("1 to decide on")
    story.look(page, "manager-object-stores")
    portal_part(page, "Services")
    page.get_by_role("navigation", name="Services").get_by_role("link", name="My requests and grants").click()
    story.look(page, "manager-requests")
    page.locator("tr", has_text=cast.scientist).get_by_role("link").click()
    expect(page.locator("main")).to_contain_text("I publish the fields")
    page.get_by_label("For", exact=True).select_option("6mo")
    story.look(page, "manager-request")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("h1")).to_contain_text("APPROVED")
    expect(page.locator("nav.parts .badge")).to_have_count(0)


def the_scientist_makes_a_key(story: Story, folder: Path) -> None:
    cast, page = story.cast, story.logged_in(story.cast.scientist)
    page.goto("/")
    is_told(page)
    page.get_by_role("navigation", name="Your account").get_by_role("link", name="Inbox").click()
    expect(page.locator("main")).to_contain_text(cast.tenancy)
    story.look(page, "scientist-inbox")
    portal_part(page, "Object stores")
    card = page.locator(".card", has_text=cast.tenancy)
    story.url = card.locator("dt", has_text="From anywhere").locator("+ dd code").inner_text()
    story.look(page, "scientist-object-stores")
    card.get_by_role("link", name="Manage object store").click()
    store_tab(page, cast, "Create key")
    page.get_by_label("Description").fill("laptop")
    page.get_by_label("Expires").select_option("30")
    story.look(page, "scientist-create-key")
    page.get_by_role("button", name="Create the key").click()
    dialog = page.get_by_role("dialog")
    story.access_key, story.secret_key = dialog.locator("dl.facts code").all_inner_texts()
    dialog.locator("summary", has_text="Python").click()
    story.look(page, "scientist-new-key")
    with page.expect_download() as download:
        dialog.get_by_role("link", name="Download object_store.py").click()
    download.value.save_as(folder / "object_store.py")
    dialog.get_by_role("link", name="I have copied it").click()
    expect(page.locator("tr", has_text=story.access_key)).to_contain_text("ACTIVE")
    assert story.secret_key not in page.content()
    story.look(page, "scientist-view-keys")

    bucket_is_made(page, cast, "surface-fields")
    story.look(page, "scientist-buckets")
    run = [sys.executable, folder / "object_store.py"]
    environment = os.environ | {"AWS_CA_BUNDLE": str(story.site.certificate.ca_file)}
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout.strip() == "['surface-fields']", done.stderr


def the_scientist_stores_a_dataset(story: Story, data: xr.Dataset) -> None:
    cast, page = story.cast, story.logged_in(story.cast.scientist)
    kwargs = {"endpoint_url": story.url, "verify": str(story.site.certificate.ca_file)}
    options = {"key": story.access_key, "secret": story.secret_key, "client_kwargs": kwargs}
    data.to_zarr("s3://surface-fields/monthly.zarr", storage_options=options, zarr_format=3)
    with pytest.raises(PermissionError):
        story.read_by_the_world("surface-fields/monthly.zarr")
    store_tab(page, cast, "View keys")
    expect(page.locator("tr", has_text=story.access_key)).not_to_contain_text("never")
    store_tab(page, cast, "Buckets")
    page.get_by_role("link", name="surface-fields").click()
    story.look(page, "scientist-bucket")
    bucket_tab(page, "surface-fields", "Browse")
    page.get_by_role("link", name="monthly.zarr/").click()
    expect(page.get_by_role("link", name="tas/", exact=True)).to_be_visible()
    story.look(page, "scientist-browser")
    page.get_by_role("link", name="zarr.json", exact=True).click()
    expect(page.get_by_role("region", name="Preview of")).to_contain_text("synthetic surface fields")
    story.look(page, "scientist-object")


def the_scientist_opens_it_to_the_world(story: Story, data: xr.Dataset) -> None:
    cast, page = story.cast, story.logged_in(story.cast.scientist)
    bucket_tab(page, "surface-fields", "Create bucket policy")
    story.look(page, "scientist-create-bucket-policy")
    preset = page.locator("form", has=page.get_by_label("Everyone may read and list objects"))
    preset.get_by_label("Everyone may read and list objects").check()
    preset.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("row", name="Everyone, without logging in")).to_contain_text("list, read objects")
    story.look(page, "scientist-what-will-change")
    page.get_by_role("button", name="Save the policy").click()
    expect(page.get_by_role("status")).to_contain_text("The policy is saved")
    story.look(page, "scientist-view-bucket-policies")
    bucket_tab(page, "surface-fields", "Who has access")
    everyone = page.get_by_role("row", name="Everyone, without logging in")
    assert [cell.strip() for cell in everyone.get_by_role("cell").all_inner_texts()] == ["yes", "yes", "no", "no", "no"]
    story.look(page, "scientist-who-has-access")
    everyone.get_by_role("link", name="may read objects").click()
    expect(page.locator("main").get_by_role("status")).to_contain_text("read-list-all")
    story.look(page, "scientist-why")
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name=cast.tenancy).click()
    expect(page.locator("tr", has_text="surface-fields").locator(".badge")).to_have_text("public")
    xr.testing.assert_identical(story.read_by_the_world("surface-fields/monthly.zarr"), data)

    page.get_by_role("link", name="surface-fields").click()
    page.get_by_role("button", name="Switch the index page on").click()
    expect(page.get_by_role("link", name="Open the index page")).to_have_attribute("href", f"{story.url}/surface-fields/")
    visitor = story.visitor()
    visitor.goto(f"{story.url}/surface-fields/")
    visitor.get_by_role("link", name="monthly.zarr/").click()
    expect(visitor.get_by_role("link", name="zarr.json")).to_be_visible()
    story.look(visitor, "visitor-index-page")


def a_colleague_is_let_in(story: Story) -> None:
    cast, page = story.cast, story.logged_in(story.cast.manager)
    portal_part(page, "Services")
    page.get_by_role("link", name="More information").click()
    page.get_by_role("link", name="Members", exact=True).click()
    page.get_by_label("User name").fill(cast.colleague)
    page.get_by_role("button", name="Grant").click()
    expect(page.locator("tr", has_text=cast.colleague)).to_contain_text("USER")
    story.look(page, "manager-members")

    page = story.logged_in(cast.scientist)
    portal_part(page, "Object stores")
    page.get_by_role("link", name="Manage object store").click()
    bucket_is_made(page, cast, "drafts")
    with story.storage(key=story.access_key, secret=story.secret_key).open("drafts/2026/notes.txt", "w") as notes:
        notes.write("not for everybody yet")
    reader = story.logged_in(cast.colleague)
    reader.get_by_role("link", name="Manage object store").click()
    expect(reader.locator("main")).not_to_contain_text("drafts")

    page.get_by_role("link", name="drafts").click()
    bucket_tab(page, "drafts", "Create bucket policy")
    page.locator("summary", has_text="Show advanced").click()
    custom = page.locator("details", has=page.locator("summary", has_text="Show advanced"))
    custom.get_by_label("Name", exact=True).fill("readers of the drafts")
    custom.get_by_label("People", exact=True).fill(cast.colleague)
    for action in ("ListBucket", "GetObject"):
        custom.get_by_label(action, exact=True).check()
    story.look(page, "scientist-show-advanced")
    custom.get_by_role("button", name="Review changes").click()
    expect(page.get_by_role("row", name=cast.colleague)).to_contain_text("list, read objects")
    page.get_by_role("button", name="Save the policy").click()

    reader.reload()
    reader.get_by_role("link", name="drafts").click()
    bucket_tab(reader, "drafts", "Browse")
    reader.get_by_role("link", name="2026/").click()
    story.look(reader, "colleague-browser")
    with reader.expect_download() as download:
        reader.get_by_role("link", name="Download notes.txt").click()
    assert Path(download.value.path()).read_text() == "not for everybody yet"
    assert reader.goto(f"/object-stores/{cast.tenancy}/buckets/drafts/policies/new").status == 403
    story.look(reader, "colleague-may-not")


def the_manager_ends_the_scientists_role(story: Story, data: xr.Dataset) -> None:
    cast, page = story.cast, story.logged_in(story.cast.manager)
    portal_part(page, "Object stores")
    page.get_by_role("link", name="Manage object store").click()
    store_tab(page, cast, "Usage")
    expect(page.get_by_role("region", name="Largest buckets")).to_contain_text("surface-fields")
    story.look(page, "manager-usage")
    portal_part(page, "Services")
    page.get_by_role("link", name="More information").click()
    page.get_by_role("link", name="Members", exact=True).click()
    row = page.locator("tr", has_text=cast.scientist)
    row.locator("summary", has_text="Revoke").click()
    row.get_by_label("Reason").fill("The project has ended.")
    story.look(page, "manager-revoke")
    row.get_by_role("button", name=f"Revoke USER from {cast.scientist}").click()
    expect(page.get_by_role("status")).to_contain_text("taken away")

    with pytest.raises(PermissionError):
        story.storage(key=story.access_key, secret=story.secret_key).ls("drafts")
    xr.testing.assert_identical(story.read_by_the_world("surface-fields/monthly.zarr"), data)
    former = story.logged_in(cast.scientist)
    assert former.goto(f"/object-stores/{cast.tenancy}/keys/").status == 404
    story.look(former, "scientist-no-longer")


def the_operator_reads_what_happened(story: Story) -> None:
    cast, page = story.cast, story.logged_in(story.cast.operator)
    portal_part(page, "Operate")
    page.get_by_role("link", name=cast.tenancy).click()
    page.get_by_role("link", name="Audit log").last.click()
    page.get_by_label("Who").fill(cast.manager)
    page.get_by_role("button", name="Search").click()
    done = page.locator("tbody td[data-name=What]").all_inner_texts()
    assert done == ["role.revoke", "role.grant", "request.approve"], "newest first"
    expect(page.locator("tbody tr").first).to_contain_text(cast.scientist)
    story.look(page, "operator-audit")


def is_told(page: Page) -> None:
    """Something new comes into the inbox. What happened is told by a job that runs each minute."""
    deadline = time.monotonic() + TOLD_WITHIN_S
    while page.locator("nav.person .badge").count() == 0 and time.monotonic() < deadline:
        page.wait_for_timeout(1000)
        page.reload()
    expect(page.locator("nav.person .badge")).to_contain_text("unread")


def portal_part(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Portal").get_by_role("link", name=name).click()


def store_tab(page: Page, cast: Cast, name: str) -> None:
    page.get_by_role("navigation", name=cast.tenancy).get_by_role("link", name=name).click()


def bucket_tab(page: Page, bucket: str, name: str) -> None:
    page.get_by_role("navigation", name=bucket).get_by_role("link", name=name).click()


def bucket_is_made(page: Page, cast: Cast, bucket: str) -> None:
    store_tab(page, cast, "Buckets")
    page.get_by_label("New bucket").fill(bucket)
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("status")).to_have_text("The bucket is created.")
