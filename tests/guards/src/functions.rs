//! The functions of a file, found by the layout that rustfmt gives them.

/// A function with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The name.
    pub name: String,
    /// The number of the line with the name, from 1.
    pub line: usize,
    /// The number of lines of the body, without blank lines and comments.
    pub length: usize,
    /// Whether it stands in a module that only tests have.
    pub is_test: bool,
}

/// Words that may stand before `fn`.
const QUALIFIERS: [&str; 6] = ["pub", "default", "const", "async", "unsafe", "extern"];

/// Finds the functions of a file that rustfmt has formatted. One that stands on a single line has no
/// body to count and is left out.
///
/// ```
/// let text = "fn answer() -> u8 {\n    // The sum.\n    let one = 41;\n    one + 1\n}\n";
/// let found = waypost_guards::functions(text);
/// assert_eq!((found[0].name.as_str(), found[0].length), ("answer", 2));
/// ```
#[must_use]
pub fn functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let tests_from = first_test_module(&lines);
    let found = lines.iter().enumerate().filter_map(|(at, line)| {
        let name = name_of(line)?;
        let length = length_of(lines.get(at..)?)?;
        Some(Function {
            name: name.to_owned(),
            line: at + 1,
            length,
            is_test: tests_from.is_some_and(|from| at > from),
        })
    });
    found.collect()
}

/// The index of the line after which a file holds tests alone.
fn first_test_module(lines: &[&str]) -> Option<usize> {
    lines.windows(2).position(|pair| match pair {
        [attribute, module] => {
            *attribute == "#[cfg(test)]" && module.starts_with("mod ") && module.ends_with('{')
        }
        _ => false,
    })
}

/// The name of the function that begins on a line.
fn name_of(line: &str) -> Option<&str> {
    let (before, after) = line.trim_start().split_once("fn ")?;
    let is_qualifier = |word: &str| {
        let word = word.split('(').next().unwrap_or_default();
        word.starts_with('"') || QUALIFIERS.contains(&word)
    };
    if !before.split_whitespace().all(is_qualifier) {
        return None;
    }
    let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    after.get(..end).filter(|name| !name.is_empty())
}

/// The length of the function that begins on the first line, where it has a body of several lines.
fn length_of(lines: &[&str]) -> Option<usize> {
    let first = lines.first()?;
    let indent = first.get(..first.len() - first.trim_start().len())?;
    let head = lines
        .iter()
        .position(|line| line.ends_with(['{', ';', '}']))?;
    if !lines.get(head)?.ends_with('{') {
        return None;
    }
    let body = lines.get(head + 1..)?;
    let closes = |line: &&str| line.strip_prefix(indent) == Some("}");
    let body = body.get(..body.iter().position(closes)?)?;
    let is_code = |line: &&&str| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with("//")
    };
    Some(body.iter().filter(is_code).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
impl Store {
    /// Asks fn nobody.
    pub(crate) async fn several(
        &self,
        of: &str,
    ) -> Result<u8, Error>
    where
        Self: Sized,
    {
        // A comment.
        let one = 1;

        if one == 1 {
            return Ok(one);
        }
        Ok(2)
    }

    fn declared(&self) -> u8;

    fn on_one_line(&self) {}
}

#[cfg(test)]
mod tests {
    #[test]
    fn holds() {
        assert!(true);
    }
}
";

    #[test]
    fn functions_are_found_with_the_lines_of_their_bodies() {
        let found = functions(FILE);
        let short: Vec<_> = found
            .iter()
            .map(|function| (function.name.as_str(), function.line, function.length))
            .collect();
        assert_eq!(short, [("several", 3, 5), ("holds", 27, 1)]);
        assert_eq!([false, true], [0, 1].map(|at| found[at].is_test));
    }
}
