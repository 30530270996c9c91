//! *Create Key*: a key of one's own, shown once, with configurations for the usual clients.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use identity::NewKey;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use policy::KeyScope;
use serde::Deserialize;
use types::{TenancyName, Timestamp};

use crate::Portal;
use crate::audited::Made;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, page};
use crate::signed_in::Confirmed;

#[derive(Template)]
#[template(path = "create_key.html")]
struct CreateKeyPage {
    layout: Layout,
    tenancy: String,
}

#[derive(Template)]
#[template(path = "new_key.html")]
struct NewKeyPage {
    layout: Layout,
    tenancy: String,
    access_key: String,
    secret: String,
    snippets: Vec<Snippet>,
}

/// A client's configuration, with the real values.
struct Snippet {
    client: &'static str,
    /// Where it belongs; nowhere where it is a command.
    place: &'static str,
    /// What it is called when it is downloaded.
    file: &'static str,
    /// The text as an address of its own, so that a browser saves it without asking the server, which has kept nothing.
    download: String,
    text: String,
}

#[derive(Deserialize)]
struct Wanted {
    description: String,
    /// Days, or `never`.
    expires: String,
}

/// The choices of *Expires*, in days.
const DAYS: [u64; 4] = [30, 182, 365, 730];

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/object-stores/{tenancy}/keys/new", get(show).post(create))
}

async fn show(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path(tenancy): Path<TenancyName>,
) -> Result<Response, PageError> {
    signed_in.member_of(&view.portal, &tenancy)?;
    let layout = view.layout(Some(&signed_in), Part::ObjectStores, "Create a key");
    Ok(page(&CreateKeyPage { layout, tenancy: tenancy.to_string() }))
}

async fn create(
    view: View,
    Confirmed(signed_in): Confirmed,
    Path(tenancy): Path<TenancyName>,
    Form(wanted): Form<Wanted>,
) -> Result<Response, PageError> {
    signed_in.member_of(&view.portal, &tenancy)?;
    let new = NewKey {
        tenancy: tenancy.clone(),
        owner: signed_in.user.clone(),
        description: wanted.description.trim().to_owned(),
        scope: KeyScope::default(),
        expires: expiry(&wanted.expires, view.portal.clock.now())?,
    };
    let key = view.portal.identity.create_key(new).await?;
    let (access_key, secret) = (key.info.id.to_string(), key.secret.expose().to_owned());
    let made = Made(access_key.clone());
    let mut response = page(&NewKeyPage {
        layout: view.layout(Some(&signed_in), Part::ObjectStores, "Your new key"),
        snippets: snippets(&view, &tenancy, &access_key, &secret),
        tenancy: tenancy.to_string(),
        access_key,
        secret,
    });
    response.extensions_mut().insert(made);
    Ok(response)
}

fn expiry(choice: &str, now: Timestamp) -> Result<Option<Timestamp>, PageError> {
    if choice == "never" {
        return Ok(None);
    }
    let days = choice.parse().ok().filter(|days| DAYS.contains(days));
    let days = days.ok_or_else(|| PageError::Refused("Choose one of the offered expiries.".to_owned()))?;
    Ok(Some(now.plus_secs(days * 24 * 3600)))
}

fn snippets(view: &View, tenancy: &TenancyName, access_key: &str, secret: &str) -> Vec<Snippet> {
    let site = &view.portal.site;
    let url = site.external_url(tenancy.as_str()).or_else(|| site.internal_url(tenancy.as_str()));
    let url = url.unwrap_or_else(|| "http://localhost:9000".to_owned());
    let (scheme, host) = url.split_once("://").unwrap_or(("http", url.as_str()));
    let (https, region) = (if scheme == "https" { "True" } else { "False" }, &site.region);
    let keys = format!("AWS_ACCESS_KEY_ID={access_key}\nexport AWS_SECRET_ACCESS_KEY={secret}");
    vec![
        Snippet::new(
            "s3cmd",
            "~/.s3cfg",
            "s3cfg",
            format!(
                "[default]\naccess_key = {access_key}\nsecret_key = {secret}\nhost_base = {host}\nhost_bucket = {host}\n\
                 bucket_location = {region}\nuse_https = {https}\n"
            ),
        ),
        Snippet::new(
            "rclone",
            "~/.config/rclone/rclone.conf",
            "rclone.conf",
            format!(
                "[{tenancy}]\ntype = s3\nprovider = Other\naccess_key_id = {access_key}\nsecret_access_key = {secret}\n\
                 endpoint = {url}\nregion = {region}\n"
            ),
        ),
        Snippet::new(
            "mc",
            "",
            "mc-alias.sh",
            format!("mc alias set {tenancy} {url} {access_key} {secret} --api S3v4 --path on\n"),
        ),
        Snippet::new(
            "s5cmd",
            "",
            "s5cmd.sh",
            format!("export {keys}\nexport AWS_REGION={region}\nexport S3_ENDPOINT_URL={url}\ns5cmd ls\n"),
        ),
        Snippet::new(
            "AWS CLI",
            "",
            "aws.sh",
            format!("export {keys}\nexport AWS_DEFAULT_REGION={region}\nexport AWS_ENDPOINT_URL={url}\naws s3 ls\n"),
        ),
        Snippet::new(
            "Python",
            "",
            "object_store.py",
            format!(
                "import s3fs\n\nfs = s3fs.S3FileSystem(\n    key=\"{access_key}\",\n    secret=\"{secret}\",\n    \
                 client_kwargs={{\"endpoint_url\": \"{url}\"}},\n)\nprint(fs.ls(\"\"))\n"
            ),
        ),
    ]
}

impl Snippet {
    fn new(client: &'static str, place: &'static str, file: &'static str, text: String) -> Self {
        let download = format!("data:text/plain;charset=utf-8,{}", utf8_percent_encode(&text, NON_ALPHANUMERIC));
        Self { client, place, file, download, text }
    }
}
