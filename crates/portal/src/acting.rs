//! In whose name a page acts: pages that a tenancy's managers and the operators have alike are made once.

use identity::{Actor, RequestId};
use types::{TenancyName, UserName};

use crate::page::Part;

/// In whose name, which also says where the page and its forms are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Acting {
    /// A person, with what their roles allow.
    Person(UserName),
    /// An operator, who is still named in the audit log as the person that they are.
    Operator,
}

impl Acting {
    /// Who makes the change.
    pub(crate) fn actor(&self) -> Actor {
        match self {
            Self::Person(name) => Actor::Person(name.clone()),
            Self::Operator => Actor::Operator,
        }
    }

    /// The part of the portal that the page is in.
    pub(crate) const fn part(&self) -> Part {
        match self {
            Self::Person(_) => Part::Services,
            Self::Operator => Part::Operate,
        }
    }

    /// The page of a tenancy.
    pub(crate) fn tenancy_path(&self, tenancy: &TenancyName) -> String {
        match self {
            Self::Person(_) => format!("/services/{tenancy}/"),
            Self::Operator => format!("/operate/tenancies/{tenancy}/"),
        }
    }

    /// The page with all tenancies.
    pub(crate) const fn tenancies_path(&self) -> &'static str {
        match self {
            Self::Person(_) => "/services/",
            Self::Operator => "/operate/tenancies/",
        }
    }

    /// The page with the requests.
    pub(crate) const fn requests_path(&self) -> &'static str {
        match self {
            Self::Person(_) => "/requests/",
            Self::Operator => "/operate/requests/",
        }
    }

    /// The page of a request.
    pub(crate) fn request_path(&self, id: &RequestId) -> String {
        format!("{}{id}/", self.requests_path())
    }
}
