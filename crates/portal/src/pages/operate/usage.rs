//! What each tenancy uses now, the largest first.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use types::size::format_size;

use crate::Portal;
use crate::chart::QuotaGauge;
use crate::error::PageError;
use crate::page::{Layout, Part, View, page};
use crate::shown::grouped;
use crate::signed_in::{Operator, SignedIn};

/// The most tenancies on the page, the largest.
const SHOWN: usize = 500;

#[derive(Template)]
#[template(path = "operate_usage.html")]
struct UsagePage {
    layout: Layout,
    total: String,
    rows: Vec<Row>,
    /// How many tenancies there are beyond those shown.
    more: usize,
}

struct Row {
    tenancy: String,
    bytes: u64,
    stored: String,
    objects: String,
    older: String,
    parts: String,
    quota: String,
    gauge: Option<QuotaGauge>,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/operate/usage", get(show))
}

async fn show(view: View, Operator(operator): Operator) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &operator).await?))
}

async fn assemble(view: &View, operator: &SignedIn) -> Result<UsagePage, PageError> {
    let portal = &view.portal;
    let mut rows = Vec::new();
    for tenancy in portal.identity.tenancies() {
        let usage = portal.objects.tenancy_usage_detail(&tenancy.name).await?;
        let quota = tenancy.quota.hard.bytes;
        rows.push(Row {
            tenancy: tenancy.name.to_string(),
            bytes: usage.total.bytes,
            stored: format_size(usage.total.bytes),
            objects: grouped(usage.total.objects),
            older: format_size(usage.older.bytes),
            parts: format_size(usage.parts.bytes),
            quota: quota.map_or_else(|| "no limit".to_owned(), format_size),
            gauge: quota.map(|quota| QuotaGauge { used: usage.total.bytes, quota }),
        });
    }
    let total = rows.iter().fold(0u64, |sum, row| sum.saturating_add(row.bytes));
    rows.sort_by(|one, other| other.bytes.cmp(&one.bytes).then_with(|| one.tenancy.cmp(&other.tenancy)));
    let more = rows.len().saturating_sub(SHOWN);
    rows.truncate(SHOWN);
    let layout = view.layout(Some(operator), Part::Operate, "Usage");
    Ok(UsagePage { layout, total: format_size(total), rows, more })
}
