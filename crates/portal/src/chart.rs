//! Charts as SVG, drawn by the server: no script, and no style of their own, which the Content-Security-Policy of the pages
//! forbids. Colours are classes of the style sheet (`series-1` to `series-8`).
//!
//! Each chart is a `figure` that goes into a page as it is, through [`fmt::Display`]: a title and a description for those
//! who do not see it, a legend, and the numbers behind it in a table that opens. Texts are escaped here.

use std::fmt;

use askama::filters::HtmlSafe;
use markdown::Escaped;
use types::size::format_size;

use crate::shown::grouped;

/// The most series of a chart: so many colours can still be told apart.
pub const MAX_SERIES: usize = 8;

/// The drawing, in its own units; a browser scales it to the page.
const WIDTH: u64 = 720;
const HEIGHT: u64 = 240;
/// Room for the scale on the left and the periods below.
const LEFT: u64 = 76;
const BOTTOM: u64 = 24;
const TOP: u64 = 10;
const PLOT_HEIGHT: u64 = HEIGHT - BOTTOM - TOP;
const PLOT_WIDTH: u64 = WIDTH - LEFT;
/// About how many lines the scale has.
const LINES: u64 = 4;

/// In what values are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// As sizes: `1.5 GiB`.
    Bytes,
    /// As numbers: `1,024`.
    Count,
}

/// What is drawn with one colour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Series {
    /// Its name, in the legend and the table.
    pub name: String,
    /// Its values, one for each period; `None` where nothing is known.
    pub values: Vec<Option<u64>>,
}

/// Values by time as bars, those of one period on top of each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bars {
    /// A name that is one of a kind on its page: letters, digits and `-`.
    pub id: &'static str,
    /// What it shows.
    pub title: String,
    /// In what.
    pub unit: Unit,
    /// The days or months, in the order of time.
    pub periods: Vec<String>,
    /// What is drawn, the lowest first: at most [`MAX_SERIES`], of which further ones are left out.
    pub series: Vec<Series>,
}

impl Unit {
    /// A value for reading.
    pub fn text(self, value: u64) -> String {
        match self {
            Self::Bytes => format_size(value),
            Self::Count => grouped(value),
        }
    }

    /// The distance between two lines of a scale that reaches `highest`: a number that is round as this unit is told, `256
    /// KiB` or `20,000`.
    fn step(self, highest: u64) -> u64 {
        let least = highest.div_ceil(LINES).max(1);
        match self {
            // At most 2^62, as the highest of all is below 2^64.
            Self::Bytes => least.next_power_of_two(),
            Self::Count => round_decimal(least),
        }
    }
}

/// The least of 1, 2, 5, 10, 20, 50, … that is at least this.
fn round_decimal(least: u64) -> u64 {
    let mut power = 1u64;
    loop {
        for digit in [1, 2, 5] {
            match power.checked_mul(digit) {
                Some(round) if round < least => {}
                Some(round) => return round,
                None => return u64::MAX,
            }
        }
        power = power.saturating_mul(10);
    }
}

impl Bars {
    fn series(&self) -> &[Series] {
        &self.series[..self.series.len().min(MAX_SERIES)]
    }

    fn value(series: &Series, period: usize) -> Option<u64> {
        series.values.get(period).copied().flatten()
    }

    /// The sum of a period; `None` where nothing is known of it.
    fn total(&self, period: usize) -> Option<u64> {
        let values = self.series().iter().filter_map(|series| Self::value(series, period));
        values.fold(None, |sum: Option<u64>, value| Some(sum.unwrap_or(0).saturating_add(value)))
    }

    fn highest(&self) -> u64 {
        (0..self.periods.len()).filter_map(|period| self.total(period)).max().unwrap_or(0)
    }

    /// What it shows in a sentence, for those who do not see it; `None` where nothing is known.
    fn description(&self) -> Option<String> {
        let (at, latest) = (0..self.periods.len()).rev().find_map(|period| Some((period, self.total(period)?)))?;
        let (first, last) = (self.periods.first()?, self.periods.last()?);
        let (highest, latest) = (self.unit.text(self.highest()), self.unit.text(latest));
        Some(format!(
            "From {first} to {last}: at most {highest}, {latest} in {}. The numbers are in the table below.",
            self.periods[at]
        ))
    }

