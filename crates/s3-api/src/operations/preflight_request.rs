//! OPTIONS: a browser asks whether a page may send a request (user guide, "Testing CORS"). Needs no action: browsers ask
//! without credentials, and the bucket's rules answer ([`crate::cors`]).

use s3_protocol::{RequestHead, Route};

use crate::call::Outcome;
use crate::service::S3Service;

pub(crate) async fn handle(service: &S3Service, head: &RequestHead<'_>, route: &Route) -> Outcome {
    service.preflight(head, route).await
}
