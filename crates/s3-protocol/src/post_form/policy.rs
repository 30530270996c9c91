//! The policy of a form (S3 API reference, "POST Policy").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use types::{ChecksumAlgorithm, Timestamp};

use super::Fields;
use crate::body::SizeRange;
use crate::{ErrorCode, S3Error};

/// The most conditions of a policy; each field of a form needs one.
const MAX_CONDITIONS: usize = 256;
/// Fields that need no condition.
const UNCOVERED: [&str; 5] = ["awsaccesskeyid", "signature", "policy", "file", "x-amz-signature"];

/// A policy that has been read.
#[derive(Debug)]
pub(super) struct Policy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    Equals { field: String, value: String },
    StartsWith { field: String, value: String },
    Size(SizeRange),
}

impl Policy {
    /// Reads a policy in base64.
    pub(super) fn parse(base64: &str) -> Result<Self, S3Error> {
        let compact: String = base64.split_ascii_whitespace().collect();
        let json = BASE64.decode(compact).map_err(|_| invalid("Invalid Base64 Encoding."))?;
        let document: Value = serde_json::from_slice(&json).map_err(|_| invalid("Invalid JSON."))?;
        let expiration = document.get("expiration").ok_or_else(|| invalid("Policy missing expiration."))?;
        let expiration = expiration
            .as_str()
            .filter(|text| text.contains('T'))
            .and_then(Timestamp::parse_iso8601)
            .ok_or_else(|| invalid("Invalid 'expiration' value."))?;
        let list = document.get("conditions").ok_or_else(|| invalid("Policy missing conditions."))?;
        let list = list.as_array().ok_or_else(|| invalid("Invalid 'conditions' value."))?;
        let mut conditions = Vec::new();
        for condition in list {
            read_condition(condition, &mut conditions)?;
        }
        if conditions.len() > MAX_CONDITIONS {
            return Err(invalid("Too many conditions."));
        }
        Ok(Self { expiration, conditions })
    }

    /// Whether the policy allows these fields; if so, the bounds on the file's size that it sets. The bucket and the
    /// key count as they are used, whatever the fields say.
    pub(super) fn check(
        &self,
        fields: &Fields,
        bucket: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Option<SizeRange>, S3Error> {
        if now >= self.expiration {
            return Err(denied("Policy expired."));
        }
        let value = |field: &str| match field {
            "bucket" => Some(bucket),
            "key" => Some(key),
            field => fields.get(field),
        };
        let mut size: Option<SizeRange> = None;
        for condition in &self.conditions {
            let holds = match condition {
                Condition::Size(range) => {
                    size = Some(size.map_or(*range, |other| other.and(*range)));
                    true
                }
                Condition::Equals { field, value: wanted } => value(field).unwrap_or_default() == wanted,
                Condition::StartsWith { field, value: wanted } => {
                    value(field).unwrap_or_default().starts_with(wanted.as_str())
                }
            };
            if !holds {
                return Err(denied(&format!("Policy Condition failed: {}", condition.show())));
            }
        }
        self.check_covered(fields)?;
        Ok(size)
    }

    /// Every field must be covered by a condition, and so must the bucket. The checksum of the file need not be: it asks
    /// for nothing, and who signs a policy seldom knows the file.
    fn check_covered(&self, fields: &Fields) -> Result<(), S3Error> {
        let names = fields.iter().map(|(name, _)| name).chain(["bucket"]);
        let is_free = |name: &str| {
            let is_checksum = || ChecksumAlgorithm::ALL.iter().any(|algorithm| algorithm.header() == name);
            UNCOVERED.contains(&name) || name.starts_with("x-ignore-") || is_checksum()
        };
        for name in names.filter(|name| !is_free(name)) {
            if !self.conditions.iter().any(|condition| condition.field() == Some(name)) {
                return Err(denied(&format!("Extra input fields: {name}")));
            }
        }
        Ok(())
    }
}

impl Condition {
    fn field(&self) -> Option<&str> {
        match self {
            Self::Equals { field, .. } | Self::StartsWith { field, .. } => Some(field),
            Self::Size(_) => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Equals { field, value } => format!("[\"eq\", \"${field}\", \"{value}\"]"),
            Self::StartsWith { field, value } => format!("[\"starts-with\", \"${field}\", \"{value}\"]"),
            Self::Size(range) => format!("[\"content-length-range\", {}, {}]", range.min_bytes, range.max_bytes),
        }
    }
}

/// Reads `{"field": "value"}` or `["operator", "$field", "value"]`.
fn read_condition(condition: &Value, conditions: &mut Vec<Condition>) -> Result<(), S3Error> {
    match condition {
        Value::Object(map) if !map.is_empty() => {
            for (field, value) in map {
                let value = text(value).ok_or_else(|| invalid("Invalid Simple-Condition: value must be a string."))?;
                conditions.push(Condition::Equals { field: field.to_ascii_lowercase(), value });
            }
            Ok(())
        }
        Value::Array(list) => {
            conditions.push(read_list(list).ok_or_else(|| invalid("Invalid Condition."))?);
            Ok(())
        }
        _ => Err(invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")),
    }
}

fn read_list(list: &[Value]) -> Option<Condition> {
    let [operator, second, third] = list else { return None };
    let operator = operator.as_str()?.to_ascii_lowercase();
    if operator == "content-length-range" {
        let (min_bytes, max_bytes) = (size(second)?, size(third)?);
        return (min_bytes <= max_bytes).then_some(Condition::Size(SizeRange { min_bytes, max_bytes }));
    }
    let field = second.as_str()?.strip_prefix('$')?.to_ascii_lowercase();
    let value = text(third)?;
    match operator.as_str() {
        "eq" => Some(Condition::Equals { field, value }),
        "starts-with" => Some(Condition::StartsWith { field, value }),
        _ => None,
    }
}

/// A value that is a text, or a number, which some clients write bare.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn size(value: &Value) -> Option<u64> {
    text(value)?.parse().ok()
}

fn invalid(what: &str) -> S3Error {
    S3Error::new(ErrorCode::InvalidPolicyDocument).with_message(format!("Invalid Policy: {what}"))
}

fn denied(what: &str) -> S3Error {
    S3Error::new(ErrorCode::AccessDenied).with_message(format!("Invalid according to Policy: {what}"))
}
