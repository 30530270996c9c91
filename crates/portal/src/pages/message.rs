//! Writing to the members of a tenancy, for those who lead it.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use identity::authority::Act;
use identity::message::{MAX_BODY_CHARS, MAX_SUBJECT_CHARS};
use identity::{Actor, NewMessage, Recipients};
use policy::Role;
use serde::Deserialize;
use types::{TenancyName, UserName};

use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    layout: Layout,
    name: String,
    roles: [Role; 3],
    subject_chars: usize,
    body_chars: usize,
}

#[derive(Deserialize)]
struct Letter {
    /// `everyone`, a role, or `people`.
    to: String,
    #[serde(default)]
    people: String,
    subject: String,
    body: String,
    /// A box that was ticked.
    reply: Option<String>,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/services/{tenancy}/message", get(show).post(send))
}

async fn show(view: View, signed_in: SignedIn, Path(tenancy): Path<TenancyName>) -> Result<Response, PageError> {
    let actor = Actor::Person(signed_in.user.clone());
    match view.portal.identity.may(&actor, &tenancy, &Act::SendMessage).await {
        Ok(true) => Ok(page(&MessagePage {
            layout: view.layout(Some(&signed_in), Part::Services, "Message members"),
            name: tenancy.to_string(),
            roles: [Role::User, Role::Deputy, Role::Manager],
            subject_chars: MAX_SUBJECT_CHARS,
            body_chars: MAX_BODY_CHARS,
        })),
        Ok(false) => Err(PageError::NotFound),
        Err(error) => Err(error.into()),
    }
}

async fn send(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Form(letter): Form<Letter>,
) -> Result<Response, PageError> {
    let path = format!("/services/{tenancy}/");
    let message = NewMessage {
        tenancy,
        to: recipients(&letter)?,
        subject: letter.subject.trim().to_owned(),
        body: letter.body.replace("\r\n", "\n"),
        reply_to_sender: letter.reply.is_some(),
    };
    view.portal.identity.send_message(&Actor::Person(signed_in.user), message).await?;
    Ok(done(&path, "message-sent"))
}

fn recipients(letter: &Letter) -> Result<Recipients, PageError> {
    match letter.to.as_str() {
        "everyone" => Ok(Recipients::Everyone),
        "people" => {
            let names = letter.people.split(|c: char| c.is_whitespace() || c == ',').filter(|name| !name.is_empty());
            let people: Result<Vec<UserName>, _> = names.map(UserName::new).collect();
            people.map(Recipients::People).map_err(|error| PageError::refused(&error))
        }
        role => {
            let known = [Role::User, Role::Deputy, Role::Manager].into_iter().find(|known| known.to_string() == role);
            known.map(Recipients::Role).ok_or_else(|| PageError::Refused("Choose whom to write to.".to_owned()))
        }
    }
}
