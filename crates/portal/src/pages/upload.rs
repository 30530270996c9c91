//! Uploading: a form that sends files through the portal, and addresses for browsers with a script, which send them
//! straight to the store.
//!
//! The form needs no script. Its first field is the form's token and its second the folder; a byte of a file is taken only
//! when the token is right, the person may write the key, and then piece by piece into the store. The addresses are those of
//! [`crate::links`]: each is for one key, and the store itself decides.

use std::fmt::Write as _;

use access::action;
use async_trait::async_trait;
use axum::Router;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Path, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use objects::object::{ObjectMetadata, PutRequest};
use objects::{Bucket, Claims, Payload, PayloadError};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;
use types::{BucketName, ChecksumAlgorithm, ObjectKey, TenancyName};

use super::browser::PREFIX_BYTES;
use super::buckets::find;
use super::object::object_grant;
use crate::audited::Made;
use crate::error::PageError;
use crate::form::Form;
use crate::links::{Signer, store_for_browser};
use crate::page::{View, done};
use crate::signed_in::{Member, SignedIn};
use crate::{Portal, csrf};

/// How long an address for an upload is good for. The script asks for new ones when they have ended.
const LINK_SECONDS: u64 = 3600;
/// The most addresses of one answer: for so many parts.
const LINKS: u16 = 100;
/// The highest number of a part.
const LAST_PART: u16 = 10_000;
/// The most files of one form.
const FILES: usize = 1000;
/// What an upload may do, and nothing else.
const ACTIONS: [&str; 3] = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];

/// What a script is about to send.
#[derive(Deserialize)]
struct Wanted {
    key: String,
    step: Step,
    /// The id of the upload, for its steps.
    #[serde(default)]
    upload: String,
    /// The first part that addresses are wanted for.
    #[serde(default)]
    from: u16,
    /// For how many.
    #[serde(default)]
    count: u16,
    /// The part after which a list of those that are there begins.
    #[serde(default)]
    after: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    /// The whole file in one PUT.
    Put,
    /// The beginning of an upload in parts.
    Begin,
    /// Some of its parts.
    Parts,
    /// What is there of it.
    List,
    /// Its end.
    Complete,
    /// Giving it up.
    Abort,
}

pub(crate) fn routes() -> Router<Portal> {
    // The body of an upload is a stream, which the bound of forms is not for.
    Router::new()
        .route(
            "/object-stores/{tenancy}/buckets/{bucket}/objects/upload",
            post(upload).layer(DefaultBodyLimit::disable()),
        )
        .route("/object-stores/{tenancy}/buckets/{bucket}/objects/sign", post(sign))
}

async fn sign(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, bucket)): Path<(TenancyName, BucketName)>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, PageError> {
    let links = links(&view, &signed_in, &tenancy, &bucket, &wanted).await?;
    let body = json!({ "links": links }).to_string();
    Ok((StatusCode::OK, [(CONTENT_TYPE, "application/json")], body).into_response())
}

async fn links(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    name: &BucketName,
    wanted: &Wanted,
) -> Result<Vec<String>, PageError> {
    find(&view.portal, signed_in, tenancy, name).await?;
    let refused = |text: &str| PageError::Refused(text.to_owned());
    let key = ObjectKey::new(&wanted.key).map_err(|error| PageError::Refused(error.to_string()))?;
    let store = store_for_browser(view, tenancy)
        .ok_or_else(|| refused("Browsers can not reach the store from here: use the form without a script."))?;
    let signer = Signer::of_login(view, &signed_in.login, (tenancy, name, &key), &ACTIONS, LINK_SECONDS, store).await?;
    let upload = wanted.upload.as_str();
    let link = |method, query: &[(&str, &str)]| signer.link(view, method, query, LINK_SECONDS);
    let last = wanted.from.saturating_add(wanted.count.min(LINKS)).min(LAST_PART + 1);
    match wanted.step {
        Step::Put => Ok(vec![link("PUT", &[])?]),
        Step::Begin => Ok(vec![link("POST", &[("uploads", "")])?]),
        Step::Parts if wanted.from == 0 => Err(refused("Parts are counted from 1.")),
        Step::Parts => (wanted.from..last)
            .map(|number| link("PUT", &[("partNumber", &number.to_string()), ("uploadId", upload)]))
            .collect(),
        Step::List => {
            let after = wanted.after.to_string();
            Ok(vec![link("GET", &[("uploadId", upload), ("part-number-marker", &after)])?])
        }
        Step::Complete => Ok(vec![link("POST", &[("uploadId", upload)])?]),
        Step::Abort => Ok(vec![link("DELETE", &[("uploadId", upload)])?]),
    }
}