    fn draw(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.unit.step(self.highest());
        let top = step.saturating_mul(self.highest().div_ceil(step).max(1));
        let above = |value: u64| TOP + PLOT_HEIGHT - scaled(value, top, PLOT_HEIGHT);
        let mut line = 0;
        loop {
            let y = above(line);
            write!(f, "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{WIDTH}\" y2=\"{y}\"/>")?;
            let (x, text) = (LEFT - 6, self.unit.text(line));
            write!(f, "<text x=\"{x}\" y=\"{}\" text-anchor=\"end\">{text}</text>", y + 4)?;
            match line.checked_add(step) {
                Some(next) if next <= top => line = next,
                _ => break,
            }
        }
        let periods = self.periods.len() as u64;
        let x_of = |period: u64| LEFT + PLOT_WIDTH * period / periods.max(1);
        for (period, name) in self.periods.iter().enumerate() {
            let (left, right) = (x_of(period as u64), x_of(period as u64 + 1));
            let gap = u64::from(right - left > 3);
            let mut below = 0u64;
            for (at, series) in self.series().iter().enumerate() {
                let Some(value) = Self::value(series, period).filter(|value| *value > 0) else { continue };
                let sum = below.saturating_add(value);
                let (y, height) = (above(sum), above(below) - above(sum));
                below = sum;
                if height > 0 {
                    let width = (right - left - gap).max(1);
                    let class = at + 1;
                    write!(
                        f,
                        "<rect class=\"series-{class}\" x=\"{left}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"
                    )?;
                }
            }
            // The first period, the last, and the one between say when they were.
            let place = match period {
                0 => Some((left, "start")),
                last if last + 1 == self.periods.len() => Some((WIDTH, "end")),
                middle if middle == self.periods.len() / 2 => Some((u64::midpoint(left, right), "middle")),
                _ => None,
            };
            if let Some((x, anchor)) = place {
                write!(f, "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>", HEIGHT - 6, Escaped(name))?;
            }
        }
        Ok(())
    }

    fn legend(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<ul class=\"legend\">")?;
        for (at, series) in self.series().iter().enumerate() {
            let (class, name) = (at + 1, Escaped(&series.name));
            write!(
                f,
                "<li><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"series-{class}\" width=\"10\" \
                 height=\"10\"/></svg> {name}</li>"
            )?;
        }
        f.write_str("</ul>")
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = Escaped(&self.title);
        write!(
            f,
            "<details><summary>The numbers<span class=\"away\"> of {title}</span></summary><div class=\"table-frame\" \
             role=\"region\" aria-label=\"Numbers of {title}\" tabindex=\"0\"><table><thead><tr><th scope=\"col\">When</th>"
        )?;
        for series in self.series() {
            write!(f, "<th scope=\"col\" class=\"number\">{}</th>", Escaped(&series.name))?;
        }
        f.write_str("</tr></thead><tbody>")?;
        for (period, name) in self.periods.iter().enumerate().rev() {
            write!(f, "<tr><th scope=\"row\">{}</th>", Escaped(name))?;
            for series in self.series() {
                let value = Self::value(series, period).map(|value| self.unit.text(value)).unwrap_or_default();
                write!(f, "<td class=\"number\">{value}</td>")?;
            }
            f.write_str("</tr>")?;
        }
        f.write_str("</tbody></table></div></details>")
    }
}

impl fmt::Display for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, title) = (self.id, Escaped(&self.title));
        let Some(description) = self.description() else {
            return write!(
                f,
                "<figure class=\"chart\"><figcaption>{title}</figcaption><p class=\"hint\">Nothing is known of this time.</p></figure>"
            );
        };
        write!(
            f,
            "<figure class=\"chart\"><figcaption>{title}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-desc\"><title id=\"{id}-title\">{title}</title><desc \
             id=\"{id}-desc\">{}</desc>",
            Escaped(&description)
        )?;
        self.draw(f)?;
        f.write_str("</svg>")?;
        self.legend(f)?;
        self.table(f)?;
        f.write_str("</figure>")
    }
}

