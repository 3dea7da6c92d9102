//! Groups of bars, as an SVG picture. A client has one colour in all groups.

use std::fmt::Write as _;

pub(super) struct Group {
    pub(super) name: String,
    pub(super) bars: Vec<Bar>,
}

pub(super) struct Bar {
    pub(super) name: &'static str,
    pub(super) micros: f64,
}

/// That of the README's text on a wide screen: the letters are then as large as the text's.
const WIDTH: f64 = 720.0;
const NAMES: f64 = 200.0;
const ROW: f64 = 26.0;
/// The colour of the first, the second and the third client: on white, and on black.
const COLOURS: [(&str, &str); 3] = [("#0969da", "#58a6ff"), ("#6e7781", "#8b949e"), ("#bc4c00", "#e3883e")];

/// Each group with its name, and each bar with its client and its figure.
pub(super) fn svg(title: &str, groups: &[Group]) -> String {
    let all = || groups.iter().flat_map(|group| &group.bars);
    let longest = all().map(|bar| bar.micros).fold(1.0, f64::max);
    let (scale, mut rows, mut told, mut y) = ((WIDTH - NAMES - 70.0) / longest, String::new(), String::new(), 44.0);
    for Group { name, bars } in groups {
        let _ = writeln!(rows, "  <text class=\"head\" x=\"12\" y=\"{}\">{name}</text>", y + 22.0);
        let figures: Vec<_> = bars.iter().map(|Bar { name, micros }| format!("{name} {micros:.0}")).collect();
        let _ = write!(told, "{name}: {}. ", figures.join(", "));
        y += 30.0;
        for (client, Bar { name, micros }) in bars.iter().enumerate() {
            let (text, length) = (y + 18.0, micros * scale);
            let _ = writeln!(
                rows,
                "  <text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{name}</text>\n  \
                 <rect class=\"client{client}\" x=\"{NAMES}\" y=\"{}\" width=\"{length:.1}\" height=\"18\" rx=\"2\"/>\n  \
                 <text x=\"{:.1}\" y=\"{text}\">{micros:.0}</text>",
                NAMES - 10.0,
                y + 4.0,
                NAMES + length + 8.0,
            );
            y += ROW;
        }
        y += 10.0;
    }
    let colours = |choose: fn((&'static str, &'static str)) -> &'static str| {
        let rules =
            COLOURS.iter().enumerate().map(|(client, both)| format!(".client{client}{{fill:{}}}", choose(*both)));
        rules.collect::<String>()
    };
    let (light, dark) = (colours(|(light, _)| light), colours(|(_, dark)| dark));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{y}\" viewBox=\"0 0 {WIDTH} {y}\" \
         role=\"img\" aria-labelledby=\"title description\" font-family=\"system-ui, sans-serif\" font-size=\"16\">\n  \
         <title id=\"title\">{title}</title>\n  <desc id=\"description\">{}</desc>\n  \
         <style>.paper{{fill:#fff}}text{{fill:#1f2328}}.head{{font-weight:600}}{light}\
         @media(prefers-color-scheme:dark){{.paper{{fill:#0d1117}}text{{fill:#e6edf3}}{dark}}}</style>\n  \
         <rect class=\"paper\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n  \
         <text class=\"head\" x=\"12\" y=\"30\" font-size=\"18\">{title}</text>\n{rows}</svg>\n",
        told.trim_end(),
    )
}
