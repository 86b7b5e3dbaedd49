//! The comments of a user agent (RFC 9110 §10.1.5), in parentheses, and the brackets that apps add.
//!
//! Makers of phones choose the words in the comments that describe a device: the model, the build.
//! Such words are no evidence of what sends the request.

use std::ops::Range;

/// The outermost comments of a user agent, in their order.
pub(super) struct Comments(Vec<Comment>);

struct Comment {
    range: Range<usize>,
    describes_device: bool,
}

impl Comments {
    /// Finds the comments. One that is not closed ends with the text.
    pub(super) fn of(text: &str) -> Self {
        let mut comments = Vec::new();
        let (mut depth, mut begin) = (0_usize, 0);
        let mut add = |range, describes_device| {
            comments.push(Comment {
                range,
                describes_device,
            });
        };
        let mut is_bracket = false;
        for (place, byte) in text.bytes().enumerate() {
            match byte {
                b'(' | b'[' => {
                    if depth == 0 {
                        begin = place;
                        is_bracket = byte == b'[';
                    }
                    depth += 1;
                }
                b')' | b']' if depth > 0 => {
                    depth -= 1;
                    if depth == 0 {
                        add(begin..place, is_bracket);
                    }
                }
                _ => {}
            }
        }
        if depth > 0 {
            add(begin..text.len(), is_bracket);
        }
        Self(comments)
    }

    /// Notes that the comment at this place, if there is one, describes a device.
    pub(super) fn describe_device(&mut self, place: usize) {
        let at = self.0.iter_mut().find(|it| it.range.contains(&place));
        if let Some(comment) = at {
            comment.describes_device = true;
        }
    }

    /// Whether this place is in a comment that describes a device.
    pub(super) fn describes_device(&self, place: usize) -> bool {
        self.at(place).is_some_and(|it| it.describes_device)
    }

    /// Whether a comment describes a device.
    pub(super) fn describe_any_device(&self) -> bool {
        self.0.iter().any(|comment| comment.describes_device)
    }

    /// Whether both places are in the same comment.
    pub(super) fn are_together(&self, one: usize, other: usize) -> bool {
        self.at(one)
            .is_some_and(|comment| comment.range.contains(&other))
    }

    /// Whether this place is in a comment.
    pub(super) fn contain(&self, place: usize) -> bool {
        self.at(place).is_some()
    }

    /// Returns the places of all comments.
    pub(super) fn ranges(&self) -> impl DoubleEndedIterator<Item = Range<usize>> {
        self.0.iter().map(|comment| comment.range.clone())
    }

    fn at(&self, place: usize) -> Option<&Comment> {
        self.0.iter().find(|comment| comment.range.contains(&place))
    }
}
