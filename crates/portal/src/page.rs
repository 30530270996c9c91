//! How an answer is made: a template inside the layout.

use std::convert::Infallible;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use cookie::Cookie;
use http::header::{COOKIE, HOST, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use identity::LoginToken;

use crate::badges::Badges;
use crate::signed_in::SignedIn;
use crate::{Portal, Visitor, csrf};

/// The browser's proof of a login. The prefix makes browsers hold it to this host and to TLS.
const LOGIN_COOKIE_TLS: &str = "__Host-commonhold";
/// The same without TLS, where that prefix is not taken.
const LOGIN_COOKIE: &str = "commonhold";
/// What ties the forms of those who have not logged in to their browser.
const FORM_COOKIE: &str = "commonhold-form";
/// What waits while a browser is at the identity provider.
const OIDC_COOKIE_TLS: &str = "__Host-commonhold-oidc";
/// The same without TLS.
const OIDC_COOKIE: &str = "commonhold-oidc";
/// How long it waits.
const OIDC_MINUTES: i64 = 15;

/// What a page is made for: a browser, before it is known whose.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) portal: Portal,
    pub(crate) visitor: Visitor,
    /// The path that was asked for, with the query.
    pub(crate) path: String,
    /// The host that the browser addressed, with its port.
    pub(crate) host: Option<String>,
    login: Option<String>,
    form: Option<String>,
    oidc: Option<String>,
}

/// What the layout shows around a page.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) site: String,
    pub(crate) has_logo: bool,
    pub(crate) title: String,
    /// Who is logged in.
    pub(crate) user: Option<String>,
    /// The token of every form on the page.
    pub(crate) csrf: String,
    /// What was just done, in words.
    pub(crate) said: Option<&'static str>,
    /// Which part of the portal the page is in.
    pub(crate) part: Part,
    /// Whether the operators' pages are there for the person.
    pub(crate) operates: bool,
    /// How much waits for the person.
    pub(crate) badges: Badges,
    pub(crate) assets: &'static str,
}

/// A part of the portal, as its head names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// None of them.
    Other,
    /// Tenancies, roles and requests.
    Services,
    /// Buckets and keys.
    ObjectStores,
    /// What the person was told.
    Inbox,
    /// The person's own settings.
    Account,
    /// What operators do.
    Operate,
}

impl View {
    pub(crate) fn of(parts: &Parts, portal: &Portal) -> Self {
        let visitor = parts.extensions.get::<Visitor>().copied();
        // Without one the connection is taken for what asks most care.
        let visitor = visitor.unwrap_or(Visitor { address: std::net::Ipv4Addr::UNSPECIFIED.into(), tls: true });
        let path = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
        let login = cookie_of(&parts.headers, if visitor.tls { LOGIN_COOKIE_TLS } else { LOGIN_COOKIE });
        let form = cookie_of(&parts.headers, FORM_COOKIE);
        let oidc = cookie_of(&parts.headers, if visitor.tls { OIDC_COOKIE_TLS } else { OIDC_COOKIE });
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or(parts.uri.authority().map(http::uri::Authority::as_str)).map(str::to_owned);
        Self { portal: portal.clone(), visitor, path, host, login, form, oidc }
    }

    /// The login that the browser claims.
    pub(crate) fn login_token(&self) -> Option<LoginToken> {
        LoginToken::parse(self.login.as_deref()?)
    }

    /// The cookie that forms of this browser are tied to.
    pub(crate) fn form_secret(&self) -> Option<&str> {
        self.login.as_deref().or(self.form.as_deref())
    }

    /// The layout of a page for who is signed in.
    pub(crate) fn layout(&self, signed_in: Option<&SignedIn>, part: Part, title: &str) -> Layout {
        Layout {
            site: self.portal.site.name.clone(),
            has_logo: self.portal.site.logo.is_some(),
            title: title.to_owned(),
            user: signed_in.map(|signed_in| signed_in.user.to_string()),
            csrf: self.form_secret().map(csrf::token).unwrap_or_default(),
            said: said(&self.path),
            part,
            operates: signed_in.is_some_and(|signed_in| signed_in.operates),
            badges: signed_in.map(|signed_in| signed_in.badges).unwrap_or_default(),
            assets: crate::assets::VERSION,
        }
    }

    /// This view with a cookie to tie forms to, and the header that sets it: for pages with forms of those who have not
    /// logged in.
    pub(crate) fn with_form_cookie(mut self) -> (Self, Option<HeaderValue>) {
        if self.form_secret().is_some() {
            return (self, None);
        }
        let mut bytes = [0; 32];
        self.portal.entropy.fill(&mut bytes);
        let value = hex::encode(bytes);
        let header = set_cookie(FORM_COOKIE, &value, self.visitor.tls);
        self.form = Some(value);
        (self, Some(header))
    }

    /// Tells the browser its login.
    pub(crate) fn set_login(&self, token: &LoginToken) -> HeaderValue {
        set_cookie(self.login_cookie(), token.expose(), self.visitor.tls)
    }

    /// Tells the browser that it has none any more.
    pub(crate) fn clear_login(&self) -> HeaderValue {
        let mut cookie = bare(self.login_cookie(), "", self.visitor.tls);
        cookie.make_removal();
        header(&cookie)
    }

    /// What waits while this browser is at the identity provider.
    pub(crate) fn oidc(&self) -> Option<&str> {
        self.oidc.as_deref()
    }

