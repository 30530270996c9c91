//! `/.TOKEN/`: making, listing, looking at and deleting tokens, as the Content Gateway does.
//!
//! Clients take the token of an answer by its place: it is the second word.

use cookie::time::Duration;
use cookie::{Cookie, SameSite};
use http::{Method, StatusCode};
use serde::Serialize;
use types::{Timestamp, UserName};

use crate::Swarm;
use crate::asked::Asked;
use crate::caller::{self, COOKIE_NAME, Member};
use crate::error::SwarmError;
use crate::reply::Reply;
use crate::token_record::{self, TokenRecord};

/// The end of what does not end, for clients that read a date in every token.
const NEVER: &str = "Fri, 31 Dec 9999 23:59:59 GMT";

/// A token in the list: the fields that clients read.
#[derive(Serialize)]
struct Listed {
    name: String,
    last_modified: String,
    x_owner_meta: String,
    x_custom_meta_source: String,
    /// Whether it has a secret for S3. The secret is not told.
    x_user_secret_key_meta: &'static str,
    lifepoint: String,
}

impl From<TokenRecord> for Listed {
    fn from(token: TokenRecord) -> Self {
        Self {
            lifepoint: lifepoint(token.expires),
            name: token.id,
            last_modified: token.created.to_rfc3339_micros(),
            x_owner_meta: token.owner.to_string(),
            x_custom_meta_source: token.description,
            x_user_secret_key_meta: if token.is_for_s3 { "true" } else { "false" },
        }
    }
}

/// When Swarm would delete the token: `[Wed, 21 Jan 2026 00:00:00 GMT] reps=2, [] delete`.
fn lifepoint(expires: Option<Timestamp>) -> String {
    let end = expires.map_or_else(|| NEVER.to_owned(), Timestamp::to_http_date);
    format!("[{end}] reps=2, [] delete")
}

/// Answers a request for `/.TOKEN/` or a token below it.
pub(crate) async fn serve(swarm: &Swarm, asked: &Asked) -> Result<Reply, SwarmError> {
    let member = caller::member(swarm, asked).await?;
    member.check_role()?;
    match (&asked.method, asked.path.get(1..).unwrap_or_default()) {
        (&Method::POST, []) => create(swarm, asked, &member).await,
        (&(Method::GET | Method::HEAD), []) => list(swarm, asked, &member).await,
        (&(Method::GET | Method::HEAD), [id]) => show(swarm, &member, id).await,
        (&Method::DELETE, [id]) => delete(swarm, asked, &member, id).await,
        (method, [] | [_]) => Err(SwarmError::MethodNotAllowed(method.clone())),
        _ => Err(SwarmError::NotFound("tokens lie directly below /.TOKEN/".to_owned())),
    }
}

async fn create(swarm: &Swarm, asked: &Asked, member: &Member) -> Result<Reply, SwarmError> {
    let (token, _) = token_record::create(swarm, asked, member).await?;
    let expires = token.expires.map_or_else(|| NEVER.to_owned(), Timestamp::to_http_date);
    let text = format!("Token {} issued for {} in {} until {expires}", token.id, token.owner, token.tenancy);
    let reply = Reply::text(StatusCode::CREATED, &text);
    match asked.parameter("setcookie") {
        None | Some("true") if token.is_for_s3 => Ok(reply),
        None | Some("true") => Ok(reply.with_cookie(&cookie_of(&token, asked.client.tls, swarm.clock.now()))),
        Some("false") => Ok(reply.with_token(&token.id)),
        Some(other) => Err(SwarmError::Invalid(format!("setcookie is true or false, and not {other:?}"))),
    }
}

/// The cookie of a management token: no page can read it, and other sites' pages do not send it. A token for S3 opens
/// nothing as a cookie.
fn cookie_of(token: &TokenRecord, tls: bool, now: Timestamp) -> Cookie<'static> {
    let left = token.expires.map_or(0, |expires| expires.as_secs().saturating_sub(now.as_secs()));
    let left = Duration::seconds(i64::try_from(left).unwrap_or(i64::MAX));
    let cookie = Cookie::build((COOKIE_NAME, token.id.clone())).path("/").http_only(true).secure(tls);
    cookie.same_site(SameSite::Strict).max_age(left).build()
}

async fn list(swarm: &Swarm, asked: &Asked, member: &Member) -> Result<Reply, SwarmError> {
    let owner = match asked.parameter("x-owner-meta") {
        Some(name) => UserName::new(name).map_err(|error| SwarmError::Invalid(error.to_string()))?,
        None => member.caller.name.clone(),
    };
    let tokens = token_record::list(swarm, member, &owner).await?;
    if asked.parameter("format") == Some("json") {
        return Ok(Reply::json(StatusCode::OK, &tokens.into_iter().map(Listed::from).collect::<Vec<_>>()));
    }
    let line = |token: &TokenRecord| {
        let expires = token.expires.map_or_else(|| NEVER.to_owned(), Timestamp::to_http_date);
        format!("{}\t{}\t{expires}\t{}\n", token.id, token.owner, token.description)
    };
    Ok(Reply::text(StatusCode::OK, tokens.iter().map(line).collect::<String>().trim_end()))
}

async fn show(swarm: &Swarm, member: &Member, id: &str) -> Result<Reply, SwarmError> {
    match token_record::find(swarm, member, id).await? {
        Some(token) => Ok(Reply::json(StatusCode::OK, &Listed::from(token))),
        None => Err(SwarmError::NotFound("there is no such token".to_owned())),
    }
}

async fn delete(swarm: &Swarm, asked: &Asked, member: &Member, id: &str) -> Result<Reply, SwarmError> {
    match token_record::delete(swarm, asked, member, id).await? {
        true => Ok(Reply::done(StatusCode::OK)),
        // As the Content Gateway answers: JASMIN's portal takes it for a token that somebody else deleted meanwhile.
        false => Err(SwarmError::Invalid("there is no such token".to_owned())),
    }
}
