//! Where panels go: from left to right in lines of 24 columns, each line as high as its highest panel.

pub(super) const COLUMNS: u32 = 24;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The places of panels with these widths and heights.
pub(super) fn places(sizes: impl IntoIterator<Item = (u32, u32)>) -> Vec<Place> {
    let (mut x, mut y, mut line) = (0, 0, 0);
    let mut places = Vec::new();
    for (width, height) in sizes {
        if x + width > COLUMNS {
            (x, y, line) = (0, y + line, 0);
        }
        places.push(Place { x, y, width, height });
        (x, line) = (x + width, line.max(height));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_high_as_its_highest_panel() {
        let place = |x, y, width, height| Place { x, y, width, height };
        assert_eq!(
            places([(12, 4), (12, 8), (24, 1), (8, 2)]),
            [place(0, 0, 12, 4), place(12, 0, 12, 8), place(0, 8, 24, 1), place(0, 9, 8, 2)]
        );
    }
}