    /// Lets it wait.
    pub(crate) fn set_oidc(&self, value: &str) -> HeaderValue {
        let mut cookie = bare(self.oidc_cookie(), value, self.visitor.tls);
        cookie.set_max_age(cookie::time::Duration::minutes(OIDC_MINUTES));
        header(&cookie)
    }

    /// Forgets it.
    pub(crate) fn clear_oidc(&self) -> HeaderValue {
        let mut cookie = bare(self.oidc_cookie(), "", self.visitor.tls);
        cookie.make_removal();
        header(&cookie)
    }

    const fn oidc_cookie(&self) -> &'static str {
        if self.visitor.tls { OIDC_COOKIE_TLS } else { OIDC_COOKIE }
    }

    /// What the identity provider is called, where there is one.
    pub(crate) fn provider(&self) -> Option<String> {
        self.portal.oidc.as_ref().map(|_| self.portal.site.provider.clone())
    }

    const fn login_cookie(&self) -> &'static str {
        if self.visitor.tls { LOGIN_COOKIE_TLS } else { LOGIN_COOKIE }
    }
}

impl FromRequestParts<Portal> for View {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Infallible> {
        Ok(Self::of(parts, portal))
    }
}

fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = all.flat_map(Cookie::split_parse).flatten();
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

/// A cookie that no page can read, and that other sites' forms do not send.
fn bare(name: &'static str, value: &str, tls: bool) -> Cookie<'static> {
    Cookie::build((name, value.to_owned()))
        .path("/")
        .http_only(true)
        .secure(tls)
        .same_site(cookie::SameSite::Lax)
        .build()
}

fn set_cookie(name: &'static str, value: &str, tls: bool) -> HeaderValue {
    header(&bare(name, value, tls))
}

fn header(cookie: &Cookie<'_>) -> HeaderValue {
    // Names of cookies are ours, and their values hex digits and names of people, which are ASCII.
    HeaderValue::from_str(&cookie.to_string()).unwrap_or(HeaderValue::from_static(""))
}

/// A page.
pub(crate) fn page(template: &impl Template) -> Response {
    page_with(StatusCode::OK, template)
}

/// A page with another status.
pub(crate) fn page_with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Sends the browser on after a form, with a word for the page to show.
pub(crate) fn done(path: &str, said: &str) -> Response {
    let mark = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{mark}said={said}")).into_response()
}

/// The answer with a cookie.
pub(crate) fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// What a page can say was just done. Only these words, so that no link can put others on a page.
const SAID: &[(&str, &str)] = &[
    ("logged-out", "You have logged out."),
    ("logged-out-everywhere", "You have logged out everywhere."),
    ("password-changed", "Your password is changed, and your other browsers are logged out."),
    ("key-deleted", "The key is deleted. It stopped working at once."),
    ("token-deleted", "The token is deleted. It stopped working at once."),
    ("joined", "You are a member now."),
    ("request-submitted", "Your request was submitted. You will be told what comes of it."),
    ("request-approved", "The request is approved."),
    ("request-rejected", "The request is rejected, and the person is told why."),
    ("request-asked", "The person is asked, and can answer here."),
    ("request-answered", "Your answer was sent, and the request waits for a decision again."),
    ("request-withdrawn", "The request is withdrawn."),
    ("role-granted", "The role is granted. It works within seconds."),
    ("role-revoked", "The role is taken away. Keys of the person stop working at once where no other role is left."),
    ("tenancy-created", "The tenancy is created."),
    ("tenancy-changed", "The tenancy is changed."),
    ("tenancy-ended", "The tenancy has ended: from now on only its managers reach it."),
    ("tenancy-deleted", "The tenancy is deleted, with its roles and keys."),
    ("quota-set", "The quota is set, and counts from now on."),
    ("person-suspended", "The person is suspended: nothing of theirs works from now on."),
    ("person-reactivated", "The person is reactivated, and told so."),
    ("logins-ended", "The person is logged out everywhere. Their keys go on working."),
    ("mail-retried", "The mails that wait are due now, and go within a minute."),
    ("bucket-created", "The bucket is created."),
    ("bucket-deleted", "The bucket is deleted."),
    ("message-sent", "The message is on its way."),
    ("entry-read", "Marked as read."),
    ("entry-deleted", "Deleted."),
    ("preferences-set", "Set, for what comes from now on."),
    ("policy-saved", "The policy is saved, and counts from now on."),
    (
        "policy-deleted",
        "The policy is removed: the owner, deputies and managers reach the bucket, and whom its ACL names.",
    ),
    ("cors-saved", "Browsers are told so from now on."),
    ("index-on", "Browsers that come to the bucket's address get a page now, where they may list it."),
    ("index-off", "The bucket has no page for browsers any more."),
    ("uploaded", "The upload is in the bucket."),
    ("version-deleted", "The version is deleted for good."),
    ("restored", "The object is back as it was."),
    ("versioning-on", "The bucket keeps versions from now on."),
    ("versioning-off", "The bucket makes no new versions from now on. Those it has stay."),
];

fn said(path: &str) -> Option<&'static str> {
    let (_, query) = path.split_once('?')?;
    let code = query.split('&').find_map(|pair| pair.strip_prefix("said="))?;
    SAID.iter().find(|(known, _)| *known == code).map(|(_, text)| *text)
}
