//! `meter/usage/{fields}/current` and `meter/usage/{fields}/{from}/{to}[/{day|month}]`.
//!
//! `bytesSize` is what objects hold with all their versions, `bytesStored` what lies on disk for them: the same, and the
//! parts of uploads in progress. Traffic is that of this month so far, or of each day or month.

use http::{Method, StatusCode};
use metering::{Day, History, Of, Period, Query, Row, Stored, Traffic};
use serde_json::{Map, Value, json};
use types::{BucketName, TenancyName};

use super::{buckets, check_leads, nothing_there, tenants};
use crate::Swarm;
use crate::asked::Asked;
use crate::caller::{Caller, Member};
use crate::error::SwarmError;
use crate::reply::Reply;

/// What can be asked for.
const FIELDS: &str = "bytesSize, bytesStored, objectsStored, bytesIn, bytesOut, opCount";

pub(super) async fn of_all(
    swarm: &Swarm,
    asked: &Asked,
    caller: &Caller,
    what: &[String],
) -> Result<Reply, SwarmError> {
    let mut rows = Vec::new();
    let names: Vec<TenancyName> = tenants::seen(swarm, caller).map(|tenancy| tenancy.name.clone()).collect();
    for name in names {
        for mut row in answered(swarm, asked, &name, None, what).await? {
            row.insert("tenant".to_owned(), json!(name));
            rows.push(row);
        }
    }
    Ok(Reply::json(StatusCode::OK, &rows))
}

pub(super) async fn of_tenancy(
    swarm: &Swarm,
    asked: &Asked,
    member: &Member,
    what: &[String],
) -> Result<Reply, SwarmError> {
    check_leads(member)?;
    Ok(Reply::json(StatusCode::OK, &answered(swarm, asked, &member.tenancy, None, what).await?))
}

pub(super) async fn of_bucket(
    swarm: &Swarm,
    asked: &Asked,
    member: &Member,
    bucket: &BucketName,
    what: &[String],
) -> Result<Reply, SwarmError> {
    let found = buckets::seen(swarm, member, bucket).await?;
    Ok(Reply::json(StatusCode::OK, &answered(swarm, asked, &member.tenancy, Some(&found.name), what).await?))
}

async fn answered(
    swarm: &Swarm,
    asked: &Asked,
    tenancy: &TenancyName,
    bucket: Option<&BucketName>,
    what: &[String],
) -> Result<Vec<Map<String, Value>>, SwarmError> {
    if asked.method != Method::GET {
        return Err(SwarmError::MethodNotAllowed(asked.method.clone()));
    }
    let words: Vec<&str> = what.iter().map(String::as_str).collect();
    let (fields, time) = words.split_first().ok_or_else(nothing_there)?;
    let fields: Vec<&str> = fields.split(',').collect();
    match time {
        ["current"] => {
            let row = current(swarm, tenancy, bucket).await?;
            Ok(vec![shown(&fields, &row)?])
        }
        [from, to] => history(swarm, tenancy, bucket, &fields, (from, to), Period::Day).await,
        [from, to, "day"] => history(swarm, tenancy, bucket, &fields, (from, to), Period::Day).await,
        [from, to, "month"] => history(swarm, tenancy, bucket, &fields, (from, to), Period::Month).await,
        _ => Err(SwarmError::NotFound(
            "usage is asked for with current, or from and to as days, and then by day or month".to_owned(),
        )),
    }
}

/// What is stored now, and the traffic of this month.
async fn current(swarm: &Swarm, tenancy: &TenancyName, bucket: Option<&BucketName>) -> Result<Row, SwarmError> {
    let today = swarm.metering.today();
    let first =
        format!("{}-01", today.month()).parse::<Day>().map_err(|error| SwarmError::Failed(error.to_string()))?;
    let month = asked_history(swarm, tenancy, bucket, (first, today.clone()), Period::Month).await?;
    let detail = match bucket {
        None => swarm.objects.tenancy_usage_detail(tenancy).await?,
        Some(name) => match swarm.objects.find_bucket(tenancy, name).await? {
            Some(bucket) => swarm.objects.bucket_usage_detail(&bucket).await?,
            None => objects::UsageDetail::default(),
        },
    };
    let mut traffic = Traffic::default();
    for row in &month.rows {
        traffic.add(&row.traffic);
    }
    Ok(Row {
        period: today.as_str().to_owned(),
        bucket: bucket.cloned(),
        owner: None,
        stored: Some(Stored::from(detail)),
        traffic,
    })
}

async fn history(
    swarm: &Swarm,
    tenancy: &TenancyName,
    bucket: Option<&BucketName>,
    fields: &[&str],
    (from, to): (&str, &str),
    period: Period,
) -> Result<Vec<Map<String, Value>>, SwarmError> {
    let day = |text: &str| {
        let day = text.split('T').next().unwrap_or(text).parse::<Day>();
        day.map_err(|error| SwarmError::Invalid(error.to_string()))
    };
    let history = asked_history(swarm, tenancy, bucket, (day(from)?, day(to)?), period).await?;
    if history.truncated {
        return Err(SwarmError::invalid("so long a time has more rows than one answer holds: ask for less"));
    }
    history.rows.iter().map(|row| shown(fields, row)).collect()
}

async fn asked_history(
    swarm: &Swarm,
    tenancy: &TenancyName,
    bucket: Option<&BucketName>,
    (from, to): (Day, Day),
    period: Period,
) -> Result<History, SwarmError> {
    let of = bucket.map_or(Of::Tenancy, |bucket| Of::Buckets(Some(bucket.clone())));
    Ok(swarm.metering.history(&Query { tenancy: tenancy.clone(), of, period, from, to }).await?)
}

/// The fields of a row that were asked for; what nobody looked at is null.
fn shown(fields: &[&str], row: &Row) -> Result<Map<String, Value>, SwarmError> {
    let mut values = Map::from_iter([("timestamp".to_owned(), json!(row.period))]);
    for field in fields {
        let value = match *field {
            "bytesSize" => json!(row.stored.map(|stored| stored.bytes.saturating_sub(stored.parts_bytes))),
            "bytesStored" => json!(row.stored.map(|stored| stored.bytes)),
            "objectsStored" => json!(row.stored.map(|stored| stored.objects)),
            "bytesIn" => json!(row.traffic.received_bytes),
            "bytesOut" => json!(row.traffic.sent_bytes),
            "opCount" => json!(row.traffic.requests.total()),
            other => return Err(SwarmError::Invalid(format!("{other:?} is not metered: there are {FIELDS}"))),
        };
        values.insert((*field).to_owned(), value);
    }
    Ok(values)
}
