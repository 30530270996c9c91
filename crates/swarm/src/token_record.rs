//! What Swarm calls a token: an access key, where it has a secret for S3, and a management token, where it has none.
//!
//! Both are made, listed and deleted here for both of their doors. A token with a secret is an access key of `identity`, in
//! no way different from one that the portal made.

use identity::{KeyInfo, NewKey, NewToken, Secret, Token, TokenText};
use policy::KeyScope;
use types::{AccessKeyId, Entropy, TenancyName, Timestamp, UserName};

use crate::asked::Asked;
use crate::caller::Member;
use crate::error::SwarmError;
use crate::recorded::{self, Facts, nothing};
use crate::{Swarm, expiry};

/// The secret that makes a token one for S3.
const SECRET: &str = "x-user-secret-key-meta";
const EXPIRES: &str = "x-user-token-expires-meta";
const OWNER: &str = "x-owner-meta";
const CUSTOM: &str = "x-custom-meta-";
/// The one of the custom headers that clients send: it is the description.
const DESCRIPTION: &str = "x-custom-meta-source";
/// The most tokens of one answer: the bound of keys and that of management tokens of one person.
const LISTED: usize = identity::key::MAX_KEYS_PER_OWNER;

/// A token.
pub(crate) struct TokenRecord {
    /// 32 hex digits of those that were made here.
    pub(crate) id: String,
    pub(crate) owner: UserName,
    pub(crate) tenancy: TenancyName,
    pub(crate) description: String,
    pub(crate) created: Timestamp,
    /// Never, where absent.
    pub(crate) expires: Option<Timestamp>,
    /// Whether it signs requests of S3.
    pub(crate) is_for_s3: bool,
}

impl From<KeyInfo> for TokenRecord {
    fn from(key: KeyInfo) -> Self {
        let KeyInfo { id, owner, tenancy, description, created, expires, scope: _ } = key;
        Self { id: id.to_string(), owner, tenancy, description, created, expires, is_for_s3: true }
    }
}

impl From<Token> for TokenRecord {
    fn from(Token { text, info }: Token) -> Self {
        Self {
            id: text.expose().to_owned(),
            owner: info.owner,
            tenancy: info.tenancy,
            description: info.description,
            created: info.created,
            expires: Some(info.expires),
            is_for_s3: false,
        }
    }
}

/// What the headers of a request ask for.
struct Wanted {
    owner: UserName,
    description: String,
    expires: Timestamp,
    /// `None` makes a token for management.
    secret: Option<Secret>,
}

/// Makes the token that the request's headers ask for. Answers the secret with it, where there is one.
pub(crate) async fn create(
    swarm: &Swarm,
    asked: &Asked,
    member: &Member,
) -> Result<(TokenRecord, Option<Secret>), SwarmError> {
    let wanted = wanted(swarm, asked, member)?;
    let secret = wanted.secret.clone();
    let action = if secret.is_some() { "key.create" } else { "token.create" };
    let facts = vec![("expires".to_owned(), wanted.expires.to_iso8601())];
    let act = recorded::act_of(asked, &member.caller, action, &member.tenancy, format!("user {}", wanted.owner), facts);
    // The id of a management token is its secret.
    let told =
        |made: &TokenRecord| made.is_for_s3.then(|| ("id".to_owned(), made.id.clone())).into_iter().collect::<Facts>();
    let made = recorded::record(swarm, act, make(swarm, &member.tenancy, wanted), told).await?;
    Ok((made, secret))
}

fn wanted(swarm: &Swarm, asked: &Asked, member: &Member) -> Result<Wanted, SwarmError> {
    member.check_role()?;
    let owner = match asked.header(OWNER) {
        Some(owner) if owner != member.caller.name.as_str() => {
            if !member.caller.operates() {
                let text = format!(
                    "{} may not make tokens of {owner}: operators do, and everybody makes their own",
                    member.caller.name
                );
                return Err(SwarmError::Forbidden(text));
            }
            UserName::new(&owner).map_err(|error| SwarmError::Invalid(error.to_string()))?
        }
        _ => member.caller.name.clone(),
    };
    let is_other = |name: &&str| name.starts_with(CUSTOM) && *name != DESCRIPTION;
    if let Some(name) = asked.headers.keys().map(http::HeaderName::as_str).find(is_other) {
        return Err(SwarmError::Invalid(format!("{name} is not kept: a token has {DESCRIPTION} as its description")));
    }
    Ok(Wanted {
        owner,
        description: asked.header(DESCRIPTION).unwrap_or_default(),
        expires: expiry::parse(asked.header(EXPIRES).as_deref(), swarm.clock.now())?,
        secret: asked.header(SECRET).map(|secret| Secret::import(&secret)).transpose()?,
    })
}

