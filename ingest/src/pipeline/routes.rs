//! Names pages by their route, so that a page with an id in its address is one page and not thousands.

use rum_protocol::limits;

/// What stands for a segment that names one thing of many.
const ID: &str = ":id";
/// Segments a name has at most.
const MAX_SEGMENTS: usize = 12;
/// Hexadecimal digits from which on a segment with a digit in it is an id.
const HEX_ID_BYTES: usize = 8;
/// Letters and digits from which on a segment with both in it is an id.
const MIXED_ID_BYTES: usize = 16;

/// The declared routes of a project.
#[derive(Debug, Default)]
pub(super) struct Routes(Vec<Route>);

#[derive(Debug)]
struct Route {
    name: String,
    segments: Vec<Segment>,
    /// Whether more segments may follow.
    is_open: bool,
}

#[derive(Debug)]
enum Segment {
    Literal(String),
    Any,
}

impl Routes {
    /// Reads patterns such as `/product/:id` and `/blog/*`.
    pub(super) fn new(patterns: &[String]) -> Self {
        Self(patterns.iter().map(|pattern| Route::parse(pattern)).collect())
    }

    /// The name of the page at a path: the first declared route it fits, else the path with ids replaced. At most
    /// [`limits::MAX_NAME_BYTES`].
    pub(super) fn page(&self, path: &str) -> String {
        let declared = self.0.iter().find(|route| route.fits(path)).map(|route| route.name.clone());
        let mut page = declared.unwrap_or_else(|| normalised(path));
        page.truncate(page.floor_char_boundary(limits::MAX_NAME_BYTES));
        page
    }
}

impl Route {
    fn parse(pattern: &str) -> Self {
        let open = pattern.strip_suffix("/*");
        let segment = |text: &str| if text.starts_with(':') || text == "*" { Segment::Any } else { Segment::Literal(text.into()) };
        Self { name: pattern.into(), segments: segments(open.unwrap_or(pattern)).map(segment).collect(), is_open: open.is_some() }
    }

    fn fits(&self, path: &str) -> bool {
        let mut found = segments(path);
        let all_fit = self.segments.iter().all(|segment| match (segment, found.next()) {
            (_, None) => false,
            (Segment::Any, Some(_)) => true,
            (Segment::Literal(literal), Some(text)) => literal == text,
        });
        // `/blog/*` is not `/blog` itself.
        all_fit && found.next().is_some() == self.is_open
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn normalised(path: &str) -> String {
    let Some(rest) = path.strip_prefix('/') else { return path.into() };
    let mut page = String::with_capacity(path.len().min(limits::MAX_NAME_BYTES));
    for (number, segment) in rest.split('/').enumerate() {
        page.push('/');
        if number >= MAX_SEGMENTS {
            page.push('*');
            break;
        }
        page.push_str(if is_id(segment) { ID } else { segment });
    }
    page
}

/// Whether a segment, or its part before an ending such as `.html`, is a number, a UUID, or looks like another id.
fn is_id(segment: &str) -> bool {
    let stem = segment.split_once('.').map_or(segment, |(stem, _)| stem);
    let all = |is: fn(&u8) -> bool| stem.bytes().all(|byte| is(&byte));
    let any = |is: fn(&u8) -> bool| stem.bytes().any(|byte| is(&byte));
    let (has_digit, has_letter) = (any(u8::is_ascii_digit), any(u8::is_ascii_alphabetic));
    (has_digit && all(u8::is_ascii_digit))
        || (has_digit && stem.len() >= HEX_ID_BYTES && all(|byte| byte.is_ascii_hexdigit() || *byte == b'-'))
        || (has_digit && has_letter && stem.len() >= MIXED_ID_BYTES && all(u8::is_ascii_alphanumeric))
        || segment.contains('@')
        || segment.contains("%40")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_become_one_page() {
        let routes = Routes::default();
        for (path, page) in [
            ("/", "/"),
            ("", ""),
            ("/cart", "/cart"),
            ("/cart/3", "/cart/:id"),
            ("/orders/20261121/items/7/", "/orders/:id/items/:id/"),
            ("/u/019a0b1c-2d3e-7f40-8a5b-6c7d8e9f0a1b", "/u/:id"),
            ("/c/3f9a1c2e", "/c/:id"),
            ("/c/deadbeef", "/c/deadbeef"),
            ("/s/Zk3x9QpLm2VbN8tR", "/s/:id"),
            ("/post/how-to-use-html5-in-2026", "/post/how-to-use-html5-in-2026"),
            ("/a/12345.html", "/a/:id"),
            ("/v2/users/ada@example.org", "/v2/users/:id"),
            ("/1/2/3/4/5/6/7/8/9/10/11/12/13/14", "/:id/:id/:id/:id/:id/:id/:id/:id/:id/:id/:id/:id/*"),
        ] {
            assert_eq!(routes.page(path), page, "{path}");
        }
    }

    #[test]
    fn the_first_declared_route_that_fits_names_the_page() {
        let routes = Routes::new(&["/product/new", "/product/:id", "/blog/*", "/:lang/help", "/"].map(str::to_owned));
        for (path, page) in [
            ("/product/new", "/product/new"),
            ("/product/blue-shoe", "/product/:id"),
            ("/product/blue-shoe/", "/product/:id"),
            ("/product/blue-shoe/reviews", "/product/blue-shoe/reviews"),
            ("/blog/2026/11/hello", "/blog/*"),
            ("/blog", "/blog"),
            ("/de/help", "/:lang/help"),
            ("/", "/"),
            ("/cart/3", "/cart/:id"),
        ] {
            assert_eq!(routes.page(path), page, "{path}");
        }
    }

    proptest! {
        #[test]
        fn names_are_bounded_and_settle(path in "(/[a-zA-Z0-9äß.@-]{0,40}){0,20}") {
            let routes = Routes::default();
            let page = routes.page(&path);
            prop_assert!(page.len() <= limits::MAX_NAME_BYTES);
            if page.len() < limits::MAX_NAME_BYTES - ID.len() {
                prop_assert_eq!(routes.page(&page), page);
            }
        }
    }
}
