//! Writing what was counted, and what is stored, into the records of today.

use std::collections::BTreeMap;

use bytes::Bytes;
use storage::{Batch, CommitError, Space};
use types::{TenancyName, UserName};

use crate::record::{Record, Stored, Traffic};
use crate::series::{Series, Subject};
use crate::{Metering, MeteringError, RECEIVED_BYTES, REQUESTS, SENT_BYTES, keyspace};

/// The records of one batch.
const TOGETHER: usize = 256;

impl Metering {
    /// Writes the traffic that was counted since the last call into the records of today, and answers what had any.
    ///
    /// # Errors
    /// Those of the store. What was not written waits for the next call; what may or may not have been is lost at worst,
    /// and never counted twice.
    pub async fn flush(&self) -> Result<Vec<Series>, MeteringError> {
        let _writing = self.writing.lock().await;
        let mut by_tenancy: BTreeMap<TenancyName, Vec<(Series, Traffic)>> = BTreeMap::new();
        for (series, traffic) in self.meters.take() {
            by_tenancy.entry(series.tenancy.clone()).or_default().push((series, traffic));
        }
        let (mut written, mut failed) = (Vec::new(), None);
        for (tenancy, counted) in by_tenancy {
            for counted in counted.chunks(TOGETHER) {
                let traffic = counted
                    .iter()
                    .map(|(series, traffic)| (series.clone(), Record { traffic: *traffic, ..Record::default() }));
                match self.add(&tenancy, traffic.collect()).await {
                    Ok(()) => written.extend(counted.iter().map(|(series, traffic)| tell(series, traffic))),
                    Err(error) => {
                        if !matches!(error, MeteringError::Commit(CommitError::Unknown(_))) {
                            counted.iter().for_each(|(series, traffic)| self.meters.put_back(series, traffic));
                        }
                        failed = Some(error);
                    }
                }
            }
        }
        failed.map_or(Ok(written), Err)
    }

    /// Notes what is stored of something now, and whose a bucket is.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn note_stored(
        &self,
        tenancy: &TenancyName,
        stored: Vec<(Subject, Stored, Option<UserName>)>,
    ) -> Result<(), MeteringError> {
        let _writing = self.writing.lock().await;
        let records = stored.into_iter().map(|(of, stored, owner)| {
            let record = Record { stored: Some(stored), owner, ..Record::default() };
            (Series { tenancy: tenancy.clone(), of }, record)
        });
        let records: Vec<_> = records.collect();
        for records in records.chunks(TOGETHER) {
            self.add(tenancy, records.to_vec()).await?;
        }
        Ok(())
    }

    /// Adds to the records of today.
    async fn add(&self, tenancy: &TenancyName, later: Vec<(Series, Record)>) -> Result<(), MeteringError> {
        let today = self.today();
        let mut batch = Batch::default();
        for (series, later) in later {
            let key = keyspace::day(&series, today.as_str());
            let mut record = self.read(&key).await?.unwrap_or_default();
            record.then(later);
            batch.put.push((key, encode(&record)?));
        }
        self.metadata.commit(Space::CONTROL, &keyspace::group(tenancy), batch).await?;
        Ok(())
    }

    pub(crate) async fn read(&self, key: &[u8]) -> Result<Option<Record>, MeteringError> {
        let raw = self.metadata.get(Space::CONTROL, key).await?;
        raw.map(|raw| decode(key, &raw)).transpose()
    }
}

/// The series, once its traffic is in the metrics.
fn tell(series: &Series, traffic: &Traffic) -> Series {
    if series.of == Subject::Tenancy {
        let tenancy = series.tenancy.as_str();
        metrics::counter!(RECEIVED_BYTES, "tenancy" => tenancy.to_owned()).increment(traffic.received_bytes);
        metrics::counter!(SENT_BYTES, "tenancy" => tenancy.to_owned()).increment(traffic.sent_bytes);
        let crate::Requests { read, write, list, delete, other } = traffic.requests;
        let classes = [("read", read), ("write", write), ("list", list), ("delete", delete), ("other", other)];
        for (class, count) in classes {
            metrics::counter!(REQUESTS, "tenancy" => tenancy.to_owned(), "class" => class).increment(count);
        }
    }
    series.clone()
}

pub(crate) fn encode(record: &Record) -> Result<Bytes, MeteringError> {
    let text = serde_json::to_vec(record).map_err(|error| MeteringError::Damaged(error.to_string()))?;
    Ok(text.into())
}

pub(crate) fn decode(key: &[u8], raw: &[u8]) -> Result<Record, MeteringError> {
    serde_json::from_slice(raw)
        .map_err(|error| MeteringError::Damaged(format!("{}: {error}", String::from_utf8_lossy(key))))
}
