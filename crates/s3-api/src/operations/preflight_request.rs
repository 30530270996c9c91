//! OPTIONS: a browser asks whether a page may send a request (user guide, "Testing CORS"). Browsers ask without
//! credentials, so this is answered before anybody is identified, and alike for every bucket: none has rules yet.

use http::HeaderMap;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use s3_protocol::{ErrorCode, S3Error};

use crate::call::Outcome;

/// The methods that rules can allow (API reference, `CORSRule`).
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// Answers a request with these headers.
pub(crate) fn answer(headers: &HeaderMap) -> Outcome {
    let bad = |message: String| Err(S3Error::new(ErrorCode::BadRequest).with_message(message));
    if !headers.contains_key(ORIGIN) {
        return bad("Insufficient information. Origin request header needed.".to_owned());
    }
    let method = headers.get(ACCESS_CONTROL_REQUEST_METHOD).and_then(|method| method.to_str().ok());
    if !method.is_some_and(|method| METHODS.contains(&method)) {
        return bad(format!("Invalid Access-Control-Request-Method: {}", method.unwrap_or("null")));
    }
    Err(S3Error::new(ErrorCode::AccessDenied).with_message("CORSResponse: CORS is not enabled for this bucket."))
}
