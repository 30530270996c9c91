//! Form uploads: `multipart/form-data` posted by a browser (S3 API reference, "Browser-Based Uploads Using POST").
//!
//! [`PostForm::read`] reads the fields up to the file, which must come last. Nothing is trusted yet: the caller takes
//! [`PostForm::credentials`], looks up the secret, verifies, and has [`PostForm::check_policy`] hold the fields against
//! the signed policy. Only then [`PostForm::into_file`] gives the content, streamed, its size bounded by the policy.

mod fields;
mod policy;

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, StatusCode};
use types::{BucketName, ObjectKey, Timestamp};

use crate::auth::post::PostCredentials;
use crate::body::{FormFile, Frames, Payload, SizeRange};
use crate::headers::header_value;
use crate::{ErrorCode, RequestHead, S3Error};
use fields::Fields;
use policy::Policy;

/// A form whose fields have been read and whose file has not.
#[derive(Debug)]
pub struct PostForm {
    fields: Fields,
    frames: Frames,
    delimiter: Vec<u8>,
    size: SizeRange,
}

/// What is answered where the upload succeeds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SuccessAction {
    /// This status: 200 and 204 without a body, 201 with a [`crate::xml::post_response::PostResponse`].
    Status(StatusCode),
    /// 303 to this URL, to which bucket, key and tag are added.
    Redirect(String),
}

impl PostForm {
    /// Reads the fields before the file. `stall` is how long one read may take; `max_file_bytes` how large the file may
    /// be whatever a policy says.
    ///
    /// # Errors
    /// `MalformedPOSTRequest`, `InvalidArgument` for a field that comes twice, `MaxPostPreDataLengthExceeded`, `IncorrectNumberOfFilesInPostRequest` where there is no
    /// file, `IncompleteBody`, `RequestTimeout`.
    pub async fn read<B>(body: B, head: &RequestHead<'_>, stall: Duration, max_file_bytes: u64) -> Result<Self, S3Error>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let content_type = head.header(&CONTENT_TYPE).unwrap_or_default();
        let boundary = fields::boundary(content_type)
            .ok_or_else(|| S3Error::new(ErrorCode::MalformedPOSTRequest).with_message("The form has no boundary."))?;
        let mut frames = Frames::new(body, stall);
        let fields = Fields::read(&mut frames, &boundary).await?;
        let delimiter = [b"\r\n--", boundary.as_slice()].concat();
        Ok(Self { fields, frames, delimiter, size: SizeRange { min_bytes: 0, max_bytes: max_file_bytes } })
    }

    /// The field with this name, in lower case: names count without regard to case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)
    }

    /// Who claims to send the form.
    ///
    /// # Errors
    /// Those of [`PostCredentials::parse`].
    pub fn credentials(&self) -> Result<PostCredentials<'_>, S3Error> {
        PostCredentials::parse(|name| self.field(name))
    }

    /// The token of the session that the access key belongs to, where there is one. The policy covers it.
    pub fn security_token(&self) -> Option<&str> {
        self.field("x-amz-security-token")
    }

    /// The policy in base64, as it is signed; empty where there is none.
    pub fn policy(&self) -> &str {
        self.field("policy").unwrap_or_default()
    }

    /// The key, with the file's name in place of `${filename}`.
    ///
    /// # Errors
    /// `InvalidArgument` where there is no key, `KeyTooLongError`.
    pub fn key(&self) -> Result<ObjectKey, S3Error> {
        let key = self.field("key").unwrap_or_default().replace("${filename}", self.fields.file_name());
        if key.is_empty() {
            let message = "Bucket POST must contain a field named 'key'.  If it is specified, please check the order \
                           of the fields.";
            return Err(S3Error::invalid_argument("key", "", message));
        }
        crate::route::object_key(&key)
    }

    /// Holds the fields against the policy, and takes over its bounds on the file's size. Without a policy, which only
    /// an anonymous form may lack, there is nothing to check.
    ///
    /// # Errors
    /// `InvalidPolicyDocument` where it can not be read, `AccessDenied` where it has expired, a condition does not
    /// hold, or a field is not covered.
    pub fn check_policy(&mut self, bucket: &BucketName, now: Timestamp) -> Result<(), S3Error> {
        if self.policy().is_empty() {
            return Ok(());
        }
        let policy = Policy::parse(self.policy())?;
        let key = self.key()?;
        if let Some(size) = policy.check(&self.fields, bucket.as_str(), key.as_str(), now)? {
            self.size = self.size.and(size);
        }
        Ok(())
    }

    /// The fields that are headers of a PUT, as headers: `x-amz-*`, `Content-Type`, `Cache-Control` and so on, with
    /// `acl` as `x-amz-acl`. All that reads headers reads these.
    ///
    /// # Errors
    /// `InvalidArgument` for a name that no header can have, and for both `acl` and `x-amz-acl`.
    pub fn headers(&self) -> Result<HeaderMap, S3Error> {
        const PLAIN: [&str; 7] = [
            "cache-control",
            "content-disposition",
            "content-encoding",
            "content-language",
            "content-md5",
            "content-type",
            "expires",
        ];
        /// Fields that belong to the signature.
        const SIGNATURE: [&str; 6] = [
            "x-amz-algorithm",
            "x-amz-credential",
            "x-amz-date",
            "x-amz-signature",
            "x-amz-security-token",
            "x-amz-content-sha256",
        ];
        let mut headers = HeaderMap::new();
        for (name, value) in self.fields.iter() {
            let is_header = PLAIN.contains(&name) || name.starts_with("x-amz-") && !SIGNATURE.contains(&name);
            let name = match name {
                "acl" => "x-amz-acl",
                name if is_header => name,
                _ => continue,
            };
            let header = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| S3Error::invalid_argument(name, value, "The field's name can not be that of a header."))?;
            if headers.insert(header, header_value(value)).is_some() {
                return Err(S3Error::invalid_argument(name, value, "The form says this twice."));
            }
        }
        Ok(headers)
    }

    /// The `tagging` field: a document, for [`crate::xml::tagging::parse`].
    pub fn tagging(&self) -> Option<&str> {
        self.field("tagging").filter(|text| !text.is_empty())
    }

    /// What is answered where the upload succeeds. A status that is not one of three is 204.
    pub fn success_action(&self) -> SuccessAction {
        let redirect = self.field("success_action_redirect").or_else(|| self.field("redirect"));
        if let Some(url) = redirect.filter(|url| url.starts_with("http://") || url.starts_with("https://")) {
            return SuccessAction::Redirect(url.to_owned());
        }
        SuccessAction::Status(match self.field("success_action_status").map(str::trim) {
            Some("200") => StatusCode::OK,
            Some("201") => StatusCode::CREATED,
            _ => StatusCode::NO_CONTENT,
        })
    }

    /// The file's content.
    pub fn into_file(self) -> Payload {
        Payload::of_form(self.frames, FormFile::new(self.delimiter, self.size))
    }
}

#[cfg(test)]
mod tests;
