use time::macros::datetime;

use super::*;

const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

fn address(number: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, number])
}

#[test]
fn an_address_asks_the_provider_so_often_and_no_other_pays_for_it() {
    let throttle = SignInThrottle::default();
    let ask = |number| throttle.ask_provider(Some(address(number)), START);
    for _ in 0..120 {
        assert_eq!(ask(1), Ok(()));
    }
    assert_eq!(ask(1), Err(Duration::SECOND));
    assert_eq!(ask(2), Ok(()));
    assert_eq!(throttle.ask_provider(None, START), Ok(()));
    let later = START + Duration::SECOND;
    assert_eq!(throttle.ask_provider(Some(address(1)), later), Ok(()));
}

fn attempt(
    throttle: &SignInThrottle,
    address_number: u8,
    known: Option<KnownBrowser>,
    now: OffsetDateTime,
) -> Result<(), Duration> {
    let spelling = ["Ada@example.com", " ada@EXAMPLE.com "][usize::from(address_number % 2)];
    let begun = throttle.begin(spelling, Some(address(address_number)), known, now);
    begun.map(|_| ())
}

#[test]
fn an_account_has_ten_attempts_from_an_address_and_then_one_a_minute() {
    let throttle = SignInThrottle::default();
    let try_at = |number, now| attempt(&throttle, number, None, now);
    for _ in 0..10 {
        assert_eq!(try_at(1, START), Ok(()));
    }
    assert_eq!(try_at(1, START), Err(Duration::minutes(1)));
    let later = START + Duration::seconds(59);
    assert_eq!(try_at(1, later), Err(Duration::SECOND));
    let later = START + Duration::minutes(1);
    assert_eq!(try_at(1, later), Ok(()));
    assert_eq!(try_at(1, later), Err(Duration::minutes(1)));
    // Neither another address nor another account is kept out.
    assert_eq!(try_at(2, later), Ok(()));
    let other = throttle.begin("eve@example.com", Some(address(1)), None, later);
    assert!(other.is_ok());
}

#[test]
fn when_an_account_is_used_up_addresses_without_failures_and_known_browsers_get_in() {
    let throttle = SignInThrottle::default();
    let try_at = |number, known| attempt(&throttle, number, known, START);
    for number in [1, 2] {
        for _ in 0..10 {
            assert_eq!(try_at(number, None), Ok(()));
        }
    }
    // An address without failures has three attempts, whoever else has used up the account.
    for _ in 0..3 {
        assert_eq!(try_at(3, None), Ok(()));
    }
    assert_eq!(try_at(3, None), Err(Duration::minutes(1)));
    for number in 4..36 {
        for _ in 0..3 {
            assert_eq!(try_at(number, None), Ok(()));
        }
    }
    // Many addresses use up the reserve, too. Known browsers, from whatever address, still get in.
    assert_eq!(try_at(36, None), Ok(()));
    assert_eq!(try_at(37, None), Err(Duration::seconds(30)));
    for browser in [1, 2] {
        let known = Some(KnownBrowser([browser; 16]));
        for _ in 0..10 {
            assert_eq!(try_at(1, known), Ok(()));
        }
        assert_eq!(try_at(1, known), Err(Duration::minutes(1)));
    }
}

#[test]
fn strangers_have_a_bounded_number_of_attempts_from_any_number_of_addresses() {
    let throttle = SignInThrottle::default();
    let mut attempts = 0;
    for minute in 0..24 * 60_u32 {
        let now = START + Duration::minutes(i64::from(minute));
        // Ten new addresses every minute.
        for number in 0..10 {
            let address = Some(IpAddr::from((minute * 10 + number).to_be_bytes()));
            for _ in 0..3 {
                let begun = throttle.begin("ada@example.com", address, None, now);
                attempts += u32::from(begun.is_ok());
            }
        }
    }
    assert!((4_300..=120 + 4_320).contains(&attempts), "{attempts}");
}

