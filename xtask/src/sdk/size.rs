//! The size gate: how many bytes a page pays for the SDK.

use std::fmt::Write;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Gate;

/// Most bytes of WebAssembly, glue and stub together that the default entry may cost, brotli-compressed.
/// It was 22,000 until bfcache, soft navigations and attribution came in, and is to be 22,000 again.
pub(crate) const DEFAULT_ENTRY_BROTLI_BYTES: u64 = 24_300;
/// Most bytes of the stub, minified: the only part a page loads before its own load event.
pub(crate) const STUB_BYTES: u64 = 1_500;

/// Most bytes of the drop-in for npm `web-vitals` with attribution, brotli-compressed.
pub(crate) const DROP_IN_BROTLI_BYTES: u64 = 13_600;

/// Sizes of the built files in bytes.
pub(crate) struct Sizes {
    files: Vec<FileSize>,
    default_entry_brotli: u64,
    drop_in_brotli: u64,
    stub: u64,
}

struct FileSize {
    name: String,
    raw: u64,
    gzip: u64,
    brotli: u64,
}

impl Sizes {
    /// Reads the last line of what `npm/build.mjs` printed:
    /// `{"files":[{"name":"…","raw":1,"gzip":1,"brotli":1}],"default_entry_brotli":1,"drop_in_brotli":1,"stub":1}`.
    pub(crate) fn from_report(report: &str) -> Result<Self> {
        let line = report.lines().rfind(|line| line.starts_with('{')).context("npm/build.mjs did not end with a line of JSON")?;
        let json: Value = serde_json::from_str(line).context("the last line of npm/build.mjs is not JSON")?;
        let files = json["files"].as_array().context("npm/build.mjs reports no `files`")?;
        Ok(Self {
            files: files.iter().map(FileSize::from_json).collect::<Result<_>>()?,
            default_entry_brotli: number(&json, "default_entry_brotli")?,
            drop_in_brotli: number(&json, "drop_in_brotli")?,
            stub: number(&json, "stub")?,
        })
    }

    /// The limits that must hold.
    pub(crate) fn gates(&self) -> [Gate; 3] {
        let gate = |name: &str, size, limit| Gate {
            name: name.to_owned(),
            violation: (size > limit).then(|| format!("{name}: {size} bytes, limit is {limit} bytes")),
        };
        [
            gate("size of the default entry (wasm, glue and stub, brotli)", self.default_entry_brotli, DEFAULT_ENTRY_BROTLI_BYTES),
            gate("size of the drop-in for web-vitals (with attribution, brotli)", self.drop_in_brotli, DROP_IN_BROTLI_BYTES),
            gate("size of the stub (minified)", self.stub, STUB_BYTES),
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
             stub: {} of {STUB_BYTES} minified",
            self.default_entry_brotli, self.drop_in_brotli, self.stub
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

    fn report(default_entry_brotli: u64, drop_in_brotli: u64, stub: u64) -> String {
        format!(
            "some line\n{{\"files\":[{{\"name\":\"index.js\",\"raw\":3,\"gzip\":2,\"brotli\":1}}],\
             \"default_entry_brotli\":{default_entry_brotli},\"drop_in_brotli\":{drop_in_brotli},\"stub\":{stub}}}\n"
        )
    }

    #[test]
    fn a_size_at_its_limit_passes_and_one_byte_more_fails() {
        let violations = |default_entry, drop_in, stub| {
            Sizes::from_report(&report(default_entry, drop_in, stub)).unwrap().gates().map(|gate| gate.violation)
        };
        assert_eq!(violations(24_300, 13_600, 1_500), [None, None, None]);
        let [default_entry, drop_in, stub] = violations(24_301, 13_601, 1_501);
        assert!(default_entry.is_some_and(|violation| violation.contains("24301 bytes, limit is 24300")));
        assert!(drop_in.is_some());
        assert!(stub.is_some());
    }

    #[test]
    fn a_report_without_a_gated_size_fails() {
        assert!(Sizes::from_report("{\"files\":[]}").is_err());
        assert!(Sizes::from_report("built").is_err());
    }
}
