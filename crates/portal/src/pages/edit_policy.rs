//! A bucket's policy as a whole: the editor, what is odd about what is in it, what would change for whom, and saving it.
//!
//! Every change of a policy comes through here: those that make or take out a statement end in this page, and nothing is
//! saved that was not shown. What is saved takes the place of the very policy that it was made from; where somebody else
//! changed that one meanwhile, both are shown.

use std::sync::Arc;

use access::action;
use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;
use objects::{Bucket, ObjectError, policy_etag};
use policy::Policy;
use serde::Deserialize;
use types::{BucketName, Conditions, EtagMatch, ObjectKey, TenancyName};

use super::buckets::{find, grant, may};
use crate::Portal;
use crate::audited::NotDone;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page_with};
use crate::permissions::{Change, Effective, Finding, findings};
use crate::signed_in::{Confirmed, Member, SignedIn};

/// The object that changes are worked out for: one like any other.
const ANY_KEY: &str = "example/object";

#[derive(Template)]
#[template(path = "edit_policy.html")]
struct EditPolicyPage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    document: String,
    etag: String,
    /// Why it can not be saved.
    problem: Option<String>,
    findings: Vec<Finding>,
    changes: Vec<Change>,
    /// Whether the document differs from what is saved.
    is_changed: bool,
    /// What somebody else saved meanwhile.
    theirs: Option<String>,
    max_bytes: usize,
}

/// A policy that is not saved yet.
#[derive(Deserialize)]
pub(super) struct Draft {
    pub(super) document: String,
    /// The tag of the policy that it was made from; empty where there was none.
    #[serde(default)]
    pub(super) etag: String,
}

#[derive(Deserialize)]
struct Removal {
    #[serde(default)]
    etag: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/object-stores/{tenancy}/buckets/{bucket}/policies/edit", get(edit))
        .route("/object-stores/{tenancy}/buckets/{bucket}/policies/preview", post(look_over))
        .route("/object-stores/{tenancy}/buckets/{bucket}/policies/save", post(save))
        .route("/object-stores/{tenancy}/buckets/{bucket}/policies/delete", post(delete))
}

/// A bucket whose policy the person may change.
///
/// # Errors
/// [`PageError::NotFound`], [`PageError::NotAllowed`].
pub(super) async fn editable(
    portal: &Portal,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    name: &BucketName,
) -> Result<(Member, Arc<Bucket>), PageError> {
    let (member, bucket) = find(portal, signed_in, tenancy, name).await?;
    if !may::<action::PutBucketPolicy>(portal, &member, &bucket) {
        return Err(PageError::NotAllowed);
    }
    Ok((member, bucket))
}

/// The tag of a bucket's policy; empty where there is none.
pub(super) fn etag_of(bucket: &Bucket) -> String {
    bucket.policy.as_ref().map(|policy| policy_etag(policy).to_string()).unwrap_or_default()
}

/// The page for a draft.
///
/// # Errors
/// Those of the directory and the store.
pub(super) async fn preview(
    view: &View,
    signed_in: &SignedIn,
    bucket: &Bucket,
    draft: Draft,
    theirs: Option<String>,
) -> Result<Response, PageError> {
    let portal = &view.portal;
    let document = draft.document.replace("\r\n", "\n");
    let current = bucket.policy.as_ref();
    let mut shown = EditPolicyPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, "Edit the policy"),
        tenancy: bucket.tenancy.to_string(),
        bucket: bucket.name.to_string(),
        is_changed: current.is_none_or(|policy| policy.document() != document),
        etag: draft.etag,
        problem: None,
        findings: Vec::new(),
        changes: Vec::new(),
        theirs,
        max_bytes: Policy::MAX_BYTES,
        document,
    };
    match read(&shown.document, bucket) {
        Ok(policy) => {
            let key = ObjectKey::new(ANY_KEY).map_err(|error| PageError::refused(&error))?;
            let before = Effective::with(portal, bucket, current, &key).await?;
            let after = Effective::with(portal, bucket, Some(&policy), &key).await?;
            shown.changes = before.changes_to(&after);
            shown.findings = findings(portal, bucket, &policy).await?;
        }
        Err(problem) => shown.problem = Some(problem),
    }
    let status = match (&shown.theirs, &shown.problem) {
        (Some(_), _) => StatusCode::CONFLICT,
        (None, Some(_)) => StatusCode::BAD_REQUEST,
        (None, None) => StatusCode::OK,
    };
    Ok(page_with(status, &shown))
}

