//! *Share*: a link to an object that works without logging in, until it ends.
//!
//! A link is signed by a session of the person, which lives twelve hours at most, or by a key of theirs, for up to a week. It
//! does what the person may do at that moment, so it ends early when they lose the right, and with its key.

use access::{Credential, action};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use types::{BucketName, ObjectKey, TenancyName, Timestamp};
use zeroize::Zeroizing;

use super::buckets::find;
use super::object::{Named, object_grant, path_of};
use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::links::{MAX_SESSION_SECONDS, Signer, store_for_others};
use crate::page::{Layout, Part, View, page};
use crate::shown::Moment;
use crate::signed_in::{Confirmed, SignedIn};

/// How long a link can be good for: seconds, and in words.
const TIMES: [(u64, &str); 5] = [
    (15 * 60, "15 minutes"),
    (3600, "1 hour"),
    (12 * 3600, "12 hours"),
    (24 * 3600, "1 day (needs a key)"),
    (7 * 24 * 3600, "7 days (needs a key)"),
];
/// The most keys that are offered.
const KEYS: usize = 100;
/// What a session for a link may do.
const ACTIONS: [&str; 2] = ["s3:GetObject", "s3:GetObjectVersion"];

#[derive(Template)]
#[template(path = "share.html")]
struct SharePage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    key: String,
    version: String,
    back: String,
    times: [(u64, &'static str); 5],
    /// Ids, and how they are called.
    keys: Vec<(String, String)>,
    link: Option<Made>,
}

/// A link that was made.
struct Made {
    url: String,
    ends: Moment,
    /// The key that signed it.
    key: Option<String>,
}

#[derive(Deserialize)]
struct Wanted {
    key: String,
    #[serde(default)]
    version: String,
    seconds: u64,
    /// The id of a key, or nothing.
    #[serde(default)]
    signed_by: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/object-stores/{tenancy}/buckets/{bucket}/objects/share", get(show).post(make))
}

async fn show(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path((tenancy, bucket)): Path<(TenancyName, BucketName)>,
    Query(named): Query<Named>,
) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, (&tenancy, &bucket), &named, None).await?))
}

async fn make(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path((tenancy, bucket)): Path<(TenancyName, BucketName)>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, PageError> {
    let named = Named { key: wanted.key.clone(), version: wanted.version.clone() };
    Ok(page(&assemble(&view, &signed_in, (&tenancy, &bucket), &named, Some(&wanted)).await?))
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    (tenancy, bucket): (&TenancyName, &BucketName),
    named: &Named,
    wanted: Option<&Wanted>,
) -> Result<SharePage, PageError> {
    let portal = &view.portal;
    let (key, version) = named.parse()?;
    let (member, found) = find(portal, signed_in, tenancy, bucket).await?;
    let (_, seen) = object_grant::<action::GetObject>(portal, &member, &found, &key, version).await?;
    if seen.and_then(|seen| seen.facts().map(|_| ())).is_none() {
        return Err(PageError::NotFound);
    }
    let link = match wanted {
        Some(wanted) => Some(sign(view, signed_in, (tenancy, bucket, &key), wanted).await?),
        None => None,
    };
    let now = portal.clock.now();
    let keys = portal.identity.keys(tenancy, Some(&signed_in.user), KEYS).await?;
    let live = keys.into_iter().filter(|key| key.expires.is_none_or(|expires| expires > now));
    let called = |id: &str, description: &str| match description {
        "" => id.to_owned(),
        text => format!("{text} ({id})"),
    };
    Ok(SharePage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, "Share a link"),
        tenancy: tenancy.to_string(),
        bucket: bucket.to_string(),
        back: path_of(tenancy, bucket, key.as_str()),
        version: named.version.clone(),
        key: key.to_string(),
        times: TIMES,
        keys: live.map(|key| (key.id.to_string(), called(key.id.as_str(), &key.description))).collect(),
        link,
    })
}

async fn sign(
    view: &View,
    signed_in: &SignedIn,
    at: (&TenancyName, &BucketName, &ObjectKey),
    wanted: &Wanted,
) -> Result<Made, PageError> {
    let (tenancy, bucket, key) = at;
    let refused = |text: &str| PageError::Refused(text.to_owned());
    let seconds = Some(wanted.seconds).filter(|seconds| TIMES.iter().any(|(offered, _)| offered == seconds));
    let seconds = seconds.ok_or_else(|| refused("Choose one of the offered times."))?;
    let store = store_for_others(view, tenancy)
        .ok_or_else(|| refused("The store has no address that others can reach: ask the operators."))?;
    let signer = match wanted.signed_by.as_str() {
        "" if seconds > MAX_SESSION_SECONDS => {
            return Err(refused("A link for more than 12 hours is signed with a key of yours: choose one."));
        }
        "" => Signer::of_login(view, &signed_in.login, at, &ACTIONS, seconds, store).await?,
        id => Signer::of_key(view, own_key(view, signed_in, tenancy, id).await?, (bucket, key), store),
    };
    let version = wanted.version.as_str();
    let query = if version.is_empty() { Vec::new() } else { vec![("versionId", version)] };
    let url = signer.link(view, "GET", &query, seconds)?;
    let ends = view.portal.clock.now().plus_secs(seconds);
    let ends = signer.ends.map_or(ends, |of_signer| of_signer.min(ends));
    Ok(Made { url, ends: Moment(ends), key: Some(wanted.signed_by.clone()).filter(|id| !id.is_empty()) })
}

/// A key of the person in the tenancy, with its secret.
async fn own_key(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    id: &str,
) -> Result<(String, Zeroizing<String>, Option<Timestamp>), PageError> {
    let id = types::AccessKeyId::new(id).map_err(|_| PageError::NotFound)?;
    match view.portal.access.find_credential(&id, None).await {
        Ok(Credential::Key(key)) if key.info.owner == signed_in.user && key.info.tenancy == *tenancy => {
            Ok((id.to_string(), Zeroizing::new(key.secret.expose().to_owned()), key.info.expires))
        }
        _ => Err(PageError::NotFound),
    }
}
