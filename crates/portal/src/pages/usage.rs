//! *Usage* of a tenancy: what is stored by bucket, what went over the wire, and how much of the quota is left, by days or
//! months, with the same as comma-separated values.
//!
//! Managers, deputies and operators see the whole tenancy; other members the buckets that they may look into.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::action;
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use metering::{Day, History, Of, Period, Row, Traffic};
use objects::{Bucket, Usage};
use serde::Deserialize;
use types::size::format_size;
use types::{TenancyName, Timestamp};

use super::buckets::{listed, may};
use super::service::find;
use crate::Portal;
use crate::acting::Acting;
use crate::chart::{Bars, BesideLargest, MAX_SERIES, QuotaGauge, Series, Unit};
use crate::error::PageError;
use crate::page::{Layout, View, page};
use crate::shown::grouped;
use crate::signed_in::{Member, SignedIn};

/// The most buckets that a page looks at.
const LOOKED_AT: usize = 2000;
/// The most buckets whose traffic is summed up for who does not see the whole.
const SUMMED: usize = 200;
/// How many buckets have a colour of their own; the others share one.
const COLOURED: usize = MAX_SERIES - 1;
/// How many buckets are named as the largest.
const TOP: usize = 10;

#[derive(Template)]
#[template(path = "usage.html")]
struct UsagePage {
    layout: Layout,
    tenancy: String,
    is_operator: bool,
    /// Whether it is about the whole tenancy.
    is_whole: bool,
    /// Where the page is.
    path: String,
    range: &'static str,
    ranges: [(&'static str, &'static str); 4],
    used: String,
    quota: Option<(String, QuotaGauge)>,
    charts: Vec<Bars>,
    top: Vec<TopBucket>,
    truncated: bool,
}

pub(super) struct TopBucket {
    pub(super) name: String,
    pub(super) owner: String,
    pub(super) size: String,
    pub(super) objects: String,
    pub(super) bar: BesideLargest,
}

/// The past month of a tenancy, as Swarm's dashboard has it.
pub(super) struct PastMonth {
    pub(super) stored_bytes: u64,
    pub(super) bandwidth_bytes: u64,
    pub(super) buckets: usize,
    pub(super) charts: Vec<Bars>,
    pub(super) top: Vec<TopBucket>,
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    range: String,
}

/// How far back a page looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Range {
    name: &'static str,
    words: &'static str,
    days: u64,
    period: Period,
}

/// The choices, the first of which is the usual one.
const RANGES: [Range; 4] = [
    Range { name: "30d", words: "30 days", days: 29, period: Period::Day },
    Range { name: "90d", words: "90 days", days: 89, period: Period::Day },
    Range { name: "12m", words: "a year", days: 335, period: Period::Month },
    Range { name: "36m", words: "3 years", days: 1065, period: Period::Month },
];

/// What somebody sees of a tenancy.
pub(super) struct Sight {
    tenancy: TenancyName,
    is_whole: bool,
    /// The buckets with what they hold now, the largest first.
    buckets: Vec<(Arc<Bucket>, Usage)>,
    truncated: bool,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/object-stores/{tenancy}/usage/", get(show))
        .route("/object-stores/{tenancy}/usage/csv", get(csv))
}

async fn show(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    show_usage(&view, &signed_in, &signed_in.as_person(), &tenancy, &wanted).await
}

async fn csv(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    send_csv(&view, &signed_in, &signed_in.as_person(), &tenancy, &wanted).await
}

/// The page of a tenancy's use.
///
/// # Errors
/// The page that says why it can not be seen.
pub(super) async fn show_usage(
    view: &View,
    signed_in: &SignedIn,
    acting: &Acting,
    tenancy: &TenancyName,
    wanted: &Wanted,
) -> Result<Response, PageError> {
    Ok(page(&assemble(view, signed_in, acting, tenancy, wanted).await?))
}

/// The numbers behind the page, by bucket, as RFC 4180 has them.
///
/// # Errors
/// The page that says why they can not be had.
pub(super) async fn send_csv(
    view: &View,
    signed_in: &SignedIn,
    acting: &Acting,
    tenancy: &TenancyName,
    wanted: &Wanted,
) -> Result<Response, PageError> {
    let sight = Sight::of(&view.portal, signed_in, acting, tenancy).await?;
    let mut history = history(&view.portal, &sight.tenancy, Of::Buckets(None), wanted.range()).await?;
    history.rows.retain(|row| sight.shows(row));
    let mut response = history.to_csv().into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    let named = HeaderValue::from_str(&format!("attachment; filename=\"{tenancy}-usage.csv\""));
    headers.extend(named.ok().map(|named| (CONTENT_DISPOSITION, named)));
    Ok(response)
}

impl Wanted {
    fn range(&self) -> Range {
        RANGES.into_iter().find(|range| range.name == self.range).unwrap_or(RANGES[0])
    }
}

