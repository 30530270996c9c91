//! The quotas of a tenancy: its own, and those of buckets and people in it.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use identity::quota::QuotaOverride;
use identity::{Quota, QuotaChange, QuotaScope};
use policy::QuotaState;
use serde::Deserialize;
use types::size::format_size;
use types::{BucketName, TenancyName, UserName};

use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::pages::ask_resources::{date_of_form, size_of_form};
use crate::pages::service::find;
use crate::shown::{Day, exact_size, grouped};
use crate::signed_in::{ConfirmedOperator, Operator, SignedIn};

#[derive(Template)]
#[template(path = "operate_quotas.html")]
struct QuotasPage {
    layout: Layout,
    name: String,
    rows: Vec<Row>,
    /// The tenancy's own, as the form holds it.
    own: Fields,
    actions: [(&'static str, &'static str); 4],
}

struct Row {
    /// What the form names it by.
    scope: &'static str,
    of: String,
    words: String,
    used_bytes: String,
    used_objects: String,
    hard: String,
    soft: String,
    action: QuotaState,
    /// Another action, and until when.
    other: Option<(QuotaState, Day)>,
    soft_reached: bool,
    hard_reached: bool,
}

#[derive(Default)]
struct Fields {
    bytes: String,
    objects: String,
    soft_bytes: String,
    soft_objects: String,
    action: String,
    other_action: String,
    until: String,
}

/// The kinds of what a quota is on, as forms name them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Tenancy,
    Bucket,
    Person,
}

/// A quota as it is to be: what is empty limits nothing.
#[derive(Deserialize)]
struct QuotaForm {
    #[serde(default)]
    scope: Kind,
    /// The bucket or the person.
    #[serde(default)]
    of: String,
    #[serde(default)]
    bytes: String,
    #[serde(default)]
    objects: String,
    #[serde(default)]
    soft_bytes: String,
    #[serde(default)]
    soft_objects: String,
    #[serde(default)]
    action: String,
    /// Another action for a while; none where it is empty.
    #[serde(default)]
    other_action: String,
    #[serde(default)]
    until: String,
    #[serde(default)]
    reason: String,
}

/// What can follow when a limit is reached, in words.
const ACTIONS: [(&str, &str); 4] = [
    ("notify", "nothing is refused, and managers are told"),
    ("read-and-delete", "nothing can be added; reading and deleting go on"),
    ("read-only", "nothing can be added or deleted"),
    ("lockout", "nothing works"),
];

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/operate/tenancies/{tenancy}/quotas/", get(show))
        .route("/operate/tenancies/{tenancy}/quotas/set", post(set))
}

async fn show(
    view: View,
    Operator(operator): Operator,
    Path(tenancy): Path<TenancyName>,
) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &operator, &tenancy).await?))
}

async fn assemble(view: &View, operator: &SignedIn, name: &TenancyName) -> Result<QuotasPage, PageError> {
    let (portal, tenancy) = (&view.portal, find(&view.portal, name)?);
    let others = portal.identity.quotas().of(name).map(|quotas| quotas.all()).unwrap_or_default();
    let mut rows = Vec::new();
    for (scope, quota) in others {
        rows.push(row(portal, name, &scope, &quota).await?);
    }
    Ok(QuotasPage {
        layout: view.layout(Some(operator), Part::Operate, "Quotas"),
        name: name.to_string(),
        rows,
        own: Fields::of(&tenancy.quota),
        actions: ACTIONS,
    })
}

async fn row(portal: &Portal, tenancy: &TenancyName, scope: &QuotaScope, quota: &Quota) -> Result<Row, PageError> {
    let used = portal.objects.usage_in(tenancy, scope).await?;
    let (kind, of, words) = match scope {
        QuotaScope::Tenancy => ("tenancy", String::new(), "the tenancy".to_owned()),
        QuotaScope::Bucket(bucket) => ("bucket", bucket.to_string(), format!("bucket {bucket}")),
        QuotaScope::Owner(person) => ("person", person.to_string(), format!("what {person} wrote")),
    };
    let limits = |limits: &identity::quota::Limits| {
        let bytes = limits.bytes.map(format_size);
        let objects = limits.objects.map(|objects| format!("{} objects", grouped(objects)));
        let all: Vec<_> = bytes.into_iter().chain(objects).collect();
        if all.is_empty() { "no limit".to_owned() } else { all.join(", ") }
    };
    Ok(Row {
        scope: kind,
        of,
        words,
        used_bytes: format_size(used.bytes),
        used_objects: grouped(used.objects),
        hard: limits(&quota.hard),
        soft: limits(&quota.soft),
        action: quota.action,
        other: quota.overridden.as_ref().map(|other| (other.action, Day(other.until))),
        soft_reached: quota.marks.soft.is_some(),
        hard_reached: quota.marks.hard.is_some(),
    })
}

