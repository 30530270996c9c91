//! What can go wrong, in words for the person who asked.

use policy::Role;
use storage::{CommitError, StorageError};
use types::{AccessKeyId, TenancyName, Timestamp, UserName};

use crate::Actor;
use crate::request::{RequestAct, RequestId, RequestState};

/// An operation on identities was not done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IdentityError {
    /// There is no such tenancy.
    #[error("there is no tenancy {0}")]
    NoSuchTenancy(TenancyName),
    /// The name is taken.
    #[error("there is a tenancy {0} already")]
    TenancyExists(TenancyName),
    /// A tenancy that holds buckets is not deleted.
    #[error("tenancy {tenancy} still holds {buckets} bucket(s)")]
    TenancyHasBuckets {
        /// Which tenancy.
        tenancy: TenancyName,
        /// How many buckets.
        buckets: usize,
    },
    /// The endpoint name serves another tenancy.
    #[error("the endpoint name {endpoint} belongs to tenancy {tenancy}")]
    EndpointTaken {
        /// The host name.
        endpoint: String,
        /// Whose it is.
        tenancy: TenancyName,
    },
    /// There is no such person.
    #[error("there is no user {0}")]
    NoSuchUser(UserName),
    /// The name is taken.
    #[error("there is a user {0} already")]
    UserExists(UserName),
    /// The person holds no role there, or it has expired.
    #[error("user {user} holds no role in tenancy {tenancy}")]
    NoRole {
        /// Who.
        user: UserName,
        /// Where.
        tenancy: TenancyName,
    },
    /// The actor's role there does not allow it.
    #[error("{actor} may not {what} in tenancy {tenancy}")]
    NotAllowed {
        /// Who.
        actor: Actor,
        /// Where.
        tenancy: TenancyName,
        /// What.
        what: String,
    },
    /// Only operators do it.
    #[error("{actor} may not {what}; operators do")]
    NotOperator {
        /// Who.
        actor: Actor,
        /// What.
        what: String,
    },
    /// Nothing of the person works.
    #[error("user {0} is suspended")]
    Suspended(UserName),
    /// There is nothing to lift.
    #[error("user {0} is not suspended")]
    NotSuspended(UserName),
    /// There is no such request, or it is not the actor's to see.
    #[error("there is no request {0}")]
    NoSuchRequest(RequestId),
    /// What was asked for is asked for already.
    #[error("request {0} asks for this already")]
    RequestOpen(RequestId),
    /// The request is not in a state in which this can be done.
    #[error("request {id} is {state}: {act} is not possible")]
    RequestState {
        /// Which.
        id: RequestId,
        /// Its state.
        state: RequestState,
        /// What was to be done.
        act: RequestAct,
    },
    /// The person holds the role, or a stronger one, for long enough.
    #[error("user {user} is {role} of tenancy {tenancy} already{}", renewal(*.renewal_opens))]
    RoleHeld {
        /// Who.
        user: UserName,
        /// Where.
        tenancy: TenancyName,
        /// As what.
        role: Role,
        /// From when on they may ask again; never where the role does not expire.
        renewal_opens: Option<Timestamp>,
    },
    /// Nobody may ask for a role there.
    #[error("tenancy {0} takes no requests")]
    JoiningClosed(TenancyName),
    /// The tenancy's time is over.
    #[error("tenancy {0} has ended")]
    TenancyEnded(TenancyName),
    /// The person did it too often.
    #[error("there were {limit} {what} within a day already")]
    TooOften {
        /// Of what.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// There is no such key.
    #[error("there is no access key {0}")]
    NoSuchKey(AccessKeyId),
    /// The id is taken.
    #[error("there is an access key {0} already")]
    KeyExists(AccessKeyId),
    /// What was given breaks a rule.
    #[error("the {what} is not valid: {rule}")]
    Invalid {
        /// What was given.
        what: &'static str,
        /// The rule that it breaks.
        rule: String,
    },
    /// There may be no more of these.
    #[error("there may be at most {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// The policies and groups of a session do not fit into its token.
    #[error("the session's policies and groups make a token of {chars} characters, and it may have {limit}")]
    SessionTooLarge {
        /// How long it would be.
        chars: usize,
        /// The bound.
        limit: usize,
    },
    /// The secrets of the store are encrypted under another master key.
    #[error("the master key is not the one that the secrets of this store are encrypted under")]
    WrongMasterKey,
    /// A record does not parse or does not decrypt.
    #[error("the record {key} is damaged: {reason}")]
    Damaged {
        /// Where it lies.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The directory can not be asked, or its answer can not be used: nothing is known. Try again later.
    #[error("the directory of people is away: {reason}")]
    DirectoryAway {
        /// Why, for the operator.
        reason: String,
    },
    /// The directory does not let us change it.
    #[error("the directory of people refused a change: {reason}")]
    DirectoryRefused {
        /// What it said.
        reason: String,
    },
    /// Another process changed the same thing at the same time; nothing was changed here. Try again.
    #[error("another change came between")]
    Contention,
    /// The store failed; nothing was changed by the step that failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The change may have been made or not: look, then do it again if need be.
    #[error("the outcome of the change is unknown: {0}")]
    Unknown(String),
}

impl IdentityError {
    /// The directory is away, for this reason.
    pub fn away(reason: impl ToString) -> Self {
        Self::DirectoryAway { reason: reason.to_string() }
    }
}

fn renewal(opens: Option<Timestamp>) -> String {
    opens.map_or_else(String::new, |opens| format!("; renewal opens on {}", opens.to_date()))
}

impl From<CommitError> for IdentityError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { .. } | CommitError::OverLimit { .. } => Self::Contention,
            CommitError::Unknown(reason) => Self::Unknown(reason),
            CommitError::Storage(error) => Self::Storage(error),
        }
    }
}
