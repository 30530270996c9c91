//! How the institution wants its portal to look, and where its store is.

use std::fmt;
use std::str::FromStr;

use crate::logo::Logo;

/// What the configuration says of the portal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// The institution's name, in the head of each page.
    pub name: String,
    /// The colour of links and buttons.
    pub colour: Colour,
    /// The domains under which tenancies have host names inside, `s3.example.org`.
    pub internal_domains: Vec<String>,
    /// The same, from anywhere.
    pub external_domains: Vec<String>,
    /// The port that is part of internal addresses, unless it is 80.
    pub internal_port: Option<u16>,
    /// The port that is part of external addresses, unless it is 443.
    pub external_port: Option<u16>,
    /// The region that clients are told to sign for.
    pub region: String,
    /// The address of the store that browsers are sent to, in place of the above.
    pub store_url: Option<Origin>,
    /// The portal's own address, `https://portal.example.org`; that of each request where absent.
    pub url: Option<String>,
    /// The institution's logo, in the head of each page.
    pub logo: Option<Logo>,
    /// What the identity provider is called, on the buttons that lead there.
    pub provider: String,
}

impl Site {
    /// Where a tenancy is reached from inside: `http://cedadev-o.s3.example.org`.
    pub fn internal_url(&self, tenancy: &str) -> Option<String> {
        url("http", tenancy, self.internal_domains.first()?, self.internal_port, 80)
    }

    /// Where a tenancy is reached from anywhere: `https://cedadev-o.s3-ext.example.org`.
    pub fn external_url(&self, tenancy: &str) -> Option<String> {
        url("https", tenancy, self.external_domains.first()?, self.external_port, 443)
    }
}

/// `None` where nothing listens there.
fn url(scheme: &str, tenancy: &str, domain: &str, port: Option<u16>, usual: u16) -> Option<String> {
    match port? {
        port if port == usual => Some(format!("{scheme}://{tenancy}.{domain}")),
        port => Some(format!("{scheme}://{tenancy}.{domain}:{port}")),
    }
}

/// Where a page comes from: scheme, host and port, and nothing else (RFC 6454 section 6.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin(String);

impl Origin {
    /// This origin, `https://portal.example.org`; `None` for what is none.
    pub fn new(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let is_host = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b':' | b'[' | b']');
        (!rest.is_empty() && rest.bytes().all(is_host)).then(|| Self(text.to_owned()))
    }

    /// The origin of an address.
    pub fn of_url(url: &str) -> Option<Self> {
        let start = url.find("://")? + 3;
        let end = url[start..].find('/').map_or(url.len(), |slash| start + slash);
        Self::new(&url[..end].to_ascii_lowercase())
    }

    /// As a header has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A colour, as style sheets write it: `#0b6e4f`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Colour([u8; 3]);

impl Colour {
    /// A calm green.
    pub const DEFAULT: Self = Self([0x0b, 0x6e, 0x4f]);

    /// The contrast of white text on it, 1 to 21 (WCAG 2.2, "contrast ratio").
    fn contrast_with_white(self) -> f64 {
        let linear = |byte: u8| {
            let part = f64::from(byte) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        1.05 / (0.2126f64.mul_add(red, 0.7152f64.mul_add(green, 0.0722 * blue)) + 0.05)
    }
}

/// What is no colour for the portal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ColourError(String);

impl fmt::Display for ColourError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The least contrast of text (WCAG 2.2, success criterion 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

impl FromStr for Colour {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<Self, ColourError> {
        let mut bytes = [0; 3];
        let digits = text.strip_prefix('#').unwrap_or_default();
        hex::decode_to_slice(digits, &mut bytes)
            .map_err(|_| ColourError(format!("{text:?} is no colour: write six hex digits, such as \"#0b6e4f\"")))?;
        let colour = Self(bytes);
        if colour.contrast_with_white() < LEAST_CONTRAST {
            return Err(ColourError(format!(
                "white text on {text} can not be read well: choose a darker colour (WCAG asks for a contrast of 4.5)"
            )));
        }
        Ok(colour)
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_that_can_be_read_upon() {
        for (text, good) in [
            ("#0b6e4f", true),
            ("#000000", true),
            ("#1F4E9E", true),
            ("#767676", true),
            ("#777777", false),
            ("#ffcc00", false),
            ("0b6e4f", false),
            ("#0b6e4", false),
            ("green", false),
            ("#0b6e4f;}", false),
        ] {
            assert_eq!(text.parse::<Colour>().is_ok(), good, "{text}");
        }
        assert_eq!("#0B6E4F".parse::<Colour>().expect("a colour").to_string(), "#0b6e4f");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (text, good) in [
            ("https://portal.example.org", true),
            ("http://localhost:9002", true),
            ("http://[::1]:9002", true),
            ("https://portal.example.org/", false),
            ("https://", false),
            ("ftp://portal.example.org", false),
            ("portal.example.org", false),
            ("https://a b", false),
            ("https://a;script-src", false),
        ] {
            assert_eq!(Origin::new(text).is_some(), good, "{text}");
        }
        let of = |url| Origin::of_url(url).map(|origin| origin.to_string());
        assert_eq!(of("https://Portal.example.org:8443/a/b").as_deref(), Some("https://portal.example.org:8443"));
        assert_eq!(of("mailto:a"), None);
    }

    #[test]
    fn addresses_have_the_port_where_it_is_not_the_usual() {
        let mut site = Site {
            name: String::new(),
            colour: Colour::DEFAULT,
            internal_domains: vec!["s3.example.org".to_owned()],
            external_domains: vec!["s3-ext.example.org".to_owned()],
            internal_port: Some(9000),
            external_port: Some(443),
            region: String::new(),
            store_url: None,
            url: None,
            logo: None,
            provider: String::new(),
        };
        assert_eq!(site.internal_url("a-o").as_deref(), Some("http://a-o.s3.example.org:9000"));
        assert_eq!(site.external_url("a-o").as_deref(), Some("https://a-o.s3-ext.example.org"));
        site.external_port = None;
        assert_eq!(site.external_url("a-o"), None);
    }
}
