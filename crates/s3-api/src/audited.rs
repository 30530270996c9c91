//! Which operations are recorded in the audit log, and how: those that change what a bucket is or who may reach it. What is
//! done with objects is in the access log.
//!
//! An act that nobody signed and that was refused is not recorded: strangers could fill the log.

use audit::{Act, Actor, Ending, Outcome, Source, Via};
use http::StatusCode;
use policy::{Caller, Principal};
use s3_protocol::{Operation, Route};

use crate::call::Outcome as Answer;
use crate::observe::Record;

/// Whether an operation changes what a bucket is or who may reach it. An operation that reads, or that works on objects,
/// does not; an object's ACL is one of millions, and in the access log.
const fn is_recorded(operation: Operation) -> bool {
    use Operation as Op;
    matches!(
        operation,
        Op::CreateBucket
            | Op::DeleteBucket
            | Op::DeleteBucketCors
            | Op::DeleteBucketEncryption
            | Op::DeleteBucketLifecycle
            | Op::DeleteBucketOwnershipControls
            | Op::DeleteBucketPolicy
            | Op::DeleteBucketReplication
            | Op::DeleteBucketTagging
            | Op::DeleteBucketWebsite
            | Op::DeletePublicAccessBlock
            | Op::PutBucketAccelerateConfiguration
            | Op::PutBucketAcl
            | Op::PutBucketCors
            | Op::PutBucketEncryption
            | Op::PutBucketLifecycleConfiguration
            | Op::PutBucketLogging
            | Op::PutBucketNotificationConfiguration
            | Op::PutBucketOwnershipControls
            | Op::PutBucketPolicy
            | Op::PutBucketReplication
            | Op::PutBucketRequestPayment
            | Op::PutBucketTagging
            | Op::PutBucketVersioning
            | Op::PutBucketWebsite
            | Op::PutObjectLockConfiguration
            | Op::PutPublicAccessBlock
    )
}

/// The act that a request is about to be, where it is one that is recorded.
pub(crate) fn act(route: &Route, principal: &Principal, record: &Record) -> Option<Act> {
    if !is_recorded(route.operation) {
        return None;
    }
    let (actor, key) = match &principal.caller {
        Caller::Anonymous => (Actor::Anonymous, None),
        Caller::Person { name, key, .. } => (Actor::Person(name.clone()), key.clone()),
        Caller::Operator => (Actor::Operator, None),
    };
    let source = Source {
        address: Some(record.remote().ip()),
        key,
        request: Some(record.request_id.as_str().to_owned()),
        ..Source::via(Via::S3)
    };
    let bucket = route.bucket().map_or_else(String::new, |bucket| format!("bucket {bucket}"));
    Some(Act {
        actor,
        source,
        action: format!("s3:{}", route.operation.name()),
        tenancy: Some(principal.tenancy.clone()),
        target: bucket,
        facts: Vec::new(),
    })
}

/// How a request ended.
pub(crate) fn ending(answer: &Answer) -> Ending {
    match answer {
        Ok(reply) if reply.status.is_success() => Ending::done(),
        Ok(reply) => of_status(reply.status, reply.status.as_str()),
        Err(error) => of_status(error.code().status(), error.code().as_str()),
    }
}

fn of_status(status: StatusCode, error: &str) -> Ending {
    // What is not there was refused; what a server says otherwise is a failure of the store.
    let is_failure = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
    Ending::with_error(if is_failure { Outcome::Failed } else { Outcome::Refused }, error)
}

/// Whether an end is recorded, whoever asked.
pub(crate) fn is_worth_an_entry(principal: &Principal, ending: &Ending) -> bool {
    principal.caller != Caller::Anonymous || ending.outcome != Outcome::Refused
}
