//! The size gate: how many bytes a page pays for the SDK.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Gate;

/// Most bytes of WebAssembly, glue and stub together that the default entry may cost, brotli-compressed.
/// It was 22,000 for vitals, errors and actions alone, and is to be 22,000 again with all the rest.
pub(crate) const DEFAULT_ENTRY_BROTLI_BYTES: u64 = 30_200;
/// Most bytes of the stub with the whole API, minified: the only part a page loads before its own load event.
pub(crate) const STUB_BYTES: u64 = 1_900;

/// Most bytes of the script for `<head>`, minified, as it stands in every page's HTML.
pub(crate) const HEAD_SCRIPT_BYTES: u64 = 1_500;
/// The same, brotli-compressed.
pub(crate) const HEAD_SCRIPT_BROTLI_BYTES: u64 = 800;

/// Most bytes of the drop-in for npm `web-vitals` with attribution, brotli-compressed.
pub(crate) const DROP_IN_BROTLI_BYTES: u64 = 13_600;

/// Sizes of the built files in bytes.
pub(crate) struct Sizes {
    files: Vec<FileSize>,
    default_entry_brotli: u64,
    drop_in_brotli: u64,
    stub: u64,
    head: u64,
    head_brotli: u64,
}

/// Sizes of one file in bytes.
pub(crate) struct FileSize {
    pub(crate) name: String,
    pub(crate) raw: u64,
    pub(crate) gzip: u64,
    pub(crate) brotli: u64,
}

impl Sizes {
    /// Reads the last line of what `npm/build.mjs` printed:
    /// `{"files":[{"name":"…","raw":1,"gzip":1,"brotli":1}],"default_entry_brotli":1,"drop_in_brotli":1,"stub":1,"head":1,
    /// "head_brotli":1}`.
    pub(crate) fn from_report(report: &str) -> Result<Self> {
        let line = report.lines().rfind(|line| line.starts_with('{')).context("npm/build.mjs did not end with a line of JSON")?;
        let json: Value = serde_json::from_str(line).context("the last line of npm/build.mjs is not JSON")?;
        let files = json["files"].as_array().context("npm/build.mjs reports no `files`")?;
        Ok(Self {
            files: files.iter().map(FileSize::from_json).collect::<Result<_>>()?,
            default_entry_brotli: number(&json, "default_entry_brotli")?,
            drop_in_brotli: number(&json, "drop_in_brotli")?,
            stub: number(&json, "stub")?,
            head: number(&json, "head")?,
            head_brotli: number(&json, "head_brotli")?,
        })
    }

    /// The sizes of the file `name`.
    pub(crate) fn of(&self, name: &str) -> Result<&FileSize> {
        self.files.iter().find(|file| file.name == name).with_context(|| format!("npm/build.mjs reports no file `{name}`"))
    }

    /// The limits that must hold.
    pub(crate) fn gates(&self) -> [Gate; 5] {
        let gate = |name: &str, size, limit| Gate {
            name: name.to_owned(),
            violation: (size > limit).then(|| format!("{name}: {size} bytes, limit is {limit} bytes")),
        };
        [
            gate("size of the default entry (wasm, glue and stub, brotli)", self.default_entry_brotli, DEFAULT_ENTRY_BROTLI_BYTES),
            gate("size of the drop-in for web-vitals (with attribution, brotli)", self.drop_in_brotli, DROP_IN_BROTLI_BYTES),
            gate("size of the stub (minified)", self.stub, STUB_BYTES),
            gate("size of the script for <head> (minified)", self.head, HEAD_SCRIPT_BYTES),
            gate("size of the script for <head> (brotli)", self.head_brotli, HEAD_SCRIPT_BROTLI_BYTES),
        ]
    }

    /// A table for people.
    pub(crate) fn table(&self) -> String {
        let mut table = format!("  {:<28} {:>9} {:>9} {:>9}\n", "bytes", "raw", "gzip", "brotli");
        for file in &self.files {
            let _ = writeln!(table, "  {:<28} {:>9} {:>9} {:>9}", file.name, file.raw, file.gzip, file.brotli);
        }
        let _ = writeln!(
            table,
            "  default entry: {} of {DEFAULT_ENTRY_BROTLI_BYTES} brotli; drop-in: {} of {DROP_IN_BROTLI_BYTES} brotli; \
             stub: {} of {STUB_BYTES} minified; script for <head>: {} of {HEAD_SCRIPT_BYTES} minified, {} of \
             {HEAD_SCRIPT_BROTLI_BYTES} brotli",
            self.default_entry_brotli, self.drop_in_brotli, self.stub, self.head, self.head_brotli
        );
        table
    }
}

impl FileSize {
    fn from_json(json: &Value) -> Result<Self> {
        let name = json["name"].as_str().context("a file without `name`")?.to_owned();
        Ok(Self { name, raw: number(json, "raw")?, gzip: number(json, "gzip")?, brotli: number(json, "brotli")? })
    }
}

fn number(json: &Value, key: &str) -> Result<u64> {
    json[key].as_u64().with_context(|| format!("npm/build.mjs reports no whole number `{key}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report([default_entry, drop_in, stub, head, head_brotli]: [u64; 5]) -> String {
        format!(
            "some line\n{{\"files\":[{{\"name\":\"index.js\",\"raw\":3,\"gzip\":2,\"brotli\":1}}],\
             \"default_entry_brotli\":{default_entry},\"drop_in_brotli\":{drop_in},\"stub\":{stub},\
             \"head\":{head},\"head_brotli\":{head_brotli}}}\n"
        )
    }

    #[test]
    fn a_size_at_its_limit_passes_and_one_byte_more_fails() {
        const LIMITS: [u64; 5] =
            [DEFAULT_ENTRY_BROTLI_BYTES, DROP_IN_BROTLI_BYTES, STUB_BYTES, HEAD_SCRIPT_BYTES, HEAD_SCRIPT_BROTLI_BYTES];
        let violations = |sizes| Sizes::from_report(&report(sizes)).unwrap().gates().map(|gate| gate.violation);
        assert_eq!(violations(LIMITS), [const { None }; 5]);
        let violated = violations(LIMITS.map(|limit| limit + 1));
        for (violation, limit) in violated.into_iter().zip(LIMITS) {
            assert!(violation.is_some_and(|text| text.contains(&format!("{} bytes, limit is {limit} bytes", limit + 1))));
        }
    }

    #[test]
    fn a_report_without_a_gated_size_fails() {
        assert!(Sizes::from_report("{\"files\":[]}").is_err());
        assert!(Sizes::from_report("built").is_err());
    }
}
