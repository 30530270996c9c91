//! `etc`: the documents of a tenant or a domain.
//!
//! `policy.json` of a tenancy is its default policy in Swarm's words: whether every member reaches every bucket. It can say
//! nothing else here, so a document that does is refused; what concerns one bucket belongs into that bucket's policy.
//! `idsys.json` tells of the one directory, which is set up in the configuration.

use http::{Method, StatusCode};
use identity::{Act, TenancyChange, TenancyGroup};
use policy::DefaultPolicy;
use serde::Deserialize;
use serde_json::{Value, json};
use types::TenancyName;

use super::check_leads;
use crate::asked::Asked;
use crate::caller::{COOKIE_NAME, Member};
use crate::error::SwarmError;
use crate::recorded::{self, nothing};
use crate::reply::Reply;
use crate::{Swarm, domain};

const POLICY: &str = "policy.json";
const IDSYS: &str = "idsys.json";

/// A policy document, as far as it is looked at.
#[derive(Deserialize)]
struct Document {
    #[serde(rename = "Statement", default)]
    statements: Vec<Value>,
}

pub(super) fn list(asked: &Asked, member: &Member) -> Result<Reply, SwarmError> {
    check_leads(member)?;
    match asked.method {
        Method::GET => Ok(Reply::json(StatusCode::OK, &json!([{ "name": POLICY }, { "name": IDSYS }]))),
        _ => Err(SwarmError::MethodNotAllowed(asked.method.clone())),
    }
}

pub(super) async fn serve(swarm: &Swarm, asked: &Asked, member: &Member, name: &str) -> Result<Reply, SwarmError> {
    check_leads(member)?;
    match (&asked.method, name) {
        (&Method::GET, POLICY) => {
            let tenancy = swarm.identity.tenancy(&member.tenancy);
            let tenancy = tenancy.ok_or_else(|| domain::unknown(member.tenancy.as_str()))?;
            Ok(Reply::document(policy_document(&tenancy.name, tenancy.default_policy).to_string()))
        }
        (&Method::GET, IDSYS) => Ok(Reply::document(idsys_document(&member.tenancy).to_string())),
        (&Method::PUT, POLICY) => set(swarm, asked, member, read(&member.tenancy, &asked.body)?).await,
        (&Method::DELETE, POLICY) => set(swarm, asked, member, DefaultPolicy::Owner).await,
        (&(Method::PUT | Method::DELETE), IDSYS) => Err(SwarmError::NotCarried(
            "there is one directory for all tenancies: operators set it up in the configuration file, under [ldap]"
                .to_owned(),
        )),
        (&(Method::GET | Method::DELETE), _) => Err(SwarmError::NotFound(format!("there is no document {name:?}"))),
        (&Method::PUT, _) => {
            Err(SwarmError::NotCarried(format!("documents are {POLICY} and {IDSYS}: {name:?} has no meaning here")))
        }
        (method, _) => Err(SwarmError::MethodNotAllowed(method.clone())),
    }
}

/// The default policy as a document.
fn policy_document(tenancy: &TenancyName, default: DefaultPolicy) -> Value {
    let group = |kind: TenancyGroup| kind.name_in(tenancy);
    let leads = [group(TenancyGroup::Managers), group(TenancyGroup::Deputies)];
    let mut statements = vec![full_access("managers and deputies", &leads)];
    if default == DefaultPolicy::Members {
        statements.push(full_access("members", &[group(TenancyGroup::Members)]));
    }
    json!({ "Version": "2008-10-17", "Id": format!("{tenancy} policy"), "Statement": statements })
}

fn full_access(sid: &str, groups: &[String]) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Principal": { "group": groups }, "Action": ["*"], "Resource": "/*" })
}

/// The default policy that a document asks for.
pub(crate) fn read(tenancy: &TenancyName, document: &[u8]) -> Result<DefaultPolicy, SwarmError> {
    let unreadable = |error: serde_json::Error| SwarmError::Invalid(format!("the policy is no JSON document: {error}"));
    let document: Document = serde_json::from_slice(document).map_err(unreadable)?;
    let mut default = DefaultPolicy::Owner;
    for statement in &document.statements {
        match groups_with_full_access(statement) {
            Some(groups) if groups.iter().all(|group| is_leads(tenancy, group)) => {}
            Some(groups) if groups == [TenancyGroup::Members.name_in(tenancy)] => default = DefaultPolicy::Members,
            _ => {
                return Err(SwarmError::NotCarried(format!(
                    "the policy of a tenancy can allow its members everything (\"group\": [\"{}\"], \"Action\": [\"*\"], \
                     \"Resource\": \"*\") or nothing; put what concerns a bucket into the bucket's policy. This \
                     statement is not one of those: {statement}",
                    TenancyGroup::Members.name_in(tenancy)
                )));
            }
        }
    }
    Ok(default)
}

fn is_leads(tenancy: &TenancyName, group: &str) -> bool {
    [TenancyGroup::Managers, TenancyGroup::Deputies].iter().any(|kind| kind.name_in(tenancy) == group)
}

/// The groups that a statement allows everything, where it says that and nothing else.
fn groups_with_full_access(statement: &Value) -> Option<Vec<String>> {
    let statement = statement.as_object()?;
    let known = ["Sid", "Effect", "Principal", "Action", "Resource"];
    if !statement.keys().all(|key| known.contains(&key.as_str())) || statement.get("Effect")? != "Allow" {
        return None;
    }
    let is_all = |value: &Value, names: &[&str]| {
        texts(value).is_some_and(|all| matches!(all.as_slice(), [one] if names.contains(&one.as_str())))
    };
    if !is_all(statement.get("Action")?, &["*"]) || !is_all(statement.get("Resource")?, &["*", "/*"]) {
        return None;
    }
    let principal = statement.get("Principal")?.as_object()?;
    // Empty lists are written beside those that are meant.
    let named =
        |value: &Value| texts(value).map(|all| all.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>());
    for (kind, names) in principal {
        let names = named(names)?;
        if kind != "group" && !names.is_empty() {
            return None;
        }
    }
    named(principal.get("group")?).filter(|groups| !groups.is_empty())
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(all) => all.iter().map(|text| text.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

async fn set(swarm: &Swarm, asked: &Asked, member: &Member, default: DefaultPolicy) -> Result<Reply, SwarmError> {
    let name = match default {
        DefaultPolicy::Owner => "owner",
        DefaultPolicy::Members => "members",
    };
    let facts = vec![("default_policy".to_owned(), name.to_owned())];
    let target = format!("tenancies {}", member.tenancy);
    let act = recorded::act_of(asked, &member.caller, "tenancy.set", &member.tenancy, target, facts);
    let work = async {
        member.check(swarm, &Act::Operate).await?;
        let change = TenancyChange { default_policy: Some(default), ..TenancyChange::default() };
        swarm.identity.change_tenancy(&member.tenancy, change).await?;
        Ok(Reply::done(StatusCode::OK))
    };
    recorded::record(swarm, act, work, nothing).await
}

fn idsys_document(tenancy: &TenancyName) -> Value {
    json!({
        "name": "Commonhold",
        "description": "The directory of this installation, which all tenancies share",
        "cookieName": COOKIE_NAME,
        "tokenPath": "/.TOKEN/",
        "memberGroup": TenancyGroup::Members.name_in(tenancy),
    })
}
