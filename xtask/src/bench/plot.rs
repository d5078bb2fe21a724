//! Pictures of tables: bars and lines, as SVG that is readable on a phone, in the light and in the dark.
//!
//! A picture is 420 units wide, about a phone's screen, and has no fixed colours: it brings a set for light and one for dark.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::report::{heading, is_ours, shown};
use super::result::{Cell, Plot, Table};

const WIDTH: f64 = 420.0;
/// How wide the picture is shown where there is room.
const SHOWN_WIDTH: u32 = 630;
const MARGIN: f64 = 14.0;
/// Height of a line of text.
const LINE: f64 = 19.0;

const STYLE: &str = "
:root{--paper:#fff;--ink:#1f2328;--soft:#59636e;--grid:#d8dee4;--rest:#8c98a4;
--c0:#0b62c4;--c1:#c2410c;--c2:#087f5b;--c3:#9c36b5;--c4:#a16207;--c5:#0e7490;--c6:#be123c;--c7:#4b5563}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#f0f6fc;--soft:#9aa4af;--grid:#30363d;--rest:#6e7a87;
--c0:#58a6ff;--c1:#ff9b5e;--c2:#3ddc97;--c3:#da8ff0;--c4:#e3b341;--c5:#56d4dd;--c6:#ff7b8a;--c7:#b1bac4}}
text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;fill:var(--ink)}
.soft{fill:var(--soft)}.end{text-anchor:end}.middle{text-anchor:middle}.ours{font-weight:600}
.grid{stroke:var(--grid);fill:none}.line{fill:none;stroke-width:2}
";

/// Colours of lines.
const COLOURS: usize = 8;

/// The picture of `table`; none when it asks for none.
pub(super) fn svg(table: &Table) -> Option<String> {
    let (body, height) = match table.plot.as_ref()? {
        Plot::Bars { label, value } => bars(table, *label, *value),
        Plot::Lines { series, x, y, log_x, log_y } => lines(table, *series, [Axis::of(*x, *log_x), Axis::of(*y, *log_y)]),
    };
    let title = escaped(&table.title);
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{SHOWN_WIDTH}\" role=\"img\" \
         aria-label=\"{title}\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"var(--paper)\"/>\n{body}</svg>\n"
    ))
}

/// One row of text above each bar, so that a name may be long and the bar has the whole width.
fn bars(table: &Table, label: usize, value: usize) -> (String, f64) {
    const BAR: f64 = 9.0;
    const STEP: f64 = LINE + BAR + 10.0;
    let rows: Vec<_> = table.rows.iter().filter_map(|row| Some((row, row[value].as_ref()?.number()?))).collect();
    let largest = rows.iter().map(|(_, number)| *number).fold(f64::MIN_POSITIVE, f64::max);
    let mut body = String::new();
    let mut top = MARGIN + LINE + 3.0;
    let _ = writeln!(
        body,
        "<text class=\"soft\" x=\"{MARGIN}\" y=\"{}\">{}</text>",
        MARGIN + 11.0,
        escaped(&heading(&table.columns[value]))
    );
    for (row, number) in rows {
        let name = shown(row[label].as_ref(), &table.columns[label]);
        let (class, fill) = if is_ours(&name) { ("ours", "--c0") } else { ("", "--rest") };
        let length = (number.max(0.0) / largest * (WIDTH - 2.0 * MARGIN)).max(1.0);
        let _ = writeln!(
            body,
            "<text class=\"{class}\" x=\"{MARGIN}\" y=\"{text}\">{}</text><text class=\"end {class}\" x=\"{end}\" y=\"{text}\">{}</text>\
             <rect x=\"{MARGIN}\" y=\"{bar}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\" fill=\"var({fill})\"/>",
            escaped(&name),
            shown(row[value].as_ref(), &table.columns[value]),
            text = top + LINE - 5.0,
            bar = top + LINE,
            end = WIDTH - MARGIN,
        );
        top += STEP;
    }
    (body, top + MARGIN - 6.0)
}

struct Axis {
    column: usize,
    is_logarithmic: bool,
    low: f64,
    high: f64,
}

impl Axis {
    const fn of(column: usize, is_logarithmic: bool) -> Self {
        Self { column, is_logarithmic, low: 0.0, high: 1.0 }
    }

