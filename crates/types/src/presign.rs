//! What an address is to be signed for: S3's presigned URLs, as those ask for them who know nothing of S3's wire.

use std::fmt;

use crate::Timestamp;

/// One request of S3 that is to be signed into an address, and who signs it.
#[derive(Clone, Copy)]
pub struct Presign<'a> {
    /// The method.
    pub method: &'a str,
    /// The address of the store, `https://t.s3.example.org`.
    pub store: &'a str,
    /// Bucket and key, not encoded: `bucket/a b`.
    pub path: &'a str,
    /// The parameters of the request, not encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// The access key.
    pub access_key: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// The token, where it is a session's.
    pub token: Option<&'a str>,
    /// The region that it is signed for.
    pub region: &'a str,
    /// When.
    pub now: Timestamp,
    /// How long the address is good for: at most a week.
    pub seconds: u64,
}

/// Without the secret and the token.
impl fmt::Debug for Presign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Presign");
        shown.field("method", &self.method).field("store", &self.store).field("path", &self.path);
        shown.field("access_key", &self.access_key).field("seconds", &self.seconds).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let wanted = Presign {
            method: "GET",
            store: "https://t.s3.example.org",
            path: "b/k",
            query: &[("versionId", "v")],
            access_key: "AKID",
            secret: "the secret",
            token: Some("the token"),
            region: "us-east-1",
            now: Timestamp::from_secs(0),
            seconds: 60,
        };
        let shown = format!("{wanted:?}");
        assert!(shown.contains("AKID") && !shown.contains("the "), "{shown}");
    }
}
