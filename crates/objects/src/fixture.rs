//! What the tests of this crate share: a store in memory that fails on demand, and grants for one manager.

use std::sync::Arc;

use access::{
    ActionType, BucketTarget, Grant, NewBucketTarget, ObjectTarget, Target, TenancyTarget, action, authorize,
};
use async_trait::async_trait;
use bytes::Bytes;
use policy::{Caller, Facts, Principal, Resource, Role};
use storage::Engine;
use storage::faults::Faulty;
use storage::memory::MemoryStore;
use types::{
    BucketName, ByteRange, ChecksumAlgorithm, Conditions, ManualClock, ObjectKey, SeededEntropy, TenancyName,
    Timestamp, UserName, VersionId,
};

use crate::listing::{AfterVersion, Entry, Filter, ListVersions, ListedVersion};
use crate::object::{Deleted, PutRequest, Read, ReadRequest, Selection, Written};
use crate::{Bucket, Claims, NewBucket, ObjectError, Objects, Payload, PayloadError, Usage, Versioning};

/// A store with a manager in a tenancy.
pub(crate) struct World {
    pub(crate) objects: Objects,
    pub(crate) faults: Faulty,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) caller: Arc<Principal>,
}

pub(crate) fn person(name: &str, role: Role) -> Arc<Principal> {
    Arc::new(Principal {
        caller: Caller::Person { name: UserName::new(name).unwrap(), key: None },
        role: Some(role),
        ..Principal::anonymous(TenancyName::new("lab-o").unwrap())
    })
}

pub(crate) fn key(key: &str) -> ObjectKey {
    ObjectKey::new(key).unwrap()
}

/// A body that varies with its position.
pub(crate) fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|at| ((at + seed) * 31 % 251) as u8 ^ (at >> 8) as u8).collect()
}

impl World {
    pub(crate) fn new() -> Self {
        let faults = Faulty::new(Engine::new(Arc::new(MemoryStore::new())));
        let clock = Arc::new(ManualClock::new(Timestamp::from_secs(1_000_000)));
        let objects = Self::objects(&faults, &clock, 1);
        Self { objects, faults, clock, caller: person("ada", Role::Manager) }
    }

    fn objects(faults: &Faulty, clock: &Arc<ManualClock>, seed: u64) -> Objects {
        let engine = faults.engine();
        let clock = Arc::clone(clock);
        Objects::new(engine.metadata, engine.blobs, clock, Arc::new(SeededEntropy::new(seed)))
    }

    /// Another store on the same engine, which knows nothing of this one's turns.
    pub(crate) fn twin(&self, seed: u64) -> Self {
        Self {
            objects: Self::objects(&self.faults, &self.clock, seed),
            faults: self.faults.clone(),
            clock: Arc::clone(&self.clock),
            caller: Arc::clone(&self.caller),
        }
    }

    /// The store as a new process has it: nothing but the engine is left.
    pub(crate) fn restart(&mut self, seed: u64) {
        self.objects = Self::objects(&self.faults, &self.clock, seed);
    }

    pub(crate) fn grant<A: ActionType>(&self, target: A::Target) -> Grant<A>
    where
        A::Target: Target,
    {
        authorize(&self.caller, target, Facts::about(Resource::Tenancy)).unwrap()
    }

    pub(crate) fn tenancy(&self) -> TenancyName {
        self.caller.tenancy.clone()
    }

    pub(crate) fn on_tenancy<A: ActionType<Target = TenancyTarget>>(&self) -> Grant<A> {
        self.grant(TenancyTarget { tenancy: self.tenancy() })
    }

    pub(crate) fn on_bucket<A: ActionType<Target = BucketTarget>>(&self, bucket: &Bucket) -> Grant<A> {
        self.grant(crate::buckets::target_of(bucket))
    }

    pub(crate) fn on_object<A: ActionType<Target = ObjectTarget>>(
        &self,
        bucket: &Bucket,
        name: &str,
        version: Option<VersionId>,
    ) -> Grant<A> {
        self.grant(ObjectTarget { bucket: crate::buckets::target_of(bucket), key: key(name), version })
    }

    pub(crate) async fn try_create(&self, name: &str) -> Result<Arc<Bucket>, ObjectError> {
        let target = NewBucketTarget { tenancy: self.tenancy(), bucket: BucketName::new(name).unwrap() };
        self.objects.create_bucket(&self.grant(target), NewBucket::default()).await
    }

    pub(crate) async fn bucket(&self, name: &str, versioning: Versioning) -> Arc<Bucket> {
        let bucket = self.try_create(name).await.unwrap();
        if versioning != Versioning::Unversioned {
            self.set_versioning(&bucket, versioning).await;
        }
        bucket
    }

    pub(crate) async fn set_versioning(&self, bucket: &Bucket, versioning: Versioning) {
        self.objects.put_bucket_versioning(&self.on_bucket(bucket), versioning).await.unwrap();
    }

    pub(crate) async fn put(&self, bucket: &Bucket, key: &str, body: &[u8]) -> Written {
        self.try_put(bucket, key, body, Conditions::default()).await.unwrap()
    }

    pub(crate) async fn try_put(
        &self,
        bucket: &Bucket,
        key: &str,
        body: &[u8],
        conditions: Conditions,
    ) -> Result<Written, ObjectError> {
        let request = PutRequest { conditions, ..PutRequest::default() };
        self.objects.put_object(&self.on_object(bucket, key, None), request, &mut Body::new(body)).await
    }

