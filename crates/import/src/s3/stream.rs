//! A body on its way from one side to the other: counted and hashed while it passes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use parking_lot::Mutex;
use s3_client::{ClientError, SendBody};
use types::Md5;

/// What passed.
#[derive(Clone, Debug, Default)]
pub(super) struct Passed(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    hash: Md5,
    bytes: u64,
}

impl Passed {
    /// The MD5 of all that passed.
    pub(super) fn md5(&self) -> [u8; 16] {
        self.0.lock().hash.clone().finish()
    }
}

/// The body of an answer as that of a request, with exactly `length` bytes.
pub(super) fn through(body: Incoming, length: u64) -> (SendBody, Passed) {
    let passed = Passed::default();
    (Through { body, length, passed: passed.clone() }.boxed(), passed)
}

struct Through {
    body: Incoming,
    length: u64,
    passed: Passed,
}

impl Body for Through {
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    let mut state = self.passed.0.lock();
                    state.hash.update(data);
                    state.bytes += data.len() as u64;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(ClientError::Http(error)))),
            None => {
                let bytes = self.passed.0.lock().bytes;
                match bytes == self.length {
                    true => Poll::Ready(None),
                    false => {
                        let problem = format!("{bytes} of {} bytes came", self.length);
                        Poll::Ready(Some(Err(ClientError::Body(problem))))
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.length == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length - self.passed.0.lock().bytes.min(self.length))
    }
}