impl Range {
    /// The days or months that it has, up to that of `now`.
    fn periods(self, now: Timestamp) -> Vec<String> {
        let days = (0..=self.days).rev().map(|ago| Day::before(now, ago));
        let mut periods: Vec<String> = match self.period {
            Period::Day => days.map(|day| day.to_string()).collect(),
            Period::Month => days.map(|day| day.month().to_owned()).collect(),
        };
        periods.dedup();
        periods
    }
}

impl Sight {
    async fn of(
        portal: &Portal,
        signed_in: &SignedIn,
        acting: &Acting,
        tenancy: &TenancyName,
    ) -> Result<Self, PageError> {
        let (mut buckets, is_whole) = match acting {
            Acting::Operator => {
                find(portal, tenancy)?;
                (listed(portal, &portal.access.operator(tenancy.clone())).await?, true)
            }
            Acting::Person(_) => {
                let member = signed_in.member_of(portal, tenancy)?;
                let all = listed(portal, &member.principal).await?;
                let manages = member.manages();
                (all.into_iter().filter(|bucket| manages || sees(portal, &member, bucket)).collect(), manages)
            }
        };
        let truncated = buckets.len() > LOOKED_AT;
        buckets.truncate(LOOKED_AT);
        let mut with_usage = Vec::with_capacity(buckets.len());
        for bucket in buckets {
            let usage = portal.objects.bucket_usage(&bucket).await?;
            with_usage.push((bucket, usage));
        }
        with_usage.sort_by_key(|(_, usage)| std::cmp::Reverse(usage.bytes));
        Ok(Self { tenancy: tenancy.clone(), is_whole, buckets: with_usage, truncated })
    }

    /// The largest buckets that hold anything.
    fn top(&self) -> Vec<TopBucket> {
        let largest = self.buckets.first().map_or(0, |(_, usage)| usage.bytes);
        let top = self.buckets.iter().take(TOP).filter(|(_, usage)| usage.bytes > 0).map(|(bucket, usage)| TopBucket {
            name: bucket.name.to_string(),
            owner: bucket.owner.to_string(),
            size: format_size(usage.bytes),
            objects: grouped(usage.objects),
            bar: BesideLargest { value: usage.bytes, largest },
        });
        top.collect()
    }

    /// Whether a row of a history of buckets is theirs to see.
    fn shows(&self, row: &Row) -> bool {
        self.is_whole || self.buckets.iter().any(|(bucket, _)| row.bucket.as_ref() == Some(&bucket.name))
    }
}

fn sees(portal: &Portal, member: &Member, bucket: &Bucket) -> bool {
    may::<action::ListBucket>(portal, member, bucket)
}

/// The past month of what a person sees of a tenancy.
///
/// # Errors
/// Those who hold no role there are told that there is none.
pub(super) async fn past_month(
    portal: &Portal,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
) -> Result<PastMonth, PageError> {
    let sight = Sight::of(portal, signed_in, &signed_in.as_person(), tenancy).await?;
    let mut charts = charts(portal, &sight, RANGES[0]).await?;
    charts.retain(|chart| chart.unit == Unit::Bytes);
    for (chart, title) in charts.iter_mut().zip(["Storage Used", "Bandwidth Used"]) {
        chart.title = title.to_owned();
    }
    let bandwidth = charts.last().into_iter().flat_map(|chart| &chart.series).flat_map(|series| &series.values);
    Ok(PastMonth {
        stored_bytes: sight.buckets.iter().map(|(_, usage)| usage.bytes).sum(),
        bandwidth_bytes: bandwidth.flatten().sum(),
        buckets: sight.buckets.len(),
        top: sight.top(),
        charts,
    })
}

async fn history(portal: &Portal, tenancy: &TenancyName, of: Of, range: Range) -> Result<History, PageError> {
    let (from, to) = (Day::before(portal.clock.now(), range.days), portal.metering.today());
    let query = metering::Query { tenancy: tenancy.clone(), of, period: range.period, from, to };
    Ok(portal.metering.history(&query).await?)
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    acting: &Acting,
    name: &TenancyName,
    wanted: &Wanted,
) -> Result<UsagePage, PageError> {
    let (portal, range) = (&view.portal, wanted.range());
    let sight = Sight::of(portal, signed_in, acting, name).await?;
    let tenancy = find(portal, name)?;
    let used = portal.objects.tenancy_usage(name).await?;
    let gauge = |quota| (format_size(quota), QuotaGauge { used: used.bytes, quota });
    let quota = tenancy.quota.hard.bytes.map(gauge);
    let (path, is_operator) = match acting {
        Acting::Operator => (format!("/operate/tenancies/{name}/usage/"), true),
        Acting::Person(_) => (format!("/object-stores/{name}/usage/"), false),
    };
    Ok(UsagePage {
        layout: view.layout(
            Some(signed_in),
            if is_operator { acting.part() } else { crate::page::Part::ObjectStores },
            "Usage",
        ),
        tenancy: name.to_string(),
        is_operator,
        is_whole: sight.is_whole,
        path,
        range: range.name,
        ranges: RANGES.map(|range| (range.name, range.words)),
        used: format_size(used.bytes),
        quota,
        top: sight.top(),
        truncated: sight.truncated || (!sight.is_whole && sight.buckets.len() > SUMMED),
        charts: charts(portal, &sight, range).await?,
    })
}

