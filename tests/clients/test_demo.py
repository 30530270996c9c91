"""`commonhold demo`: what it prints works as it is."""

import boto3
import xarray as xr


def test_the_dataset_opens_with_what_is_printed(store):
    demo = store.demo()
    options = {"key": demo["access_key"], "secret": demo["secret_key"], "client_kwargs": {"endpoint_url": demo["endpoint"]}}
    with xr.open_zarr(f"s3://{demo['bucket']}/{demo['dataset']}", storage_options=options) as dataset:
        read = dataset.load()
    assert len(read.data_vars) >= 1
    assert all(variable.notnull().any() for variable in read.data_vars.values())


def test_it_can_be_repeated(store):
    first, second = store.demo(), store.demo()
    for demo in (first, second):
        s3 = boto3.client(
            "s3", endpoint_url=demo["endpoint"], aws_access_key_id=demo["access_key"], aws_secret_access_key=demo["secret_key"]
        )
        assert demo["bucket"] in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
