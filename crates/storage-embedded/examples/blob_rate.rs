//! Measures how fast one large blob is written and read back.
//!
//! `cargo run --release -p storage-embedded --example blob_rate -- [DIRECTORY] [MIB]`

use std::path::PathBuf;
use std::time::Instant;

use bytes::Bytes;
use futures_util::StreamExt;
use storage::{Batch, Blobs, Metadata, NewBlob, Space};
use storage_embedded::{EmbeddedStore, Options};
use types::{BlobId, Entropy, OsEntropy};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The length of the pieces in which a body arrives from a connection.
const ARRIVING_BYTES: usize = 64 << 10;
/// The length of the ranges that are read at random places.
const RANGE_BYTES: u64 = 256 << 10;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().map_or_else(|| PathBuf::from("blob-rate-data"), PathBuf::from);
    let mib: u64 = arguments.next().map_or(Ok(1024), |mib| mib.parse())?;
    let length = mib << 20;
    let store = EmbeddedStore::open_directory(&directory, Options::default(), &OsEntropy)?;
    let id = BlobId::random(&OsEntropy);
    let mut piece = vec![0; ARRIVING_BYTES];
    OsEntropy.fill(&mut piece);
    let piece = Bytes::from(piece);

    let started = Instant::now();
    let mut writer = store.create(id, Some(length)).await?;
    for _ in 0..length / ARRIVING_BYTES as u64 {
        writer.write(piece.clone()).await?;
    }
    let written = started.elapsed();
    writer.finish().await?;
    store.commit(Space(1), b"", Batch { keep: vec![NewBlob::Made(id)], ..Batch::default() }).await?;
    let rate = |elapsed: std::time::Duration| mib as f64 / elapsed.as_secs_f64();
    println!("write: {:.0} MiB/s durable, of which {written:.2?} before the end", rate(started.elapsed()));

    let started = Instant::now();
    let mut stream = store.read(id, 0..length).await?;
    let mut count = 0;
    while let Some(piece) = stream.next().await {
        count += piece?.len() as u64;
    }
    assert_eq!(count, length);
    println!("read: {:.0} MiB/s", rate(started.elapsed()));

    let (ranges, started) = (4000, Instant::now());
    for number in 0..ranges {
        let start = (number * 7_919 * 4096 + 13) % (length - RANGE_BYTES);
        store.read(id, start..start + RANGE_BYTES).await?.collect().await?;
    }
    println!("ranges of 256 KiB: {:.0}/s", ranges as f64 / started.elapsed().as_secs_f64());
    store.close().await?;
    drop(store);
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}
