use std::sync::Arc;

use identity::{MasterKey, NewTenancy};
use storage::memory::MemoryStore;
use types::{ManualClock, SeededEntropy};

use proptest::prelude::{any, proptest};

use super::*;

async fn identity() -> Identity {
    let entropy = Arc::new(SeededEntropy::new(1));
    let master = MasterKey::generate(&*entropy);
    let clock = Arc::new(ManualClock::default());
    let identity = Identity::open(Arc::new(MemoryStore::new()), master, clock, entropy).await.expect("opens");
    for (name, endpoints) in [("cedadev-o", vec!["data.ceda.ac.uk", "DAP.ceda.ac.uk"]), ("noc-o", vec![])] {
        let mut new = NewTenancy::named(TenancyName::new(name).expect("a name"));
        new.endpoints = endpoints.into_iter().map(str::to_owned).collect();
        identity.create_tenancy(new).await.expect("made");
    }
    identity
}

fn domains() -> Domains {
    let domain = |name: &str| vec![name.to_owned()];
    let mut internal = domain("S3.example.org.");
    internal.push("localhost".to_owned());
    internal.push("example.org".to_owned());
    Domains::new(&internal, &domain("s3-ext.example.org"))
}

#[tokio::test]
async fn hosts_name_tenancies_and_buckets() {
    use Endpoint::{External, Internal, Other};
    let (domains, identity) = (domains(), identity().await);
    let ceda = || NamedTenancy::Known(TenancyName::new("cedadev-o").expect("a name"));
    let noc = || NamedTenancy::Known(TenancyName::new("noc-o").expect("a name"));
    for (host, tenancy, bucket, endpoint) in [
        ("cedadev-o.s3.example.org", ceda(), None, Internal),
        ("CedaDev-O.S3.Example.ORG:9000", ceda(), None, Internal),
        ("cedadev-o.s3.example.org.", ceda(), None, Internal),
        (" noc-o.s3-ext.example.org:443 ", noc(), None, External),
        ("data.cedadev-o.s3.example.org", ceda(), Some("data"), Internal),
        ("nlds.5d3c.CMIP6.cedadev-o.s3.example.org:80", ceda(), Some("nlds.5d3c.CMIP6"), Internal),
        ("Data.noc-o.s3-ext.example.org", noc(), Some("Data"), External),
        ("demo.noc-o.localhost:9000", noc(), Some("demo"), Internal),
        // The longest domain counts.
        ("noc-o.example.org", noc(), None, Internal),
        ("s3.example.org", NamedTenancy::None, None, Internal),
        ("s3-ext.example.org:443", NamedTenancy::None, None, External),
        // Tenancies that there are not, and labels that can be none.
        ("nobody.s3.example.org", NamedTenancy::Unknown, None, Internal),
        ("data.nobody.s3.example.org", NamedTenancy::Unknown, Some("data"), Internal),
        ("under_score.s3-ext.example.org", NamedTenancy::Unknown, None, External),
        // Endpoint names.
        ("data.ceda.ac.uk", ceda(), None, Other),
        ("dap.CEDA.ac.uk:8080", ceda(), None, Other),
        ("Bucket.one.data.ceda.ac.uk", ceda(), Some("Bucket.one"), Other),
        ("ceda.ac.uk", NamedTenancy::None, None, Other),
        // What names nothing.
        ("localhost:9000", NamedTenancy::None, None, Internal),
        ("notexample.org", NamedTenancy::None, None, Other),
        ("127.0.0.1:9000", NamedTenancy::None, None, Other),
        ("[::1]:9000", NamedTenancy::None, None, Other),
        ("[fe80::1%25eth0]", NamedTenancy::None, None, Other),
        ("", NamedTenancy::None, None, Other),
        (":9000", NamedTenancy::None, None, Other),
        (".", NamedTenancy::None, None, Other),
        (".s3.example.org", NamedTenancy::None, None, Other),
        ("a..noc-o.s3.example.org", NamedTenancy::None, None, Other),
        ("ünïcode.s3.example.org", NamedTenancy::None, None, Other),
    ] {
        let target = resolve(&domains, &identity, host);
        let bucket = bucket.map(|bucket| BucketName::new(bucket).expect("a name"));
        assert_eq!(target, HostTarget { tenancy, bucket, endpoint }, "{host:?}");
    }
}

proptest! {
    /// Whatever a client sends as a host names something or nothing, and what it names was sent.
    #[test]
    fn no_host_is_too_strange(head in any::<String>(), tail in "[a-z.:]{0,12}", at in 0usize..4) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let identity = runtime.block_on(identity());
        let domain = ["", ".s3.example.org", "noc-o.s3-ext.example.org", ".data.ceda.ac.uk"][at];
        let host = format!("{head}{domain}{tail}");
        let target = resolve(&domains(), &identity, &host);
        if let Some(bucket) = target.bucket {
            assert!(host.contains(bucket.as_str()));
            assert_ne!(target.tenancy, NamedTenancy::None);
        }
    }
}
