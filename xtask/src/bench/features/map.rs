//! Which feature a module of the SDK's sources belongs to.

/// A feature, and the modules that are there for it: folders and files of the package, paths of Rust.
pub(super) struct Feature {
    pub(super) name: &'static str,
    modules: &'static [&'static str],
}

/// What the bundler adds between the modules of a file.
pub(super) const BUNDLING: &str = "bundling";
/// Texts and tables of the WebAssembly module.
pub(super) const DATA: &str = "data";
/// What a WebAssembly module has besides code and data: types, imports, exports, lengths.
pub(super) const STRUCTURE: &str = "structure";
/// A function that the linker or the optimiser made.
pub(super) const UNNAMED: &str = "unnamed";

/// Every module of the default entry has one. Where several fit, the longest path decides.
pub(super) const FEATURES: &[Feature] = &[
    Feature {
        name: "stub: API, recording until the core runs",
        modules: &["npm/src/index.ts", "npm/src/stub.ts", "npm/src/capture.ts", "npm/src/api.ts"],
    },
    Feature {
        name: "loading and starting the core",
        modules: &[
            "npm/src/early.ts",
            "npm/src/core.ts",
            "npm/src/load.ts",
            "npm/src/refusal.ts",
            "npm/src/endpoint.ts",
            "start",
            "rum_sdk::browser::options",
            "rum_sdk::config",
        ],
    },
    Feature { name: "vitals: watching the page", modules: &["npm/src/vitals"] },
    Feature {
        name: "vitals and their attribution: arithmetic",
        modules: &[
            "compute",
            "rum_sdk::arithmetic",
            "rum_sdk::attribution",
            "rum_sdk::browser::vitals",
            "rum_sdk::collect::vital",
            "rum_sdk::entry",
            "rum_sdk::metrics",
            "rum_sdk::navigation",
            "rum_sdk::order",
        ],
    },
    Feature { name: "errors, rejections, reports of the browser", modules: &["npm/src/collect/errors.ts", "npm/src/happening.ts"] },
    Feature { name: "clicks, rage and dead clicks, forms", modules: &["npm/src/collect/actions.ts", "npm/src/selector.ts"] },
    Feature { name: "requests and resources, trace headers", modules: &["npm/src/collect/requests.ts"] },
    Feature { name: "long animation frames", modules: &["npm/src/collect/frames.ts"] },
    Feature { name: "scroll depth and time on page", modules: &["npm/src/collect/scroll.ts"] },
    Feature {
        name: "page views, sessions, sampling",
        modules: &[
            "npm/src/storage.ts",
            "rum_sdk::session",
            "rum_sdk::sampling",
            "rum_sdk::landing",
            "rum_sdk::views",
            "rum_sdk::uuid",
        ],
    },
    Feature { name: "personal data and secrets taken out", modules: &["npm/src/text.ts", "rum_sdk::privacy"] },
    Feature {
        name: "what signals mean, as events",
        modules: &[
            "receive",
            "rum_sdk::monitor",
            "rum_sdk::collect",
            "rum_sdk::signal",
            "rum_sdk::kind",
            "rum_sdk::time",
            "rum_protocol",
        ],
    },
    Feature {
        name: "beacons: batches, retries, storage",
        modules: &["npm/src/transport.ts", "npm/src/store.ts", "rum_sdk::outbox"],
    },
    Feature { name: "JSON and texts", modules: &["rum_sdk::json", "rum_sdk::text"] },
    Feature {
        name: "between page and core",
        modules: &[
            "npm/src/run.ts",
            "npm/src/record.ts",
            "npm/src/kind.ts",
            "npm/build/agent/rum_sdk_bg.js",
            "rum_sdk::browser",
            "rum_sdk::delivery",
            "rum_sdk::host",
            "wasm_bindgen",
            "js_sys",
            "__wbindgen_malloc",
            "__wbindgen_realloc",
            "__wbindgen_free",
            "__wbindgen_destroy_closure",
        ],
    },
    Feature {
        name: "allocator and standard library",
        modules: &[
            "talc", "alloc", "core", "std", "str", "__rustc", "memcmp", "memcpy", "memmove", "memset", "fmax", "fmin", UNNAMED,
        ],
    },
    Feature { name: "texts and tables of the core", modules: &[DATA] },
    Feature { name: "files' own structure", modules: &[STRUCTURE, BUNDLING] },
];

