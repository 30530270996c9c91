"""PyArrow's own S3 client (the AWS SDK for C++), with Parquet datasets."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest


def arrow_at(endpoint, key) -> pafs.S3FileSystem:
    return pafs.S3FileSystem(
        access_key=key.access_key,
        secret_key=key.secret_key,
        scheme=endpoint.scheme,
        endpoint_override=endpoint.netloc,
        tls_ca_file_path=str(endpoint.ca_file) if endpoint.secure else None,
        allow_bucket_creation=True,
        allow_bucket_deletion=True,
    )


@pytest.fixture
def arrow(internal, manager):
    return arrow_at(internal, manager)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    noise = np.random.default_rng(3)
    rows = 200_000
    return pa.table({
        "station": pa.array(noise.integers(0, 50, rows)),
        "year": pa.array(noise.integers(2000, 2004, rows)),
        "temperature": pa.array(noise.standard_normal(rows)),
    })


def test_round_trip(endpoint, manager, table, bucket_name):
    arrow = arrow_at(endpoint, manager)
    arrow.create_dir(bucket_name)
    pq.write_table(table, f"{bucket_name}/stations.parquet", filesystem=arrow, row_group_size=20_000)
    assert pq.read_table(f"{bucket_name}/stations.parquet", filesystem=arrow).equals(table)
    arrow.delete_dir(bucket_name)


def test_partitioned_dataset(arrow, table, bucket):
    partitioning = ds.partitioning(pa.schema([("year", pa.int64())]), flavor="hive")
    ds.write_dataset(table, f"{bucket}/observations", filesystem=arrow, format="parquet", partitioning=partitioning)
    dataset = ds.dataset(f"{bucket}/observations", filesystem=arrow, partitioning=partitioning)
    warm = (pc.field("year") == 2002) & (pc.field("temperature") > 2)
    expected = table.filter(warm)
    assert dataset.to_table(filter=warm, columns=["station", "temperature"]).num_rows == expected.num_rows
    assert dataset.count_rows() == table.num_rows
    assert len(dataset.files) == 4


def test_files(arrow, files, bucket, s3):
    with arrow.open_output_stream(f"{bucket}/folder/large.bin", metadata={"Content-Type": "application/x-netcdf"}) as stream:
        stream.write(files["large.bin"])
    assert s3.head_object(Bucket=bucket, Key="folder/large.bin")["ContentType"] == "application/x-netcdf"
    info = arrow.get_file_info(f"{bucket}/folder/large.bin")
    assert (info.type, info.size) == (pafs.FileType.File, len(files["large.bin"]))
    with arrow.open_input_file(f"{bucket}/folder/large.bin") as file:
        assert file.read_at(1000, 7_000_000) == files["large.bin"][7_000_000:7_001_000]
    arrow.copy_file(f"{bucket}/folder/large.bin", f"{bucket}/folder/copy of large.bin")
    arrow.move(f"{bucket}/folder/copy of large.bin", f"{bucket}/folder/sub/moved+large.bin")
    with arrow.open_input_stream(f"{bucket}/folder/sub/moved+large.bin") as stream:
        assert stream.read() == files["large.bin"]
    selected = arrow.get_file_info(pafs.FileSelector(f"{bucket}/folder", recursive=True))
    found = {entry.path for entry in selected if entry.type == pafs.FileType.File}
    assert found == {f"{bucket}/folder/large.bin", f"{bucket}/folder/sub/moved+large.bin"}
    arrow.delete_dir_contents(f"{bucket}/folder")
    assert arrow.get_file_info(f"{bucket}/folder/large.bin").type == pafs.FileType.NotFound


def test_errors(arrow, bucket):
    with pytest.raises(FileNotFoundError):
        arrow.open_input_file(f"{bucket}/absent")
    with pytest.raises(OSError, match="BUCKET|bucket"):
        arrow.open_output_stream("no-such-bucket-here/k").write(b"x")
