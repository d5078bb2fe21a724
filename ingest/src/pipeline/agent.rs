//! Device class, browser and operating system from a user agent, as names of a closed set.

use crate::accepted::Agent;

/// Token in the user agent → browser. Order matters: browsers name those they descend from.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];

/// Token → operating system, in order of precedence.
const SYSTEMS: [(&str, &str); 8] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
    ("X11", "Linux"),
];

const UNKNOWN: &str = "unknown";

pub(super) fn classify(user_agent: &str) -> Agent {
    let browser = BROWSERS
        .iter()
        .find_map(|(token, name)| Some((*name, user_agent.split_once(token)?.1)))
        // Only Safari carries a bare Version/.
        .filter(|(name, _)| *name != "Safari" || user_agent.contains("Safari/"));
    let os = SYSTEMS.iter().find(|(token, _)| user_agent.contains(token)).map_or(UNKNOWN, |(_, name)| name);
    Agent {
        device: device(user_agent, os).into(),
        browser: browser.map_or(UNKNOWN, |(name, _)| name).into(),
        browser_major: browser.map_or(0, |(_, version)| major(version)),
        os: os.into(),
    }
}

fn device(user_agent: &str, os: &str) -> &'static str {
    match os {
        "iOS" if user_agent.contains("iPad") => "tablet",
        "Android" if !user_agent.contains("Mobile") => "tablet",
        "iOS" | "Android" => "mobile",
        UNKNOWN => UNKNOWN,
        _ => "desktop",
    }
}

fn major(version: &str) -> u16 {
    version.split(|char: char| !char.is_ascii_digit()).next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_are_told_apart() {
        let cases = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
                ("desktop", "Chrome", 156, "Windows"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
                ("desktop", "Edge", 156, "Windows"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 26_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.2 Mobile/15E148 Safari/604.1",
                ("mobile", "Safari", 26, "iOS"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
                ("mobile", "Chrome", 156, "Android"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
                ("tablet", "Chrome", 156, "Android"),
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0", ("desktop", "Firefox", 153, "Linux")),
            ("curl/8.5.0", ("unknown", "unknown", 0, "unknown")),
            ("", ("unknown", "unknown", 0, "unknown")),
        ];
        for (text, (device, browser, browser_major, os)) in cases {
            let expected = Agent { device: device.into(), browser: browser.into(), browser_major, os: os.into() };
            assert_eq!(classify(text), expected, "{text}");
        }
    }
}
