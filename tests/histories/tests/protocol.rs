use waypost_histories::model::{Broken, Fault, Sizes, search};

#[test]
fn probe() {
    for (name, sizes) in [
        (
            "copy,setback,crash",
            Sizes {
                clicks: 2,
                set_backs: 1,
                copies: 1,
                crashes: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "counts set_back",
            Sizes {
                keeps_rows: false,
                clicks: 2,
                set_backs: 1,
                crashes: 1,
                losses: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "counts set_back rel",
            Sizes {
                keeps_rows: false,
                clicks: 2,
                set_backs: 1,
                crashes: 1,
                losses: 1,
                releases: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "counts both",
            Sizes {
                keeps_rows: false,
                clicks: 2,
                set_backs: 1,
                copies: 1,
                losses: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "counts both apart",
            Sizes {
                keeps_rows: false,
                clicks: 3,
                set_backs: 1,
                copies: 1,
                losses: 1,
                backs_up_apart: true,
                ..Sizes::QUIET
            },
        ),
        (
            "counts both apart crash",
            Sizes {
                keeps_rows: false,
                clicks: 2,
                set_backs: 1,
                copies: 1,
                losses: 1,
                crashes: 1,
                backs_up_apart: true,
                ..Sizes::QUIET
            },
        ),
        (
            "counts both 3",
            Sizes {
                keeps_rows: false,
                clicks: 3,
                set_backs: 1,
                copies: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "counts both crash",
            Sizes {
                keeps_rows: false,
                clicks: 2,
                set_backs: 1,
                copies: 1,
                crashes: 1,
                ..Sizes::QUIET
            },
        ),
    ] {
        let begun = std::time::Instant::now();
        let found = search(&sizes);
        println!(
            "{name}: {} states, {:?}, {:?}",
            found.states,
            begun.elapsed(),
            found.counterexample
        );
    }
}
