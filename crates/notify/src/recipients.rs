//! Who is told of an event.

use std::collections::BTreeSet;
use std::fmt;

use identity::{Event, Identity, IdentityError, Recipients};
use policy::Role;
use types::{TenancyName, Timestamp, UserName};

/// The most members of a tenancy who are told of one event: as many as the largest tenancies have.
pub const MAX_MEMBERS: usize = 20_000;

/// Whose inbox it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Recipient {
    /// The operators together.
    Operators,
    /// A person.
    Person(UserName),
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operators => f.write_str("the operators"),
            Self::Person(name) => name.fmt(f),
        }
    }
}

/// Those who hold a role in a tenancy at `now` for which `is_told` holds. None where the tenancy is gone.
async fn members(
    identity: &Identity,
    tenancy: &TenancyName,
    now: Timestamp,
    is_told: impl Fn(Role) -> bool,
) -> Result<BTreeSet<Recipient>, IdentityError> {
    let roles = match identity.roles(tenancy, MAX_MEMBERS).await {
        Err(IdentityError::NoSuchTenancy(_)) => return Ok(BTreeSet::new()),
        roles => roles?,
    };
    let told = roles.into_iter().filter(|role| role.is_active(now) && is_told(role.role));
    Ok(told.map(|role| Recipient::Person(role.user)).collect())
}

const fn decides(role: Role) -> bool {
    matches!(role, Role::Deputy | Role::Manager)
}

/// Whether a request for a role may be decided on by who holds `role`: a deputy only decides on USER, a manager on DEPUTY too.
const fn decides_on(asked: Role, role: Role) -> bool {
    match asked {
        Role::User => decides(role),
        Role::Deputy => matches!(role, Role::Manager),
        Role::Manager => false,
    }
}

/// Who is told of `event` at `now`, as its documentation says.
///
/// # Errors
/// Where the members of a tenancy can not be read.
pub async fn of(identity: &Identity, event: &Event, now: Timestamp) -> Result<BTreeSet<Recipient>, IdentityError> {
    let one = |user: &UserName| BTreeSet::from([Recipient::Person(user.clone())]);
    let operators = || BTreeSet::from([Recipient::Operators]);
    let people = match event {
        Event::RequestConfirm { request }
        | Event::RequestApproved { request, .. }
        | Event::RequestRejected { request, .. }
        | Event::RequestIncomplete { request, .. } => one(&request.user),
        Event::RequestPending { request, .. } | Event::RequestWithdrawn { request } => {
            use identity::RequestKind as Kind;
            match &request.kind {
                Kind::Join { role } => {
                    let asked = *role;
                    let mut told = members(identity, &request.id.tenancy, now, |role| decides_on(asked, role)).await?;
                    // Nobody decides on their own request, and someone has to.
                    told.remove(&Recipient::Person(request.user.clone()));
                    if told.is_empty() { operators() } else { told }
                }
                Kind::Tenancy { .. } | Kind::Quota { .. } => operators(),
            }
        }
        Event::TenancyRequested { .. } | Event::QuotaRequested { .. } => operators(),
        Event::GrantCreated { user, .. }
        | Event::GrantExpiring { user, .. }
        | Event::GrantExpired { user, .. }
        | Event::GrantRevoked { user, .. } => one(user),
        Event::Suspended { user, .. } | Event::Reactivated { user } => {
            let mut told = one(user);
            told.insert(Recipient::Operators);
            told
        }
        Event::TenancyEnding { tenancy, .. } => members(identity, tenancy, now, decides).await?,
        Event::TenancyEnded { tenancy, .. } => members(identity, tenancy, now, |_| true).await?,
        Event::QuotaReached { tenancy, scope, .. } | Event::QuotaEnded { tenancy, scope, .. } => {
            let mut told = members(identity, tenancy, now, decides).await?;
            if let identity::QuotaScope::Owner(user) = scope {
                told.insert(Recipient::Person(user.clone()));
            }
            told
        }
        Event::Message { tenancy, to, .. } => {
            let all = members(identity, tenancy, now, |role| match to {
                Recipients::Role(of) => role == *of,
                Recipients::Everyone | Recipients::People(_) => true,
            });
            let mut told = all.await?;
            if let Recipients::People(people) = to {
                told.retain(|one| matches!(one, Recipient::Person(name) if people.contains(name)));
            }
            told
        }
    };
    Ok(people)
}
