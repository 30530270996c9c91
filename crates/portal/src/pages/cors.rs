//! CORS of a bucket: which pages of other sites may ask it through a browser, from presets; shown on the bucket's page.

use access::action;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use objects::Bucket;
use policy::{Cors, CorsMethod, CorsPattern, CorsRule};
use serde::Deserialize;
use types::{BucketName, TenancyName};

use super::buckets::{find, grant};
use crate::error::PageError;
use crate::form::Form;
use crate::page::{View, done};
use crate::signed_in::SignedIn;
use crate::{Origin, Portal};

/// How long browsers remember what a preset says.
const MAX_AGE_SECS: u32 = 3600;
/// What pages may read of an answer's headers, besides those that browsers always show.
const EXPOSED: [&str; 5] = ["ETag", "Accept-Ranges", "Content-Range", "Content-Length", "x-amz-version-id"];
/// The most sites that a form names.
const SITES: usize = 50;

/// What people choose from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CorsPreset {
    /// No page.
    None,
    /// Pages of any site read.
    Read,
    /// Pages of named sites read and write.
    Upload,
}

#[derive(Deserialize)]
struct Wanted {
    cors: CorsPreset,
    /// Origins with white space or commas between them.
    #[serde(default)]
    sites: String,
}

/// A rule in words.
pub(super) struct ShownRule {
    pub(super) sites: String,
    pub(super) methods: String,
    pub(super) headers: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/object-stores/{tenancy}/buckets/{bucket}/cors", post(save))
}

/// The rules of a bucket, in words.
pub(super) fn shown(bucket: &Bucket) -> Vec<ShownRule> {
    let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let rules = bucket.cors.iter().flat_map(Cors::rules);
    rules
        .map(|rule| ShownRule {
            sites: match rule.is_for_everyone() {
                true => "any site".to_owned(),
                false => list(rule.origins.iter().map(CorsPattern::as_str).collect()),
            },
            methods: list(rule.methods.iter().map(|method| method.name()).collect()),
            headers: list(rule.headers.iter().map(CorsPattern::as_str).collect()),
        })
        .collect()
}

/// Which preset a bucket has; `None` where its rules are others.
pub(super) fn preset_of(bucket: &Bucket) -> Option<CorsPreset> {
    let Some(cors) = &bucket.cors else { return Some(CorsPreset::None) };
    match cors.rules() {
        [rule] if *rule == rule_of(CorsPreset::Read, vec!["*".into()]) => Some(CorsPreset::Read),
        [rule] if *rule == rule_of(CorsPreset::Upload, rule.origins.clone()) => Some(CorsPreset::Upload),
        _ => None,
    }
}

/// The sites that may upload, one a line.
pub(super) fn sites_of(bucket: &Bucket) -> String {
    let rules = bucket.cors.iter().flat_map(Cors::rules).filter(|rule| !rule.is_for_everyone());
    rules.flat_map(|rule| &rule.origins).map(CorsPattern::as_str).collect::<Vec<_>>().join("\n")
}

fn rule_of(preset: CorsPreset, origins: Vec<CorsPattern>) -> CorsRule {
    let methods = match preset {
        CorsPreset::Upload => vec![CorsMethod::Get, CorsMethod::Head, CorsMethod::Put, CorsMethod::Post],
        CorsPreset::None | CorsPreset::Read => vec![CorsMethod::Get, CorsMethod::Head],
    };
    let expose = EXPOSED.into_iter().map(str::to_owned).collect();
    CorsRule { id: None, origins, methods, headers: vec!["*".into()], expose, max_age_secs: Some(MAX_AGE_SECS) }
}

fn cors_of(wanted: &Wanted) -> Result<Option<Cors>, PageError> {
    let origins = match wanted.cors {
        CorsPreset::None => return Ok(None),
        CorsPreset::Read => vec!["*".into()],
        CorsPreset::Upload => sites(&wanted.sites)?,
    };
    Cors::new(vec![rule_of(wanted.cors, origins)]).map(Some).map_err(|error| PageError::Refused(error.to_string()))
}

fn sites(text: &str) -> Result<Vec<CorsPattern>, PageError> {
    let sites: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c == ',').filter(|site| !site.is_empty()).collect();
    if sites.is_empty() || sites.len() > SITES {
        return Err(PageError::Refused(format!("Name the sites, {SITES} at most, such as https://app.example.org.")));
    }
    // A star may stand for a part of the host.
    let wrong = sites.iter().find(|site| Origin::new(&site.replacen('*', "x", 1)).is_none());
    match wrong {
        Some(site) => Err(PageError::Refused(format!(
            "{site} is no site: write scheme, host and port alone, such as https://app.example.org."
        ))),
        None => Ok(sites.into_iter().map(CorsPattern::from).collect()),
    }
}

async fn save(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, PageError> {
    let (member, bucket) = find(&view.portal, &signed_in, &tenancy, &name).await?;
    let grant = grant::<action::PutBucketCORS>(&view.portal, &member, &bucket)?;
    view.portal.objects.put_bucket_cors(&grant, cors_of(&wanted)?).await?;
    Ok(done(&format!("/object-stores/{tenancy}/buckets/{name}/"), "cors-saved"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_are_origins_perhaps_with_a_star() {
        for (text, count) in [
            ("https://a.example", Some(1)),
            (" https://a.example,\nhttps://*.b.example:8443 ", Some(2)),
            ("", None),
            ("*", None),
            ("a.example", None),
            ("https://a.example/path", None),
            ("https://*.*.example", None),
        ] {
            assert_eq!(sites(text).ok().map(|sites| sites.len()), count, "{text}");
        }
    }
}
