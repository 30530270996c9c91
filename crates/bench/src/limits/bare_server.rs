//! hyper with nothing behind it: what any server on it could do at best.

use std::convert::Infallible;
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use bytes::Bytes;
use http::header::RANGE;
use http::{Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use types::Md5;

use crate::error::BenchError;

/// The bytes of one read of a file's longer answers.
const PIECE_BYTES: u64 = 256 << 10;

/// What a bare server does.
#[derive(Clone, Debug)]
pub enum Answers {
    /// Reads bodies, MD5s them, keeps nothing, answers the hash as an ETag.
    Hashes,
    /// Answers these bytes from memory; to HEAD, their length.
    Memory(Bytes),
    /// Answers the bytes of a file, read where they are sent, from the page cache at best.
    File(Arc<File>),
}

/// A server on threads of its own. Ends when dropped.
#[derive(Debug)]
pub struct BareServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl BareServer {
    /// Starts one on a free port of this machine, with a runtime thread for each core, as the store has.
    ///
    /// # Errors
    /// Where there is no port, or no thread.
    pub fn start(answers: Answers) -> Result<Self, BenchError> {
        let failed = || BenchError::io("a bare server can not be started");
        let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("bare").enable_all().build();
        let runtime = runtime.map_err(failed())?;
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(failed())?;
        listener.set_nonblocking(true).map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, answers) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("bare-main".to_owned()).spawn(serve).map_err(failed())?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Its endpoint.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ended, in one way or the other.
            let _ = thread.join();
        }
    }
}

async fn accept(listener: std::net::TcpListener, answers: Answers) {
    // A listener that tokio can not take serves nobody, which whoever connects will say.
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, answers.clone()));
    }
}

async fn serve(stream: TcpStream, answers: Answers) {
    // Without it answers are only later, not wrong.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(request, answers.clone()));
    // A client that went away is none of the limit's business.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, answers: Answers) -> Result<Response<Bare>, Infallible> {
    let range = request.headers().get(RANGE).and_then(|range| parse_range(range.to_str().ok()?));
    let is_head = request.method() == Method::HEAD;
    let mut response = Response::new(Bare::Memory(Bytes::new()));
    match answers {
        Answers::Hashes => match hash(request.into_body()).await {
            Ok(md5) => {
                if let Ok(tag) = format!("\"{}\"", hex::encode(md5)).parse() {
                    response.headers_mut().insert("etag", tag);
                }
            }
            Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
        },
        Answers::Memory(bytes) if is_head => {
            response.headers_mut().insert("content-length", bytes.len().into());
        }
        Answers::Memory(bytes) => *response.body_mut() = Bare::Memory(bytes),
        Answers::File(file) => {
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            let (at, end) = range.unwrap_or((0, length));
            *response.body_mut() = Bare::File { file, at, end: end.min(length) };
        }
    }
    Ok(response)
}

async fn hash(mut body: Incoming) -> Result<[u8; 16], hyper::Error> {
    let mut md5 = Md5::default();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            md5.update(&data);
        }
    }
    Ok(md5.finish())
}

/// The start and end of `bytes=FIRST-LAST`.
fn parse_range(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse::<u64>().ok()?.checked_add(1)?))
}

enum Bare {
    Memory(Bytes),
    File { file: Arc<File>, at: u64, end: u64 },
}

impl Body for Bare {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let piece = match &mut *self {
            done if done.is_end_stream() => return Poll::Ready(None),
            Self::Memory(bytes) => Ok(std::mem::take(bytes)),
            Self::File { file, at, end } => {
                let length = PIECE_BYTES.min(*end - *at);
                let mut piece = vec![0; length as usize];
                let read = file.read_exact_at(&mut piece, *at);
                *at += length;
                read.map(|()| Bytes::from(piece))
            }
        };
        Poll::Ready(Some(piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Memory(bytes) => bytes.is_empty(),
            Self::File { at, end, .. } => at >= end,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { at, end, .. } => end.saturating_sub(*at),
        })
    }
}
