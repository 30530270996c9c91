//! A bucket as a page for people who come to its address with a browser, where somebody switched that on.
//!
//! The page is another form of ListObjects, and needs the same leave. A browser gets it because it asks for HTML before
//! anything else; S3 clients never do, and get what they always got. It shows the folders and objects of one prefix and,
//! below them, the README that lies there, which anybody who writes into the bucket may have written: Markdown becomes HTML
//! by [`markdown`], other text is escaped, and the page's policy lets nothing run and nothing load.

use std::fmt::Write as _;
use std::sync::LazyLock;

use access::{Grant, action};
use base64::Engine as _;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method};
use markdown::Escaped;
use objects::listing::{After, Entry, Filter, ListObjects, ListedObject};
use objects::object::{ReadRequest, Selection};
use s3_protocol::{S3Error, percent};
use sha2::{Digest as _, Sha256};
use types::size::format_size;
use types::{ByteRange, ObjectKey};

use crate::authorize::Found;
use crate::call::{Call, Outcome, Reply};

/// How many folders and objects a page shows.
const PER_PAGE: usize = 500;
/// How much of a README is shown.
const README_BYTES: u64 = 128 * 1024;
/// The names under which a README is looked for, the best first.
const READMES: [&str; 3] = ["README.md", "README.txt", "README"];
/// The parameters that a page has; with any other the request is a program's.
const PARAMETERS: [&str; 2] = ["prefix", "marker"];

/// Light and dark, as the reader likes it.
const STYLE: &str = "\
    :root{color-scheme:light dark;color:light-dark(#1b1d21,#e6e6e8);background:light-dark(#fff,#17191d)}\
    a{color:light-dark(#0b57d0,#8ab4f8)}body{font:100%/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}\
    h1{font-size:1.4rem;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;\
    border-bottom:1px solid #8886;overflow-wrap:anywhere}.n{text-align:right;white-space:nowrap}pre{overflow-x:auto;white-space:pre-wrap}\
    .readme{border-top:2px solid #8886;margin-top:2rem}.readme table{width:auto}";

/// Nothing runs, nothing is loaded, and no site may frame the page; its one style is known by its hash.
static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
});

/// What a page shows.
#[derive(Default)]
struct Page {
    folders: Vec<String>,
    objects: Vec<Object>,
    next: Option<String>,
}

struct Object {
    key: String,
    size: u64,
    modified: String,
}

/// Whether a listing of this bucket is asked for by a browser, and is to be a page.
pub(crate) fn is_wanted(call: &Call<'_>, found: &Found) -> bool {
    let asks_for_html = || {
        let ranges = call.header(&ACCEPT).unwrap_or_default().split(',');
        ranges.map(|range| range.split(';').next().unwrap_or_default().trim()).any(|range| range == "text/html")
    };
    let is_plain = || call.query().iter().all(|(name, _)| PARAMETERS.contains(&name));
    found.bucket.public_index && *call.head.method() == Method::GET && asks_for_html() && is_plain()
}

