//! The axis of a chart, from zero to a round number in round steps.

use super::WHOLE;

/// Maximum number of steps of an axis.
const MOST_STEPS: u64 = 5;

/// An axis that starts at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    step: u64,
    steps: u64,
}

impl Axis {
    /// Returns the shortest axis that reaches `most`. Its step is 1, 2 or 5 times a power of ten,
    /// and it has at least one.
    pub(super) fn up_to(most: u64) -> Self {
        let most = most.max(1);
        let reaches = |step: u64| most.div_ceil(step) <= MOST_STEPS;
        let powers = std::iter::successors(Some(1_u64), |power| power.checked_mul(10));
        let round = powers.flat_map(|power| [1, 2, 5].map(|digit| power.checked_mul(digit)));
        let step = round.flatten().find(|step| reaches(*step));
        let step = step.unwrap_or(u64::MAX / MOST_STEPS + 1);
        Self {
            step,
            steps: most.div_ceil(step),
        }
    }

    /// Returns the numbers of its grid lines, from zero to its end.
    pub(super) fn lines(self) -> impl Iterator<Item = u64> {
        (0..=self.steps).map(move |step| self.step.saturating_mul(step))
    }

    /// Returns the height of a number, in thousandths of a percent of the axis.
    pub(super) fn share(self, number: u64) -> u64 {
        let top = u128::from(self.step) * u128::from(self.steps);
        let share = u128::from(number) * u128::from(WHOLE) / top;
        u64::try_from(share).unwrap_or(WHOLE).min(WHOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(most: u64) -> Vec<u64> {
        Axis::up_to(most).lines().collect()
    }

    #[test]
    fn an_axis_has_round_steps_and_reaches_the_most() {
        for (most, expected) in [
            (0, vec![0, 1]),
            (1, vec![0, 1]),
            (3, vec![0, 1, 2, 3]),
            (5, vec![0, 1, 2, 3, 4, 5]),
            (6, vec![0, 2, 4, 6]),
            (11, vec![0, 5, 10, 15]),
            (25, vec![0, 5, 10, 15, 20, 25]),
            (26, vec![0, 10, 20, 30]),
            (999, vec![0, 200, 400, 600, 800, 1_000]),
            (1_001, vec![0, 500, 1_000, 1_500]),
            (
                4_321_000,
                vec![0, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000],
            ),
        ] {
            assert_eq!(lines(most), expected, "{most}");
        }
    }

    #[test]
    fn no_number_is_too_large_for_an_axis() {
        for most in [u64::MAX, u64::MAX / 2, u64::MAX - 1, 1 << 63] {
            let axis = Axis::up_to(most);
            assert!((2..=6).contains(&axis.lines().count()));
            assert!(axis.share(most) <= WHOLE && axis.share(most) > WHOLE / 2);
        }
    }

    #[test]
    fn the_height_of_a_number_is_its_share() {
        let axis = Axis::up_to(8);
        assert_eq!(axis.lines().last(), Some(8));
        assert_eq!(axis.share(0), 0);
        assert_eq!(axis.share(2), WHOLE / 4);
        assert_eq!(axis.share(8), WHOLE);
        assert_eq!(axis.share(9), WHOLE);
    }
}
