"""xarray to and from Zarr and NetCDF in the store: what the data scientists' notebooks do."""

import pytest
import xarray as xr
import zarr
from obstore.store import S3Store
from zarr.storage import FsspecStore, ObjectStore

from dataset import make_dataset
from test_obstore import obstore_at
from test_s3fs import s3fs_at

CHUNKS = {"tas": {"chunks": (12, 45, 90)}, "psl": {"chunks": (12, 45, 90)}}


@pytest.fixture(scope="module")
def dataset() -> xr.Dataset:
    return make_dataset()


@pytest.fixture
def fs(internal, manager):
    return s3fs_at(internal, manager)


def zarr_store(endpoint, key, path) -> FsspecStore:
    fs = s3fs_at(endpoint, key, asynchronous=True)
    return FsspecStore(fs, path=path)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_round_trip(endpoint, manager, dataset, bucket, zarr_format):
    store = zarr_store(endpoint, manager, f"{bucket}/surface.zarr")
    dataset.to_zarr(store, zarr_format=zarr_format, encoding=CHUNKS, consolidated=zarr_format == 2)
    store = zarr_store(endpoint, manager, f"{bucket}/surface.zarr")
    with xr.open_zarr(store, consolidated=zarr_format == 2) as read:
        xr.testing.assert_identical(read.load(), dataset)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("consolidated", [True, False])
def test_formats(internal, manager, dataset, bucket, zarr_format, consolidated):
    store = zarr_store(internal, manager, f"{bucket}/surface.zarr")
    dataset.to_zarr(store, zarr_format=zarr_format, encoding=CHUNKS, consolidated=consolidated)
    with xr.open_zarr(store, consolidated=consolidated) as read:
        xr.testing.assert_identical(read.load(), dataset)
    with xr.open_zarr(store, consolidated=consolidated) as read:
        xr.testing.assert_identical(read.tas.isel(time=20, lat=slice(3, 9)).load(), dataset.tas.isel(time=20, lat=slice(3, 9)))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_append_and_region(internal, manager, dataset, bucket, zarr_format):
    store = zarr_store(internal, manager, f"{bucket}/grows.zarr")
    dataset.isel(time=slice(0, 24)).to_zarr(store, zarr_format=zarr_format, encoding=CHUNKS)
    dataset.isel(time=slice(24, 48)).to_zarr(store, append_dim="time")
    doubled = (dataset[["tas"]].isel(time=slice(12, 24)) * 2).drop_vars(["time", "lat", "lon"])
    doubled.to_zarr(store, region={"time": slice(12, 24)})
    with xr.open_zarr(store) as read:
        assert read.sizes["time"] == 48
        xr.testing.assert_equal(read.tas.isel(time=slice(24, 48)).load(), dataset.tas.isel(time=slice(24, 48)))
        xr.testing.assert_equal(read.tas.isel(time=slice(12, 24)).load(), dataset.tas.isel(time=slice(12, 24)) * 2)
    dataset.to_zarr(store, mode="w", zarr_format=zarr_format, encoding=CHUNKS)
    with xr.open_zarr(store) as read:
        xr.testing.assert_identical(read.load(), dataset)


def test_s3_url_and_mapping(internal, manager, dataset, bucket):
    options = {"key": manager.access_key, "secret": manager.secret_key, "client_kwargs": {"endpoint_url": internal.url}}
    dataset.to_zarr(f"s3://{bucket}/by-url.zarr", storage_options=options, zarr_format=3)
    with xr.open_dataset(f"s3://{bucket}/by-url.zarr", engine="zarr", storage_options=options) as read:
        xr.testing.assert_identical(read.load(), dataset)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_through_obstore(internal, manager, dataset, bucket, zarr_format):
    store = ObjectStore(obstore_at(internal, manager, bucket, prefix="surface.zarr"))
    dataset.to_zarr(store, zarr_format=zarr_format, encoding=CHUNKS, consolidated=False)
    with xr.open_zarr(store, consolidated=False) as read:
        xr.testing.assert_identical(read.load(), dataset)


def test_groups_and_shards(internal, manager, dataset, bucket):
    root = zarr.open_group(zarr_store(internal, manager, f"{bucket}/root.zarr"), mode="w", zarr_format=3)
    values = dataset.tas.values
    array = root.create_array("sharded/tas", shape=values.shape, dtype="f4", chunks=(4, 15, 30), shards=(24, 45, 90))
    array[:] = values
    # A chunk inside a shard is read by a suffix range for the index and a range for the chunk.
    assert (root["sharded/tas"][5, 10:20, 40:50] == values[5, 10:20, 40:50]).all()
    assert sorted(root["sharded"].array_keys()) == ["tas"]
    del root["sharded"]
    assert list(root.group_keys()) == []


def test_public_dataset(internal, manager, dataset, bucket, fs, s3):
    store = zarr_store(internal, manager, f"{bucket}/public.zarr")
    dataset.to_zarr(store, zarr_format=2, consolidated=True)
    for key in fs.find(f"{bucket}/public.zarr"):
        fs.chmod(key, acl="public-read")
    # Only who may list the bucket is told that a key is absent, and Zarr asks for keys that are.
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    options = {"anon": True, "client_kwargs": {"endpoint_url": internal.url}}
    with xr.open_zarr(f"s3://{bucket}/public.zarr", storage_options=options, consolidated=True) as read:
        xr.testing.assert_identical(read.load(), dataset)


def test_netcdf(dataset, bucket, fs, tmp_path):
    dataset.to_netcdf(tmp_path / "surface.nc", engine="netcdf4")
    fs.put_file(str(tmp_path / "surface.nc"), f"{bucket}/surface.nc")
    with fs.open(f"{bucket}/surface.nc", block_size=2**16) as file, xr.open_dataset(file, engine="h5netcdf") as read:
        xr.testing.assert_identical(read.psl.isel(time=3).load(), dataset.psl.isel(time=3))
    fs.get_file(f"{bucket}/surface.nc", str(tmp_path / "back.nc"))
    with xr.open_dataset(tmp_path / "back.nc", engine="netcdf4") as read:
        xr.testing.assert_identical(read.load(), dataset)


def test_kerchunk_pattern(dataset, bucket, fs, internal, manager, tmp_path):
    """Many small ranges of one large object at once, as references into NetCDF files make them."""
    dataset.to_netcdf(tmp_path / "surface.nc", engine="netcdf4")
    body = (tmp_path / "surface.nc").read_bytes()
    fs.pipe_file(f"{bucket}/surface.nc", body)
    store: S3Store = obstore_at(internal, manager, bucket)
    starts = list(range(0, len(body) - 1000, 17_389))
    ranges = store.get_ranges("surface.nc", starts=starts, lengths=[1000] * len(starts))
    assert [bytes(part) for part in ranges] == [body[start:start + 1000] for start in starts]
