use wasm_bindgen::JsCast;
use web_sys::{Element, Node};

/// A node of the document.
#[derive(Clone)]
pub(super) struct Dom(pub(super) Node);

impl crate::collect::Element for Dom {
    fn node_name(&self) -> String {
        self.0.node_name()
    }

    fn is_element(&self) -> bool {
        self.0.node_type() == Node::ELEMENT_NODE
    }

    fn is_document(&self) -> bool {
        self.0.node_type() == Node::DOCUMENT_NODE
    }

    fn parent(&self) -> Option<Self> {
        self.0.parent_node().map(Self)
    }

    fn attribute(&self, name: &str) -> Option<String> {
        self.0.unchecked_ref::<Element>().get_attribute(name)
    }

    fn text(&self) -> String {
        self.0.text_content().unwrap_or_default()
    }
}