async fn make(swarm: &Swarm, tenancy: &TenancyName, wanted: Wanted) -> Result<TokenRecord, SwarmError> {
    let Wanted { owner, description, expires, secret } = wanted;
    let Some(secret) = secret else {
        let new = NewToken { tenancy: tenancy.clone(), owner, description, expires };
        return Ok(swarm.identity.create_token(new).await?.into());
    };
    let new =
        NewKey { tenancy: tenancy.clone(), owner, description, expires: Some(expires), scope: KeyScope::default() };
    let key = swarm.identity.import_key(new, fresh_id(&*swarm.entropy), secret).await?;
    Ok(key.info.clone().into())
}

/// An access key as Swarm makes them.
fn fresh_id(entropy: &dyn Entropy) -> AccessKeyId {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    AccessKeyId::new(&hex::encode(bytes)).expect("32 hex digits are an access key id")
}

/// The tokens of a person in the tenancy, the oldest first, those that have expired too. Of somebody else a manager sees
/// those for S3 alone: the id of the others is all that they need.
pub(crate) async fn list(swarm: &Swarm, member: &Member, owner: &UserName) -> Result<Vec<TokenRecord>, SwarmError> {
    let is_own = *owner == member.caller.name;
    if !is_own && !member.leads() {
        return Err(SwarmError::Forbidden("managers and deputies see the tokens of others".to_owned()));
    }
    let keys = swarm.identity.keys(&member.tenancy, Some(owner), LISTED).await?;
    let mut all: Vec<TokenRecord> = keys.into_iter().map(TokenRecord::from).collect();
    if is_own {
        all.extend(swarm.identity.tokens(&member.tenancy, owner).await?.into_iter().map(TokenRecord::from));
    }
    all.sort_by_key(|token| token.created);
    Ok(all)
}

/// One token that the person may see: their own, or as a manager one for S3 in the tenancy.
pub(crate) async fn find(swarm: &Swarm, member: &Member, id: &str) -> Result<Option<TokenRecord>, SwarmError> {
    let own = swarm.identity.tokens(&member.tenancy, &member.caller.name).await?;
    if let Some(token) = own.into_iter().find(|token| token.text.expose() == id) {
        return Ok(Some(token.into()));
    }
    let Ok(id) = AccessKeyId::new(id) else { return Ok(None) };
    let key = swarm.identity.key(&id).await?.map(|key| key.info.clone());
    let is_seen = |key: &KeyInfo| key.tenancy == member.tenancy && (key.owner == member.caller.name || member.leads());
    Ok(key.filter(is_seen).map(TokenRecord::from))
}

/// Deletes a token that the person may see, and says whether there was one.
pub(crate) async fn delete(swarm: &Swarm, asked: &Asked, member: &Member, id: &str) -> Result<bool, SwarmError> {
    let Some(found) = find(swarm, member, id).await? else { return Ok(false) };
    let (action, target) = match found.is_for_s3 {
        true => ("key.delete", format!("key {} of {}", found.id, found.owner)),
        false => ("token.delete", format!("token of {}", found.owner)),
    };
    let act = recorded::act_of(asked, &member.caller, action, &member.tenancy, target, Vec::new());
    recorded::record(swarm, act, remove(swarm, found), nothing).await
}

async fn remove(swarm: &Swarm, found: TokenRecord) -> Result<bool, SwarmError> {
    let gone = match (found.is_for_s3, AccessKeyId::new(&found.id), TokenText::parse(&found.id)) {
        (true, Ok(id), _) => match swarm.identity.delete_key(&id).await {
            Err(identity::IdentityError::NoSuchKey(_)) => false,
            outcome => outcome.map(|()| true)?,
        },
        (false, _, Some(text)) => swarm.identity.delete_token(&found.tenancy, &found.owner, &text).await?,
        _ => false,
    };
    Ok(gone)
}
