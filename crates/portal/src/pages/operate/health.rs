//! How the installation is: the program, its disk, its jobs, what scrubs found, mail and the directory.

use askama::Template;
use axum::Router;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::{get, post};
use background::JobState;
use identity::directory::CheckStep;
use notify::{Mail, MailState};
use serde::Deserialize;
use types::Timestamp;
use types::size::format_size;

use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::shown::{Moment, count, span};
use crate::signed_in::{ConfirmedOperator, Operator, SignedIn};

/// The most mails on the page.
const MAILS: usize = 100;
/// The part of a disk, one in so many, below which its free space is a warning.
const SCARCE: u64 = 10;

#[derive(Template)]
#[template(path = "operate_health.html")]
struct HealthPage {
    layout: Layout,
    version: String,
    started: Moment,
    uptime: String,
    now: Moment,
    data_dir: String,
    /// Why the engine takes no writes.
    failure: Option<String>,
    disk: Result<Disk, String>,
    events: usize,
    tenancies: usize,
    jobs: Vec<JobRow>,
    scrub: Scrub,
    mails: Vec<MailRow>,
    more_mails: bool,
    /// What the directory answered, where it was asked.
    directory: Option<Vec<CheckStep>>,
}

struct Disk {
    free: String,
    total: String,
    is_scarce: bool,
}

struct JobRow {
    name: &'static str,
    period: String,
    running: bool,
    last: Option<Moment>,
    took: String,
    outcome: String,
    failed: bool,
}

struct Scrub {
    under_way: Option<(Moment, String, u64)>,
    last: Option<(Moment, String, u64)>,
}

struct MailRow {
    to: String,
    subject: String,
    since: Moment,
    is_dead: bool,
    attempts: String,
    last_error: String,
}

#[derive(Deserialize)]
struct Wanted {
    /// `directory`, to ask it now.
    #[serde(default)]
    check: String,
}

#[derive(Deserialize)]
struct Nothing {}

pub(crate) fn routes() -> Router<Portal> {
    Router::new().route("/operate/health/", get(show)).route("/operate/health/retry-mail", post(retry_mail))
}

async fn show(view: View, Operator(operator): Operator, Query(wanted): Query<Wanted>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &operator, &wanted).await?))
}

async fn assemble(view: &View, operator: &SignedIn, wanted: &Wanted) -> Result<HealthPage, PageError> {
    let (portal, program) = (&view.portal, &view.portal.program);
    let now = portal.clock.now();
    let mut mails = portal.notify.mails(MAILS + 1).await?;
    let more_mails = mails.len() > MAILS;
    mails.truncate(MAILS);
    // It may take as long as the directory likes, so it is asked on demand alone.
    let directory =
        if wanted.check == "directory" { Some(portal.identity.directory().check(None).await) } else { None };
    Ok(HealthPage {
        layout: view.layout(Some(operator), Part::Operate, "Health"),
        version: program.version.clone(),
        started: Moment(program.started),
        uptime: span(now.as_secs().saturating_sub(program.started.as_secs())),
        now: Moment(now),
        data_dir: program.data_dir.clone(),
        failure: program.engine.failure(),
        disk: (program.disk)().map(|disk| Disk {
            free: format_size(disk.free_bytes),
            total: format_size(disk.total_bytes),
            is_scarce: disk.free_bytes < disk.total_bytes / SCARCE,
        }),
        events: portal.identity.pending_event_count(),
        tenancies: portal.identity.tenancies().len(),
        jobs: program.jobs.all().into_iter().map(job_row).collect(),
        scrub: scrub(portal).await?,
        mails: mails.into_iter().map(mail_row).collect(),
        more_mails,
        directory,
    })
}

fn job_row(JobState { name, period, running_since, last }: JobState) -> JobRow {
    let (outcome, failed) = match last.as_ref().map(|run| &run.outcome) {
        Some(Ok(items)) => (count(*items, "item"), false),
        Some(Err(error)) => (error.clone(), true),
        None => ("has not run yet".to_owned(), false),
    };
    JobRow {
        name,
        period: span(period.as_secs()),
        running: running_since.is_some(),
        last: last.as_ref().map(|run| Moment(run.ended)),
        took: last.map_or_else(String::new, |run| format!("{} ms", run.took.as_millis())),
        outcome,
        failed,
    }
}

async fn scrub(portal: &Portal) -> Result<Scrub, PageError> {
    let status = portal.objects.scrub_status().await?;
    let told = |at: Timestamp, bytes, damages| (Moment(at), format_size(bytes), damages);
    Ok(Scrub {
        under_way: status.under_way.map(|pass| told(pass.started, pass.bytes, pass.damages)),
        last: status.last.map(|pass| told(pass.ended, pass.bytes, pass.damages)),
    })
}

fn mail_row(mail: Mail) -> MailRow {
    MailRow {
        to: mail.to,
        subject: mail.subject,
        since: Moment(mail.created),
        is_dead: mail.state == MailState::Dead,
        attempts: count(mail.attempts.into(), "attempt"),
        last_error: mail.last_error,
    }
}

async fn retry_mail(
    view: View,
    ConfirmedOperator(_): ConfirmedOperator,
    Form(Nothing {}): Form<Nothing>,
) -> Result<Response, PageError> {
    view.portal.notify.retry_mails().await?;
    Ok(done("/operate/health/", "mail-retried"))
}