/// A document that may become the bucket's policy; else what is wrong with it.
fn read(document: &str, bucket: &Bucket) -> Result<Policy, String> {
    let policy = Policy::parse(document.as_bytes()).map_err(|error| error.to_string())?;
    policy.check_resources(&bucket.name).map_err(|error| error.to_string())?;
    Ok(policy)
}

async fn edit(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
) -> Result<Response, PageError> {
    let (_, bucket) = editable(&view.portal, &signed_in, &tenancy, &name).await?;
    let document = bucket.policy.as_ref().map_or_else(
        || format!("{{\n  \"Version\": \"2008-10-17\",\n  \"Id\": \"{name} policy\",\n  \"Statement\": []\n}}"),
        |policy| policy.document().to_owned(),
    );
    preview(&view, &signed_in, &bucket, Draft { document, etag: etag_of(&bucket) }, None).await
}

async fn look_over(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(draft): Form<Draft>,
) -> Result<Response, PageError> {
    let (_, bucket) = editable(&view.portal, &signed_in, &tenancy, &name).await?;
    preview(&view, &signed_in, &bucket, draft, None).await
}

/// Only in place of the policy that the draft was made from.
fn in_place_of(etag: &str) -> Conditions {
    match etag {
        "" => Conditions { if_none_match: Some(EtagMatch::Any), ..Conditions::default() },
        etag => Conditions { if_match: Some(EtagMatch::parse(etag)), ..Conditions::default() },
    }
}

async fn save(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(draft): Form<Draft>,
) -> Result<Response, PageError> {
    put(&view, &signed_in, &tenancy, &name, draft).await
}

async fn put(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    name: &BucketName,
    draft: Draft,
) -> Result<Response, PageError> {
    let portal = &view.portal;
    let (member, bucket) = editable(portal, signed_in, tenancy, name).await?;
    let Ok(policy) = read(&draft.document.replace("\r\n", "\n"), &bucket) else {
        return Ok(not_done(preview(view, signed_in, &bucket, draft, None).await?, "MalformedPolicy"));
    };
    let grant = grant::<action::PutBucketPolicy>(portal, &member, &bucket)?;
    match portal.objects.put_bucket_policy(&grant, policy, in_place_of(&draft.etag)).await {
        Ok(()) => Ok(done(&format!("/object-stores/{tenancy}/buckets/{name}/policies/"), "policy-saved")),
        Err(ObjectError::PreconditionFailed { .. }) => {
            let bucket = portal.objects.find_bucket(tenancy, name).await?.ok_or(PageError::NotFound)?;
            let theirs = bucket.policy.as_ref().map(|policy| policy.document().to_owned()).unwrap_or_default();
            let draft = Draft { etag: etag_of(&bucket), ..draft };
            Ok(not_done(preview(view, signed_in, &bucket, draft, Some(theirs)).await?, "PreconditionFailed"))
        }
        Err(error) => Err(error.into()),
    }
}

fn not_done(mut response: Response, why: &'static str) -> Response {
    response.extensions_mut().insert(NotDone(why));
    response
}

async fn delete(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(Removal { etag }): Form<Removal>,
) -> Result<Response, PageError> {
    let (member, bucket) = find(&view.portal, &signed_in, &tenancy, &name).await?;
    let grant = grant::<action::DeleteBucketPolicy>(&view.portal, &member, &bucket)?;
    match view.portal.objects.delete_bucket_policy(&grant, in_place_of(&etag)).await {
        Ok(()) => Ok(done(&format!("/object-stores/{tenancy}/buckets/{name}/policies/"), "policy-deleted")),
        Err(ObjectError::PreconditionFailed { .. }) => Err(PageError::Refused(
            "Somebody else changed the policy since you looked at it. Nothing was removed: look again.".to_owned(),
        )),
        Err(error) => Err(error.into()),
    }
}