    fn value(&self, row: &[Option<Cell>]) -> Option<f64> {
        let number = row[self.column].as_ref()?.number()?;
        // A logarithmic axis has no place for zero.
        (!self.is_logarithmic || number > 0.0).then_some(number)
    }

    /// Stretches the axis over the values: from zero, or from the first to the last.
    fn stretch(&mut self, values: impl Iterator<Item = f64> + Clone) {
        let high = values.clone().fold(f64::MIN, f64::max);
        let low = values.fold(f64::MAX, f64::min);
        if high < low {
            return;
        }
        self.low = if self.is_logarithmic { low } else { low.min(0.0) };
        self.high = if high > self.low { high } else { self.low + 1.0 };
        if let (true, Some(first), Some(last)) = (self.is_logarithmic, self.ticks().first(), self.ticks().last()) {
            (self.low, self.high) = (self.low.min(*first), self.high.max(*last));
        }
    }

    /// Where on the axis `value` is, from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        if self.is_logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// Round values over the whole axis.
    fn ticks(&self) -> Vec<f64> {
        if self.is_logarithmic {
            let all = upward(self.low.log10().floor(), self.high.log10().ceil())
                .flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powf(decade)));
            let few = self.high / self.low < 100.0;
            let shown = all.filter(|tick| few || (tick.log10() - tick.log10().round()).abs() < 1e-9);
            return shown.filter(|tick| (self.low * 0.999..=self.high * 1.001).contains(tick)).collect();
        }
        let rough = (self.high - self.low) / 4.0;
        let decade = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * decade).into_iter().find(|step| *step >= rough).unwrap_or(rough);
        upward((self.low / step).ceil(), (self.high / step + 1e-9).floor()).map(|count| count * step).collect()
    }
}

/// The whole numbers from `first` to `last`.
fn upward(first: f64, last: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(first), |number| Some(number + 1.0)).take_while(move |number| *number <= last)
}

fn lines(table: &Table, series: usize, [mut x, mut y]: [Axis; 2]) -> (String, f64) {
    const LEFT: f64 = 54.0;
    const TOP: f64 = MARGIN + LINE + 6.0;
    const PLOT_HEIGHT: f64 = 220.0;
    let mut named: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    let mut places = BTreeMap::new();
    for row in &table.rows {
        let (Some(at), Some(height)) = (x.value(row), y.value(row)) else { continue };
        let name = shown(row[series].as_ref(), &table.columns[series]);
        let place = *places.entry(name.clone()).or_insert(named.len());
        if place == named.len() {
            named.push((name, Vec::new()));
        }
        named[place].1.push((at, height));
    }
    let points = || named.iter().flat_map(|(_, points)| points.iter().copied());
    x.stretch(points().map(|(x, _)| x));
    y.stretch(points().map(|(_, y)| y));
    let across = |value: f64| LEFT + x.share(value) * (WIDTH - LEFT - MARGIN - 8.0);
    let down = |value: f64| TOP + (1.0 - y.share(value)) * PLOT_HEIGHT;

    let mut body = String::new();
    let bottom = TOP + PLOT_HEIGHT;
    let _ = writeln!(
        body,
        "<text class=\"soft\" x=\"{MARGIN}\" y=\"{}\">{}</text>",
        MARGIN + 12.0,
        escaped(&heading(&table.columns[y.column]))
    );
    for tick in y.ticks() {
        let at = down(tick);
        let _ = writeln!(
            body,
            "<path class=\"grid\" d=\"M{LEFT} {at:.1}H{}\"/><text class=\"soft end\" x=\"{}\" y=\"{:.1}\">{}</text>",
            WIDTH - MARGIN,
            LEFT - 7.0,
            at + 4.5,
            short(tick)
        );
    }
    for tick in x.ticks() {
        let at = across(tick);
        let _ = writeln!(
            body,
            "<path class=\"grid\" d=\"M{at:.1} {bottom}v5\"/><text class=\"soft middle\" x=\"{at:.1}\" y=\"{}\">{}</text>",
            bottom + LINE,
            short(tick)
        );
    }
    let _ = writeln!(
        body,
        "<text class=\"soft end\" x=\"{}\" y=\"{}\">{}</text>",
        WIDTH - MARGIN,
        bottom + 2.0 * LINE,
        escaped(&heading(&table.columns[x.column]))
    );
    let mut legend = bottom + 2.0 * LINE + 10.0;
    for (index, (name, points)) in named.iter().enumerate() {
        let colour = format!("var(--c{})", index % COLOURS);
        let path: Vec<_> = points.iter().map(|(x, y)| format!("{:.1} {:.1}", across(*x), down(*y))).collect();
        let _ = writeln!(body, "<path class=\"line\" stroke=\"{colour}\" d=\"M{}\"/>", path.join("L"));
        for (x, y) in points {
            body.push_str(&mark(index, across(*x), down(*y), &colour));
        }
        legend += LINE;
        let class = if is_ours(name) { "ours" } else { "" };
        body.push_str(&mark(index, MARGIN + 6.0, legend - 4.5, &colour));
        let _ = writeln!(body, "\n<text class=\"{class}\" x=\"{}\" y=\"{legend}\">{}</text>", MARGIN + 18.0, escaped(name));
    }
    (body, legend + MARGIN)
}

