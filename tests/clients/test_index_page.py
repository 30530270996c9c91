"""The page that a visitor's browser gets at the address of a public bucket."""

import json

from playwright.sync_api import expect

from portal import HEIGHT, WIDTHS, axe_finds_nothing, fits
from store import TENANCY

README = b"# Surface temperature\n\nMonthly *means*.\n\n<script>document.title = 'ran'</script>\n\n| a | b |\n|-|-|\n| 1 | 2 |\n"


def share_with_everyone(s3, bucket):
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def test_a_visitor_walks_through_a_public_bucket(chromium, store, s3, internal, bucket, screenshots):
    s3.put_object(Bucket=bucket, Key="README.md", Body=README)
    for month in range(1, 13):
        s3.put_object(Bucket=bucket, Key=f"R&D/2026/tas_{month:02}.csv", Body=b"day,kelvin\n" * 100, ContentType="text/plain")
    share_with_everyone(s3, bucket)
    page = chromium.new_context().new_page()
    address = f"{internal.url}/{bucket}"
    assert "xml" in page.goto(address).headers["content-type"], "it is switched off at first"
    store.admin("bucket", "set-index", TENANCY, bucket, "on")

    page.goto(address)
    expect(page.locator("h1")).to_have_text(f"{bucket}/")
    readme = page.get_by_role("region", name="README")
    expect(readme.get_by_role("heading")).to_have_text("Surface temperature")
    assert page.title() == f"{bucket}/", "the README runs nothing"
    page.get_by_role("link", name="R&D/").click()
    page.get_by_role("link", name="2026/").click()
    expect(page.locator("h1")).to_have_text(f"{bucket}/R&D/2026/")
    expect(page.locator("tbody tr")).to_have_count(12)
    expect(page.locator("tbody tr").first).to_contain_text("1.1 KiB")
    for width, scheme in zip(WIDTHS, ("light", "dark")):
        page.emulate_media(color_scheme=scheme)
        axe_finds_nothing(page)
        page.set_viewport_size({"width": width, "height": HEIGHT})
        fits(page, screenshots / f"index-page-{width}.png")
    page.get_by_role("link", name="tas_07.csv").click()
    expect(page.locator("body")).to_contain_text("day,kelvin")
    page.go_back()
    page.get_by_role("navigation").get_by_role("link", name="R&D").click()
    expect(page.locator("h1")).to_have_text(f"{bucket}/R&D/")
    page.get_by_role("navigation").get_by_role("link", name=bucket).click()
    expect(page.locator("h1")).to_have_text(f"{bucket}/")

    store.admin("bucket", "set-index", TENANCY, bucket, "off")
    assert "xml" in page.goto(address).headers["content-type"]


def test_many_objects_are_pages(chromium, store, s3, internal, bucket):
    for number in range(510):
        s3.put_object(Bucket=bucket, Key=f"{number:04}")
    share_with_everyone(s3, bucket)
    store.admin("bucket", "set-index", TENANCY, bucket, "on")
    page = chromium.new_context().new_page()
    page.goto(f"{internal.url}/{bucket}/")
    expect(page.locator("tbody tr")).to_have_count(500)
    page.get_by_role("link", name="Next").click()
    expect(page.locator("tbody tr")).to_have_count(10)
    page.get_by_role("link", name="To the beginning").click()
    expect(page.locator("tbody tr").first).to_contain_text("0000")
