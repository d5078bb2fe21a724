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
    /// `[action, category, value]`.
    Action = 2,
    /// `[name, href]`.
    PageView = 3,
    /// The address, which may have changed.
    Route = 4,
    /// The address of a page that came back from the back/forward cache. The vitals are told after it.
    Restore = 5,
    /// The page is hidden, and all vitals were told.
    Hidden = 6,
    /// `flush()`.
    Flush = 7,
    /// The timer has run out.
    Timer = 8,
    /// `[number, status, retryAfter]` of a request.
    Settled = 9,
    /// A vital that is due.
    Vital = 10,
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