#[test]
fn a_known_browser_is_charged_to_itself_alone() {
    let throttle = SignInThrottle::default();
    let known = Some(KnownBrowser([1; 16]));
    for _ in 0..10 {
        assert_eq!(attempt(&throttle, 1, known, START), Ok(()));
    }
    // It then is one of many.
    for _ in 0..10 {
        assert_eq!(attempt(&throttle, 1, known, START), Ok(()));
    }
    assert_eq!(
        attempt(&throttle, 1, known, START),
        Err(Duration::minutes(1))
    );
    let begun = throttle.begin(
        "ada@example.com",
        Some(address(2)),
        known,
        START + Duration::minutes(1),
    );
    throttle.give_back(&begun.unwrap());
    assert_eq!(
        attempt(&throttle, 1, known, START + Duration::minutes(1)),
        Ok(())
    );
}

#[test]
fn changing_a_password_has_a_budget_for_each_session() {
    let throttle = SignInThrottle::default();
    let random = waypost_core::SeededRandom::new(1);
    let [first, second] = [(); 2].map(|()| SessionId::new(START, &random));
    for _ in 0..10 {
        assert_eq!(throttle.begin_change(first, START), Ok(()));
    }
    assert_eq!(
        throttle.begin_change(first, START),
        Err(Duration::minutes(1))
    );
    assert_eq!(throttle.begin_change(second, START), Ok(()));
    throttle.give_back_change(first);
    assert_eq!(throttle.begin_change(first, START), Ok(()));
    assert_eq!(attempt(&throttle, 1, None, START), Ok(()));
}

#[test]
fn an_address_has_thirty_attempts_whatever_the_accounts() {
    let throttle = SignInThrottle::default();
    let begin = |number: u32, address| {
        let account = format!("{number}@example.com");
        throttle.begin(&account, address, None, START).map(|_| ())
    };
    for number in 0..30 {
        assert_eq!(begin(number, Some(address(1))), Ok(()));
    }
    assert_eq!(begin(30, Some(address(1))), Err(Duration::seconds(6)));
    assert_eq!(begin(30, Some(address(2))), Ok(()));
    // All addresses of an IPv6 network share a budget.
    for number in 0..31_u16 {
        let address = IpAddr::from([0x2001, 0xdb8, 0, 1, number, 0, 0, number]);
        assert_eq!(
            begin(100 + u32::from(number), Some(address)).is_ok(),
            number < 30
        );
    }
    let other = IpAddr::from([0x2001, 0xdb8, 0, 2, 0, 0, 0, 1]);
    assert_eq!(begin(200, Some(other)), Ok(()));
}

#[test]
fn attempts_that_succeed_cost_nothing() {
    let throttle = SignInThrottle::default();
    for _ in 0..1_000 {
        let attempt = throttle.begin("ada@example.com", Some(address(1)), None, START);
        throttle.give_back(&attempt.unwrap());
    }
}

#[test]
fn an_account_that_is_locked_costs_the_address_nothing() {
    let throttle = SignInThrottle::default();
    let refused = (0..1_000)
        .filter(|_| {
            throttle
                .begin("ada@example.com", Some(address(1)), None, START)
                .is_err()
        })
        .count();
    assert_eq!(refused, 990);
    assert!(
        throttle
            .begin("eve@example.com", Some(address(1)), None, START)
            .is_ok()
    );
}

#[test]
fn budgets_that_are_full_take_no_memory() {
    let throttle = SignInThrottle::default();
    for number in 0..100_000_u32 {
        let now = START + Duration::seconds(i64::from(number));
        let address = Some(IpAddr::from(number.to_be_bytes()));
        let begun = throttle.begin(&format!("{number}@example.com"), address, None, now);
        assert!(begun.is_ok());
    }
    assert!(lock(&throttle.accounts).len() < 2_000);
    assert!(lock(&throttle.here).len() < 2_000);
    assert!(lock(&throttle.addresses).len() < 2_000);
}

#[test]
fn whatever_is_typed_for_an_address_has_a_budget_of_bounded_size() {
    assert_eq!(&*account_of("NO address"), "no address");
    assert!(account_of(&"ä".repeat(1_000)).len() <= MAX_ACCOUNT);
}