/// A mark whose form tells the line apart also without colours.
fn mark(index: usize, x: f64, y: f64, colour: &str) -> String {
    let form = match index % 4 {
        0 => "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
        1 => "m-3.5 -3.5h7v7h-7z",
        2 => "m0 -4.5l4.5 8h-9z",
        _ => "m0 -5l5 5l-5 5l-5 -5z",
    };
    format!("<path fill=\"{colour}\" d=\"M{x:.1} {y:.1}{form}\"/>")
}

/// A tick's label: `100k`, `2.5M`, `0.05`.
fn short(value: f64) -> String {
    let (scaled, suffix) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.3}");
    format!("{}{suffix}", text.trim_end_matches('0').trim_end_matches('.'))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(rows: &str, plot: &str) -> String {
        let columns = r#"[{"name": "a"}, {"name": "x"}, {"name": "y", "unit": "ms"}]"#;
        let table = format!(r#"{{"id": "t", "title": "A <b>", "note": "", "columns": {columns}, "rows": {rows}, "plot": {plot}}}"#);
        svg(&serde_json::from_str(&table).unwrap()).unwrap_or_default()
    }

    #[test]
    fn the_longest_bar_has_the_whole_width_and_a_missing_value_none() {
        let svg = picture(
            r#"[["Beamline", 10, 1], ["other", 20, 1], ["third", null, 1]]"#,
            r#"{"kind": "bars", "label": 0, "value": 1}"#,
        );
        let widths: Vec<_> = svg.split("width=\"").skip(3).map(|rest| rest.split('"').next().unwrap()).collect();
        assert_eq!(widths, ["196.0", "392.0"]);
        assert!(svg.contains("A &lt;b>") && !svg.contains("third"), "{svg}");
    }

    #[test]
    fn a_table_without_plot_has_no_picture() {
        assert_eq!(picture("[]", "null"), "");
    }

    #[test]
    fn rows_of_one_name_are_one_line() {
        let svg = picture(
            r#"[["p", 1, 5], ["q", 1, 6], ["p", 100, 7], ["q", 0, 1]]"#,
            r#"{"kind": "lines", "series": 0, "x": 1, "y": 2, "log_x": true}"#,
        );
        assert_eq!(svg.matches("class=\"line\"").count(), 2);
        assert_eq!(svg.split("class=\"line\"").nth(1).unwrap().split('z').next().unwrap().matches('L').count(), 1, "{svg}");
    }

    #[test]
    fn ticks_are_round() {
        let check = |is_logarithmic, values: &[f64], expected: &[f64]| {
            let mut axis = Axis::of(0, is_logarithmic);
            axis.stretch(values.iter().copied());
            assert_eq!(axis.ticks(), expected);
        };
        check(false, &[3.0, 87.0], &[0.0, 50.0]);
        check(false, &[10.0, 100.0], &[0.0, 50.0, 100.0]);
        check(true, &[1e6, 1e8], &[1e6, 1e7, 1e8]);
        check(true, &[20.0, 90.0], &[20.0, 50.0]);
        check(false, &[0.0, 0.0], &[0.0, 0.5, 1.0]);
    }

    #[test]
    fn labels_of_ticks_are_short() {
        assert_eq!([0.05, 100.0, 25_000.0, 2.5e6, 1e8].map(short), ["0.05", "100", "25k", "2.5M", "100M"]);
    }
}
