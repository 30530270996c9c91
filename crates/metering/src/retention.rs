//! Days that are old become months, and months that are very old go.

use storage::{Batch, Space};

use crate::flush::encode;
use crate::series::Series;
use crate::{Day, Metering, MeteringError, keyspace};

/// How many days are kept as days, at least.
pub const KEPT_DAYS: u64 = 800;
/// How many months are kept.
pub const KEPT_MONTHS: u64 = 240;

/// Days in a month, at most.
const MONTH_DAYS: u64 = 31;

impl Metering {
    /// Adds the days up that are older than [`KEPT_DAYS`], month by month, and removes months older than [`KEPT_MONTHS`].
    /// Answers how many records went.
    ///
    /// # Errors
    /// Those of the store. What was done stays done; the next call goes on.
    pub async fn condense(&self) -> Result<u64, MeteringError> {
        let now = self.clock.now();
        // A month is added up as a whole: from the first day that stays, back to the end of the month before it.
        let kept = Day::before(now, KEPT_DAYS + MONTH_DAYS);
        let oldest = Day::before(now, KEPT_MONTHS * MONTH_DAYS);
        let mut removed = 0;
        for series in self.series(keyspace::HISTORY).await? {
            removed += self.condense_series(&series, &kept, &oldest).await?;
        }
        Ok(removed)
    }

    async fn condense_series(&self, series: &Series, kept: &Day, oldest: &Day) -> Result<u64, MeteringError> {
        let _writing = self.writing.lock().await;
        // The last day of the month before that of `kept` sorts before that month.
        let days = self.scan(keyspace::day(series, ""), keyspace::day(series, kept.month())).await?;
        let mut days = days.into_iter().peekable();
        let mut removed = 0;
        while let Some((key, record)) = days.next() {
            let month = month_of(&key)?;
            let (month_key, mut batch, mut sum) = (keyspace::month(series, &month), Batch::default(), record);
            batch.delete.push(key);
            while let Some((key, record)) = days.next_if(|(key, _)| month_of(key).is_ok_and(|other| other == month)) {
                sum.then(record);
                batch.delete.push(key);
            }
            removed += batch.delete.len() as u64;
            let mut record = self.read(&month_key).await?.unwrap_or_default();
            record.then(sum);
            batch.put.push((month_key, encode(&record)?));
            self.metadata.commit(Space::CONTROL, &keyspace::group(&series.tenancy), batch).await?;
        }
        let old_months = self.scan(keyspace::month(series, ""), keyspace::month(series, oldest.month())).await?;
        if !old_months.is_empty() {
            removed += old_months.len() as u64;
            let batch = Batch { delete: old_months.into_iter().map(|(key, _)| key).collect(), ..Batch::default() };
            self.metadata.commit(Space::CONTROL, &keyspace::group(&series.tenancy), batch).await?;
        }
        Ok(removed)
    }
}

fn month_of(key: &[u8]) -> Result<String, MeteringError> {
    let parsed = keyspace::parse(key).and_then(|(_, _, day)| Some(day.get(..7)?.to_owned()));
    parsed.ok_or_else(|| MeteringError::Damaged(String::from_utf8_lossy(key).into_owned()))
}
