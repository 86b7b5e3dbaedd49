//! The IPv4 addresses that an IPv6 address stands for. A host is judged by what it reaches, not by
//! how it is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns an address and all addresses that it stands for: an IPv4 address as such and mapped into
/// IPv6, and the IPv4 addresses that an IPv6 address contains.
///
/// | form | prefix | source |
/// | --- | --- | --- |
/// | mapped | `::ffff:0:0/96` | RFC 4291 §2.5.5.2 |
/// | compatible | `::/96` | RFC 4291 §2.5.5.1 |
/// | translated | `::ffff:0:0:0/96` | RFC 2765 §2.1 |
/// | NAT64 | `64:ff9b::/96` | RFC 6052 §2.1 |
/// | local NAT64 | `64:ff9b:1::/48`, at each place that RFC 6052 §2.2 allows | RFC 8215 |
/// | 6to4 | `2002::/16` | RFC 3056 |
/// | Teredo | `2001::/32`, the server and the inverted client | RFC 4380 §4 |
/// | ISATAP | any, with the interface `::5efe:0:0` or `::200:5efe:0:0` | RFC 5214 §6.1 |
///
/// A NAT64 prefix that a network has chosen itself cannot be told from other addresses.
pub(crate) fn forms(address: IpAddr) -> Vec<IpAddr> {
    let mut forms = vec![address];
    let contained = match address {
        IpAddr::V4(address) => vec![address],
        IpAddr::V6(address) => contained(address),
    };
    for v4 in contained {
        for form in [IpAddr::V4(v4), IpAddr::V6(v4.to_ipv6_mapped())] {
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}

/// Returns the IPv4 addresses that an IPv6 address contains.
fn contained(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let segments = address.segments();
    let bytes = address.octets();
    let [.., a, b, c, d] = bytes;
    let last = Ipv4Addr::new(a, b, c, d);
    let at = |places: [usize; 4]| {
        let [a, b, c, d] = places.map(|place| bytes.get(place).copied().unwrap_or_default());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // Neither the unspecified address nor that of the loopback interface.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Vec::new(),
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _]
        | [0, 0, 0, 0, 0xffff, 0, _, _]
        | [0x64, 0xff9b, 0, 0, 0, 0, _, _]
        | [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => vec![last],
        [0x64, 0xff9b, 1, ..] => vec![
            at([6, 7, 9, 10]),
            at([7, 9, 10, 11]),
            at([9, 10, 11, 12]),
            last,
        ],
        [0x2002, ..] => vec![at([2, 3, 4, 5])],
        [0x2001, 0, ..] => {
            let [a, b, c, d] = last.octets();
            vec![at([4, 5, 6, 7]), Ipv4Addr::new(!a, !b, !c, !d)]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands_for(text: &str) -> Vec<String> {
        let forms = forms(text.parse().unwrap()).into_iter();
        forms
            .filter(IpAddr::is_ipv4)
            .map(|form| form.to_string())
            .collect()
    }

    #[test]
    fn every_form_of_an_ipv4_address_is_known() {
        for text in [
            "203.0.113.9",
            "::ffff:203.0.113.9",
            "::203.0.113.9",
            "::ffff:0:203.0.113.9",
            "64:ff9b::203.0.113.9",
            "64:ff9b::cb00:7109",
            "2002:cb00:7109::",
            "2002:cb00:7109::1",
            "2002:cb00:7109:1:2:3:4:5",
            "fe80::5efe:203.0.113.9",
            "2001:db8::200:5efe:203.0.113.9",
        ] {
            assert_eq!(stands_for(text), ["203.0.113.9"], "{text}");
        }
        for text in [
            "64:ff9b:1::203.0.113.9",
            "64:ff9b:1:cb00:71:900::",
            "64:ff9b:1:cb:0:7109::",
            "64:ff9b:1:0:cb:71:900:0",
            "2001:0:cb00:7109::",
            "2001:0:c000:201:0:0:34ff:8ef6",
        ] {
            let forms = stands_for(text);
            assert!(
                forms.contains(&"203.0.113.9".to_owned()),
                "{text}: {forms:?}"
            );
        }
        for text in ["::", "::1", "2001:db8::203.0.113.9", "fe80::1"] {
            assert_eq!(stands_for(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn an_ipv4_address_is_also_its_mapped_one() {
        let forms = forms("203.0.113.9".parse().unwrap());
        let mapped: IpAddr = "::ffff:203.0.113.9".parse().unwrap();
        assert_eq!(forms, ["203.0.113.9".parse().unwrap(), mapped]);
    }
}
