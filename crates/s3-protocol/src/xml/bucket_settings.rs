//! Small documents about a bucket: its location, and what AWS answers for settings that a bucket does not have.

use super::XmlWriter;

/// `LocationConstraint` (GetBucketLocation); `None` is us-east-1, the empty one.
pub fn location_constraint(region: Option<&str>) -> String {
    XmlWriter::document("LocationConstraint", |xml| xml.content(region.unwrap_or_default()))
}

/// `BucketLoggingStatus` of a bucket that logs nothing.
pub fn no_logging() -> String {
    XmlWriter::document("BucketLoggingStatus", |_| {})
}

/// `NotificationConfiguration` of a bucket that notifies nobody.
pub fn no_notification() -> String {
    XmlWriter::document("NotificationConfiguration", |_| {})
}

/// `AccelerateConfiguration` of a bucket that was never accelerated.
pub fn no_acceleration() -> String {
    XmlWriter::document("AccelerateConfiguration", |_| {})
}

/// `RequestPaymentConfiguration`: the owner pays.
pub fn owner_pays() -> String {
    XmlWriter::document("RequestPaymentConfiguration", |xml| xml.text("Payer", "BucketOwner"))
}

/// `PolicyStatus`.
pub fn policy_status(is_public: bool) -> String {
    XmlWriter::document("PolicyStatus", |xml| xml.boolean("IsPublic", is_public))
}

/// The empty list of one kind of configuration: `ListBucketAnalyticsConfigurationsResult`,
/// `ListBucketIntelligentTieringConfigurationsOutput`, `ListInventoryConfigurationsResult`,
/// `ListMetricsConfigurationsResult`.
pub fn no_configurations(root: &str) -> String {
    XmlWriter::document(root, |xml| xml.boolean("IsTruncated", false))
}
