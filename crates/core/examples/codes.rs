//! Parses the codes given as arguments, prints which are available, and generates one.
//!
//! ```sh
//! cargo run -p waypost-core --example codes -- Team-Wiki api -x
//! ```

#![expect(clippy::print_stdout, reason = "an example prints its results")]

use waypost_core::{CodeLength, ReservedWords, ShortCode, SystemRandom};

fn main() {
    let reserved: ReservedWords = ["api", "health"].into_iter().collect();
    for argument in std::env::args().skip(1) {
        let code = ShortCode::parse(&argument).and_then(|code| {
            reserved.check(&code)?;
            Ok(code)
        });
        match code {
            Ok(code) => println!("{argument}: stored as {}", code.as_str()),
            Err(error) => println!("{argument}: {error}"),
        }
    }
    let generated = ShortCode::generate(&SystemRandom, CodeLength::default());
    println!("generated: {generated}");
}
