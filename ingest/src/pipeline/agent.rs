//! Device class, browser and operating system as names of a closed set: from client hints where a browser sends them, else from the
//! user agent.

use super::{ClientHints, Sender};
use crate::accepted::Agent;

/// Brand in `Sec-CH-UA` → browser, in order of precedence: a browser names what it is made from too.
const BRANDS: [(&str, &str); 6] = [
    ("Microsoft Edge", "Edge"),
    ("Opera", "Opera"),
    ("Samsung Internet", "Samsung Internet"),
    ("Google Chrome", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Chromium", "Chrome"),
];

/// Name in `Sec-CH-UA-Platform` → operating system.
const PLATFORMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iOS", "iOS"),
    ("Chrome OS", "ChromeOS"),
    ("Chromium OS", "ChromeOS"),
    ("macOS", "macOS"),
    ("Linux", "Linux"),
];

/// Texts in the user agents of well-known crawlers, monitors and link previews, in lower case.
const CRAWLERS: [&str; 40] = [
    "googlebot",
    "google-inspectiontool",
    "storebot-google",
    "adsbot-google",
    "mediapartners-google",
    "apis-google",
    "googleother",
    "google-extended",
    "bingbot",
    "bingpreview",
    "adidxbot",
    "slurp",
    "duckduckbot",
    "baiduspider",
    "yandexbot",
    "yandex.com/bots",
    "sogou",
    "exabot",
    "facebookexternalhit",
    "facebot",
    "meta-externalagent",
    "twitterbot",
    "linkedinbot",
    "pinterestbot",
    "slackbot",
    "telegrambot",
    "whatsapp/",
    "discordbot",
    "applebot",
    "amazonbot",
    "gptbot",
    "chatgpt-user",
    "claudebot",
    "perplexitybot",
    "ccbot",
    "bytespider",
    "ahrefsbot",
    "semrushbot",
    "mj12bot",
    "petalbot",
];

/// Texts in the user agents of browsers without a window, in lower case.
const HEADLESS: [&str; 4] = ["headlesschrome", "phantomjs", "slimerjs", "htmlunit"];

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

/// What a sender runs on. A user agent that the beacon itself names is another than the request's, so hints say nothing about it.
pub(super) fn classify(named: Option<&str>, sender: &Sender<'_>) -> Agent {
    let Some(named) = named else {
        return hinted(sender.hints, of_user_agent(sender.user_agent.unwrap_or_default()));
    };
    of_user_agent(named)
}

/// Whether a well-known crawler, monitor or link preview sent this.
pub(super) fn is_crawler(user_agent: &str) -> bool {
    let user_agent = user_agent.to_ascii_lowercase();
    CRAWLERS.iter().any(|text| user_agent.contains(text))
}

/// Whether a browser without a window sent this.
pub(super) fn is_headless(user_agent: &str, hints: ClientHints<'_>) -> bool {
    let user_agent = user_agent.to_ascii_lowercase();
    HEADLESS.iter().any(|text| user_agent.contains(text)) || hints.brands.is_some_and(|brands| brands.contains("HeadlessChrome"))
}

/// What the hints say, and for the rest what the user agent said.
fn hinted(hints: ClientHints<'_>, otherwise: Agent) -> Agent {
    let brand = hints.brands.and_then(|brands| BRANDS.iter().find_map(|(brand, name)| Some((*name, version_of(brands, brand)?))));
    let unquoted = hints.platform.map(|platform| platform.trim().trim_matches('"'));
    let os = unquoted.and_then(|platform| PLATFORMS.iter().find(|(name, _)| *name == platform)).map(|(_, os)| *os);
    let device = match (hints.mobile.map(str::trim), os) {
        (Some("?1"), _) => Some("mobile"),
        (Some("?0"), Some("Android")) => Some("tablet"),
        (Some("?0"), Some("Windows" | "macOS" | "Linux" | "ChromeOS")) => Some("desktop"),
        _ => None,
    };
    Agent {
        device: device.map_or(otherwise.device, str::to_owned),
        browser: brand.map_or(otherwise.browser, |(name, _)| name.to_owned()),
        browser_major: brand.map_or(otherwise.browser_major, |(_, major)| major),
        os: os.map_or(otherwise.os, str::to_owned),
    }
}

/// The major version in `"brand";v="156"`, a member of a structured list.
fn version_of(brands: &str, brand: &str) -> Option<u16> {
    let (_, rest) = brands.split_once(&format!("\"{brand}\""))?;
    let version = rest.trim_start().strip_prefix(';')?.trim_start().strip_prefix("v=\"")?;
    Some(major(version))
}

fn of_user_agent(user_agent: &str) -> Agent {
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
            assert_eq!(of_user_agent(text), expected, "{text}");
        }
    }

    #[test]
    fn client_hints_go_before_the_user_agent() {
        let frozen = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
        let chrome = "\"Chromium\";v=\"156\", \"Google Chrome\";v=\"156\", \"Not?A_Brand\";v=\"24\"";
        let edge = "\"Not(A:Brand\" ; v=\"8\", \"Chromium\"; v=\"155\", \"Microsoft Edge\"; v=\"156\"";
        for (brands, mobile, platform, expected) in [
            (Some(chrome), Some("?1"), Some("\"Android\""), ("mobile", "Chrome", 156, "Android")),
            (Some(chrome), Some("?0"), Some("\"Android\""), ("tablet", "Chrome", 156, "Android")),
            (Some(edge), Some("?0"), Some("\"Windows\""), ("desktop", "Edge", 156, "Windows")),
            (Some(edge), None, None, ("desktop", "Edge", 156, "Linux")),
            (None, None, Some("\"Chrome OS\""), ("desktop", "Chrome", 150, "ChromeOS")),
            (Some("\"Someone\";v=\"9\""), Some("?2"), Some("\"Amiga\""), ("desktop", "Chrome", 150, "Linux")),
            (Some("\"Chromium\""), Some(""), Some("\""), ("desktop", "Chrome", 150, "Linux")),
        ] {
            let sender = Sender { user_agent: Some(frozen), hints: ClientHints { brands, mobile, platform }, address: None };
            let (device, browser, browser_major, os) = expected;
            let expected = Agent { device: device.into(), browser: browser.into(), browser_major, os: os.into() };
            assert_eq!(classify(None, &sender), expected, "{brands:?}");
            assert_eq!(classify(Some(""), &sender).browser, UNKNOWN, "another user agent than the request's");
        }
    }

    #[test]
    fn crawlers_and_headless_browsers_are_known() {
        for text in [
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/156.0.0.0 Safari/537.36",
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "facebookexternalhit/1.1",
        ] {
            assert!(is_crawler(text), "{text}");
        }
        let headless =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36";
        assert!(!is_crawler(headless) && is_headless(headless, ClientHints::default()));
        let hints = ClientHints { brands: Some("\"HeadlessChrome\";v=\"156\""), ..ClientHints::default() };
        assert!(is_headless("", hints));
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
        assert!(!is_crawler(firefox) && !is_headless(firefox, ClientHints::default()));
        assert!(CRAWLERS.iter().chain(&HEADLESS).all(|text| *text == text.to_ascii_lowercase()));
    }
}
