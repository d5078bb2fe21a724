//! Errors, and what the user did before them.

use serde::{Deserialize, Serialize};

use crate::{Attributes, Id};

/// Where an error was caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorSource {
    /// The window's `error` event.
    Uncaught,
    /// The window's `unhandledrejection` event.
    UnhandledRejection,
    /// `trackError(error, context)`.
    Api,
    /// `console.error`.
    Console,
    /// An element's `error` event: an image, script, style sheet or medium that did not load.
    Resource,
    /// A fetch or `XMLHttpRequest` that failed.
    Network,
    /// A violation of the page's Content Security Policy.
    Csp,
    /// A `deprecation` report (W3C Reporting API).
    Deprecation,
    /// An `intervention` report: the browser did not do what the page asked for.
    Intervention,
    /// A `crash` report, or the sender's own failure.
    Crash,
}

/// What kind of thing a breadcrumb tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreadcrumbKind {
    /// Another page or route was shown.
    Navigation,
    /// An element was clicked.
    Click,
    /// A request was answered or failed.
    Request,
    /// A line of the console.
    Console,
    /// The application's own.
    Custom,
}

/// One of the last things that happened before an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breadcrumb {
    /// When it happened, not after the error.
    pub at_ms: u64,
    /// What it tells of.
    pub kind: BreadcrumbKind,
    /// What happened, in at most [`crate::limits::MAX_NAME_BYTES`].
    pub text: String,
}

/// An error, or several equal ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorEvent {
    /// When it was caught; of several, the first.
    pub at_ms: u64,
    /// Index into the beacon's `views`.
    #[serde(default)]
    pub view: u32,
    /// Where it was caught.
    pub source: ErrorSource,
    /// The constructor's name, such as `TypeError`; absent when what was thrown is no `Error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The message, or the text of what was thrown.
    pub message: String,
    /// The browser's own stack text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// The script's address, or that of what did not load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// One-based line in `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// One-based column in `line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// How many equal errors this one stands for, itself included.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub count: u32,
    /// The last things before it, oldest first; at most [`crate::limits::MAX_BREADCRUMBS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breadcrumbs: Vec<Breadcrumb>,
    /// [`crate::Action::id`] of the action that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Id>,
    /// The caller's own context.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

const fn once() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
const fn is_once(count: &u32) -> bool {
    *count == 1
}
