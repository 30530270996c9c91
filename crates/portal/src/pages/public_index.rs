//! Switching on the page that browsers get at a bucket's own address; it stands on the bucket's page.

use access::action;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;
use types::{BucketName, TenancyName};

use super::buckets::{Switch, find, grant};
use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{View, done};
use crate::signed_in::SignedIn;

#[derive(Deserialize)]
struct Wanted {
    index: Switch,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/object-stores/{tenancy}/buckets/{bucket}/index", post(save))
}

async fn save(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Form(Wanted { index }): Form<Wanted>,
) -> Result<Response, PageError> {
    let (member, bucket) = find(&view.portal, &signed_in, &tenancy, &name).await?;
    let grant = grant::<action::PutBucketWebsite>(&view.portal, &member, &bucket)?;
    view.portal.objects.put_public_index(&grant, index == Switch::On).await?;
    let said = if index == Switch::On { "index-on" } else { "index-off" };
    Ok(done(&format!("/object-stores/{tenancy}/buckets/{name}/"), said))
}
