//! Whose a request is: a password with it (Basic), or a management token as a cookie or as a Bearer.

use std::sync::Arc;

use access::LogInError;
use audit::{Actor as AuditActor, Ending, Outcome};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cookie::Cookie;
use http::header::{AUTHORIZATION, COOKIE};
use identity::{Act, Actor, Standing, TokenText};
use policy::{Principal, Role};
use types::{TenancyName, UserName};
use zeroize::Zeroizing;

use crate::asked::Asked;
use crate::error::SwarmError;
use crate::{Swarm, domain, recorded};

/// The name of the cookie, as the IDSYS of Swarm has it by default.
pub(crate) const COOKIE_NAME: &str = "token";

/// A person who has shown who they are.
pub(crate) struct Caller {
    pub(crate) name: UserName,
    pub(crate) standing: Arc<Standing>,
    /// Whether they run the installation, and gave their password: a token of theirs does not.
    operates: bool,
    /// The one tenancy that a token is for.
    bound_to: Option<TenancyName>,
    /// The tenancy that the name given with a password has behind it.
    scope: Option<TenancyName>,
}

/// A caller in the tenancy that the request is for.
pub(crate) struct Member {
    pub(crate) caller: Caller,
    pub(crate) tenancy: TenancyName,
    /// What they are there.
    pub(crate) role: Option<Role>,
}

impl Caller {
    /// As the rules about tenancies know them.
    pub(crate) fn actor(&self) -> Actor {
        if self.operates { Actor::Operator } else { Actor::Person(self.name.clone()) }
    }

    /// Whether they run the installation.
    pub(crate) const fn operates(&self) -> bool {
        self.operates
    }

    /// Whether a token keeps them from this tenancy.
    pub(crate) fn reaches(&self, tenancy: &TenancyName) -> bool {
        self.bound_to.as_ref().is_none_or(|bound| bound == tenancy)
    }

    /// The caller in this tenancy.
    ///
    /// # Errors
    /// [`SwarmError::Unauthenticated`] where the token is for another.
    pub(crate) fn into_member(self, swarm: &Swarm, tenancy: TenancyName) -> Result<Member, SwarmError> {
        if !self.reaches(&tenancy) {
            return Err(SwarmError::Unauthenticated(format!("the token is not one of the domain {tenancy}")));
        }
        let role = self.standing.role_in(&tenancy, swarm.clock.now());
        Ok(Member { caller: self, tenancy, role })
    }
}

impl Member {
    /// Refuses those who hold no role in the tenancy, unless they run the installation.
    pub(crate) fn check_role(&self) -> Result<(), SwarmError> {
        match self.role.is_some() || self.caller.operates {
            true => Ok(()),
            false => Err(SwarmError::Forbidden(format!("{} holds no role in {}", self.caller.name, self.tenancy))),
        }
    }

    /// Whether they decide for others in the tenancy.
    pub(crate) const fn leads(&self) -> bool {
        self.caller.operates || matches!(self.role, Some(Role::Deputy | Role::Manager))
    }

    /// Whether they may do this in the tenancy.
    pub(crate) async fn may(&self, swarm: &Swarm, act: &Act<'_>) -> Result<bool, SwarmError> {
        Ok(swarm.identity.may(&self.caller.actor(), &self.tenancy, act).await?)
    }

    /// Refuses those who may not.
    pub(crate) async fn check(&self, swarm: &Swarm, act: &Act<'_>) -> Result<(), SwarmError> {
        Ok(swarm.identity.check_may(&self.caller.actor(), &self.tenancy, act).await?)
    }

    /// As the policy engine knows them.
    pub(crate) fn principal(&self, swarm: &Swarm) -> Result<Arc<Principal>, SwarmError> {
        if self.caller.operates {
            return Ok(swarm.access.operator(self.tenancy.clone()));
        }
        let principal = swarm.access.principal_for_login(&self.caller.standing, &[], &self.tenancy);
        principal.ok_or_else(|| domain::unknown(self.tenancy.as_str()))
    }
}

/// Who asks, in the tenancy that the request names: by `?domain=`, its host, its token, or the name that it logs in with;
/// else in the default one.
pub(crate) async fn member(swarm: &Swarm, asked: &Asked) -> Result<Member, SwarmError> {
    let named = domain::named(swarm, asked)?;
    let caller = identify(swarm, asked).await?;
    let tenancy = named.or_else(|| caller.bound_to.clone()).or_else(|| caller.scope.clone());
    let default = swarm.access.default_tenancy().filter(|name| swarm.identity.tenancy(name).is_some());
    let tenancy = tenancy.or_else(|| default.cloned()).ok_or_else(|| {
        let text = "the request names no domain: send it to the host name of a tenancy, or add ?domain=";
        SwarmError::invalid(text)
    })?;
    caller.into_member(swarm, tenancy)
}

