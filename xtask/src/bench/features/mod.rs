//! What each feature of the SDK weighs: the bytes of the default entry, by the modules they came from.

mod map;
mod wasm;

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Number, Value};

use self::map::{BUNDLING, FEATURES};
use super::result::{Cell, Column, Plot, Table};
use crate::sdk::size::{FileSize, Sizes};
use crate::tree;

/// What a page loads with the default entry.
const SCRIPTS: [&str; 3] = ["index.js", "early.js", "core.js"];
const MODULE: &str = "rum.wasm";

/// Bytes of one file, by the path of the module they came from.
struct Origin {
    path: String,
    bytes: usize,
}

/// Bytes for one feature.
#[derive(Default, Clone, Copy)]
struct Weight {
    script: usize,
    wasm: usize,
    brotli: f64,
}

/// The table, for the package that was built last.
///
/// # Errors
/// When a module belongs to no feature, or the parts of a file are not the file.
pub(super) fn table(sizes: &Sizes) -> Result<Table> {
    let mut weights = BTreeMap::new();
    for name in SCRIPTS {
        let size = sizes.of(name)?;
        let shares = share(&origins_of_script(name)?, size)?;
        for (feature, weight) in shares {
            add(&mut weights, feature, Weight { script: weight.0, wasm: 0, brotli: weight.1 });
        }
    }
    let named = tree::root().join("npm/build/agent/named.wasm");
    let module = fs::read(&named).with_context(|| format!("cannot read {}", named.display()))?;
    let origins: Vec<_> = wasm::bytes_by_path(&module)?.into_iter().map(|(path, bytes)| Origin { path, bytes }).collect();
    for (feature, weight) in share(&origins, sizes.of(MODULE)?)? {
        add(&mut weights, feature, Weight { script: 0, wasm: weight.0, brotli: weight.1 });
    }
    Ok(drawn(&weights))
}

fn add(weights: &mut BTreeMap<&'static str, Weight>, feature: &'static str, more: Weight) {
    let weight = weights.entry(feature).or_default();
    weight.script += more.script;
    weight.wasm += more.wasm;
    weight.brotli += more.brotli;
}

/// The bytes of a bundled file by source, as esbuild tells them.
fn origins_of_script(name: &str) -> Result<Vec<Origin>> {
    let path = tree::root().join("npm/build/meta").join(format!("{name}.json"));
    let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let meta: Value = serde_json::from_slice(&text)?;
    let inputs = meta["outputs"][format!("npm/dist/{name}")]["inputs"].as_object();
    let inputs = inputs.with_context(|| format!("{} does not say what is in {name}", path.display()))?;
    inputs
        .iter()
        .map(|(path, input)| {
            let bytes = input["bytesInOutput"].as_u64().with_context(|| format!("no bytes of {path}"))?;
            Ok(Origin { path: path.clone(), bytes: usize::try_from(bytes)? })
        })
        .collect()
}

/// Bytes by feature, raw and compressed. Compression is of the whole file; each byte has its share of it.
fn share(origins: &[Origin], size: &FileSize) -> Result<Vec<(&'static str, (usize, f64))>> {
    let raw = usize::try_from(size.raw)?;
    let told = origins.iter().map(|origin| origin.bytes).sum::<usize>();
    let rest = raw.checked_sub(told).with_context(|| format!("{} has {raw} bytes, its parts {told}", size.name))?;
    let bundling = Origin { path: BUNDLING.to_owned(), bytes: rest };
    let each = origins.iter().chain([&bundling]).filter(|origin| origin.bytes > 0);
    let shares: Vec<_> = each
        .map(|Origin { path, bytes }| {
            let feature = map::feature_of(path).with_context(|| {
                format!("{path} in {} belongs to no feature; add it to xtask/src/bench/features/map.rs", size.name)
            })?;
            Ok((feature.name, (*bytes, count(*bytes) * count(usize::try_from(size.brotli)?) / count(raw))))
        })
        .collect::<Result<_>>()?;
    let together: f64 = shares.iter().map(|(_, (_, brotli))| brotli).sum();
    ensure!((together - count(usize::try_from(size.brotli)?)).abs() < 0.01, "the shares of {} are not the whole", size.name);
    Ok(shares)
}

/// A number of bytes, of which no file here has more than an `u32` holds.
fn count(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX))
}

/// The heaviest first.
fn drawn(weights: &BTreeMap<&'static str, Weight>) -> Table {
    let mut features: Vec<_> = FEATURES.iter().filter_map(|feature| Some((feature.name, *weights.get(feature.name)?))).collect();
    features.sort_by(|(_, one), (_, other)| other.brotli.total_cmp(&one.brotli));
    let together: f64 = features.iter().map(|(_, weight)| weight.brotli).sum();
    let bytes = |name: &str| Column { name: name.to_owned(), unit: Some("B".to_owned()), digits: None };
    let number = |bytes: f64| Number::from_f64((bytes * 10.0).round() / 10.0).map(Cell::Number);
    Table {
        id: "features".to_owned(),
        title: "Beamline's own bytes, by feature".to_owned(),
        note: format!(
            "The files of the default entry as the package ships them, {together:.0} B with brotli. Bytes of scripts are by source file, as \
             esbuild tells them; bytes of WebAssembly by function, and what the compiler inlined counts for the function it is in. Brotli \
             compresses a file as a whole: every byte of it has the same share. xtask/src/bench/features/map.rs says what belongs to what."
        ),
        columns: vec![
            Column { name: "feature".to_owned(), unit: None, digits: None },
            bytes("brotli"),
            bytes("scripts, minified"),
            bytes("WebAssembly"),
        ],
        rows: features
            .into_iter()
            .map(|(name, weight)| {
                let Weight { script, wasm, brotli } = weight;
                vec![
                    Some(Cell::Text(name.to_owned())),
                    number(brotli),
                    Some(Cell::Number(script.into())),
                    Some(Cell::Number(wasm.into())),
                ]
            })
            .collect(),
        plot: Some(Plot::Bars { label: 0, value: 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(raw: u64, brotli: u64) -> FileSize {
        FileSize { name: "core.js".to_owned(), raw, gzip: 0, brotli }
    }

    fn origin(path: &str, bytes: usize) -> Origin {
        Origin { path: path.to_owned(), bytes }
    }

    #[test]
    fn the_shares_of_a_file_are_the_file() {
        let origins = [origin("npm/src/vitals/cls.ts", 300), origin("npm/src/run.ts", 500)];
        let shares = share(&origins, &size(1000, 400)).unwrap();
        assert_eq!(shares.iter().map(|(_, (raw, _))| raw).sum::<usize>(), 1000);
        assert!((shares[0].1.1 - 120.0).abs() < 1e-9 && (shares[2].1.1 - 80.0).abs() < 1e-9);
    }

    #[test]
    fn a_module_of_no_feature_is_an_error() {
        let error = share(&[origin("npm/src/new.ts", 1)], &size(1, 1)).unwrap_err();
        assert!(error.to_string().contains("npm/src/new.ts in core.js belongs to no feature"), "{error}");
    }

    #[test]
    fn parts_larger_than_their_file_are_an_error() {
        assert!(share(&[origin("npm/src/run.ts", 2)], &size(1, 1)).is_err());
    }
}
