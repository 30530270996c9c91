//! *View Keys*: one's own keys in a tenancy; a manager sees those of all members, never a secret.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use identity::KeyInfo;
use serde::Deserialize;
use types::{AccessKeyId, TenancyName, Timestamp};

use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::shown::{Day, End};
use crate::signed_in::{Confirmed, SignedIn};

/// The most keys on the page.
const SHOWN: usize = 1000;
/// Before its end, how long a key is said to be ending: a week, as JASMIN's portal has it.
const EXPIRING_SECONDS: u64 = 7 * 24 * 3600;

#[derive(Template)]
#[template(path = "view_keys.html")]
struct ViewKeysPage {
    layout: Layout,
    tenancy: String,
    of_all: bool,
    keys: Vec<Row>,
    truncated: bool,
}

struct Row {
    id: String,
    owner: String,
    description: String,
    created: Day,
    expires: End,
    status: Status,
    /// When, from where and for what it was used last.
    last_use: Option<LastUse>,
}

struct LastUse {
    at: Day,
    source: String,
    operation: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Status {
    Active,
    Expiring,
    Expired,
}

impl Status {
    pub(super) fn of(key: &KeyInfo, now: Timestamp) -> Self {
        match key.expires {
            Some(expires) if expires <= now => Self::Expired,
            Some(expires) if expires <= now.plus_secs(EXPIRING_SECONDS) => Self::Expiring,
            _ => Self::Active,
        }
    }

    /// As the word in the table, and the name of its style.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Expiring => "EXPIRING",
            Self::Expired => "EXPIRED",
        }
    }
}

#[derive(Deserialize)]
struct Chosen {
    key: AccessKeyId,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/object-stores/{tenancy}/keys/", get(show))
        .route("/object-stores/{tenancy}/keys/delete", post(delete))
}

async fn show(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path(tenancy): Path<TenancyName>,
) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy).await?))
}

async fn assemble(view: &View, signed_in: &SignedIn, tenancy: &TenancyName) -> Result<ViewKeysPage, PageError> {
    let (of_all, mut keys) = keys_seen(&view.portal, signed_in, tenancy).await?;
    let truncated = keys.len() > SHOWN;
    keys.truncate(SHOWN);
    let uses = view.portal.identity.last_uses(&keys).await?;
    let now = view.portal.clock.now();
    let row = |(key, last_use): (&KeyInfo, Option<identity::LastUse>)| Row {
        id: key.id.to_string(),
        owner: key.owner.to_string(),
        description: key.description.clone(),
        created: Day(key.created),
        expires: End(key.expires),
        status: Status::of(key, now),
        last_use: last_use.map(|last_use| LastUse {
            at: Day(last_use.at),
            source: last_use.source.to_string(),
            operation: last_use.operation,
        }),
    };
    Ok(ViewKeysPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, "Keys"),
        tenancy: tenancy.to_string(),
        of_all,
        truncated,
        keys: keys.iter().zip(uses).map(row).collect(),
    })
}

/// The keys that the person may see, the latest first, and whether those are everybody's.
async fn keys_seen(
    portal: &Portal,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
) -> Result<(bool, Vec<KeyInfo>), PageError> {
    let of_all = signed_in.member_of(portal, tenancy)?.manages();
    let owner = (!of_all).then_some(&signed_in.user);
    let mut keys = portal.identity.keys(tenancy, owner, SHOWN + 1).await?;
    keys.sort_by_key(|one| std::cmp::Reverse(one.created));
    Ok((of_all, keys))
}

async fn delete(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path(tenancy): Path<TenancyName>,
    Form(Chosen { key }): Form<Chosen>,
) -> Result<Response, PageError> {
    delete_seen(&view.portal, &signed_in, &tenancy, &key).await?;
    Ok(done(&format!("/object-stores/{tenancy}/keys/"), "key-deleted"))
}

/// Deletes a key of this tenancy that the person may see.
async fn delete_seen(
    portal: &Portal,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    key: &AccessKeyId,
) -> Result<(), PageError> {
    let manages = signed_in.member_of(portal, tenancy)?.manages();
    let found = portal.identity.key(key).await?.ok_or(PageError::NotFound)?;
    let theirs = found.info.owner == signed_in.user;
    if found.info.tenancy != *tenancy || !(theirs || manages) {
        return Err(PageError::NotFound);
    }
    Ok(portal.identity.delete_key(key).await?)
}
