"""Files and datasets as scientists have them."""

import hashlib
from pathlib import Path

import numpy as np
import xarray as xr

MIB = 1024 * 1024
LARGE_BYTES = 20 * MIB + 12345

# Names that have broken clients and servers: a client signs them encoded, and a server must not encode them its own way.
AWKWARD_NAMES = [
    "with space.txt",
    "plus+and&ampersand=.txt",
    "percent%20literal%2F.txt",
    "ünïcode-文字-🌍.txt",
    "brackets[1](2){3}.txt",
    "tilde~quote'semi;colon:at@.txt",
]


def make_files(folder: Path) -> dict[str, bytes]:
    """Fills `folder` and returns the content by relative path."""
    noise = np.random.default_rng(20240701)
    content = {
        "empty.bin": b"",
        "small.txt": b"Commonhold holds this.\n",
        "large.bin": noise.bytes(LARGE_BYTES),
        "model/run 1/surface.nc": _netcdf_bytes(folder),
        "model/run 1/notes.txt": "Temperatur in °C\n".encode(),
    }
    content.update({name: name.encode() for name in AWKWARD_NAMES})
    for name, body in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return content


def make_dataset() -> xr.Dataset:
    """A small climate-model output: two variables on (time, lat, lon), with attributes and a calendar."""
    noise = np.random.default_rng(7)
    shape = (48, 45, 90)
    coordinates = {
        "time": ("time", np.datetime64("2000-01-01", "ns") + np.arange(shape[0]) * np.timedelta64(6, "h")),
        "lat": ("lat", np.linspace(-88, 88, shape[1]), {"units": "degrees_north"}),
        "lon": ("lon", np.linspace(0, 356, shape[2]), {"units": "degrees_east"}),
    }
    temperature = (15 + 20 * noise.standard_normal(shape)).astype("float32")
    pressure = (1013 + 10 * noise.standard_normal(shape)).astype("float32")
    dimensions = ("time", "lat", "lon")
    variables = {
        "tas": (dimensions, temperature, {"units": "degC", "long_name": "near-surface air temperature"}),
        "psl": (dimensions, pressure, {"units": "hPa"}),
    }
    return xr.Dataset(variables, coordinates, {"title": "synthetic surface fields", "Conventions": "CF-1.11"})


def read_tree(folder: Path) -> dict[str, bytes]:
    """Content by relative path of every file under `folder`."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def md5(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _netcdf_bytes(folder: Path) -> bytes:
    path = folder / "surface.nc"
    make_dataset().isel(time=slice(0, 8)).to_netcdf(path, engine="netcdf4")
    body = path.read_bytes()
    path.unlink()
    return body
