"""Fixtures of the client tests: one server for all of them, its people, their files.

`endpoint` runs a test three times, once under each way in; `internal` is the first of them, for long tests.
"""

import os
import shutil
import tempfile
import uuid
from pathlib import Path

import boto3
import pytest
import urllib3
from botocore.config import Config
from playwright.sync_api import sync_playwright

from certificate import make_certificate
from dataset import make_files
from hosts import resolvable_domains
from oidc_provider import CLIENT_ID, OidcProvider
from programs import missing
from store import OTHER_TENANCY, TENANCY, Domains, Endpoint, Key, Store, find_binary

REPOSITORY = Path(__file__).resolve().parents[2]

# The bucket whose name stands in the host name, where a test uses virtual-hosted addresses.
VIRTUAL_HOSTED_BUCKET = "virtual-hosted"


def host_names(domains: Domains) -> list[str]:
    hosts = [f"{tenancy}.{domain}" for tenancy in (TENANCY, OTHER_TENANCY) for domain in (domains.internal, domains.external)]
    return hosts + [f"{VIRTUAL_HOSTED_BUCKET}.{host}" for host in hosts if host.startswith(TENANCY)]


@pytest.fixture(scope="session")
def domains_and_problem():
    with resolvable_domains(host_names) as found:
        yield found


@pytest.fixture(scope="session")
def oidc_provider():
    provider = OidcProvider()
    yield provider
    provider.stop()


@pytest.fixture(scope="session")
def store(domains_and_problem, oidc_provider):
    domains, _ = domains_and_problem
    # Not pytest's folder: the path of a Unix socket is at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="commonhold-clients-"))
    certificate = make_certificate(folder, host_names(domains))
    # Clients in Rust and Go take their authorities from here.
    os.environ["SSL_CERT_FILE"] = str(certificate.ca_file)
    oidc = f'\n[oidc]\nissuer = "{oidc_provider.issuer}"\nclient_id = "{CLIENT_ID}"\n'
    operators = '\n[operators]\npeople = ["opal"]\n'
    store = Store(find_binary(REPOSITORY), folder, domains, certificate, oidc + operators)
    store.start()
    try:
        store.admin("tenancy", "create", TENANCY)
        store.admin("tenancy", "create", OTHER_TENANCY)
        yield store
    finally:
        ended = store.process.poll()
        status = store.stop() if ended is None else ended
        log = store.log.read_text(errors="replace")
        shutil.rmtree(folder)
        assert ended is None, f"the server ended during the tests with {ended}:\n{log[-4000:]}"
        assert status == 0, f"the server did not stop in order, status {status}:\n{log[-4000:]}"
        assert "panicked at" not in log, log


@pytest.fixture(scope="session")
def manager(store) -> Key:
    return store.create_person("ada", TENANCY, "MANAGER")


@pytest.fixture(scope="session")
def member(store) -> Key:
    return store.create_person("ben", TENANCY, "USER")


@pytest.fixture(scope="session")
def other_member(store) -> Key:
    return store.create_person("cleo", TENANCY, "USER")


@pytest.fixture(scope="session")
def neighbour(store) -> Key:
    """A manager of the other tenancy."""
    return store.create_person("dora", OTHER_TENANCY, "MANAGER")


@pytest.fixture(params=["internal", "external", "localhost"])
def endpoint(request, store, domains_and_problem) -> Endpoint:
    return endpoint_named(request.param, store, domains_and_problem)


@pytest.fixture
def internal(store, domains_and_problem) -> Endpoint:
    return endpoint_named("internal", store, domains_and_problem)


def endpoint_named(name: str, store, domains_and_problem) -> Endpoint:
    if name == "localhost":
        return store.localhost()
    _, problem = domains_and_problem
    if problem:
        missing(problem)
    return store.internal(TENANCY) if name == "internal" else store.external(TENANCY)


@pytest.fixture(scope="session")
def files_folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="session")
def files(files_folder) -> dict[str, bytes]:
    """Content by path relative to `files_folder`. Tests read them and write elsewhere."""
    return make_files(files_folder)


@pytest.fixture
def bucket_name(request) -> str:
    """A name that nothing else uses."""
    client = request.module.__name__.removeprefix("test_").replace("_", "-")
    return f"{client}-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory) -> Path:
    """Where pictures of pages are kept: `$COMMONHOLD_TEST_SCREENSHOTS`, else among pytest's own files."""
    configured = os.environ.get("COMMONHOLD_TEST_SCREENSHOTS")
    folder = Path(configured) if configured else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def s3(internal, manager):
    """boto3 as the manager, by which tests of other clients see what those did."""
    return boto3_client(internal, manager)


@pytest.fixture
def bucket(s3, bucket_name) -> str:
    """A bucket that exists."""
    s3.create_bucket(Bucket=bucket_name)
    return bucket_name


@pytest.fixture(scope="module")
def chromium():
    """For a module, because clients that bring an event loop of their own can not run beside it."""
    path = shutil.which("chromium")
    if path is None:
        missing("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def http(store):
    """Requests without credentials."""
    return urllib3.PoolManager(ca_certs=str(store.certificate.ca_file), retries=False)


def boto3_client(endpoint: Endpoint, key: Key, **config):
    # No region is set in what users copy from the documentation; boto3 then signs for us-east-1.
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}).merge(Config(**config))
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint.url,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret_key,
        verify=str(endpoint.ca_file),
        config=config,
    )