/// It escapes what it is given.
impl HtmlSafe for Bars {}

/// How much of a quota is used, as a bar whose colour warns: beside a text that says it in numbers, so it is not read out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuotaGauge {
    /// So much.
    pub used: u64,
    /// Of so much.
    pub quota: u64,
}

/// The part of a quota, in per cent, from which on a [`QuotaGauge`] is drawn as a warning.
const WARNING_PERCENT: u64 = 90;

impl QuotaGauge {
    /// In per cent, rounded down; of nothing, everything is used.
    pub fn percent(self) -> u64 {
        let percent = (u128::from(self.used) * 100).checked_div(u128::from(self.quota)).unwrap_or(100);
        u64::try_from(percent).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for QuotaGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.percent() {
            100.. => "full",
            WARNING_PERCENT.. => "near",
            _ => "series-1",
        };
        bar(f, class, self.used, self.quota)
    }
}

/// It writes numbers alone.
impl HtmlSafe for QuotaGauge {}

/// How large one thing is beside the largest of its kind, as a bar: beside its size in numbers, so it is not read out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BesideLargest {
    /// How large it is.
    pub value: u64,
    /// How large the largest is.
    pub largest: u64,
}

impl fmt::Display for BesideLargest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bar(f, "series-1", self.value, self.largest)
    }
}

/// It writes numbers alone.
impl HtmlSafe for BesideLargest {}

/// The length of a whole bar.
const BAR: u64 = 200;

/// A bar of which `part` of `whole` has the colour of `class`.
fn bar(f: &mut fmt::Formatter<'_>, class: &str, part: u64, whole: u64) -> fmt::Result {
    // What there is a little of is seen.
    let width = scaled(part.min(whole), whole.max(1), BAR).max(u64::from(part > 0));
    write!(
        f,
        "<svg class=\"share\" viewBox=\"0 0 {BAR} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"grid\" \
         width=\"{BAR}\" height=\"10\"/><rect class=\"{class}\" width=\"{width}\" height=\"10\"/></svg>"
    )
}

