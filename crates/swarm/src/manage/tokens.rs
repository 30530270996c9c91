//! `tokens` of a tenant or a domain: as `/.TOKEN/`, in JSON.

use http::{Method, StatusCode};
use identity::Secret;
use serde::Serialize;
use types::Timestamp;

use crate::Swarm;
use crate::asked::Asked;
use crate::caller::Member;
use crate::error::SwarmError;
use crate::reply::Reply;
use crate::token_record::{self, TokenRecord};

/// A token as this API shows one. The secret stands in the answer that made it, and nowhere else.
#[derive(Serialize)]
struct Shown<'a> {
    token: &'a str,
    owner: &'a str,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    creation: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(token: &'a TokenRecord, secret: Option<&'a Secret>) -> Self {
        Self {
            token: &token.id,
            owner: token.owner.as_str(),
            scope: format!("+{}", token.tenancy),
            expiration: token.expires.map(Timestamp::to_iso8601),
            creation: token.created.to_iso8601(),
            description: &token.description,
            secret: secret.map(Secret::expose),
        }
    }
}

pub(super) async fn all(swarm: &Swarm, asked: &Asked, member: &Member) -> Result<Reply, SwarmError> {
    member.check_role()?;
    match asked.method {
        Method::POST => {
            let (token, secret) = token_record::create(swarm, asked, member).await?;
            Ok(Reply::json(StatusCode::CREATED, &Shown::of(&token, secret.as_ref())))
        }
        Method::GET => {
            let tokens = token_record::list(swarm, member, &member.caller.name).await?;
            Ok(Reply::json(StatusCode::OK, &tokens.iter().map(|token| Shown::of(token, None)).collect::<Vec<_>>()))
        }
        _ => Err(SwarmError::MethodNotAllowed(asked.method.clone())),
    }
}

pub(super) async fn one(swarm: &Swarm, asked: &Asked, member: &Member, id: &str) -> Result<Reply, SwarmError> {
    member.check_role()?;
    let unknown = || SwarmError::NotFound("there is no such token".to_owned());
    match asked.method {
        Method::GET => {
            let token = token_record::find(swarm, member, id).await?.ok_or_else(unknown)?;
            Ok(Reply::json(StatusCode::OK, &Shown::of(&token, None)))
        }
        Method::DELETE => match token_record::delete(swarm, asked, member, id).await? {
            true => Ok(Reply::done(StatusCode::OK)),
            false => Err(unknown()),
        },
        _ => Err(SwarmError::MethodNotAllowed(asked.method.clone())),
    }
}
