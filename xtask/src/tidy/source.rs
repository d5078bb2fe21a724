//! Source files as the rules see them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Folders that hold what tools made.
const MADE: [&str; 9] = [".git", ".state", "build", "data", "dist", "node_modules", "target", "__pycache__", "coverage"];

/// A file with its path from the root, `/` between the parts.
pub(super) struct Source<'s> {
    pub(super) path: &'s str,
    text: &'s str,
    /// Number of lines before the test module at the end.
    code_lines: usize,
}

impl<'s> Source<'s> {
    pub(super) fn new(path: &'s str, text: &'s str) -> Self {
        let mut lines = text.lines().enumerate().peekable();
        let mut code_lines = None;
        while let Some((index, line)) = lines.next() {
            let opens_tests = lines.peek().is_some_and(|(_, next)| next.starts_with("mod ") && next.ends_with('{'));
            if line == "#[cfg(test)]" && opens_tests {
                code_lines = Some(index);
                break;
            }
        }
        Self { path, text, code_lines: code_lines.unwrap_or_else(|| text.lines().count()) }
    }

    /// All lines with their one-based numbers.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &'s str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The lines that are neither tests nor comments.
    pub(super) fn code(&self) -> impl Iterator<Item = (usize, &'s str)> {
        let count = if is_test(self.path) { 0 } else { self.code_lines };
        self.lines().take(count).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Number of lines that are not tests.
    pub(super) fn length(&self) -> usize {
        if is_test(self.path) { 0 } else { self.code_lines }
    }
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains(".test.")
}

/// Whether the rules for code hold for the file.
pub(super) fn is_code(path: &str) -> bool {
    [".rs", ".ts", ".tsx", ".mjs", ".js"].iter().any(|ending| path.ends_with(ending))
}

/// Whether `line` has `word` with no letter before or after it.
pub(super) fn names(line: &str, word: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let letter_after = word.ends_with(is_letter) && after.is_some_and(is_letter);
        !before.is_some_and(is_letter) && !letter_after
    })
}

/// The text files under `root` that are part of the source: paths from there.
pub(super) fn files(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    walk(root, "", &mut files)?;
    files.sort();
    Ok(files)
}

fn walk(root: &Path, folder: &str, files: &mut Vec<String>) -> Result<()> {
    let directory = root.join(folder);
    for entry in fs::read_dir(&directory).with_context(|| format!("cannot read {}", directory.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if entry.file_type()?.is_dir() {
            if !MADE.contains(&name.as_str()) {
                walk(root, &path, files)?;
            }
        } else if is_code(&path) || name == "Cargo.lock" || name == "package-lock.json" {
            files.push(path);
        }
    }
    Ok(())
}
