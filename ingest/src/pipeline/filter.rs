//! Refuses what the operator does not want to keep: crawlers, other people's extensions, development machines, releases, addresses.

use rum_protocol::{Beacon, Event, RejectReason, View};

use super::{Sender, agent, plain_address, reject, validate::Validated};
use crate::{
    accepted::{RejectedEvent, Rejection},
    config::Ignore,
};

/// Like [`Validated`], without what is ignored.
#[derive(Debug)]
pub(super) struct Wanted(pub(super) super::decode::Decoded);

/// Schemes of scripts that a browser extension brought along.
const EXTENSIONS: [&str; 6] = [
    "chrome-extension://",
    "moz-extension://",
    "safari-extension://",
    "safari-web-extension://",
    "ms-browser-extension://",
    "webkit-masked-url://",
];

pub(super) fn filter(validated: Validated, ignore: &Ignore, sender: &Sender<'_>) -> Result<Wanted, Rejection> {
    let mut decoded = validated.0;
    let user_agent = decoded.user_agent.as_deref().or(sender.user_agent).unwrap_or_default();
    if (ignore.bots && agent::is_crawler(user_agent)) || (ignore.headless && agent::is_headless(user_agent, sender.hints)) {
        return reject(RejectReason::IgnoredBot, "");
    }
    let release = decoded.envelope.release.as_deref().unwrap_or_default();
    if ignore.releases.iter().any(|pattern| matches(pattern, release)) {
        return reject(RejectReason::IgnoredRelease, "");
    }
    let unwanted_views: Vec<_> = decoded.envelope.views.iter().map(|view| unwanted_view(view, ignore)).collect();
    let (envelope, mut rejected) = (&decoded.envelope, decoded.rejected);
    decoded.events.retain(|(index, event)| match unwanted(event, envelope, &unwanted_views, ignore) {
        None => true,
        Some(reason) => {
            rejected.push(RejectedEvent { index: *index, rejection: Rejection::new(reason, "") });
            false
        }
    });
    rejected.sort_by_key(|rejected| rejected.index);
    decoded.rejected = rejected;
    Ok(Wanted(decoded))
}

fn unwanted(event: &Event, beacon: &Beacon, views: &[Option<RejectReason>], ignore: &Ignore) -> Option<RejectReason> {
    let by_view = beacon.views.get(event.view() as usize).and(views.get(event.view() as usize).copied().flatten());
    by_view.or_else(|| match event {
        Event::Error(error) if ignore.browser_extensions => {
            let origin = error.file.as_deref().filter(|file| !file.is_empty()).or(error.stack.as_deref()).unwrap_or_default();
            is_of_extension(origin).then_some(RejectReason::IgnoredExtension)
        }
        Event::Request(request) if ignore.browser_extensions => {
            is_of_extension(&request.url).then_some(RejectReason::IgnoredExtension)
        }
        _ => None,
    })
}

/// Whether the first address in a text is an extension's.
fn is_of_extension(text: &str) -> bool {
    let Some(scheme) = text.find("://") else { return false };
    EXTENSIONS.iter().any(|extension| text[..scheme + 3].ends_with(extension))
}

fn unwanted_view(view: &View, ignore: &Ignore) -> Option<RejectReason> {
    let url = plain_address(&view.url);
    if ignore.localhost && is_localhost(url) {
        return Some(RejectReason::IgnoredLocalhost);
    }
    let path = url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("/", |slash| &rest[slash..]));
    let is_unwanted = |pattern: &String| matches(pattern, if pattern.contains("://") { url } else { path });
    (!url.is_empty() && ignore.url_patterns.iter().any(is_unwanted)).then_some(RejectReason::IgnoredUrl)
}

fn is_localhost(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let name = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback() || address.is_unspecified());
    is_loopback || name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost")
}

/// Whether a pattern, in which `*` stands for any text, fits the whole text.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    // The last star, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match (pattern.get(at), star) {
            (Some(b'*'), _) => {
                star = Some((at, read));
                at += 1;
            }
            (Some(byte), _) if *byte == text[read] => (at, read) = (at + 1, read + 1),
            (_, Some((last, taken))) => {
                star = Some((last, taken + 1));
                (at, read) = (last + 1, taken + 1);
            }
            (_, None) => return false,
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fits) in [
            ("/admin/*", "/admin/users", true),
            ("/admin/*", "/admin", false),
            ("*-dev*", "1.2-dev.3", true),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-c-", false),
            ("1.0", "1.0.1", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
        let (pattern, text) = ("*a".repeat(128), "a".repeat(100).repeat(20) + "b");
        assert!(!matches(&pattern, &text));
    }

    #[test]
    fn development_machines_are_told_by_their_host() {
        for url in [
            "http://localhost:3000/a",
            "http://LOCALHOST",
            "https://app.localhost/",
            "http://127.0.0.1:8080/",
            "http://[::1]:8/",
            "http://u@0.0.0.0/",
        ] {
            assert!(is_localhost(url), "{url}");
        }
        for url in ["https://shop.example/localhost", "https://localhost.example/", "http://10.0.0.1/", "", "/local", "http://[::1"]
        {
            assert!(!is_localhost(url), "{url}");
        }
    }

    #[test]
    fn an_extension_is_told_by_the_first_address() {
        assert!(is_of_extension("chrome-extension://abc/content.js"));
        assert!(is_of_extension("Error: x\n    at f (moz-extension://abc/a.js:1:2)\n    at https://shop.example/b.js:1:1"));
        assert!(!is_of_extension("Error: x\n    at https://shop.example/b.js:1:1\n    at f (moz-extension://abc/a.js:1:2)"));
        assert!(!is_of_extension(""));
    }
}
