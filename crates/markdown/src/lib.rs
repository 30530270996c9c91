//! Markdown that anybody may have written, as HTML that lets nothing run: for previews and READMEs.
//!
//! pulldown-cmark reads the text (CommonMark, with tables, footnotes and strikethrough), and what it
//! read is changed before it is written. HTML in the text is shown as text. A link leads to another site by `http`, `https`
//! or `mailto`, or to a heading of the same page; any other loses its address. An image is a link to it: nothing is loaded
//! from elsewhere. So the elements and attributes of the result are those that the writer knows, and no others. Text that is no
//! Markdown is [`Escaped`].

mod escaped;

pub use escaped::Escaped;
use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// The longest text that is read, in bytes; what is longer is cut.
pub const MAX_BYTES: usize = 256 * 1024;

/// The text as HTML, without a document around it. Headings begin at `h2`: the page has its own `h1`.
pub fn to_html(text: &str) -> String {
    let text = text.get(..text.floor_char_boundary(MAX_BYTES)).unwrap_or_default();
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
    let events = Parser::new_ext(text, options).map(tamed);
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    html::push_html(&mut out, events);
    out
}

fn tamed(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: safe(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: safe(dest_url), title, id })
        }
        Event::End(TagEnd::Image) => Event::End(TagEnd::Link),
        Event::Start(Tag::Heading { level, .. }) => {
            Event::Start(Tag::Heading { level: below(level), id: None, classes: Vec::new(), attrs: Vec::new() })
        }
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        other => other,
    }
}

/// The address, if it can only lead away.
fn safe(url: CowStr<'_>) -> CowStr<'_> {
    let scheme = url.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let leads_away = matches!(scheme.as_str(), "http" | "https" | "mailto") && url.contains(':');
    if leads_away || url.starts_with('#') { url } else { CowStr::Borrowed("#") }
}

const fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::{prop_assert, proptest};

    use super::to_html;

    #[test]
    fn usual_texts_look_as_they_should() {
        for (text, expected) in [
            ("# A *b*", "<h2>A <em>b</em></h2>\n"),
            ("a\n\n- b\n- [x] c", "<li>b</li>\n<li>[x] c</li>"),
            ("|a|b|\n|-|-|\n|1|2|", "<td>1</td><td>2</td>"),
            ("[a](https://example.org/x \"t\")", "<a href=\"https://example.org/x\" title=\"t\">a</a>"),
            ("`<b>`", "<code>&lt;b&gt;</code>"),
            ("![plot](https://example.org/x.png)", "<a href=\"https://example.org/x.png\">plot</a>"),
            ("[down](#there)", "<a href=\"#there\">down</a>"),
        ] {
            assert!(to_html(text).contains(expected), "{text}: {}", to_html(text));
        }
    }

    #[test]
    fn nothing_runs_and_nothing_is_loaded() {
        for text in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<svg onload=alert(1)>",
            "<div>\n<iframe src=\"https://evil.example\"></iframe>\n</div>",
            "[a](javascript:alert(1))",
            "[a](JaVaScRiPt:alert(1))",
            "[a](data:text/html,<script>alert(1)</script>)",
            "[a](/logout)",
            "[a](//evil.example)",
            "[a](vbscript:x)",
            "<javascript:alert(1)>",
            "[a][b]\n\n[b]: javascript:alert(1)",
            "![a](https://example.org/x.png)",
            "# a {onclick=alert(1)}",
            "```\"><script>alert(1)</script>\nx\n```",
        ] {
            check(&to_html(text));
        }
    }

    /// What stands in tags is only what the writer writes.
    fn check(html: &str) {
        for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
            let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
            let bad = ["script", "img", "svg", "iframe", "object", "style", "link", "form", "meta", "base"];
            assert!(!bad.contains(&name.as_str()), "{html}");
            if let Some((_, address)) = tag.split_once("href=\"") {
                let good = ["http://", "https://", "http:", "https:", "mailto:", "#"];
                assert!(good.iter().any(|start| address.to_ascii_lowercase().starts_with(start)), "{html}");
            }
            assert!(!tag.contains(" on") || tag.contains('"'), "{html}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_nothing_runs(text in "[a<>/\\[\\]()!:\"'`#*_ \njavscript=on-]{0,60}", other in any::<String>()) {
            check(&to_html(&text));
            check(&to_html(&other));
            prop_assert!(to_html(&text).len() <= 100 * text.len() + 100);
        }
    }
}
