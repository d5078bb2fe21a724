//! The page views of one document: the one it was loaded with, and those of the routes that follow.

use rum_protocol::limits::{MAX_NAME_BYTES, MAX_URL_BYTES};
use rum_protocol::{Id, View};

use crate::privacy::strip_query;
use crate::text::cut;

/// The page views that events may still belong to.
#[derive(Clone, Debug)]
pub struct Views {
    landing: Shown,
    later: Option<Shown>,
    /// The one before it: some vitals of a soft navigation come when it has ended.
    previous: Option<Shown>,
}

#[derive(Clone, Debug)]
struct Shown {
    view: View,
    /// With query and fragment: only for comparison, never sent.
    href: String,
}

impl Views {
    /// The view the document was loaded with.
    #[must_use]
    pub fn new(id: Id, started_at_ms: u64, href: String, referrer: &str) -> Self {
        Self { landing: Shown::new(id, started_at_ms, href, referrer), later: None, previous: None }
    }

    /// The view the document was loaded with. Its load's vitals belong to it, whatever is shown by now.
    #[must_use]
    pub const fn landing(&self) -> &View {
        &self.landing.view
    }

    /// The view that is shown.
    #[must_use]
    pub fn current(&self) -> &View {
        &self.shown().view
    }

    /// The view that a later visit of the document belongs to: the first one shown since the visit began at that time of the wall
    /// clock, else the one that is shown.
    #[must_use]
    pub fn of_visit(&self, began_at_ms: u64) -> &View {
        match &self.previous {
            Some(Shown { view, .. }) if view.started_at_ms >= Some(began_at_ms) => view,
            _ => self.current(),
        }
    }

    /// Whether `href` is another page than the one that is shown: another origin or path.
    #[must_use]
    pub fn is_elsewhere(&self, href: &str) -> bool {
        strip_query(&self.shown().href) != strip_query(href)
    }

    /// Whether `trackPageView` at `href` names the view that is shown: it has no name yet, and the address is still the same.
    #[must_use]
    pub fn awaits_name(&self, href: &str) -> bool {
        self.shown().view.page.is_none() && self.shown().href == href
    }

    /// Names the view that is shown.
    pub fn name(&mut self, name: &str) {
        self.later.as_mut().unwrap_or(&mut self.landing).view.page = Some(String::from(cut(name, MAX_NAME_BYTES)));
    }

    /// Another view is shown. The address before is where the user came from.
    pub fn show(&mut self, id: Id, started_at_ms: u64, href: String) {
        let shown = Shown::new(id, started_at_ms, href, &self.shown().href);
        self.previous = self.later.replace(shown);
    }

    fn shown(&self) -> &Shown {
        self.later.as_ref().unwrap_or(&self.landing)
    }
}

impl Shown {
    fn new(id: Id, started_at_ms: u64, href: String, referrer: &str) -> Self {
        let view = View {
            id,
            started_at_ms: Some(started_at_ms),
            url: clean(&href),
            page: None,
            referrer: (!referrer.is_empty()).then(|| clean(referrer)),
        };
        Self { view, href }
    }
}

fn clean(address: &str) -> String {
    String::from(cut(strip_query(address), MAX_URL_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn views() -> Views {
        Views::new(Id(1), 1000, "https://shop.example/a?token=1#top".into(), "https://search.example/?q=secret")
    }

    #[test]
    fn addresses_are_kept_without_query_and_fragment() {
        assert_eq!(views().landing().url, "https://shop.example/a");
        assert_eq!(views().landing().referrer.as_deref(), Some("https://search.example/"));
        assert_eq!(Views::new(Id(1), 0, "https://x.example/".into(), "").landing().referrer, None);
    }

    #[test]
    fn only_another_path_is_another_page() {
        assert!(!views().is_elsewhere("https://shop.example/a?page=2"));
        assert!(!views().is_elsewhere("https://shop.example/a#other"));
        assert!(views().is_elsewhere("https://shop.example/b"));
    }

    #[test]
    fn a_view_takes_one_name_while_its_address_is_the_same() {
        let mut views = views();
        assert!(!views.awaits_name("https://shop.example/a?page=2"));
        assert!(views.awaits_name("https://shop.example/a?token=1#top"));
        views.name(&"n".repeat(300));
        assert_eq!(views.current().page.as_ref().map(String::len), Some(256));
        assert!(!views.awaits_name("https://shop.example/a?token=1#top"));
    }

    #[test]
    fn the_landing_view_stays_what_it_was() {
        let mut views = views();
        views.show(Id(2), 2000, "https://shop.example/b?x=1".into());
        views.name("b");
        assert_eq!((views.landing().id, views.landing().page.as_deref()), (Id(1), None));
        let expected = View {
            id: Id(2),
            started_at_ms: Some(2000),
            url: "https://shop.example/b".into(),
            page: Some("b".into()),
            referrer: Some("https://shop.example/a".into()),
        };
        assert_eq!(views.current(), &expected);
    }
}
