use crate::text::{cut, squeezed, utf16_length};

/// A node of the page, as far as selectors and names need it.
pub trait Element: Clone {
    /// `nodeName`; that of what is no element begins with `#`.
    fn node_name(&self) -> String;
    /// `parentNode`; a shadow root is a parent and has none.
    fn parent(&self) -> Option<Self>;
    /// An attribute of an element. Always the attribute, never the property: inside a form, an input named `id` hides the property.
    fn attribute(&self, name: &str) -> Option<String>;
    /// `textContent`.
    fn text(&self) -> String;
}

/// Longest selector, in UTF-16 code units as JavaScript counts; the first part is always there.
const LONGEST_SELECTOR: usize = 100;
/// Longest accessible name, bytes.
const LONGEST_LABEL: usize = 80;
/// How far up the element that was meant may be, such as the button around an icon.
const HIGHEST_CONTROL: usize = 5;

/// A CSS-like path to a node, without any content of the page: `main>div.card.wide>button`. It ends at an id, or when it gets long.
#[must_use]
pub fn selector<N: Element>(node: N) -> String {
    let mut path = String::new();
    let mut next = Some(node);
    while let Some(node) = next {
        let name = node.node_name();
        if name == "#document" {
            break;
        }
        let id = is_element(&name).then(|| node.attribute("id")).flatten().filter(|id| !id.is_empty());
        let part = match &id {
            Some(id) => joined("", "#", id),
            None => tag_and_classes(&node, name),
        };
        if utf16_length(&path) + utf16_length(&part) > LONGEST_SELECTOR - 1 {
            return if path.is_empty() { part } else { path };
        }
        path = if path.is_empty() { part } else { joined(&part, ">", &path) };
        next = if id.is_some() { None } else { node.parent() };
    }
    path
}

fn joined(before: &str, sign: &str, after: &str) -> String {
    let mut out = String::from(before);
    out.push_str(sign);
    out.push_str(after);
    out
}

/// Documents, shadow roots and texts are none.
fn is_element(node_name: &str) -> bool {
    node_name.as_bytes().first() != Some(&b'#')
}

fn tag_and_classes<N: Element>(node: &N, mut part: String) -> String {
    if !is_element(&part) {
        part.make_ascii_uppercase();
        return String::from(part.get(1..).unwrap_or_default());
    }
    part.make_ascii_lowercase();
    let classes = node.attribute("class").unwrap_or_default();
    let mut written = "";
    while let Some(class) = first_class_after(&classes, written) {
        part.push_str(".");
        part.push_str(class);
        written = class;
    }
    part
}

/// The classes in their order, each once, by asking for the next: sorting a list would be twice the code.
fn first_class_after<'a>(classes: &'a str, written: &str) -> Option<&'a str> {
    let mut first: Option<&str> = None;
    let mut rest = classes;
    while !rest.is_empty() {
        let end = rest.as_bytes().iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let class = rest.get(..end).unwrap_or_default();
        rest = rest.get(end + 1..).unwrap_or_default();
        if class > written && first.is_none_or(|first| class < first) {
            first = Some(class);
        }
    }
    first
}

/// The accessible name of what was clicked, or of the control around it, at most 80 bytes. It comes from the author's words only: `aria-label`,
/// `title`, `alt`, or the text of a button or link. What the user wrote or chose is never read.
#[must_use]
pub fn label<N: Element>(node: N) -> Option<String> {
    let mut next = Some(node);
    for _ in 0..HIGHEST_CONTROL {
        let node = next?;
        let mut tag = node.node_name();
        if !is_element(&tag) {
            return None;
        }
        tag.make_ascii_lowercase();
        for attribute in ["aria-label", "title", "alt"] {
            if let Some(name) = node.attribute(attribute).and_then(|name| shortened(&name)) {
                return Some(name);
            }
        }
        match control(&node, &tag) {
            Control::Labelled => return if is_editable(&node) { None } else { shortened(&node.text()) },
            Control::Filled => return None,
            Control::No => next = node.parent(),
        }
    }
    None
}

enum Control {
    /// Its text was written by the page's author.
    Labelled,
    /// It holds what the user wrote or chose.
    Filled,
    No,
}

fn control<N: Element>(node: &N, tag: &str) -> Control {
    if node.attribute("contenteditable").is_some() {
        return Control::Filled;
    }
    match tag {
        "input" | "textarea" | "select" | "option" => Control::Filled,
        "button" | "a" | "summary" => Control::Labelled,
        _ => match node.attribute("role").unwrap_or_default().as_str() {
            "button" | "link" | "tab" | "menuitem" => Control::Labelled,
            _ => Control::No,
        },
    }
}

