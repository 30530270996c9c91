//! Counting in memory.
//!
//! A request finds its meters under shared locks and adds to their numbers. Only the first request of something after a
//! start, or after a while of silence, waits for a lock of its own.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use types::{BucketName, TenancyName, UserName};

use crate::record::{Requests, Traffic};
use crate::series::{Series, Subject};

/// The most buckets, and the most people, of one tenancy that have a meter at a time; some 150 bytes each.
pub const SERIES: usize = 10_000;

/// What a request does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Reads.
    Read,
    /// Writes.
    Write,
    /// Lists.
    List,
    /// Deletes.
    Delete,
    /// Anything else.
    Other,
}

/// A request that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where.
    pub tenancy: &'a TenancyName,
    /// In which bucket, if there is such a one.
    pub bucket: Option<&'a BucketName>,
    /// By whom; `None` for anonymous ones.
    pub person: Option<&'a UserName>,
    /// What it does.
    pub class: Class,
    /// Bytes of its body.
    pub received_bytes: u64,
    /// Bytes of its response's body.
    pub sent_bytes: u64,
}

/// Every meter.
#[derive(Default)]
pub(crate) struct Meters {
    tenancies: RwLock<HashMap<TenancyName, Arc<InTenancy>>>,
}

#[derive(Default)]
struct InTenancy {
    whole: Meter,
    buckets: RwLock<HashMap<BucketName, Meter>>,
    people: RwLock<HashMap<UserName, Meter>>,
}

#[derive(Default)]
struct Meter {
    received: AtomicU64,
    sent: AtomicU64,
    requests: [AtomicU64; 5],
}

impl Meters {
    pub(crate) fn count(&self, request: &Request<'_>) {
        let known = self.tenancies.read().get(request.tenancy).cloned();
        let tenancy =
            known.unwrap_or_else(|| Arc::clone(self.tenancies.write().entry(request.tenancy.clone()).or_default()));
        tenancy.whole.count(request);
        if let Some(bucket) = request.bucket {
            count_in(&tenancy.buckets, bucket, request);
        }
        if let Some(person) = request.person {
            count_in(&tenancy.people, person, request);
        }
    }

    /// Takes out what was counted since the last call. Meters that counted nothing go.
    pub(crate) fn take(&self) -> Vec<(Series, Traffic)> {
        let mut taken = Vec::new();
        let tenancies: Vec<_> =
            self.tenancies.read().iter().map(|(name, meters)| (name.clone(), Arc::clone(meters))).collect();
        for (name, meters) in tenancies {
            let series = |of| Series { tenancy: name.clone(), of };
            let traffic = meters.whole.take();
            if !traffic.is_none() {
                taken.push((series(Subject::Tenancy), traffic));
            }
            take_from(&meters.buckets, |bucket| series(Subject::Bucket(bucket.clone())), &mut taken);
            take_from(&meters.people, |person| series(Subject::Person(person.clone())), &mut taken);
        }
        taken
    }

    /// Gives back what was taken out and could not be written.
    pub(crate) fn put_back(&self, series: &Series, traffic: &Traffic) {
        let meters = Arc::clone(self.tenancies.write().entry(series.tenancy.clone()).or_default());
        match &series.of {
            Subject::Tenancy => meters.whole.add(traffic),
            Subject::Bucket(bucket) => meters.buckets.write().entry(bucket.clone()).or_default().add(traffic),
            Subject::Person(person) => meters.people.write().entry(person.clone()).or_default().add(traffic),
        }
    }
}

fn count_in<N: Clone + Eq + Hash + Borrow<N>>(meters: &RwLock<HashMap<N, Meter>>, name: &N, request: &Request<'_>) {
    if let Some(meter) = meters.read().get(name) {
        return meter.count(request);
    }
    let mut meters = meters.write();
    if meters.len() < SERIES || meters.contains_key(name) {
        meters.entry(name.clone()).or_default().count(request);
    }
}

fn take_from<N>(meters: &RwLock<HashMap<N, Meter>>, series: impl Fn(&N) -> Series, taken: &mut Vec<(Series, Traffic)>) {
    // Nobody counts meanwhile, so that what goes has nothing in it.
    meters.write().retain(|name, meter| {
        let traffic = meter.take();
        let is_used = !traffic.is_none();
        if is_used {
            taken.push((series(name), traffic));
        }
        is_used
    });
}

impl Meter {
    fn count(&self, request: &Request<'_>) {
        self.received.fetch_add(request.received_bytes, Ordering::Relaxed);
        self.sent.fetch_add(request.sent_bytes, Ordering::Relaxed);
        self.requests[request.class as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn take(&self) -> Traffic {
        let taken = |number: &AtomicU64| number.swap(0, Ordering::Relaxed);
        let [read, write, list, delete, other] = self.requests.each_ref().map(taken);
        let requests = Requests { read, write, list, delete, other };
        Traffic { received_bytes: taken(&self.received), sent_bytes: taken(&self.sent), requests }
    }

    fn add(&self, traffic: &Traffic) {
        self.received.fetch_add(traffic.received_bytes, Ordering::Relaxed);
        self.sent.fetch_add(traffic.sent_bytes, Ordering::Relaxed);
        let Requests { read, write, list, delete, other } = traffic.requests;
        for (number, count) in self.requests.iter().zip([read, write, list, delete, other]) {
            number.fetch_add(count, Ordering::Relaxed);
        }
    }
}
