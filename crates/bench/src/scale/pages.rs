//! A page of a listing, in buckets of very different sizes.

use std::time::{Duration, Instant};

use http::Method;
use types::{Entropy as _, OsEntropy};

use super::fill::{Filling, fill};
use super::{Finding, Setup, serve};
use crate::body::Content;
use crate::connection::{Connection, Keep};
use crate::error::BenchError;
use crate::histogram::Histogram;
use crate::target::Target;

/// The bucket that others are held against.
const FEW: Filling = Filling::of(10_000);
/// Keys with one version each, and with many.
const SINGLE: Filling = Filling::of(2000);
const VERSIONED: Filling = Filling { keys: 2000, versions: 100 };
/// What two measurements of the same page may differ by on a machine that does other things too.
const NOISE: f64 = 1.25;
const PAGE_KEYS: usize = 1000;

/// Which page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Page {
    /// A thousand keys from anywhere in the bucket.
    Keys,
    /// The bucket's thousand folders.
    Folders,
}

/// The median time of a page in a large bucket against a small one, and of versioned keys against others.
pub(super) async fn measure(setup: &Setup, told: &impl Fn(&str)) -> Result<Vec<Finding>, BenchError> {
    let server = serve(setup).await?;
    let many = Filling::of(setup.objects);
    for filling in [FEW, SINGLE, VERSIONED, many] {
        fill(&server, filling, told).await?;
    }
    let cases = [
        (format!("list-keys-{}", many.keys), Page::Keys, many, FEW),
        (format!("list-folders-{}", many.keys), Page::Folders, many, FEW),
        ("list-keys-100-versions".to_owned(), Page::Keys, VERSIONED, SINGLE),
        ("list-folders-100-versions".to_owned(), Page::Folders, VERSIONED, SINGLE),
    ];
    let mut findings = Vec::new();
    for (name, page, large, small) in cases.into_iter().filter(|(name, ..)| setup.asks_for(name)) {
        let mut rounds = Vec::new();
        for _ in 0..setup.rounds.max(1) {
            let mut medians = [0.0; 2];
            for (median, filling) in medians.iter_mut().zip([small, large]) {
                *median = pages(&server.target(&filling.bucket())?, filling, page, setup.duration).await?;
            }
            rounds.push((medians[1], medians[0]));
        }
        findings.push(Finding::ratio(name, &rounds, "ms", NOISE));
    }
    server.stop().await?;
    Ok(findings)
}

/// The median time of a page, in milliseconds, one after another on one connection.
async fn pages(target: &Target, filling: Filling, page: Page, duration: Duration) -> Result<f64, BenchError> {
    let mut connection = Connection::new(target);
    connection.open().await?;
    let mut times = Histogram::default();
    let started = Instant::now();
    while started.elapsed() < duration {
        let query = query(filling, page);
        let request = target.request(Method::GET, "", &query, Content::empty().body(), None)?;
        let asked = Instant::now();
        let answer = connection.send(request, Keep::Bytes).await?.checked("ListObjectsV2")?;
        times.record(asked.elapsed());
        let entry = if page == Page::Folders { "<CommonPrefixes>" } else { "<Key>" };
        let listed = String::from_utf8_lossy(&answer.kept).matches(entry).count();
        if listed != PAGE_KEYS {
            let text = format!("{listed} entries instead of {PAGE_KEYS}");
            return Err(BenchError::Refused { what: query, status: answer.status.as_u16(), text });
        }
    }
    Ok(times.quantile(0.5).as_secs_f64() * 1e3)
}

/// A page that is full, and that nobody asked for before: it starts at random before the last thousand keys, or at random
/// before the first folder.
fn query(filling: Filling, page: Page) -> String {
    match page {
        Page::Folders => {
            let before = OsEntropy.next_u64();
            format!("delimiter=%2F&list-type=2&max-keys=1000&start-after=a{before:016x}")
        }
        Page::Keys => {
            let last = filling.keys - PAGE_KEYS as u64;
            let after = filling.key(OsEntropy.next_u64() % last).replace('/', "%2F");
            format!("list-type=2&max-keys=1000&start-after={after}")
        }
    }
}
