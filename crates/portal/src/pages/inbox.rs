//! *Inbox*: what a person was told, and whether mail tells it too.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use identity::EventId;
use notify::{MailPreference, Preferences, Recipient};
use serde::Deserialize;

use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::shown::Day;
use crate::signed_in::SignedIn;

/// The most entries on the page, the newest; older ones are shown as these are deleted.
const SHOWN: usize = 100;

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxPage {
    layout: Layout,
    entries: Vec<Entry>,
    more: usize,
    mail: MailPreference,
    has_address: bool,
}

struct Entry {
    id: String,
    at: Day,
    subject: String,
    body: String,
    is_read: bool,
}

#[derive(Deserialize)]
struct Chosen {
    entry: String,
}

#[derive(Deserialize)]
struct Wanted {
    mail: MailPreference,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/inbox/", get(show))
        .route("/inbox/read", post(mark_read))
        .route("/inbox/delete", post(delete))
        .route("/inbox/preferences", post(set_preferences))
}

async fn show(view: View, signed_in: SignedIn) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in).await?))
}

async fn assemble(view: &View, signed_in: &SignedIn) -> Result<InboxPage, PageError> {
    let (notify, recipient) = (&view.portal.notify, Recipient::Person(signed_in.user.clone()));
    let entries = notify.inbox(&recipient).await?;
    let shown = entries.iter().take(SHOWN).map(|entry| Entry {
        id: entry.id.to_string(),
        at: Day(entry.at),
        subject: entry.subject.clone(),
        body: entry.body.clone(),
        is_read: entry.read.is_some(),
    });
    Ok(InboxPage {
        layout: view.layout(Some(signed_in), Part::Inbox, "Inbox"),
        entries: shown.collect(),
        more: entries.len().saturating_sub(SHOWN),
        mail: notify.preferences(&recipient).await?.mail,
        has_address: signed_in.standing.user.email.is_some(),
    })
}

fn id_of(text: &str) -> Result<EventId, PageError> {
    text.parse().map_err(|_| PageError::NotFound)
}

async fn mark_read(
    view: View,
    signed_in: SignedIn,
    Form(Chosen { entry }): Form<Chosen>,
) -> Result<Response, PageError> {
    let recipient = Recipient::Person(signed_in.user.clone());
    view.portal.notify.mark_read(&recipient, &id_of(&entry)?).await?;
    Ok(done("/inbox/", "entry-read"))
}

async fn delete(view: View, signed_in: SignedIn, Form(Chosen { entry }): Form<Chosen>) -> Result<Response, PageError> {
    let recipient = Recipient::Person(signed_in.user.clone());
    view.portal.notify.delete_entry(&recipient, &id_of(&entry)?).await?;
    Ok(done("/inbox/", "entry-deleted"))
}

async fn set_preferences(
    view: View,
    signed_in: SignedIn,
    Form(Wanted { mail }): Form<Wanted>,
) -> Result<Response, PageError> {
    let recipient = Recipient::Person(signed_in.user.clone());
    let set = view.portal.notify.set_preferences(&recipient, &Preferences { mail }).await;
    set?;
    Ok(done("/inbox/", "preferences-set"))
}