impl Fields {
    fn of(quota: &Quota) -> Self {
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let other = quota.overridden.as_ref();
        Self {
            bytes: quota.hard.bytes.map(exact_size).unwrap_or_default(),
            objects: number(quota.hard.objects),
            soft_bytes: quota.soft.bytes.map(exact_size).unwrap_or_default(),
            soft_objects: number(quota.soft.objects),
            action: quota.action.to_string(),
            other_action: other.map(|other| other.action.to_string()).unwrap_or_default(),
            until: other.map(|other| other.until.to_date()).unwrap_or_default(),
        }
    }
}

async fn set(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Path(tenancy): Path<TenancyName>,
    Form(form): Form<QuotaForm>,
) -> Result<Response, PageError> {
    let scope = scope(&form)?;
    let held = find(&view.portal, &tenancy)?.quota.overridden.clone().filter(|_| scope == QuotaScope::Tenancy);
    let change = change(form, held)?;
    if let QuotaScope::Bucket(bucket) = &scope {
        let buckets = view.portal.objects.find_bucket(&tenancy, bucket).await?;
        buckets.ok_or_else(|| PageError::Refused(format!("There is no bucket {bucket} in {tenancy}.")))?;
    }
    view.portal.identity.set_quota(&tenancy, &scope, change).await?;
    Ok(done(&format!("/operate/tenancies/{tenancy}/quotas/"), "quota-set"))
}

fn scope(form: &QuotaForm) -> Result<QuotaScope, PageError> {
    let of = form.of.trim();
    match form.scope {
        Kind::Tenancy => Ok(QuotaScope::Tenancy),
        Kind::Bucket => of.parse::<BucketName>().map(QuotaScope::Bucket).map_err(|error| PageError::refused(&error)),
        Kind::Person => UserName::new(of).map(QuotaScope::Owner).map_err(|error| PageError::refused(&error)),
    }
}

/// The change that makes a quota what the form says. Of an override that stays, `held`, the moment is kept: the form has
/// its day alone.
fn change(form: QuotaForm, held: Option<QuotaOverride>) -> Result<QuotaChange, PageError> {
    let number = |text: &str| match text.trim() {
        "" => Ok(None),
        text => text.parse::<u64>().map(Some).map_err(|_| PageError::Refused(format!("{text:?} is no number."))),
    };
    let action = |text: &str| text.parse::<QuotaState>().map_err(|error| PageError::refused(&error));
    let known: BTreeSet<&str> = ACTIONS.iter().map(|(name, _)| *name).collect();
    let overridden = match form.other_action.as_str() {
        "" => None,
        other => {
            let until = date_of_form(&form.until)?;
            let until = until.ok_or_else(|| PageError::Refused("Say until when the other action holds.".to_owned()))?;
            let other = QuotaOverride { action: action(other)?, until, reason: form.reason.trim().to_owned() };
            let stays = held.filter(|held| held.action == other.action && held.until.to_date() == until.to_date());
            Some(stays.filter(|_| other.reason.is_empty()).unwrap_or(other))
        }
    };
    Ok(QuotaChange {
        soft_bytes: Some(size_of_form(&form.soft_bytes)?),
        soft_objects: Some(number(&form.soft_objects)?),
        hard_bytes: Some(size_of_form(&form.bytes)?),
        hard_objects: Some(number(&form.objects)?),
        action: known.contains(form.action.as_str()).then(|| action(&form.action)).transpose()?,
        overridden: Some(overridden),
    })
}
