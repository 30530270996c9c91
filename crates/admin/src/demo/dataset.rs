//! A small dataset, computed: monthly air temperature on a grid over two years, as Zarr version 2 with consolidated
//! metadata.
//!
//! Source: the Zarr storage specification version 2; xarray's documentation, "Zarr encoding specification"
//! (`_ARRAY_DIMENSIONS`); the CF metadata conventions 1.8.

use std::f64::consts::PI;

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The dataset's name, before the keys of all that is in it.
pub(crate) const NAME: &str = "air_temperature.zarr";

const MONTHS: usize = 24;
const LATITUDES: usize = 36;
const LONGITUDES: usize = 72;
/// The grid's spacing in degrees.
const SPACING: f64 = 5.0;
/// Months, latitudes and longitudes of one chunk; each divides its axis.
const CHUNK: [usize; 3] = [12, 18, 36];
/// The days of the months of 2020 and 2021.
const MONTH_DAYS: [i64; MONTHS] =
    [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// An object of the dataset.
pub(crate) struct Item {
    /// Its key below the dataset's name.
    pub(crate) key: String,
    /// What it holds.
    pub(crate) content: Bytes,
    /// What that is.
    pub(crate) content_type: &'static str,
}

/// Every object of the dataset, the metadata last: whoever sees it finds all chunks.
pub(crate) fn items() -> Vec<Item> {
    let mut items = chunks();
    let metadata = metadata();
    let consolidated = json!({ "zarr_consolidated_format": 1, "metadata": metadata });
    items.extend(metadata.into_iter().map(|(key, value)| document(key, &value)));
    items.push(document(".zmetadata".to_owned(), &consolidated));
    items
}

fn document(key: String, value: &Value) -> Item {
    Item { key, content: format!("{value:#}").into(), content_type: "application/json" }
}

/// The documents of the group and of each array, by key.
fn metadata() -> Map<String, Value> {
    let mut documents = Map::new();
    let mut add = |key: &str, value: Value| documents.insert(key.to_owned(), value);
    add(".zgroup", json!({ "zarr_format": 2 }));
    add(
        ".zattrs",
        json!({
            "Conventions": "CF-1.8",
            "title": "Monthly mean air temperature near the surface, computed for demonstration",
            "source": "a formula: colder towards the poles, with seasons and a wave along each parallel",
            "comment": "No measurement and no model: made by commonhold demo.",
        }),
    );
    let grid = [MONTHS, LATITUDES, LONGITUDES];
    add("air_temperature/.zarray", array(&grid, &CHUNK, "<f4", json!("NaN")));
    add(
        "air_temperature/.zattrs",
        json!({
            "_ARRAY_DIMENSIONS": ["time", "lat", "lon"],
            "standard_name": "air_temperature",
            "long_name": "Air temperature near the surface",
            "units": "K",
            "cell_methods": "time: mean",
        }),
    );
    let calendar = json!({ "units": "days since 2020-01-01", "calendar": "proleptic_gregorian" });
    let (north, east) = (json!({ "units": "degrees_north" }), json!({ "units": "degrees_east" }));
    for (name, standard_name, axis, length, dtype, mut attributes) in [
        ("time", "time", "T", MONTHS, "<i8", calendar),
        ("lat", "latitude", "Y", LATITUDES, "<f8", north),
        ("lon", "longitude", "X", LONGITUDES, "<f8", east),
    ] {
        attributes["_ARRAY_DIMENSIONS"] = json!([name]);
        attributes["standard_name"] = json!(standard_name);
        attributes["axis"] = json!(axis);
        add(&format!("{name}/.zarray"), array(&[length], &[length], dtype, Value::Null));
        add(&format!("{name}/.zattrs"), attributes);
    }
    documents
}

fn array(shape: &[usize], chunks: &[usize], dtype: &str, fill_value: Value) -> Value {
    json!({
        "zarr_format": 2,
        "shape": shape,
        "chunks": chunks,
        "dtype": dtype,
        "compressor": null,
        "filters": null,
        "fill_value": fill_value,
        "order": "C",
    })
}

fn chunks() -> Vec<Item> {
    let mut items = Vec::new();
    for month in (0..MONTHS).step_by(CHUNK[0]) {
        for row in (0..LATITUDES).step_by(CHUNK[1]) {
            for column in (0..LONGITUDES).step_by(CHUNK[2]) {
                let place = (month / CHUNK[0], row / CHUNK[1], column / CHUNK[2]);
                let key = format!("air_temperature/{}.{}.{}", place.0, place.1, place.2);
                items.push(binary(key, chunk(month, row, column)));
            }
        }
    }
    let middles = (0..MONTHS).map(|month| MONTH_DAYS[..month].iter().sum::<i64>() + MONTH_DAYS[month] / 2);
    items.push(binary("time/0".to_owned(), middles.flat_map(i64::to_le_bytes).collect()));
    items.push(binary("lat/0".to_owned(), (0..LATITUDES).map(latitude).flat_map(f64::to_le_bytes).collect()));
    items.push(binary("lon/0".to_owned(), (0..LONGITUDES).map(longitude).flat_map(f64::to_le_bytes).collect()));
    items
}

fn binary(key: String, content: Vec<u8>) -> Item {
    Item { key, content: content.into(), content_type: "application/octet-stream" }
}

/// The values of the chunk that begins at these places, in C order.
fn chunk(month: usize, row: usize, column: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(CHUNK.iter().product::<usize>() * 4);
    for month in month..month + CHUNK[0] {
        for row in row..row + CHUNK[1] {
            for column in column..column + CHUNK[2] {
                bytes.extend(temperature(month, latitude(row), longitude(column)).to_le_bytes());
            }
        }
    }
    bytes
}

#[expect(clippy::cast_precision_loss, reason = "the places are below 100")]
fn latitude(row: usize) -> f64 {
    (row as f64 + 0.5).mul_add(SPACING, -90.0)
}

#[expect(clippy::cast_precision_loss, reason = "the places are below 100")]
fn longitude(column: usize) -> f64 {
    (column as f64 + 0.5) * SPACING
}

/// The temperature in kelvin.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a few hundred, to be kept as f32")]
fn temperature(month: usize, latitude: f64, longitude: f64) -> f32 {
    let (latitude, longitude) = (latitude.to_radians(), longitude.to_radians());
    let season = (2.0 * PI * (month as f64 - 6.5) / 12.0).cos();
    let mean = 300.0 - 45.0 * latitude.sin().powi(2);
    let wave = 3.0 * latitude.cos() * (2.0 * longitude).cos();
    (mean + 15.0 * latitude.sin() * season + wave) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunks_are_those_that_the_metadata_describes() {
        let items = items();
        let find = |key: &str| items.iter().find(|item| item.key == key).expect(key);
        let consolidated: Value = serde_json::from_slice(&find(".zmetadata").content).expect("JSON");
        for (key, value) in consolidated["metadata"].as_object().expect("documents") {
            let document: Value = serde_json::from_slice(&find(key).content).expect("JSON");
            assert_eq!(document, *value, "{key}");
        }
        for name in ["air_temperature", "time", "lat", "lon"] {
            let array = &consolidated["metadata"][format!("{name}/.zarray")];
            let numbers = |field: &str| -> Vec<u64> { serde_json::from_value(array[field].clone()).expect("numbers") };
            let (shape, chunks) = (numbers("shape"), numbers("chunks"));
            let bytes_each = array["dtype"].as_str().and_then(|dtype| dtype[2..].parse::<u64>().ok()).expect("bytes");
            let expected: u64 = shape.iter().zip(&chunks).map(|(length, chunk)| length.div_ceil(*chunk)).product();
            let prefix = format!("{name}/");
            let data = |item: &&Item| item.key.starts_with(&prefix) && !item.key.contains("/.z");
            let found: Vec<_> = items.iter().filter(data).collect();
            assert_eq!(found.len() as u64, expected, "{name}");
            for item in found {
                assert_eq!(item.content.len() as u64, chunks.iter().product::<u64>() * bytes_each, "{}", item.key);
            }
        }
    }

    #[test]
    fn it_is_warm_at_the_equator_and_the_hemispheres_have_opposite_summers() {
        let july = 6;
        assert!(temperature(july, 0.0, 0.0) > temperature(july, 60.0, 0.0));
        assert!(temperature(july, 60.0, 0.0) > temperature(0, 60.0, 0.0));
        assert!(temperature(july, -60.0, 0.0) < temperature(0, -60.0, 0.0));
        assert!((0..MONTHS).all(|month| (200.0..330.0).contains(&temperature(month, 87.5, 2.5))));
    }
}
