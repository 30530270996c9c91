//! MD5 of small bodies, of several requests together.
//!
//! A core hashes eight small bodies side by side in the time of two ([`Md5::of_each`]). So a request that is not alone
//! leaves its body here and lets the others of its thread's turn go on, which leave theirs. Whoever is back first hashes
//! what is there, and those after find their hashes. Nobody waits for a request that may not come.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use types::Md5;

/// The bytes of a body up to which it is hashed with others: those of a few bytes may have to wait for it.
pub(crate) const SMALL_BYTES: usize = 16 << 10;
/// With so many uploads under way it is likely that some of them can be hashed together.
const MANY: usize = 4;

/// The bodies that wait, of all requests. Who gives up leaves nothing behind but a few bytes, until others are hashed.
#[derive(Default)]
pub(crate) struct SmallBodies {
    uploads: AtomicUsize,
    waiting: Mutex<Vec<Weak<Body>>>,
}

struct Body {
    bytes: Bytes,
    md5: OnceLock<[u8; 16]>,
    hashed: Notify,
}

/// An upload that is under way, until this is dropped.
pub(crate) struct Upload<'a>(&'a SmallBodies);

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        self.0.uploads.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SmallBodies {
    /// Counts an upload, from before its body is hashed until it is stored.
    pub(crate) fn upload(&self) -> Upload<'_> {
        self.uploads.fetch_add(1, Ordering::Relaxed);
        Upload(self)
    }

    /// The MD5 of a small body.
    pub(crate) async fn md5(&self, bytes: Bytes) -> [u8; 16] {
        if self.uploads.load(Ordering::Relaxed) < MANY {
            return Md5::of(&bytes);
        }
        let body = Arc::new(Body { bytes, md5: OnceLock::new(), hashed: Notify::new() });
        self.waiting.lock().push(Arc::downgrade(&body));
        tokio::task::yield_now().await;
        loop {
            if let Some(md5) = body.md5.get() {
                return *md5;
            }
            if !self.hash_some() {
                // Another thread has it.
                body.hashed.notified().await;
            }
        }
    }

    /// Hashes the first that wait; `false` where nobody does.
    fn hash_some(&self) -> bool {
        let taken: Vec<Weak<Body>> = {
            let mut waiting = self.waiting.lock();
            let count = waiting.len().min(Md5::LANES);
            waiting.drain(..count).collect()
        };
        // Whose request was given up needs no hash.
        let bodies: Vec<Arc<Body>> = taken.iter().filter_map(Weak::upgrade).collect();
        let messages: Vec<&[u8]> = bodies.iter().map(|body| &*body.bytes).collect();
        for (body, md5) in bodies.iter().zip(Md5::of_each(&messages)) {
            let _ = body.md5.set(md5);
            body.hashed.notify_one();
        }
        !taken.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use types::Md5;

    use super::{MANY, SmallBodies};

    fn body(number: usize) -> Bytes {
        (0..number * 37 % 5000).map(|at| (at * number % 251) as u8).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn each_of_many_gets_its_own_hash() {
        let small = Arc::new(SmallBodies::default());
        let requests = (0..500).map(|number| {
            let small = Arc::clone(&small);
            tokio::spawn(async move {
                let _upload = small.upload();
                assert_eq!(small.md5(body(number)).await, Md5::of(&body(number)), "{number}");
            })
        });
        for request in requests.collect::<Vec<_>>() {
            request.await.unwrap();
        }
        assert!(small.waiting.lock().is_empty());
    }

    #[tokio::test]
    async fn those_of_one_turn_are_hashed_by_the_first_who_is_back() {
        let small = SmallBodies::default();
        let _uploads: Vec<_> = (0..MANY).map(|_| small.upload()).collect();
        let mut requests: Vec<_> = (0..3).map(|number| Box::pin(small.md5(body(number)))).collect();
        for request in &mut requests {
            assert_eq!(request.now_or_never(), None);
        }
        assert_eq!(small.waiting.lock().len(), 3);
        assert_eq!(requests.remove(1).await, Md5::of(&body(1)));
        assert!(small.waiting.lock().is_empty());
        for (number, request) in [0, 2].into_iter().zip(requests) {
            assert_eq!(request.now_or_never(), Some(Md5::of(&body(number))));
        }
    }

    #[tokio::test]
    async fn who_gives_up_holds_nobody_back() {
        let small = SmallBodies::default();
        let _uploads: Vec<_> = (0..MANY).map(|_| small.upload()).collect();
        for number in 0..20 {
            assert_eq!(small.md5(body(number)).now_or_never(), None);
        }
        assert_eq!(small.md5(body(20)).await, Md5::of(&body(20)));
    }

    #[test]
    fn who_is_alone_does_not_wait() {
        let small = SmallBodies::default();
        let _upload = small.upload();
        assert_eq!(small.md5(body(7)).now_or_never(), Some(Md5::of(&body(7))));
    }
}
