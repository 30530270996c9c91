"""obstore: the Rust `object_store` library from Python."""

import asyncio
from datetime import timedelta

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from dataset import AWKWARD_NAMES


def obstore_at(endpoint, key, bucket, prefix=None) -> S3Store:
    return S3Store(
        bucket,
        prefix=prefix,
        endpoint=endpoint.url,
        access_key_id=key.access_key,
        secret_access_key=key.secret_key,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


@pytest.fixture
def ob(internal, manager, bucket):
    return obstore_at(internal, manager, bucket)


def test_round_trip(endpoint, manager, files_folder, files, bucket):
    ob = obstore_at(endpoint, manager, bucket)
    for name in ("empty.bin", "small.txt", "large.bin"):
        obstore.put(ob, name, files_folder / name, chunk_size=5 * 2**20)
        assert bytes(obstore.get(ob, name).bytes()) == files[name]
        assert obstore.head(ob, name)["size"] == len(files[name])
    assert [entry["path"] for entry in obstore.list(ob).collect()] == ["empty.bin", "large.bin", "small.txt"]
    obstore.delete(ob, ["empty.bin", "large.bin", "small.txt"])
    assert obstore.list(ob).collect() == []


def test_ranges_and_streams(ob, files):
    obstore.put(ob, "large.bin", files["large.bin"])
    assert bytes(obstore.get_range(ob, "large.bin", start=5_000_000, length=70_000)) == files["large.bin"][5_000_000:5_070_000]
    assert bytes(obstore.get(ob, "large.bin", options={"range": {"suffix": 100}}).bytes()) == files["large.bin"][-100:]
    assert bytes(obstore.get(ob, "large.bin", options={"range": {"offset": 20_000_000}}).bytes()) == files["large.bin"][20_000_000:]
    assert b"".join(map(bytes, obstore.get(ob, "large.bin").stream(min_chunk_size=2**20))) == files["large.bin"]
    reader = obstore.open_reader(ob, "large.bin")
    reader.seek(1234)
    assert bytes(reader.read(10)) == files["large.bin"][1234:1244]
    with obstore.open_writer(ob, "written.bin", buffer_size=6_000_000) as writer:
        for start in range(0, len(files["large.bin"]), 1_000_000):
            writer.write(files["large.bin"][start:start + 1_000_000])
    assert bytes(obstore.get(ob, "written.bin").bytes()) == files["large.bin"]


def test_conditional_writes(ob):
    first = obstore.put(ob, "k", b"1", mode="create", use_multipart=False)
    with pytest.raises(AlreadyExistsError):
        obstore.put(ob, "k", b"2", mode="create", use_multipart=False)
    second = obstore.put(ob, "k", b"2", mode={"e_tag": first["e_tag"]}, use_multipart=False)
    with pytest.raises(PreconditionError):
        obstore.put(ob, "k", b"3", mode={"e_tag": first["e_tag"]}, use_multipart=False)
    assert second["e_tag"] != first["e_tag"]
    assert bytes(obstore.get(ob, "k").bytes()) == b"2"
    with pytest.raises(Exception, match="304|[Nn]ot [Mm]odified"):
        obstore.get(ob, "k", options={"if_none_match": second["e_tag"]})


def test_one_of_many_creators_wins(ob):
    async def race() -> list:
        puts = [obstore.put_async(ob, "lock", str(n).encode(), mode="create", use_multipart=False) for n in range(20)]
        return await asyncio.gather(*puts, return_exceptions=True)

    outcomes = asyncio.run(race())
    assert sum(not isinstance(outcome, Exception) for outcome in outcomes) == 1
    assert all(isinstance(outcome, (dict, AlreadyExistsError)) for outcome in outcomes)


def test_listing(ob):
    keys = [f"year={year}/{day:03}" for year in (2000, 2001) for day in range(600)]

    async def fill() -> None:
        for start in range(0, len(keys), 100):
            await asyncio.gather(*(obstore.put_async(ob, key, b"x") for key in keys[start:start + 100]))

    asyncio.run(fill())
    assert [entry["path"] for entry in obstore.list(ob).collect()] == keys
    assert [entry["path"] for entry in obstore.list(ob, offset=keys[1100]).collect()] == keys[1101:]
    result = obstore.list_with_delimiter(ob)
    assert (result["common_prefixes"], result["objects"]) == (["year=2000", "year=2001"], [])
    obstore.delete(ob, keys)
    assert obstore.list(ob).collect() == []


def test_copy_rename_attributes(ob, files):
    obstore.put(ob, "a", files["large.bin"], attributes={"Content-Type": "application/x-netcdf", "project": "CMIP6"})
    obstore.copy(ob, "a", "b")
    obstore.rename(ob, "b", "c")
    got = obstore.get(ob, "c")
    assert got.attributes["Content-Type"] == "application/x-netcdf"
    assert got.attributes["project"] == "CMIP6"
    assert bytes(got.bytes()) == files["large.bin"]
    with pytest.raises(FileNotFoundError):
        obstore.head(ob, "b")


def test_signed_links(ob, http):
    url = obstore.sign(ob, "PUT", "by link", timedelta(minutes=5))
    assert http.request("PUT", url, body=b"signed").status == 200
    assert http.request("GET", obstore.sign(ob, "GET", "by link", timedelta(minutes=5))).data == b"signed"


@pytest.mark.parametrize("name", AWKWARD_NAMES)
def test_awkward_names(ob, name):
    obstore.put(ob, f"folder/{name}", name.encode())
    listed = obstore.list(ob, "folder").collect()
    assert len(listed) == 1
    assert bytes(obstore.get(ob, listed[0]["path"]).bytes()) == name.encode()


def test_errors(ob, internal, manager):
    with pytest.raises(FileNotFoundError):
        obstore.get(ob, "absent")
    with pytest.raises(BaseError, match="NoSuchBucket"):
        obstore.list(obstore_at(internal, manager, "no-such-bucket-here")).collect()