/// The feature that the module at `path` is there for.
pub(super) fn feature_of(path: &str) -> Option<&'static Feature> {
    let found = FEATURES.iter().filter_map(|feature| {
        let lengths = feature.modules.iter().filter(|module| is_under(path, module)).map(|module| module.len());
        Some((lengths.max()?, feature))
    });
    found.max_by_key(|(length, _)| *length).map(|(_, feature)| feature)
}

fn is_under(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::tree;

    /// Sources of other entries of the package, and types, of which nothing is left in a bundle.
    const ELSEWHERE: &[&str] = &[
        "npm/src/core.plain.ts",
        "npm/src/debug.ts",
        "npm/src/early-script.ts",
        "npm/src/fallback.ts",
        "npm/src/globals.d.ts",
        "npm/src/head.ts",
        "npm/src/index.inline.ts",
        "npm/src/inline.ts",
        "npm/src/inlined.ts",
        "npm/src/noop.ts",
        "npm/src/options.ts",
        "npm/src/plain.ts",
        "npm/src/react.ts",
        "npm/src/script.ts",
        "npm/src/signal.ts",
        "npm/src/sync.ts",
        "npm/src/vue.ts",
        "npm/src/wasm2js.d.ts",
        "npm/src/web-vitals",
    ];

    /// Every source of the SDK, as its module is called.
    fn sources() -> Vec<String> {
        let mut sources = Vec::new();
        walk("npm/src", &mut sources);
        walk("rum-sdk/src", &mut sources);
        sources.into_iter().filter_map(|path| if path.starts_with("rum-sdk/") { rust_path(&path) } else { Some(path) }).collect()
    }

    fn walk(folder: &str, sources: &mut Vec<String>) {
        for entry in fs::read_dir(tree::root().join(folder)).unwrap() {
            let path = format!("{folder}/{}", entry.unwrap().file_name().display());
            if Path::new(&tree::root().join(&path)).is_dir() { walk(&path, sources) } else { sources.push(path) }
        }
    }

    fn rust_path(path: &str) -> Option<String> {
        let inside = path.strip_prefix("rum-sdk/src/")?.strip_suffix(".rs")?;
        let inside = inside.strip_suffix("/mod").unwrap_or(inside);
        (inside != "lib").then(|| format!("rum_sdk::{}", inside.replace('/', "::")))
    }

    #[test]
    fn every_module_has_a_feature_or_is_elsewhere() {
        let sources = sources();
        assert!(sources.len() > 60, "{sources:?}");
        for source in sources {
            let is_elsewhere = ELSEWHERE.iter().any(|module| is_under(&source, module));
            assert!(
                is_elsewhere != feature_of(&source).is_some(),
                "name the feature of {source}, or that it is in no default entry"
            );
        }
    }

    #[test]
    fn every_path_leads_to_a_module() {
        let sources = sources();
        let ours = FEATURES.iter().flat_map(|feature| feature.modules).chain(ELSEWHERE);
        for module in ours.filter(|module| module.starts_with("npm/src") || module.starts_with("rum_sdk")) {
            assert!(sources.iter().any(|source| is_under(source, module)), "{module} is no module any more");
        }
    }

    #[test]
    fn the_longest_path_decides() {
        let check = |path: &str, expected: &str| assert_eq!(feature_of(path).unwrap().name, expected);
        check("rum_sdk::browser::options::Fields", "loading and starting the core");
        check("rum_sdk::browser::page", "between page and core");
        check("npm/src/vitals/cls.ts", "vitals: watching the page");
        assert!(feature_of("rum_sdk").is_none() && feature_of("rum_sdk::jsonish").is_none());
    }
}
