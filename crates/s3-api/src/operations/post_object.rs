//! PostObject: a form posted by a browser. Needs `s3:PutObject`.
//!
//! Who sends a form stands in its fields, so this is one of the two operations that read of the body (bounded, and never
//! the file) before they can authorize; `identify` does it.

use http::header::{ETAG, LOCATION};
use http::{HeaderMap, StatusCode};
use objects::object::{PutRequest, Written};
use s3_protocol::post_form::{PostForm, SuccessAction};
use s3_protocol::xml::post_response::PostResponse;
use s3_protocol::{Claims, ErrorCode, S3Error, headers, percent};
use types::{BucketName, ObjectKey};

use crate::call::{Call, Outcome, Reply};
use crate::content::RequestContent;
use crate::{metadata, object_headers, refused_headers};

pub(super) async fn handle(mut call: Call<'_>, form: Option<PostForm>) -> Outcome {
    let no_form = || S3Error::new(ErrorCode::MalformedPOSTRequest);
    let mut form = form.ok_or_else(no_form)?;
    let bucket = call.bucket_name()?;
    form.check_policy(bucket, call.service.clock.now())?;
    let key = form.key()?;
    call.record.key = Some(key.clone());
    let fields = form.headers()?;
    call.fields = Some(fields.clone());
    let found = call.find(bucket, None).await?;
    let grant = call.write_grant(&found, &key).await?;

    refused_headers::of_write(&fields)?;
    if form.tagging().is_some() {
        return Err(S3Error::not_implemented("tagging"));
    }
    let request = PutRequest {
        metadata: metadata::read(&fields)?,
        acl: call.acl_of_upload(&fields, &found, &grant).await?,
        conditions: headers::conditions(&HeaderMap::new()),
    };
    let success = form.success_action();
    let mut content = RequestContent::of_form(form.into_file(), Claims::parse(&fields)?);
    let written = call.service.objects.put_object(&grant, request, &mut content).await;
    let written = written.map_err(|error| call.error(error))?;
    Ok(reply(&call, &success, bucket, &key, &written))
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
    let mut reply = reply.with(ETAG, written.etag.quoted()).with_version(written.version);
    if let Some(checksum) = written.checksum {
        object_headers::write_checksum(checksum, written.etag.parts, &mut reply.headers);
    }
    reply
}
