//! Sizes as people write them: `10TiB`, `500 GB`, `1048576`.

/// A text is not a size.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text:?} is no size: write a number of bytes, or one with a unit like 10TiB, 500GB or 1.5GiB")]
pub struct SizeError {
    text: String,
}

/// Units and their bytes: IEC 80000-13 (powers of 1024) and SI (powers of 1000). A bare letter is the power of 1024, as
/// in most tools.
const UNITS: [(&str, u64); 19] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("PiB", 1 << 50),
    ("EiB", 1 << 60),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("PB", 1_000_000_000_000_000),
    ("EB", 1_000_000_000_000_000_000),
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("G", 1 << 30),
    ("T", 1 << 40),
    ("P", 1 << 50),
];

/// The most digits after the point: more say nothing about a size.
const FRACTION_DIGITS: usize = 6;

/// Reads a size in bytes. Units are read in any case; a fraction must make whole bytes or is rounded down.
///
/// # Errors
/// [`SizeError`] for anything else, and for sizes of 2^63 bytes and more, which no counter can hold.
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    parse(text.trim()).filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or_else(|| SizeError { text: text.to_owned() })
}

fn parse(text: &str) -> Option<u64> {
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(number_end);
    let unit = unit.trim_start();
    let (_, unit_bytes) = UNITS.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || number.ends_with('.') || fraction.len() > FRACTION_DIGITS {
        return None;
    }
    let whole = u128::from(whole.parse::<u64>().ok()?) * u128::from(unit_bytes);
    let denominator = 10u128.pow(u32::try_from(fraction.len()).ok()?);
    let numerator = if fraction.is_empty() { 0 } else { fraction.parse::<u128>().ok()? };
    u64::try_from(whole + numerator * u128::from(unit_bytes) / denominator).ok()
}

/// Writes a size in the largest power of 1024 that it reaches, with one decimal where it is not whole: `10 TiB`,
/// `1.5 GiB`, `17 B`. For reading by people: it is rounded.
pub fn format_size(bytes: u64) -> String {
    let unit = UNITS[2..8].iter().rev().find(|(_, unit_bytes)| bytes >= *unit_bytes);
    let Some((name, unit_bytes)) = unit else { return format!("{bytes} B") };
    let tenths = (u128::from(bytes) * 10 + u128::from(unit_bytes / 2)) / u128::from(*unit_bytes);
    match tenths % 10 {
        0 => format!("{} {name}", tenths / 10),
        tenth => format!("{}.{tenth} {name}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", 1 << 20),
            ("10TiB", 10 << 40),
            (" 10 tib ", 10 << 40),
            ("10T", 10 << 40),
            ("10TB", 10_000_000_000_000),
            ("500 GB", 500_000_000_000),
            ("1.5GiB", 3 << 29),
            ("0.1KB", 100),
            ("17B", 17),
            ("7EiB", 7 << 60),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "TiB", "-1", "+1", "1.2.3", "1.", ".5", "10 XiB", "1e6", "8EiB", "99999999999999999999", "1 0"]
        {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_written_for_people_and_read_again() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (10 << 40, "10 TiB"),
            (u64::MAX, "16 EiB"),
            ((1 << 30) - 1, "1024 MiB"),
        ] {
            assert_eq!(format_size(bytes), text);
        }
        assert_eq!(parse_size(&format_size(3 << 29)), Ok(3 << 29));
    }
}
