use waypost_histories::model::{Broken, Fault, Sizes, search};

#[test]
fn probe() {
    for (name, sizes) in [
        (
            "copy",
            Sizes {
                clicks: 2,
                copies: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "copy,loss",
            Sizes {
                clicks: 2,
                copies: 1,
                losses: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "copy,loss,crash",
            Sizes {
                clicks: 2,
                copies: 1,
                losses: 1,
                crashes: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "setback",
            Sizes {
                clicks: 2,
                set_backs: 1,
                losses: 1,
                crashes: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "setback,release",
            Sizes {
                clicks: 2,
                set_backs: 1,
                losses: 1,
                crashes: 1,
                releases: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "copy,setback",
            Sizes {
                clicks: 2,
                set_backs: 1,
                copies: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "power",
            Sizes {
                clicks: 2,
                power_failures: 1,
                releases: 1,
                ..Sizes::QUIET
            },
        ),
        (
            "counts copy",
            Sizes {
                keeps_rows: false,
                clicks: 2,
                copies: 1,
                crashes: 1,
                losses: 1,
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
            "counts both",
            Sizes {
                keeps_rows: false,
                clicks: 2,
                set_backs: 1,
                copies: 1,
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
