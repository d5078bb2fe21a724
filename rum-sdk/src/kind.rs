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
    /// An error, an action, a request or the like, see `Record::read` in `rum-sdk/src/collect/record.rs`.
    Record = 0,
    /// `[name, href]`.
    PageView = 1,
    /// The address, which may have changed.
    Route = 2,
    /// The address of a page that came back from the back/forward cache. The vitals are told after it.
    Restore = 3,
    /// The page is visible again.
    Shown = 4,
    /// The page is hidden, and all vitals were told.
    Hidden = 5,
    /// How much of the page was above the lower edge of the window, 0 to 1, since it was last told.
    Scrolled = 6,
    /// `flush()`.
    Flush = 7,
    /// The timer has run out.
    Timer = 8,
    /// `[number, status, retryAfter]` of a request; status 0 is a network failure.
    Settled = 9,
    /// A vital that is due.
    Vital = 10,
    /// Names and values that every event has from here on.
    Attributes = 11,
    /// Whether there is consent: 0 for none, 1 when it is not known yet, 2 for yes.
    Consent = 12,
    /// `reset()`: another session begins.
    Reset = 13,
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