/// The length of `part`, where `whole`, which is not 0, has the length `length`.
fn scaled(part: u64, whole: u64, length: u64) -> u64 {
    let scaled = (u128::from(part) * u128::from(length) + u128::from(whole) / 2) / u128::from(whole);
    u64::try_from(scaled).unwrap_or(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(values: &[&[Option<u64>]]) -> Bars {
        let series =
            |(at, values): (usize, &&[Option<u64>])| Series { name: format!("s{at}"), values: values.to_vec() };
        Bars {
            id: "test",
            title: "A <b>title</b>".to_owned(),
            unit: Unit::Count,
            periods: (1..=3).map(|day| format!("2026-11-0{day}")).collect(),
            series: values.iter().enumerate().map(series).collect(),
        }
    }

    /// The numbers of an attribute of the bars that belong to a series, one for each bar.
    fn numbers(svg: &str, class: &str, name: &str) -> Vec<u64> {
        let plot = svg.split("</svg>").next().expect("the drawing");
        let rects = plot.split("<rect ").skip(1).filter(|rect| rect.starts_with(&format!("class=\"{class}\"")));
        let value = |rect: &str| rect.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?.parse().ok();
        rects.filter_map(value).collect()
    }

    #[test]
    fn bars_are_as_high_as_their_values_and_stand_on_each_other() {
        let svg = bars(&[&[Some(10), None, Some(40)], &[Some(10), Some(0), Some(0)]]).to_string();
        let (first, second) = (numbers(&svg, "series-1", "height"), numbers(&svg, "series-2", "height"));
        assert_eq!((first.len(), second.len()), (2, 1), "what is unknown or nothing has no bar: {svg}");
        assert!(first[1].abs_diff(4 * first[0]) <= 2, "{first:?}");
        assert!(second[0].abs_diff(first[0]) <= 1, "{first:?} {second:?}");
        let (tops, bottoms) = (numbers(&svg, "series-1", "y"), numbers(&svg, "series-2", "y"));
        assert_eq!(bottoms[0] + second[0], tops[0], "the second stands on the first");
        assert!(tops.iter().chain(&bottoms).all(|y| (TOP..HEIGHT - BOTTOM).contains(y)));
    }

    #[test]
    fn what_is_drawn_is_told_too_and_nothing_is_markup() {
        let svg = bars(&[&[Some(1_000), None, Some(40)]]).to_string();
        assert!(svg.contains("A &lt;b&gt;title&lt;/b&gt;") && !svg.contains("<b>"), "{svg}");
        assert!(svg.contains("aria-labelledby=\"test-title test-desc\"") && svg.contains("<desc id=\"test-desc\">"));
        assert!(svg.contains("at most 1,000, 40 in 2026-11-03"), "{svg}");
        assert!(svg.contains("<td class=\"number\">1,000</td>") && svg.contains("<td class=\"number\"></td>"));
        assert!(!svg.contains("style"), "the policy of the pages allows none");
        let none = bars(&[&[None, None, None]]).to_string();
        assert!(none.contains("Nothing is known of this time.") && numbers(&none, "series-1", "height").is_empty());
        assert!(Bars { periods: Vec::new(), ..bars(&[]) }.to_string().contains("Nothing is known"));
    }

    #[test]
    fn scales_are_round_and_reach_what_they_show() {
        for (unit, highest, step) in [
            (Unit::Count, 0, 1),
            (Unit::Count, 4, 1),
            (Unit::Count, 9, 5),
            (Unit::Count, 70_000, 20_000),
            (Unit::Count, u64::MAX, 5_000_000_000_000_000_000),
            (Unit::Bytes, 0, 1),
            (Unit::Bytes, 1000, 256),
            (Unit::Bytes, 1024, 256),
            (Unit::Bytes, 1_000_000, 256 << 10),
            (Unit::Bytes, 5 << 40, 2 << 40),
            (Unit::Bytes, u64::MAX, 4 << 60),
        ] {
            assert_eq!(unit.step(highest), step, "{unit:?} {highest}");
        }
        let svg = bars(&[&[Some(u64::MAX), Some(1), None], &[Some(u64::MAX), None, None]]).to_string();
        assert!(numbers(&svg, "series-1", "height").iter().all(|height| *height <= PLOT_HEIGHT));
    }

    #[test]
    fn scales_of_sizes_are_told_in_round_ones() {
        for (highest, expected) in [
            (1000, &["0 B", "256 B", "512 B", "768 B", "1 KiB"][..]),
            (1_000_000, &["0 B", "256 KiB", "512 KiB", "768 KiB", "1 MiB"]),
            (5 << 30, &["0 B", "2 GiB", "4 GiB", "6 GiB"]),
        ] {
            let chart = Bars { unit: Unit::Bytes, ..bars(&[&[Some(highest), None, None]]) };
            let svg = chart.to_string();
            let marks = svg.split(" text-anchor=\"end\">").skip(1).filter_map(|rest| rest.split('<').next());
            let marks: Vec<_> = marks.filter(|mark| !mark.contains('-')).collect();
            assert_eq!(marks, expected);
        }
    }

    #[test]
    fn gauges_warn_and_end_at_the_quota() {
        for (used, quota, width, class, percent) in [
            (0, 10, 0, "series-1", 0),
            (1, 1_000_000, 1, "series-1", 0),
            (5, 10, 100, "series-1", 50),
            (9, 10, 180, "near", 90),
            (30, 10, 200, "full", 300),
            (0, 0, 0, "full", 100),
        ] {
            let gauge = QuotaGauge { used, quota };
            assert_eq!(numbers(&gauge.to_string(), class, "width"), [width], "{gauge}");
            assert_eq!(gauge.percent(), percent);
        }
    }

    #[test]
    fn the_largest_is_no_warning() {
        for (value, largest, width) in [(0, 0, 0), (1, 1_000_000, 1), (5, 10, 100), (10, 10, 200)] {
            let bar = BesideLargest { value, largest };
            assert_eq!(numbers(&bar.to_string(), "series-1", "width"), [width], "{bar}");
        }
    }
}
