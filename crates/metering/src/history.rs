//! Reading the history.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use storage::Space;
use storage::limits::SCAN_KEYS;
use types::{BucketName, TenancyName, UserName};

use crate::flush::decode;
use crate::record::{Record, Stored, Traffic};
use crate::series::{Series, Subject};
use crate::{Day, Metering, MeteringError, keyspace};

/// The most rows of one answer.
const ROWS: usize = 50_000;

/// Whose history is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Of {
    /// The tenancy as a whole.
    Tenancy,
    /// One bucket, or each.
    Buckets(Option<BucketName>),
    /// One person, or each.
    People(Option<UserName>),
}

/// How it is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// By days, as far back as they are kept.
    #[default]
    Day,
    /// By months.
    Month,
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// Where.
    pub tenancy: TenancyName,
    /// Of what.
    pub of: Of,
    /// By days or months.
    pub period: Period,
    /// The first day.
    pub from: Day,
    /// The last day, which is in it.
    pub to: Day,
}

/// A day or a month of something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// `2026-11-29`, or `2026-11`.
    pub period: String,
    /// The bucket, in a history of buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketName>,
    /// The person, in a history of people; the bucket's owner, in one of buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserName>,
    /// What was stored at the end, or now; `None` where nobody looked.
    pub stored: Option<Stored>,
    /// What went over the wire.
    pub traffic: Traffic,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct History {
    /// By bucket or person, and for each by time.
    pub rows: Vec<Row>,
    /// Whether there is more than one answer holds: ask for less time, or one bucket or person.
    pub truncated: bool,
}

/// The columns of [`History::to_csv`].
const COLUMNS: &str = "period,bucket,owner,stored_bytes,objects,older_bytes,older_objects,parts_bytes,parts,\
                       received_bytes,sent_bytes,read_requests,write_requests,list_requests,delete_requests,other_requests";

impl History {
    /// As comma-separated values (RFC 4180), with a line that names the columns. What nobody looked at is empty.
    pub fn to_csv(&self) -> String {
        let mut csv = format!("{COLUMNS}\r\n");
        for Row { period, bucket, owner, stored, traffic } in &self.rows {
            let name = |name: Option<&str>| name.unwrap_or_default().to_owned();
            let mut fields = vec![
                period.clone(),
                name(bucket.as_ref().map(BucketName::as_str)),
                name(owner.as_ref().map(UserName::as_str)),
            ];
            let stored = stored.map(|s| [s.bytes, s.objects, s.older_bytes, s.older_objects, s.parts_bytes, s.parts]);
            match stored {
                Some(numbers) => fields.extend(numbers.map(|number| number.to_string())),
                None => fields.extend([const { String::new() }; 6]),
            }
            let r = traffic.requests;
            let numbers = [traffic.received_bytes, traffic.sent_bytes, r.read, r.write, r.list, r.delete, r.other];
            fields.extend(numbers.map(|number| number.to_string()));
            // No name and no number holds a comma or a quote.
            csv.push_str(&fields.join(","));
            csv.push_str("\r\n");
        }
        csv
    }
}

impl Metering {
    /// The history, with everything until now.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn history(&self, query: &Query) -> Result<History, MeteringError> {
        self.flush().await?;
        let mut history = History::default();
        let (tenancy, of) = (&query.tenancy, &query.of);
        let one = |of| vec![Series { tenancy: tenancy.clone(), of }];
        let asked = match of {
            Of::Tenancy => one(Subject::Tenancy),
            Of::Buckets(Some(bucket)) => one(Subject::Bucket(bucket.clone())),
            Of::People(Some(person)) => one(Subject::Person(person.clone())),
            Of::Buckets(None) => self.series(&keyspace::kind(tenancy, 'b')).await?,
            Of::People(None) => self.series(&keyspace::kind(tenancy, 'p')).await?,
        };
        for series in asked {
            let records = self.records(&series, query).await?;
            history.truncated |= history.rows.len() + records.len() > ROWS;
            let room = ROWS - history.rows.len();
            history.rows.extend(records.into_iter().take(room).map(|(period, record)| row(&series, period, record)));
        }
        Ok(history)
    }

    /// Every series whose keys begin with `prefix`. Its records are jumped over.
    pub(crate) async fn series(&self, prefix: &[u8]) -> Result<Vec<Series>, MeteringError> {
        let (mut from, end) = (prefix.to_vec(), keyspace::end(prefix));
        let mut found = Vec::new();
        while let Some((key, _)) = self.metadata.scan(Space::CONTROL, &from, Some(&end), 1).await?.pop() {
            let (series, ..) = parsed(&key)?;
            from = keyspace::end(&keyspace::series(&series));
            found.push(series);
        }
        Ok(found)
    }

    /// The records of a series by their periods. Months before the first day that is kept are among those of days too,
    /// because that is all that is left of them.
    async fn records(&self, series: &Series, query: &Query) -> Result<BTreeMap<String, Record>, MeteringError> {
        let mut records: BTreeMap<String, Record> = BTreeMap::new();
        let months = (keyspace::month(series, query.from.month()), keyspace::month(series, query.to.month()));
        let days = (keyspace::day(series, query.from.as_str()), keyspace::day(series, query.to.as_str()));
        for (first, last) in [months, days] {
            for (key, record) in self.scan(first, last).await? {
                let (_, is_month, at) = parsed(&key)?;
                let at = if is_month || query.period == Period::Day { at } else { at.get(..7).unwrap_or(at) };
                records.entry(at.to_owned()).or_default().then(record);
            }
        }
        Ok(records)
    }

    /// The records from `first` to `last`, which is in it.
    pub(crate) async fn scan(
        &self,
        first: Vec<u8>,
        mut last: Vec<u8>,
    ) -> Result<Vec<(Vec<u8>, Record)>, MeteringError> {
        last.push(0);
        let (mut from, mut records) = (first, Vec::new());
        loop {
            let pairs = self.metadata.scan(Space::CONTROL, &from, Some(&last), SCAN_KEYS).await?;
            let is_full = pairs.len() == SCAN_KEYS;
            for (key, raw) in pairs {
                let record = decode(&key, &raw)?;
                records.push((key.to_vec(), record));
            }
            match records.last().filter(|_| is_full) {
                Some((key, _)) => from = [key.as_slice(), &[0]].concat(),
                None => return Ok(records),
            }
        }
    }
}

fn parsed(key: &[u8]) -> Result<(Series, bool, &str), MeteringError> {
    keyspace::parse(key).ok_or_else(|| MeteringError::Damaged(String::from_utf8_lossy(key).into_owned()))
}

fn row(series: &Series, period: String, record: Record) -> Row {
    let Record { traffic, stored, owner } = record;
    let (bucket, owner) = match &series.of {
        Subject::Tenancy => (None, None),
        Subject::Bucket(bucket) => (Some(bucket.clone()), owner),
        Subject::Person(person) => (None, Some(person.clone())),
    };
    Row { period, bucket, owner, stored, traffic }
}