/// Whether the user may have written the node's text.
fn is_editable<N: Element>(node: &N) -> bool {
    let mut next = node.parent();
    while let Some(node) = next {
        if is_element(&node.node_name()) && node.attribute("contenteditable").is_some() {
            return true;
        }
        next = node.parent();
    }
    false
}

fn shortened(text: &str) -> Option<String> {
    let text = squeezed(text);
    (!text.is_empty()).then(|| String::from(cut(&text, LONGEST_LABEL)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    #[derive(Clone)]
    struct Node(Rc<Data>);

    struct Data {
        name: &'static str,
        attributes: Vec<(&'static str, String)>,
        text: &'static str,
        parent: Option<Node>,
    }

    impl Element for Node {
        fn node_name(&self) -> String {
            self.0.name.into()
        }
        fn parent(&self) -> Option<Self> {
            self.0.parent.clone()
        }
        fn attribute(&self, name: &str) -> Option<String> {
            self.0.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone())
        }
        fn text(&self) -> String {
            self.0.text.into()
        }
    }

    /// Builds a node from its ancestors, outermost first: `TAG key=value …|text`.
    fn node(path: &[&'static str]) -> Node {
        let mut parent = Some(Node(Rc::new(Data { name: "#document", attributes: vec![], text: "", parent: None })));
        for description in path {
            let (head, text) = description.split_once('|').unwrap_or((description, ""));
            let mut words = head.split(", ");
            let name = words.next().unwrap();
            let attributes = words.map(|word| word.split_once('=').map(|(key, value)| (key, value.to_owned())).unwrap()).collect();
            parent = Some(Node(Rc::new(Data { name, attributes, text, parent })));
        }
        parent.unwrap()
    }

    #[test]
    fn a_selector_is_the_path_of_tags_and_sorted_classes() {
        let check = |path: &[&'static str], expected: &str| assert_eq!(selector(node(path)), expected);
        check(&["HTML", "BODY", "DIV, class= wide  card wide", "BUTTON"], "html>body>div.card.wide>button");
        check(&["HTML", "BODY", "MAIN, id=shop", "DIV"], "#shop>div");
        check(&["HTML", "DIV, id=", "svg, class=icon"], "html>div>svg.icon");
        check(&["HTML", "X-APP", "#document-fragment", "BUTTON"], "html>x-app>DOCUMENT-FRAGMENT>button");
    }

    #[test]
    fn a_selector_stays_below_a_hundred_characters_but_has_one_part() {
        let long: &'static str = Box::leak(format!("DIV, class={}", "c".repeat(120)).into_boxed_str());
        assert_eq!(selector(node(&["HTML", long])), format!("div.{}", "c".repeat(120)));
        assert_eq!(selector(node(&["HTML", long, "P"])), "p");
        let half: &'static str = Box::leak(format!("DIV, class={}", "ä".repeat(45)).into_boxed_str());
        assert_eq!(selector(node(&[half, half])), format!("div.{0}>div.{0}", "ä".repeat(45)), "98 and the sign between");
    }

    fn named(path: &[&'static str]) -> Option<String> {
        label(node(path))
    }

    #[test]
    fn a_control_is_named_by_its_author() {
        assert_eq!(named(&["BUTTON|\n  Add to   cart "]).as_deref(), Some("Add to cart"));
        assert_eq!(named(&["A, aria-label=Home|x"]).as_deref(), Some("Home"));
        assert_eq!(named(&["BUTTON|Save", "SPAN", "svg"]).as_deref(), Some("Save"), "an icon inside a button");
        assert_eq!(named(&["DIV, role=menuitem|Copy"]).as_deref(), Some("Copy"));
        assert_eq!(named(&["IMG, alt=Red shoe"]).as_deref(), Some("Red shoe"));
        assert_eq!(named(&["BUTTON|😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀"]).map(|text| text.len()), Some(80));
    }

    #[test]
    fn what_is_no_control_has_no_name() {
        assert_eq!(named(&["BODY", "DIV|the whole page"]), None);
        assert_eq!(named(&["BUTTON|  "]), None);
    }

    #[test]
    fn what_the_user_wrote_or_chose_is_never_read() {
        for path in [
            ["FORM", "INPUT, type=password, value=hunter2|hunter2"],
            ["FORM", "TEXTAREA|dear diary"],
            ["SELECT|Mr Mrs", "OPTION|Mrs"],
            ["DIV, contenteditable=true|dear diary", "P|dear diary"],
            ["DIV, contenteditable=true|dear diary", "A|dear diary"],
        ] {
            assert_eq!(named(&path), None, "{path:?}");
        }
        assert_eq!(named(&["INPUT, aria-label=Password, value=hunter2"]).as_deref(), Some("Password"));
    }
}
