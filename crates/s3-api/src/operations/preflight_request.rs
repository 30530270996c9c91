//! OPTIONS: a browser asks whether a page may send a request (user guide, "Testing CORS"). Browsers ask without
//! credentials, so this is answered before anybody is identified, and alike for every bucket: none has rules yet.

use s3_protocol::{ErrorCode, S3Error};

use crate::call::Outcome;

pub(crate) fn answer() -> Outcome {
    Err(S3Error::new(ErrorCode::AccessDenied).with_message("CORSResponse: CORS is not enabled for this bucket."))
}