    pub(crate) async fn get(
        &self,
        bucket: &Bucket,
        key: &str,
        version: Option<VersionId>,
        selection: Selection,
    ) -> Result<Read, ObjectError> {
        let request = ReadRequest { selection, conditions: Conditions::default() };
        self.objects.get_object(&self.on_object(bucket, key, version), &request, None).await
    }

    pub(crate) async fn body(&self, bucket: &Bucket, key: &str) -> Vec<u8> {
        let read = self.get(bucket, key, None, Selection::Whole).await.unwrap();
        let length = read.body.length();
        let body = read.body.collect().await.unwrap();
        assert_eq!(body.len() as u64, length);
        body.to_vec()
    }

    pub(crate) async fn range(&self, bucket: &Bucket, key: &str, first: u64, last: u64) -> Vec<u8> {
        let range = Selection::Range(ByteRange::From { first, last: Some(last) });
        self.get(bucket, key, None, range).await.unwrap().body.collect().await.unwrap().to_vec()
    }

    pub(crate) async fn delete(&self, bucket: &Bucket, key: &str, version: Option<VersionId>) -> Deleted {
        let grant = self.on_object::<action::DeleteObject>(bucket, key, version);
        self.objects.delete_object(&grant, &Conditions::default()).await.unwrap()
    }

    /// All versions of a small bucket.
    pub(crate) async fn versions(&self, bucket: &Bucket) -> Vec<FoundVersion> {
        let filter = Filter { max_keys: 1000, ..Filter::default() };
        let request = ListVersions { filter, ..ListVersions::default() };
        let page = self.version_page(bucket, &request).await;
        assert_eq!((page.common_prefixes, page.next), (Vec::new(), None));
        page.versions
    }

    /// A page of versions, kept.
    pub(crate) async fn version_page(&self, bucket: &Bucket, request: &ListVersions) -> FoundPage {
        let mut page = FoundPage::default();
        let keep = |entry: Entry<'_, ListedVersion<'_>>| match entry {
            Entry::CommonPrefix(common) => page.common_prefixes.push(common.to_owned()),
            Entry::Key(listed) => page.versions.push(FoundVersion {
                key: listed.key.to_owned(),
                is_latest: listed.is_latest,
                id: listed.version.id,
                size: listed.content.map(|content| content.size),
            }),
        };
        page.next = self.objects.list_versions(&self.on_bucket(bucket), request, keep).await.unwrap();
        page
    }

    /// What the bucket uses, after checking that tenancy and person, who have nothing else, use the same, of each kind.
    pub(crate) async fn usage(&self, bucket: &Bucket) -> Usage {
        let usage = self.objects.bucket_usage_detail(bucket).await.unwrap();
        let user = self.caller.user().unwrap();
        assert_eq!(self.objects.tenancy_usage_detail(&self.tenancy()).await.unwrap(), usage);
        assert_eq!(self.objects.user_usage_detail(&self.tenancy(), user).await.unwrap(), usage);
        usage.total
    }

    /// How many blobs the engine keeps, once all that is being discarded is gone.
    pub(crate) async fn blobs(&self) -> usize {
        tokio::task::yield_now().await;
        self.faults.engine().blobs.list(None, 1024).await.unwrap().len()
    }
}

/// A page of ListObjectVersions.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct FoundPage {
    pub(crate) versions: Vec<FoundVersion>,
    pub(crate) common_prefixes: Vec<String>,
    pub(crate) next: Option<AfterVersion>,
}

/// A version that was listed.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct FoundVersion {
    pub(crate) key: String,
    pub(crate) is_latest: bool,
    pub(crate) id: VersionId,
    /// The size of the object; `None` for a delete marker.
    pub(crate) size: Option<u64>,
}

/// A body that arrives in pieces.
pub(crate) struct Body {
    pieces: std::vec::IntoIter<Result<Bytes, PayloadError>>,
    length: Option<u64>,
    claims: Claims,
    algorithm: Option<ChecksumAlgorithm>,
}

impl Body {
    pub(crate) fn new(body: &[u8]) -> Self {
        let pieces: Vec<_> = body.chunks(40_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Self { pieces: pieces.into_iter(), length: Some(body.len() as u64), claims: Claims::default(), algorithm: None }
    }

    pub(crate) fn claiming(body: &[u8], claims: Claims) -> Self {
        let algorithm = claims.checksum.map(|checksum| checksum.algorithm);
        Self { claims, algorithm, length: None, ..Self::new(body) }
    }

    /// A body that breaks off at its end.
    pub(crate) fn broken(body: &[u8]) -> Self {
        let mut pieces: Vec<_> = Self::new(body).pieces.collect();
        pieces.push(Err(PayloadError(Box::new(std::io::Error::other("broken off")))));
        Self { pieces: pieces.into_iter(), ..Self::new(body) }
    }
}

#[async_trait]
impl Payload for Body {
    async fn next(&mut self) -> Result<Option<Bytes>, PayloadError> {
        self.pieces.next().transpose()
    }

    fn length(&self) -> Option<u64> {
        self.length
    }

    fn claims(&self) -> Claims {
        self.claims.clone()
    }

    fn checksum_algorithm(&self) -> Option<ChecksumAlgorithm> {
        self.algorithm
    }
}
