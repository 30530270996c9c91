//! The pieces of a large object, several at a time.
//!
//! Whoever copies the object holds one permit for a stream already. While permits are free, up to [`STREAMS`] pieces are on
//! their way: many small objects beside a large one leave it fewer, and never are there more streams than the import may
//! have. A piece that broke off is sent again by itself, as the upload keeps what has come.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use http::Method;
use parking_lot::Mutex;
use s3_client::{Call, ClientError};
use tokio::task::JoinSet;

use super::object::{Copy, length_of};
use super::stream::through;
use super::{ATTEMPTS, Pair, pause};

/// The most pieces of one object that are on their way at a time.
const STREAMS: usize = 8;

/// A piece of the source, which becomes the part of this number.
pub(super) struct Piece {
    /// From 1.
    pub(super) number: u64,
    /// Where it is in the object; `None` where it is the part of this number there, too.
    pub(super) range: Option<(u64, u64)>,
}

/// A part that is there.
pub(super) struct Part {
    pub(super) etag: String,
    pub(super) md5: [u8; 16],
    pub(super) length: u64,
}

/// What is to be sent, and what is there, by its number.
struct Pieces {
    waiting: Mutex<VecDeque<Piece>>,
    there: Mutex<BTreeMap<u64, Part>>,
}

/// Sends pieces as parts of `upload`, and answers with them in the order of their numbers.
pub(super) async fn send(
    copy: &Arc<Copy>,
    pair: &mut Pair,
    upload: &str,
    pieces: VecDeque<Piece>,
) -> Result<Vec<Part>, ClientError> {
    let most = pieces.len().min(STREAMS);
    let pieces = Arc::new(Pieces { waiting: Mutex::new(pieces), there: Mutex::default() });
    let mut others = JoinSet::new();
    while others.len() + 1 < most {
        let Ok(permit) = Arc::clone(&copy.shared.streams).try_acquire_owned() else { break };
        let (copy, pieces, upload) = (Arc::clone(copy), Arc::clone(&pieces), upload.to_owned());
        others.spawn(async move {
            let _permit = permit;
            let mut pair = Pair::new(&copy.shared.import);
            drain(&copy, &mut pair, &upload, &pieces).await
        });
    }
    let mut outcome = drain(copy, pair, upload, &pieces).await;
    while let Some(ended) = others.join_next().await {
        let ended = ended.unwrap_or_else(|error| Err(ClientError::Body(format!("a copying task ended: {error}"))));
        outcome = outcome.and(ended);
    }
    outcome?;
    let there = std::mem::take(&mut *pieces.there.lock());
    Ok(there.into_values().collect())
}

/// Sends waiting pieces until there are none. After a failure nobody begins another.
async fn drain(copy: &Copy, pair: &mut Pair, upload: &str, pieces: &Pieces) -> Result<(), ClientError> {
    loop {
        let next = pieces.waiting.lock().pop_front();
        let Some(piece) = next else { return Ok(()) };
        match with_patience(copy, pair, upload, &piece).await {
            Ok(part) => drop(pieces.there.lock().insert(piece.number, part)),
            Err(error) => {
                pieces.waiting.lock().clear();
                return Err(error);
            }
        }
    }
}

async fn with_patience(copy: &Copy, pair: &mut Pair, upload: &str, piece: &Piece) -> Result<Part, ClientError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match one(copy, pair, upload, piece).await {
            Err(error) if error.is_passing() && attempt < ATTEMPTS => {
                *pair = Pair::new(&copy.shared.import);
                tokio::time::sleep(pause(attempt)).await;
            }
            outcome => return outcome,
        }
    }
}

async fn one(copy: &Copy, pair: &mut Pair, upload: &str, piece: &Piece) -> Result<Part, ClientError> {
    let asked = match piece.range {
        None => copy.get().query("partNumber", piece.number.to_string()),
        Some((start, end)) => copy.get().header("range", format!("bytes={start}-{}", end - 1)),
    };
    let (head, body) = pair.from.open(asked).await?.into_parts();
    let length = length_of(&head.headers)?;
    if let Some((start, end)) = piece.range
        && length != end - start
    {
        return Err(ClientError::Body(format!("a range has {length} bytes in the place of {}", end - start)));
    }
    send_part(copy, pair, upload, piece.number, body, length).await
}

/// Sends what is on its way from the source as a part.
pub(super) async fn send_part(
    copy: &Copy,
    pair: &mut Pair,
    upload: &str,
    number: u64,
    body: hyper::body::Incoming,
    length: u64,
) -> Result<Part, ClientError> {
    let (body, passed) = through(body, length);
    let call: Call = copy.put(Method::PUT).query("partNumber", number.to_string()).query("uploadId", upload);
    let answer = pair.to.send(call.body(body, length)).await?;
    let md5 = passed.md5();
    copy.check_etag("a part", answer.header("etag"), &hex::encode(md5))?;
    Ok(Part { etag: answer.header("etag").unwrap_or_default().to_owned(), md5, length })
}
