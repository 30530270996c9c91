//! *Tokens* of a domain: those with an S3 secret key, which are access keys, and those without, which manage. One sees one's
//! own; a manager sees the access keys of all members, too.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use identity::{IdentityError, KeyInfo, NewKey, NewToken, Secret, Token, TokenText};
use policy::KeyScope;
use serde::Deserialize;
use types::{AccessKeyId, TenancyName, Timestamp};

use crate::Portal;
use crate::audited::Made;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::shown::{Day, End};
use crate::signed_in::{Confirmed, SignedIn};

/// The most tokens on the page; the filter finds the others.
const SHOWN: usize = 500;
/// The most that is looked through.
const LOOKED_AT: usize = 10_000;
/// The choices of *Expiration date*, in days.
const DAYS: [u64; 6] = [1, 7, 30, 182, 365, 730];

#[derive(Template)]
#[template(path = "content_portal_tokens.html")]
struct TokensPage {
    layout: Layout,
    tenancy: String,
    owner: String,
    filter: String,
    of_all: bool,
    tokens: Vec<Row>,
    truncated: bool,
}

#[derive(Template)]
#[template(path = "content_portal_token.html")]
struct NewTokenPage {
    layout: Layout,
    tenancy: String,
    token: String,
    secret: Option<String>,
}

struct Row {
    owner: String,
    token: String,
    created: Timestamp,
    date_created: Day,
    expires: End,
    is_expired: bool,
    description: String,
    has_secret: bool,
}

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    filter: String,
}

#[derive(Deserialize)]
struct Wanted {
    description: String,
    /// Days.
    expires: u64,
    /// There where the box *S3 secret key* is ticked.
    #[serde(default)]
    s3: Option<String>,
    /// One of their own, where they bring one along.
    #[serde(default)]
    secret: String,
}

#[derive(Deserialize)]
struct Chosen {
    token: String,
}

pub(super) fn routes() -> Router<Portal> {
    Router::new()
        .route("/_admin/portal/{tenancy}/tokens/", get(show))
        .route("/_admin/portal/{tenancy}/tokens/add", post(add))
        .route("/_admin/portal/{tenancy}/tokens/delete", post(delete))
}

async fn show(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path(tenancy): Path<TenancyName>,
    Query(Filter { filter }): Query<Filter>,
) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy, filter.trim()).await?))
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    filter: &str,
) -> Result<TokensPage, PageError> {
    let (portal, now) = (&view.portal, view.portal.clock.now());
    let of_all = signed_in.member_of(portal, tenancy)?.manages();
    let owner = (!of_all).then_some(&signed_in.user);
    let keys = portal.identity.keys(tenancy, owner, LOOKED_AT).await?.into_iter().map(|key| Row::of_key(key, now));
    let own = portal.identity.tokens(tenancy, &signed_in.user).await?.into_iter().map(|one| Row::of_token(one, now));
    let mut tokens: Vec<Row> = keys.chain(own).filter(|row| row.fits(filter)).collect();
    tokens.sort_by_key(|row| std::cmp::Reverse(row.created));
    let truncated = tokens.len() > SHOWN;
    tokens.truncate(SHOWN);
    Ok(TokensPage {
        layout: view.layout(Some(signed_in), Part::ObjectStores, "Tokens"),
        tenancy: tenancy.to_string(),
        owner: signed_in.user.to_string(),
        filter: filter.to_owned(),
        of_all,
        tokens,
        truncated,
    })
}

impl Row {
    fn of_key(key: KeyInfo, now: Timestamp) -> Self {
        Self {
            is_expired: key.is_expired(now),
            owner: key.owner.to_string(),
            token: key.id.to_string(),
            created: key.created,
            date_created: Day(key.created),
            expires: End(key.expires),
            description: key.description,
            has_secret: true,
        }
    }

    fn of_token(Token { text, info }: Token, now: Timestamp) -> Self {
        Self {
            owner: info.owner.to_string(),
            token: text.expose().to_owned(),
            created: info.created,
            date_created: Day(info.created),
            expires: End(Some(info.expires)),
            is_expired: info.expires <= now,
            description: info.description,
            has_secret: false,
        }
    }

    /// Whether the words of the filter are in it, in any case of letters.
    fn fits(&self, filter: &str) -> bool {
        let all = format!("{} {} {}", self.owner, self.token, self.description).to_lowercase();
        filter.to_lowercase().split_whitespace().all(|word| all.contains(word))
    }
}

async fn add(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path(tenancy): Path<TenancyName>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, PageError> {
    let made = make(&view.portal, &signed_in, &tenancy, wanted).await?;
    let (token, secret) = made;
    // The id of a token without a secret is all that it takes to use it, and is not recorded.
    let recorded = secret.is_some().then(|| Made(token.clone()));
    let layout = view.layout(Some(&signed_in), Part::ObjectStores, "Your new token");
    let mut response = page(&NewTokenPage { layout, tenancy: tenancy.to_string(), token, secret });
    if let Some(made) = recorded {
        response.extensions_mut().insert(made);
    }
    Ok(response)
}

/// Makes a token, and answers it with its secret.
async fn make(
    portal: &Portal,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    wanted: Wanted,
) -> Result<(String, Option<String>), PageError> {
    signed_in.member_of(portal, tenancy)?;
    if !DAYS.contains(&wanted.expires) {
        return Err(PageError::Refused("Choose one of the offered expiration dates.".to_owned()));
    }
    let expires = portal.clock.now().plus_secs(wanted.expires * 24 * 3600);
    let (tenancy, owner) = (tenancy.clone(), signed_in.user.clone());
    let description = wanted.description.trim().to_owned();
    if wanted.s3.is_none() {
        let token = portal.identity.create_token(NewToken { tenancy, owner, description, expires }).await?;
        return Ok((token.text.expose().to_owned(), None));
    }
    let new = NewKey { tenancy, owner, description, expires: Some(expires), scope: KeyScope::default() };
    let key = match wanted.secret.trim() {
        "" => portal.identity.create_key(new).await?,
        brought => {
            let secret = Secret::import(brought)?;
            let mut id = [0; 16];
            portal.entropy.fill(&mut id);
            let id = AccessKeyId::new(&hex::encode(id)).map_err(|error| PageError::Failed(error.to_string()))?;
            portal.identity.import_key(new, id, secret).await?
        }
    };
    Ok((key.info.id.to_string(), Some(key.secret.expose().to_owned())))
}

async fn delete(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path(tenancy): Path<TenancyName>,
    Form(Chosen { token }): Form<Chosen>,
) -> Result<Response, PageError> {
    delete_seen(&view.portal, &signed_in, &tenancy, &token).await?;
    Ok(done(&format!("/_admin/portal/{tenancy}/tokens/"), "token-deleted"))
}

/// Deletes a token of one's own, or as a manager somebody's access key in the tenancy.
async fn delete_seen(
    portal: &Portal,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    token: &str,
) -> Result<(), PageError> {
    let manages = signed_in.member_of(portal, tenancy)?.manages();
    if let Some(text) = TokenText::parse(token)
        && portal.identity.delete_token(tenancy, &signed_in.user, &text).await?
    {
        return Ok(());
    }
    let id = AccessKeyId::new(token).map_err(|_| PageError::NotFound)?;
    let found = portal.identity.key(&id).await?.ok_or(PageError::NotFound)?;
    if found.info.tenancy != *tenancy || !(found.info.owner == signed_in.user || manages) {
        return Err(PageError::NotFound);
    }
    match portal.identity.delete_key(&id).await {
        Ok(()) | Err(IdentityError::NoSuchKey(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