/// The page.
///
/// # Errors
/// The store's.
pub(crate) async fn answer(call: &Call<'_>, found: &Found, grant: &Grant<action::ListBucket>) -> Outcome {
    let prefix = call.query().get("prefix").unwrap_or_default();
    let marker = call.query().get("marker").unwrap_or_default();
    let page = list(call, grant, prefix, marker).await?;
    let readme = match marker {
        "" => readme(call, found, &page, prefix).await,
        _ => None,
    };
    let html = write(call.head.raw_path(), found.bucket.name.as_str(), prefix, !marker.is_empty(), &page, readme);
    let mut reply = Reply::xml(html);
    let headers = &mut reply.headers;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.extend(POLICY.clone().map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(reply)
}

/// Tells caches, beside either form of a listing, that there is another, where there is.
pub(crate) fn tell_caches(found: &Found, headers: &mut HeaderMap) {
    if found.bucket.public_index {
        headers.append(VARY, HeaderValue::from_static("Accept"));
    }
}

async fn list(call: &Call<'_>, grant: &Grant<action::ListBucket>, prefix: &str, marker: &str) -> Result<Page, S3Error> {
    let filter = Filter { prefix: prefix.to_owned(), delimiter: "/".to_owned(), max_keys: PER_PAGE };
    let request = ListObjects { filter, after: After::Entry(marker.to_owned()) };
    let mut page = Page::default();
    let next = call.service.objects.list_objects(grant, &request, |entry: Entry<'_, ListedObject<'_>>| match entry {
        Entry::CommonPrefix(folder) => page.folders.push(folder.to_owned()),
        Entry::Key(object) => page.objects.push(Object {
            key: object.key.to_owned(),
            size: object.content.size,
            modified: object.version.last_modified.to_iso8601(),
        }),
    });
    let next = next.await.map_err(|error| call.error(error))?;
    page.next = next.map(|(After::Entry(place) | After::Key(place))| place);
    Ok(page)
}

/// The README of the folder as HTML, where there is one that the reader may have.
async fn readme(call: &Call<'_>, found: &Found, page: &Page, prefix: &str) -> Option<String> {
    let is_there =
        |name: &&&str| page.objects.iter().any(|object| object.size > 0 && object.key == format!("{prefix}{name}"));
    let name = READMES.iter().find(is_there)?;
    let key = ObjectKey::new(&format!("{prefix}{name}")).ok()?;
    let granted = call.object_grant::<action::GetObject>(found, &key, None).await.ok()?;
    let first = ByteRange::From { first: 0, last: Some(README_BYTES - 1) };
    let request = ReadRequest { selection: Selection::Range(first), ..ReadRequest::default() };
    let read = call.service.objects.get_object(&granted.grant, &request, granted.seen).await.ok()?;
    let content = read.body.collect().await.ok()?;
    let text = String::from_utf8_lossy(&content);
    match name.ends_with(".md") {
        true => Some(markdown::to_html(&text)),
        false => Some(format!("<pre>{}</pre>", Escaped(&text))),
    }
}

fn write(path: &str, bucket: &str, prefix: &str, is_later: bool, page: &Page, readme: Option<String>) -> String {
    let base = format!("{}/", Escaped(path.trim_end_matches('/')));
    let title = Escaped(&format!("{bucket}/{prefix}")).to_string();
    let below = |key| Escaped(str::strip_prefix(key, prefix).unwrap_or(key));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><main><h1>{title}</h1>\n"
    );
    write_folders_above(&mut out, bucket, prefix);
    if page.folders.is_empty() && page.objects.is_empty() {
        out.push_str("<p>There is nothing here.</p>");
    } else {
        out.push_str(
            "<table><thead><tr><th scope=\"col\">Name</th><th scope=\"col\" class=\"n\">Size</th>\
             <th scope=\"col\" class=\"n\">Changed (UTC)</th></tr></thead><tbody>\n",
        );
        for folder in &page.folders {
            let (link, name) = (percent::encode(folder), below(folder));
            let _ = writeln!(out, "<tr><td><a href=\"?prefix={link}\">{name}</a></td><td></td><td></td></tr>");
        }
        for Object { key, size, modified } in &page.objects {
            let (link, name, size) = (percent::encode_path(key), below(key), format_size(*size));
            let day = modified.get(..16).unwrap_or_default().replace('T', " ");
            let _ = writeln!(
                out,
                "<tr><td><a href=\"{base}{link}\">{name}</a></td><td class=\"n\">{size}</td><td class=\"n\">{day}</td></tr>"
            );
        }
        out.push_str("</tbody></table>");
    }
    let folder = percent::encode(prefix);
    if is_later {
        let _ = write!(out, "<p><a href=\"?prefix={folder}\">To the beginning</a></p>");
    }
    if let Some(next) = &page.next {
        let _ = write!(out, "<p><a href=\"?prefix={folder}&amp;marker={}\">Next</a></p>", percent::encode(next));
    }
    if let Some(readme) = readme {
        let _ = write!(out, "<section class=\"readme\" aria-label=\"README\">\n{readme}</section>");
    }
    out.push_str("</main></body></html>\n");
    out
}

/// The way back from a folder: the bucket and each folder above this one.
fn write_folders_above(out: &mut String, bucket: &str, prefix: &str) {
    let Some(inside) = prefix.strip_suffix('/') else { return };
    out.push_str("<nav aria-label=\"Folders above\">");
    let slashes = inside.match_indices('/').map(|(slash, _)| slash + 1);
    let mut name_starts = 0;
    let _ = write!(out, "<a href=\"?prefix=\">{}</a>", Escaped(bucket));
    for end in slashes {
        let (link, name) = (percent::encode(&inside[..end]), Escaped(&inside[name_starts..end - 1]));
        let _ = write!(out, " / <a href=\"?prefix={link}\">{name}</a>");
        name_starts = end;
    }
    out.push_str("</nav>\n");
}