/// Who asks.
pub(crate) async fn identify(swarm: &Swarm, asked: &Asked) -> Result<Caller, SwarmError> {
    let header = asked.headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or_default().trim());
    match header.map(|value| value.split_once(' ').unwrap_or((value, ""))) {
        Some((scheme, given)) if scheme.eq_ignore_ascii_case("basic") => by_password(swarm, asked, given.trim()).await,
        Some((scheme, given)) if scheme.eq_ignore_ascii_case("bearer") => by_token(swarm, given.trim()).await,
        Some(_) => {
            let text = "a password (Basic) or a token (Bearer, or the cookie \"token\") is needed here; keys of S3 sign \
                        requests of S3 only";
            Err(SwarmError::Unauthenticated(text.to_owned()))
        }
        None => match cookie_of(asked) {
            Some(token) => by_token(swarm, &token).await,
            None => Err(SwarmError::Unauthenticated("log in with a password or a token".to_owned())),
        },
    }
}

fn cookie_of(asked: &Asked) -> Option<Zeroizing<String>> {
    let all = asked.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = all.flat_map(Cookie::split_parse).flatten();
    cookies.find(|cookie| cookie.name() == COOKIE_NAME).map(|cookie| Zeroizing::new(cookie.value().to_owned()))
}

async fn by_token(swarm: &Swarm, given: &str) -> Result<Caller, SwarmError> {
    let unknown = || SwarmError::Unauthenticated("the token does not exist, has expired, or is one for S3".to_owned());
    let token = TokenText::parse(given).ok_or_else(unknown)?;
    let info = swarm.identity.token(&token).await?.ok_or_else(unknown)?;
    let standing = swarm.identity.standing(&info.owner).await?.ok_or_else(unknown)?;
    Ok(Caller { name: info.owner, standing, operates: false, bound_to: Some(info.tenancy), scope: None })
}

async fn by_password(swarm: &Swarm, asked: &Asked, given: &str) -> Result<Caller, SwarmError> {
    let unreadable = || SwarmError::Unauthenticated("what stands behind Basic can not be read".to_owned());
    let decoded = Zeroizing::new(BASE64.decode(given).map_err(|_| unreadable())?);
    // As RFC 7617 allows both, what is no UTF-8 is Latin-1.
    let text = Zeroizing::new(match std::str::from_utf8(&decoded) {
        Ok(text) => text.to_owned(),
        Err(_) => decoded.iter().copied().map(char::from).collect(),
    });
    let (written, password) = text.split_once(':').ok_or_else(unreadable)?;
    let (name, scope) = split_name(swarm, written);
    let user = match swarm.access.log_in(name, password, asked.client.address).await {
        Ok(user) => user,
        Err(error) => return Err(refused(swarm, asked, name, error).await),
    };
    let standing = swarm.identity.standing(&user.name).await?;
    match standing.filter(|standing| standing.suspension.is_none()) {
        Some(standing) => {
            let operates = swarm.operators.includes(&standing);
            Ok(Caller { name: user.name, standing, operates, bound_to: None, scope })
        }
        None => Err(SwarmError::Forbidden(format!("{} is suspended", user.name))),
    }
}

/// A name of Swarm without where it is known: `ann`, `ann@` and `ann+lab-o` are `ann` of the one directory that there is.
/// What stands behind the sign counts as the tenancy, where it names one.
fn split_name<'a>(swarm: &Swarm, written: &'a str) -> (&'a str, Option<TenancyName>) {
    match written.rfind(['@', '+']).map(|at| (&written[..at], &written[at + 1..])) {
        Some((name, "")) => (name, None),
        Some((name, scope)) => match domain::find(swarm, scope) {
            Some(tenancy) => (name, Some(tenancy)),
            None => (written, None),
        },
        None => (written, None),
    }
}

/// Records a wrong password, as the portal does.
async fn refused(swarm: &Swarm, asked: &Asked, name: &str, error: LogInError) -> SwarmError {
    match error {
        LogInError::Wrong => {
            let known = match UserName::new(name) {
                Ok(name) => swarm.identity.standing(&name).await.ok().flatten(),
                Err(_) => None,
            };
            // What is no person's name may be a password that was typed into the wrong field.
            let target = known.map_or_else(|| "login".to_owned(), |standing| format!("login {}", standing.user.name));
            let act = recorded::act(asked, AuditActor::Anonymous, "login.begin", None, target, Vec::new());
            let ending = Ending::with_error(Outcome::Refused, "WrongPassword");
            if let Err(error) = swarm.audit.begin(act).end(ending).await {
                return SwarmError::Failed(format!("the audit log: {error}"));
            }
            SwarmError::Unauthenticated("the user name or the password is wrong".to_owned())
        }
        LogInError::TooManyFailures { wait_seconds } => SwarmError::TooManyFailures { wait_seconds },
        LogInError::Identity(error) => SwarmError::Failed(error.to_string()),
    }
}
