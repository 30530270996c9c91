//! What was filled in.

use axum::extract::{FromRequest, FromRequestParts, Request};
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::PageError;
use crate::page::View;
use crate::{Portal, csrf};

/// The fields of a form that was filled in on a page of ours, by the browser that the page was for. Fields that are given
/// more than once are lists.
pub(crate) struct Form<T>(pub(crate) T);

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<Portal> for Form<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, portal: &Portal) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let Ok(view) = View::from_request_parts(&mut parts, portal).await;
        let request = Request::from_parts(parts, body);
        read(request, portal, &view).await
    }
}

async fn read<T: DeserializeOwned>(request: Request, portal: &Portal, view: &View) -> Result<Form<T>, PageError> {
    let body = Bytes::from_request(request, portal).await.map_err(|_| PageError::FormTooLarge)?;
    let token: Token = serde_html_form::from_bytes(&body).map_err(|_| PageError::FormForged)?;
    let secret = view.form_secret().ok_or(PageError::FormForged)?;
    if !csrf::is_token_of(secret, &token.csrf) {
        return Err(PageError::FormForged);
    }
    serde_html_form::from_bytes(&body).map(Form).map_err(|error| PageError::FormUnreadable(error.to_string()))
}
