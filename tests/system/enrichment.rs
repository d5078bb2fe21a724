//! What the service adds to events and what it refuses as unwanted.

use std::{net::Ipv4Addr, path::PathBuf};

use beamline_tests::{Answer, Launch, Service, beacon, files_with, mmdb, now_ms, vital};
use rum_protocol::RejectReason;
use serde_json::{Value, json};

/// A beacon from a page at that address, without a name.
fn from_page(url: &str, events: &[Value]) -> Value {
    let mut body = beacon("x", "/", events);
    body["views"] = json!([{"id": "1", "url": url}]);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_named_by_declared_routes_and_else_without_ids() {
    let config = "[[projects]]\nid = \"shop\"\nkey = \"default\"\nroutes = [\"/product/:name\", \"/blog/*\"]\n";
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(config));
    for path in
        ["/product/blue-shoe", "/product/red-shoe?size=42", "/blog/2026/11/a", "/orders/1/items/2", "/orders/3/items/4", "/about"]
    {
        service.accept(&from_page(&format!("https://shop.example{path}"), &[vital("LCP", 1.0)])).await;
    }
    let named = beacon("x", "/as/12345/given", &[vital("LCP", 1.0)]);
    service.accept(&named).await;
    let pages = "/about\t1\n/as/12345/given\t1\n/blog/*\t1\n/orders/:id/items/:id\t2\n/product/:name\t2";
    service.until_sql("SELECT page, count() FROM events GROUP BY ALL ORDER BY ALL", pages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn client_hints_and_the_country_are_stored_and_the_address_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (data, database) = (dir.path().join("data"), dir.path().join("countries.mmdb"));
    let networks = [(Ipv4Addr::new(203, 0, 113, 0), 24, "NL"), (Ipv4Addr::new(198, 51, 100, 128), 25, "DE")];
    std::fs::write(&database, mmdb::countries(&networks)).unwrap();
    let config = format!("[enrich]\ncountry_database = {:?}\n", database.display().to_string());
    let env = [("BEAMLINE_SERVER__TRUSTED_PROXIES", "[\"127.0.0.0/8\"]"), ("BEAMLINE_LOG__FILTER", "trace")];
    let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let service = Service::start(&data, &Launch { config, env });
    for (address, brands) in [("203.0.113.77", "Google Chrome"), ("198.51.100.200", "Microsoft Edge"), ("198.51.100.3", "Opera")] {
        let body =
            beacon("x", "/", &[vital("LCP", 1.0), json!({"type": "error", "at_ms": now_ms(), "source": "api", "message": "no"})]);
        let request = service
            .post(body.to_string())
            .header("x-forwarded-for", address)
            .header(
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
            )
            .header("sec-ch-ua", format!("\"Chromium\";v=\"156\", \"{brands}\";v=\"156\""))
            .header("sec-ch-ua-mobile", "?1")
            .header("sec-ch-ua-platform", "\"Android\"");
        assert_eq!(Answer::to(request).await.status, 202);
    }
    let rows = "\tOpera\nDE\tEdge\nNL\tChrome";
    service.until_sql("SELECT country, browser FROM events ORDER BY ALL", rows).await;
    service.until_sql("SELECT country, browser FROM errors ORDER BY ALL", rows).await;
    let others = service.sql().text("SELECT DISTINCT browser_major, device, os FROM events").await;
    assert_eq!(others, "156\tmobile\tAndroid");
    let log = service.stop().await;
    assert!(log.contains("beacon"), "the log has lines about beacons");
    for address in ["203.0.113.77", "198.51.100.200", "198.51.100.3"] {
        assert!(!log.contains(address), "{log}");
        assert_eq!(files_with(&data, address.as_bytes()), Vec::<PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_ignores_is_refused_with_its_reason() {
    let config = "[[projects]]\nid = \"shop\"\nkey = \"default\"\nignore = { headless = true, browser_extensions = true, localhost = true, \
                  releases = [\"*-dev\"], url_patterns = [\"/admin/*\", \"https://beta.*\"] }\n";
    let dir = tempfile::tempdir().unwrap();
    let service = Service::start(&dir.path().join("data"), &Launch::with(config));
    let error = |file: &str, stack: &str| {
        let error =
            json!({"type": "error", "at_ms": now_ms(), "source": "uncaught", "message": "no", "file": file, "stack": stack});
        beacon("x", "/", &[error])
    };
    let lcp = || [vital("LCP", 1.0)];
    let mut dev = beacon("x", "/", &lcp());
    dev["release"] = json!("2.0-dev");
    let request =
        json!({"type": "request", "at_ms": now_ms(), "initiator": "script", "url": "moz-extension://abc/a.js", "duration_ms": 1});
    let own = "Error\n    at f (https://shop.example/a.js:1:1)";
    let cases = [
        (from_page("https://shop.example/", &lcp()), "Firefox/153.0", None),
        (beacon("x", "/", &lcp()), "Mozilla/5.0 (compatible; Googlebot/2.1)", Some(RejectReason::IgnoredBot)),
        (beacon("x", "/", &lcp()), "HeadlessChrome/156.0.0.0", Some(RejectReason::IgnoredBot)),
        (dev, "", Some(RejectReason::IgnoredRelease)),
        (error("chrome-extension://abc/a.js", ""), "", Some(RejectReason::IgnoredExtension)),
        (error("", "Error\n    at f (moz-extension://abc/a.js:1:1)"), "", Some(RejectReason::IgnoredExtension)),
        (beacon("x", "/", &[request]), "", Some(RejectReason::IgnoredExtension)),
        (error("https://shop.example/a.js", own), "", None),
        (from_page("http://localhost:3000/", &lcp()), "", Some(RejectReason::IgnoredLocalhost)),
        (from_page("https://shop.example/admin/users", &lcp()), "", Some(RejectReason::IgnoredUrl)),
        (from_page("https://beta.shop.example/", &lcp()), "", Some(RejectReason::IgnoredUrl)),
    ];
    for (body, user_agent, reason) in cases {
        let answer = Answer::to(service.post(body.to_string()).header("user-agent", user_agent)).await;
        match reason {
            None => assert_eq!(answer.status, 202, "{body}"),
            Some(reason) => {
                assert_eq!((answer.status, &answer.json()["type"]), (reason.status(), &json!(reason.problem_type())), "{body}");
            }
        }
    }
    // Of a mixed beacon the rest is kept.
    let mut mixed = from_page("https://shop.example/", &[vital("LCP", 1.0), vital("LCP", 2.0)]);
    mixed["views"] = json!([{"id": "1", "url": "https://shop.example/"}, {"id": "2", "url": "http://127.0.0.1/"}]);
    mixed["events"][1]["view"] = json!(1);
    let answer = Answer::to(service.post(mixed.to_string())).await;
    assert_eq!((answer.status, &answer.json()["rejected"][0]["reason"]), (202, &json!("ignored_localhost")));
    service.until_sql("SELECT count() FROM events", "2").await;
    let ledger = "SELECT reason, scope, sum(count) FROM ingest_outcomes WHERE outcome = 'rejected' GROUP BY ALL ORDER BY ALL";
    let expected = "ignored_bot\trequest\t2\nignored_extension\trequest\t3\nignored_localhost\trequest\t1\nignored_localhost\tevent\t1\n\
                    ignored_release\trequest\t1\nignored_url\trequest\t2";
    service.until_sql(ledger, expected).await;
}