async fn charts(portal: &Portal, sight: &Sight, range: Range) -> Result<Vec<Bars>, PageError> {
    let periods = range.periods(portal.clock.now());
    let places: BTreeMap<&str, usize> = periods.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let mut stored = Vec::new();
    // What is in all that is seen: of the whole as it was counted, else what its buckets sum up to.
    let mut traffic = vec![Traffic::default(); periods.len()];
    let mut whole: Vec<Option<u64>> = vec![None; periods.len()];
    let bucket_count = if sight.is_whole { COLOURED } else { SUMMED };
    for (at, (bucket, _)) in sight.buckets.iter().take(bucket_count).enumerate() {
        let rows = history(portal, &sight.tenancy, Of::Buckets(Some(bucket.name.clone())), range).await?.rows;
        let mut values = vec![None; periods.len()];
        for (place, row) in placed(&places, &rows) {
            values[place] = row.stored.map(|stored| stored.bytes);
            if !sight.is_whole {
                traffic[place].add(&row.traffic);
                whole[place] = sum(whole[place], values[place]);
            }
        }
        if at < COLOURED {
            stored.push(Series { name: bucket.name.to_string(), values });
        }
    }
    if sight.is_whole {
        let rows = history(portal, &sight.tenancy, Of::Tenancy, range).await?.rows;
        for (place, row) in placed(&places, &rows) {
            traffic[place] = row.traffic;
            whole[place] = row.stored.map(|stored| stored.bytes);
        }
    }
    let others: Vec<_> = (0..periods.len()).map(|at| rest(whole[at], &stored, at)).collect();
    if stored.is_empty() || others.iter().flatten().any(|bytes| *bytes > 0) {
        let name = if stored.is_empty() { "all buckets" } else { "other buckets" };
        stored.push(Series { name: name.to_owned(), values: others });
    }
    Ok(drawn(periods, stored, &traffic))
}

/// The rows with their places on the axis of time.
fn placed<'a>(places: &BTreeMap<&str, usize>, rows: &'a [Row]) -> Vec<(usize, &'a Row)> {
    rows.iter().filter_map(|row| Some((*places.get(row.period.as_str())?, row))).collect()
}

fn sum(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (one, other) => one.or(other),
    }
}

/// What is left of the whole beside the named ones.
fn rest(whole: Option<u64>, named: &[Series], at: usize) -> Option<u64> {
    let of_named = named.iter().filter_map(|series| series.values[at]).fold(0u64, u64::saturating_add);
    whole.map(|whole| whole.saturating_sub(of_named))
}

fn drawn(periods: Vec<String>, stored: Vec<Series>, traffic: &[Traffic]) -> Vec<Bars> {
    let series = |name: &str, value: fn(&Traffic) -> u64| Series {
        name: name.to_owned(),
        values: traffic.iter().map(|traffic| Some(value(traffic))).collect(),
    };
    let chart =
        |id, title: &str, unit, series| Bars { id, title: title.to_owned(), unit, periods: periods.clone(), series };
    vec![
        chart("stored", "Stored, by bucket", Unit::Bytes, stored),
        chart(
            "bandwidth",
            "Bandwidth",
            Unit::Bytes,
            vec![series("sent", |of| of.sent_bytes), series("received", |of| of.received_bytes)],
        ),
        chart(
            "requests",
            "Requests",
            Unit::Count,
            vec![
                series("reading", |of| of.requests.read),
                series("writing", |of| of.requests.write),
                series("listing", |of| of.requests.list),
                series("deleting", |of| of.requests.delete),
                series("other", |of| of.requests.other),
            ],
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_each_day_or_month_once_up_to_today() {
        let now = Timestamp::parse_iso8601("2026-11-29T10:00:00Z").expect("a date");
        for (range, count, first, last) in [
            (RANGES[0], 30, "2026-10-31", "2026-11-29"),
            (RANGES[1], 90, "2026-09-01", "2026-11-29"),
            (RANGES[2], 12, "2025-12", "2026-11"),
            (RANGES[3], 36, "2023-12", "2026-11"),
        ] {
            let periods = range.periods(now);
            assert_eq!(periods.len(), count, "{periods:?}");
            assert_eq!((periods[0].as_str(), periods[count - 1].as_str()), (first, last));
        }
    }

    #[test]
    fn the_rest_is_what_is_not_named() {
        let named = [Series { name: String::new(), values: vec![Some(3), None] }];
        for (whole, at, expected) in
            [(Some(10), 0, Some(7)), (Some(10), 1, Some(10)), (Some(1), 0, Some(0)), (None, 0, None)]
        {
            assert_eq!(rest(whole, &named, at), expected);
        }
    }
}
