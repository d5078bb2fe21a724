use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::Node;

/// A node of the document. Inside a form, inputs hide the form's properties behind their names: everything is read by the accessors
/// of the prototypes, which nothing hides (<https://webidl.spec.whatwg.org/#LegacyOverrideBuiltIns>).
#[derive(Clone)]
pub(super) struct Dom(pub(super) Node);

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = Node)]
    type NodeInterface;
    #[wasm_bindgen(static_method_of = NodeInterface, getter, js_class = "Node")]
    fn prototype() -> JsValue;
    #[wasm_bindgen(js_namespace = Reflect, js_name = get)]
    fn read_text(prototype: &JsValue, property: &str, node: &Node) -> Option<String>;
    #[wasm_bindgen(js_namespace = Reflect, js_name = get)]
    fn read_node(prototype: &JsValue, property: &str, node: &Node) -> Option<Node>;
    #[wasm_bindgen(js_namespace = ["Element", "prototype", "getAttribute"], js_name = call)]
    fn attribute_of(element: &Node, name: &str) -> Option<String>;
}

impl Dom {
    fn text_of(&self, property: &str) -> String {
        read_text(&NodeInterface::prototype(), property, &self.0).unwrap_or_default()
    }
}

impl crate::collect::Element for Dom {
    fn node_name(&self) -> String {
        self.text_of("nodeName")
    }

    fn parent(&self) -> Option<Self> {
        read_node(&NodeInterface::prototype(), "parentNode", &self.0).map(Self)
    }

    fn attribute(&self, name: &str) -> Option<String> {
        attribute_of(&self.0, name)
    }

    fn text(&self) -> String {
        self.text_of("textContent")
    }
}
