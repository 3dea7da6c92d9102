//! A few bars, as an SVG picture.

use std::fmt::Write as _;

pub(super) struct Bar {
    pub(super) name: String,
    pub(super) micros: f64,
}

const WIDTH: f64 = 760.0;
const NAMES: f64 = 270.0;
const ROW: f64 = 26.0;

/// Each bar with its name and its figure.
pub(super) fn svg(title: &str, bars: &[Bar]) -> String {
    let longest = bars.iter().map(|bar| bar.micros).fold(1.0, f64::max);
    let (scale, mut rows, mut y) = ((WIDTH - NAMES - 80.0) / longest, String::new(), 2.0 * ROW);
    for Bar { name, micros } in bars {
        let (text, length) = (y + 16.0, micros * scale);
        let _ = writeln!(
            rows,
            "  <text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\n  \
             <rect x=\"{NAMES}\" y=\"{}\" width=\"{length:.1}\" height=\"18\" fill=\"#4c78a8\"/>\n  \
             <text x=\"{:.1}\" y=\"{text}\">{micros:.0}</text>",
            NAMES - 8.0,
            y + 3.0,
            NAMES + length + 6.0,
        );
        y += ROW;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n  <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n  \
         <text x=\"10\" y=\"26\" font-size=\"16\">{title}</text>\n{rows}</svg>\n",
        y + 10.0,
    )
}