async fn upload(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, bucket)): Path<(TenancyName, BucketName)>,
    request: Request,
) -> Result<Response, PageError> {
    let (prefix, keys) = receive(&view, &signed_in, &tenancy, &bucket, request).await?;
    let prefix = utf8_percent_encode(&prefix, NON_ALPHANUMERIC);
    let mut response = done(&format!("/object-stores/{tenancy}/buckets/{bucket}/objects/?prefix={prefix}"), "uploaded");
    let mut made = keys.first().cloned().unwrap_or_default();
    if keys.len() > 1 {
        let _ = write!(made, " and {} more", keys.len() - 1);
    }
    response.extensions_mut().insert(Made(made));
    Ok(response)
}

/// The folder, and the keys that were written.
async fn receive(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    name: &BucketName,
    request: Request,
) -> Result<(String, Vec<String>), PageError> {
    let (member, bucket) = find(&view.portal, signed_in, tenancy, name).await?;
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| PageError::FormForged)?;
    let token = text_field(&mut form, "csrf", csrf::TOKEN_CHARS).await?.ok_or(PageError::FormForged)?;
    let secret = view.form_secret().ok_or(PageError::FormForged)?;
    if !csrf::is_token_of(secret, &token) {
        return Err(PageError::FormForged);
    }
    let prefix = text_field(&mut form, "prefix", PREFIX_BYTES).await?;
    let prefix = prefix.ok_or_else(|| PageError::FormUnreadable("The form lacks its folder.".to_owned()))?;
    let mut keys = Vec::new();
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let file_name = field.file_name().unwrap_or_default().to_owned();
        if field.name() != Some("file") || file_name.is_empty() {
            continue;
        }
        if keys.len() == FILES {
            return Err(PageError::Refused(format!("A form takes {FILES} files; those are in the bucket.")));
        }
        keys.push(store(view, &member, &bucket, &format!("{prefix}{file_name}"), field).await?);
    }
    if keys.is_empty() {
        return Err(PageError::Refused("Choose at least one file.".to_owned()));
    }
    Ok((prefix, keys))
}

async fn store(
    view: &View,
    member: &Member,
    bucket: &Bucket,
    key: &str,
    field: Field<'_>,
) -> Result<String, PageError> {
    let portal = &view.portal;
    let key = ObjectKey::new(key).map_err(|error| PageError::Refused(error.to_string()))?;
    let (grant, _) = object_grant::<action::PutObject>(portal, member, bucket, &key, None).await?;
    let content_type = field.content_type().map(str::to_owned);
    let metadata = ObjectMetadata { content_type, ..ObjectMetadata::default() };
    let request = PutRequest { metadata, ..PutRequest::default() };
    portal.objects.put_object(&grant, request, &mut FileContent(field)).await?;
    Ok(key.to_string())
}

/// The next field, which must be this one and short; `None` where it is another.
async fn text_field(form: &mut Multipart, name: &str, limit_bytes: usize) -> Result<Option<String>, PageError> {
    let Some(mut field) = form.next_field().await.map_err(broken)? else { return Ok(None) };
    if field.name() != Some(name) {
        return Ok(None);
    }
    let mut text = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken)? {
        if text.len() + piece.len() > limit_bytes {
            return Ok(None);
        }
        text.extend_from_slice(&piece);
    }
    Ok(String::from_utf8(text).ok())
}

fn broken(error: impl ToString) -> PageError {
    PageError::FormUnreadable(format!("The upload broke off: {}", error.to_string()))
}

/// A file of a form, as it arrives.
struct FileContent<'a>(Field<'a>);

#[async_trait]
impl Payload for FileContent<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, PayloadError> {
        self.0.chunk().await.map_err(|error| PayloadError(Box::new(error)))
    }

    fn length(&self) -> Option<u64> {
        None
    }

    fn claims(&self) -> Claims {
        Claims::default()
    }

    fn checksum_algorithm(&self) -> Option<ChecksumAlgorithm> {
        None
    }
}
