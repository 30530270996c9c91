//! PostObject: a form posted by a browser. Needs `s3:PutObject`.
//!
//! Who sends a form stands in its fields, so this is one of the two operations that read of the body (bounded, and never
//! the file) before they can authorize.

use std::sync::Arc;

use access::action;
use http::header::{ETAG, LOCATION};
use http::{HeaderMap, StatusCode};
use objects::object::{PutRequest, Written};
use policy::Principal;
use s3_protocol::auth::post::PostCredentials;
use s3_protocol::post_form::{PostForm, SuccessAction};
use s3_protocol::xml::post_response::PostResponse;
use s3_protocol::{Claims, S3Error, headers, percent};
use types::{BucketName, ObjectKey};

use crate::call::{Call, Outcome, Reply};
use crate::content::RequestContent;
use crate::{metadata, refused_headers};

pub(super) async fn handle(mut call: Call<'_>) -> Outcome {
    let (body, stall) = (call.body.handle(), call.service.config.stall);
    let mut form = PostForm::read(body, &call.head, stall, objects::multipart::MAX_PART_BYTES).await?;
    let credentials = form.credentials()?;
    call.principal = sender(&call, &credentials, form.policy()).await?;
    call.record.principal = Some(Arc::clone(&call.principal));
    let bucket = call.bucket_name()?;
    form.check_policy(bucket, call.service.clock.now())?;
    let key = form.key()?;
    call.record.key = Some(key.clone());
    let found = call.find(bucket, None).await?;
    let grant = call.place_grant::<action::PutObject>(&found, &key, None)?;

    let fields = form.headers()?;
    refused_headers::of_write(&fields)?;
    if form.tagging().is_some() {
        return Err(S3Error::not_implemented("tagging"));
    }
    let request = PutRequest {
        metadata: metadata::read(&fields)?,
        acl: call.acl_of_upload(&fields, &found.bucket.owner).await?,
        conditions: headers::conditions(&HeaderMap::new()),
    };
    let success = form.success_action();
    let mut content = RequestContent::of_form(form.into_file(), Claims::parse(&fields)?);
    let written = call.service.objects.put_object(&grant, request, &mut content).await;
    let written = written.map_err(|error| call.error(error))?;
    Ok(reply(&call, &success, bucket, &key, &written))
}

/// Who signed the form's policy, or nobody. Only the form counts: a signature in the head says nothing about the fields.
async fn sender(call: &Call<'_>, credentials: &PostCredentials, policy: &str) -> Result<Arc<Principal>, S3Error> {
    let Some(id) = credentials.access_key() else {
        return call.service.principal(call.host, None, call.request_id()).await;
    };
    let key = call.service.find_key(id, call.request_id()).await?;
    credentials.verify(key.secret.expose(), policy, &call.service.signing_keys)?;
    call.service.principal(call.host, Some(&key), call.request_id()).await
}

fn reply(call: &Call<'_>, success: &SuccessAction, bucket: &BucketName, key: &ObjectKey, written: &Written) -> Reply {
    let location = call.url_of(bucket, key);
    let reply = match success {
        SuccessAction::Status(StatusCode::CREATED) => {
            let document = PostResponse {
                location: location.clone(),
                bucket: bucket.to_string(),
                key: key.as_str().to_owned(),
                etag: written.etag,
            };
            Reply { status: StatusCode::CREATED, ..Reply::xml(document.to_xml()) }.with(LOCATION, &location)
        }
        SuccessAction::Status(status) => Reply::empty(*status).with(LOCATION, &location),
        SuccessAction::Redirect(url) => {
            let separator = if url.contains('?') { '&' } else { '?' };
            let encode = percent::encode;
            let (bucket, key, etag) = (encode(bucket.as_str()), encode(key.as_str()), encode(&written.etag.quoted()));
            let url = format!("{url}{separator}bucket={bucket}&key={key}&etag={etag}");
            Reply::empty(StatusCode::SEE_OTHER).with(LOCATION, &url)
        }
    };
    reply.with(ETAG, &written.etag.quoted()).with_version(written.version)
}
