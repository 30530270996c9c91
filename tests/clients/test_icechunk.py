"""Icechunk: transactions on Zarr, kept apart by conditional writes alone."""

import threading

import icechunk
import numpy as np
import pytest
import xarray as xr
import zarr

from dataset import make_dataset


def storage_at(endpoint, key, bucket) -> icechunk.Storage:
    return icechunk.s3_storage(
        bucket=bucket,
        prefix="repository",
        endpoint_url=endpoint.url,
        allow_http=not endpoint.secure,
        access_key_id=key.access_key,
        secret_access_key=key.secret_key,
        region="us-east-1",
        force_path_style=True,
    )


@pytest.fixture
def repository(internal, manager, bucket):
    return icechunk.Repository.create(storage_at(internal, manager, bucket))


def test_round_trip(endpoint, manager, bucket):
    storage = storage_at(endpoint, manager, bucket)
    repository = icechunk.Repository.create(storage)
    dataset = make_dataset()
    session = repository.writable_session("main")
    dataset.to_zarr(session.store, consolidated=False)
    snapshot = session.commit("surface fields")
    reopened = icechunk.Repository.open(storage)
    with xr.open_zarr(reopened.readonly_session(branch="main").store, consolidated=False) as read:
        xr.testing.assert_identical(read.load(), dataset)
    assert [entry.message for entry in reopened.ancestry(snapshot_id=snapshot)][0] == "surface fields"


def test_history(repository):
    snapshots = []
    for number in range(3):
        session = repository.writable_session("main")
        root = zarr.open_group(session.store, mode="a")
        array = root.require_array("counter", shape=(1,), dtype="i4")
        array[0] = number
        snapshots.append(session.commit(f"count {number}"))
    repository.create_tag("first", snapshot_id=snapshots[0])
    repository.create_branch("trial", snapshot_id=snapshots[1])
    for where, expected in (({"tag": "first"}, 0), ({"branch": "trial"}, 1), ({"branch": "main"}, 2)):
        root = zarr.open_group(repository.readonly_session(**where).store, mode="r")
        assert root["counter"][0] == expected
    assert repository.list_branches() == {"main", "trial"}
    assert repository.list_tags() == {"first"}
    repository.delete_branch("trial")
    assert repository.list_branches() == {"main"}


def test_two_writers_one_conflict(repository):
    session = repository.writable_session("main")
    zarr.open_group(session.store).create_array("values", shape=(20,), chunks=(1,), dtype="i4")
    session.commit("empty array")

    first, second = (repository.writable_session("main") for _ in range(2))
    zarr.open_group(first.store)["values"][0] = 1
    zarr.open_group(second.store)["values"][1] = 2
    first.commit("first writer")
    with pytest.raises(icechunk.ConflictError):
        second.commit("second writer")
    second.rebase(icechunk.ConflictDetector())
    second.commit("second writer, rebased")
    values = zarr.open_group(repository.readonly_session(branch="main").store, mode="r")["values"]
    assert (values[0], values[1]) == (1, 2)


def test_writers_at_the_same_moment(repository):
    session = repository.writable_session("main")
    zarr.open_group(session.store).create_array("values", shape=(8,), chunks=(1,), dtype="i4")
    session.commit("empty array")
    start = threading.Barrier(8)
    outcomes = []

    def write(number: int) -> None:
        session = repository.writable_session("main")
        zarr.open_group(session.store)["values"][number] = number + 1
        start.wait()
        try:
            session.commit(f"writer {number}")
            outcomes.append(number)
        except icechunk.ConflictError:
            outcomes.append(None)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if outcome is not None]
    assert len(outcomes) == 8
    assert len(winners) == 1, "every session began at the same snapshot, so one alone may commit"
    values = zarr.open_group(repository.readonly_session(branch="main").store, mode="r")["values"][:]
    assert np.flatnonzero(values).tolist() == winners
