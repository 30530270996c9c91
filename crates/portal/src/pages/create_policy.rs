//! *Create Bucket Policy*: a statement from a preset or put together, which is then shown with what it means, to be saved.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use policy::Preset;
use serde::Deserialize;
use serde_json::{Value, json};
use types::{BucketName, TenancyName};

use super::edit_policy::{Draft, editable, etag_of, preview};
use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, page};
use crate::signed_in::Confirmed;
use crate::statement;

/// The longest name of a statement, in characters.
const NAME_CHARS: usize = 100;
/// The most members whose names are offered.
const OFFERED: usize = 200;

/// The actions that can be ticked, in groups, by the names of Swarm's portal; all of them do something here.
const ACTIONS: [(&str, &[&str]); 4] = [
    ("Reading", &["GetObject", "GetObjectAcl", "ListBucket", "GetBucket"]),
    ("Writing", &["CreateObject", "PutObject", "CopyObject"]),
    ("Deleting", &["DeleteObject", "DeleteBucket"]),
    ("Permissions", &["PutObjectAcl", "GetBucketAcl", "PutBucketAcl", "GetPolicy", "PutPolicy", "DeletePolicy"]),
];

#[derive(Template)]
#[template(path = "create_policy.html")]
struct CreatePolicyPage {
    layout: Layout,
    tenancy: String,
    bucket: String,
    presets: Vec<Preset>,
    actions: [(&'static str, &'static [&'static str]); 4],
    people: Vec<String>,
    groups: Vec<String>,
    name_chars: usize,
}

#[derive(Deserialize)]
struct Wanted {
    /// A preset's name, or `custom`.
    kind: String,
    /// Names with white space or commas between them.
    #[serde(default)]
    people: String,
    #[serde(default)]
    groups: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    effect: Effect,
    #[serde(default)]
    applies: Applies,
    #[serde(default)]
    actions: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
enum Effect {
    #[default]
    Allow,
    Deny,
}

/// To whom a statement applies.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Applies {
    #[default]
    Named,
    LoggedIn,
    Everyone,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/object-stores/{tenancy}/buckets/{bucket}/policies/new", get(show).post(look_over))
}

async fn show(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
) -> Result<Response, PageError> {
    let portal = &view.portal;
    editable(portal, &signed_in, &tenancy, &name).await?;
    let members = portal.access.members(&tenancy, OFFERED).await?;
    let mut groups: Vec<String> = members.iter().flat_map(|member| member.groups.iter().cloned()).collect();
    groups.push(format!("{tenancy}-members"));
    groups.sort();
    groups.dedup();
    Ok(page(&CreatePolicyPage {
        layout: view.layout(Some(&signed_in), Part::ObjectStores, "Create a bucket policy"),
        tenancy: tenancy.to_string(),
        bucket: name.to_string(),
        presets: Preset::ALL.into_iter().filter(|preset| *preset != Preset::Share).collect(),
        actions: ACTIONS,
        people: members.iter().filter_map(|member| member.user().map(ToString::to_string)).collect(),
        groups,
        name_chars: NAME_CHARS,
    }))
}

/// Shows the policy with the new statement, to be saved.
async fn look_over(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, PageError> {
    let (_, bucket) = editable(&view.portal, &signed_in, &tenancy, &name).await?;
    let statement = statement_of(&wanted, &name)?;
    let current = bucket.policy.as_ref().map(policy::Policy::document);
    let document = statement::added(current, name.as_str(), statement);
    preview(&view, &signed_in, &bucket, Draft { document, etag: etag_of(&bucket) }, None).await
}

fn statement_of(wanted: &Wanted, bucket: &BucketName) -> Result<Value, PageError> {
    let (people, groups) = (names(&wanted.people), names(&wanted.groups));
    let needs_names =
        wanted.kind == Preset::Share.name() || (wanted.kind == "custom" && wanted.applies == Applies::Named);
    if needs_names && people.is_empty() && groups.is_empty() {
        return Err(PageError::Refused("Name at least one person or group.".to_owned()));
    }
    if wanted.kind != "custom" {
        let preset: Preset = wanted.kind.parse().map_err(PageError::Refused)?;
        let document: Value = serde_json::from_str(&preset.document(bucket, &groups, &people)).unwrap_or_default();
        return Ok(document["Statement"][0].clone());
    }
    let known = |action: &&String| ACTIONS.iter().any(|(_, actions)| actions.contains(&action.as_str()));
    let actions: Vec<&String> = wanted.actions.iter().filter(|action| *action == "*" || known(action)).collect();
    if actions.is_empty() {
        return Err(PageError::Refused("Tick at least one action.".to_owned()));
    }
    let principal = match wanted.applies {
        Applies::Named => json!({"user": people, "group": groups}),
        Applies::LoggedIn => json!({"user": ["*"]}),
        Applies::Everyone => json!({"anonymous": ["*"]}),
    };
    let effect = match wanted.effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    };
    let name: String = wanted.name.trim().chars().take(NAME_CHARS).collect();
    Ok(json!({"Sid": name, "Effect": effect, "Principal": principal, "Action": actions, "Resource": "*"}))
}

fn names(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || c == ',').filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each action that can be ticked does something by itself.
    #[test]
    fn every_action_is_one() {
        for (_, actions) in ACTIONS {
            for action in actions {
                let statement =
                    json!({"Effect": "Allow", "Principal": {"user": ["ann"]}, "Action": action, "Resource": "*"});
                let document = statement::added(None, "b", statement);
                let policy = policy::Policy::parse(document.as_bytes()).expect(action);
                let known = policy::Known { bucket: None, owner: None, missing: None };
                let findings = policy::lint(&policy, known);
                assert!(findings.iter().all(|finding| !finding.message.contains(action)), "{action}: {findings:?}");
            }
        }
    }
}
