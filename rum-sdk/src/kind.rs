//! What the loader delivers. The numbers are those of `npm/src/kind.ts`.

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $number:literal,)+) => {
        /// What is delivered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($(#[doc = $doc])+ $name,)+ }

        impl Kind {
            /// The kind of that number.
            #[must_use]
            pub const fn of(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)+
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        const NAMES: &[(&str, u32)] = &[$((stringify!($name), $number)),+];
    };
}

kinds! {
    /// An error.
    Error = 0,
    /// The element that was clicked.
    Click = 1,
    /// The user clicked or pressed a key.
    Input = 2,
    /// `[action, category, value]`.
    Action = 3,
    /// `[name, href]`.
    PageView = 4,
    /// The address, which may have changed.
    Route = 5,
    /// The address of a page that came back from the back/forward cache.
    Restore = 6,
    /// The page was hidden.
    HiddenSince = 7,
    /// The page is hidden and all entries were delivered; with `performance.interactionCount`.
    Hidden = 8,
    /// `flush()`.
    Flush = 9,
    /// The timer has run out.
    Timer = 10,
    /// The browser is idle.
    Idle = 11,
    /// `[number, status, retryAfter]` of a request.
    Settled = 12,
    /// `paint` entries.
    Paint = 13,
    /// `largest-contentful-paint` entries.
    LargestPaint = 14,
    /// `layout-shift` entries.
    LayoutShift = 15,
    /// `first-input` entries.
    FirstInput = 16,
    /// `event` entries.
    Interactions = 17,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_has_the_same_numbers() {
        let typescript = include_str!("../../npm/src/kind.ts");
        let theirs: Vec<_> = typescript
            .lines()
            .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" = "))
            .map(|(name, number)| (name, number.parse().unwrap()))
            .collect();
        assert_eq!(theirs, NAMES);
    }
}
