//! Which network addresses a request may reach. It knows addresses only: no names, no requests.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of place an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Anywhere on the internet.
    Public,
    /// This machine.
    Loopback,
    /// The person's own network: RFC 1918, shared address space, unique local.
    Private,
    /// Nowhere a request has any business: link-local and metadata services, multicast, reserved, tunnels.
    Forbidden,
}

/// IPv4 blocks that are not public, most specific first.
const V4: [(Ipv4Addr, u32, Class); 19] = [
    (Ipv4Addr::new(100, 100, 100, 200), 32, Class::Forbidden), // a cloud's metadata service
    (Ipv4Addr::new(192, 0, 0, 0), 24, Class::Forbidden),
    (Ipv4Addr::new(192, 0, 2, 0), 24, Class::Forbidden),
    (Ipv4Addr::new(198, 51, 100, 0), 24, Class::Forbidden),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Class::Forbidden),
    (Ipv4Addr::new(192, 88, 99, 0), 24, Class::Forbidden),
    (Ipv4Addr::new(192, 31, 196, 0), 24, Class::Forbidden),
    (Ipv4Addr::new(192, 52, 193, 0), 24, Class::Forbidden),
    (Ipv4Addr::new(192, 175, 48, 0), 24, Class::Forbidden),
    (Ipv4Addr::new(168, 63, 129, 16), 32, Class::Forbidden), // a cloud's host agent
    (Ipv4Addr::new(169, 254, 0, 0), 16, Class::Forbidden),
    (Ipv4Addr::new(192, 168, 0, 0), 16, Class::Private),
    (Ipv4Addr::new(198, 18, 0, 0), 15, Class::Private),
    (Ipv4Addr::new(172, 16, 0, 0), 12, Class::Private),
    (Ipv4Addr::new(100, 64, 0, 0), 10, Class::Private),
    (Ipv4Addr::new(10, 0, 0, 0), 8, Class::Private),
    (Ipv4Addr::new(127, 0, 0, 0), 8, Class::Loopback),
    (Ipv4Addr::UNSPECIFIED, 8, Class::Forbidden),
    (Ipv4Addr::new(224, 0, 0, 0), 3, Class::Forbidden), // multicast and everything above
];

/// IPv6 blocks that are not public, most specific first. What is outside 2000::/3 is forbidden anyway.
const V6: [(Ipv6Addr, u32, Class); 8] = [
    (Ipv6Addr::LOCALHOST, 128, Class::Loopback),
    (Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254), 128, Class::Forbidden), // metadata
    (Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254), 128, Class::Forbidden), // metadata
    (Ipv6Addr::new(0x2001, 0x0db8, 0, 0, 0, 0, 0, 0), 32, Class::Forbidden),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Class::Forbidden), // Teredo, ORCHID, benchmarks
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Class::Forbidden),
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, Class::Forbidden),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, Class::Private),
];

/// What kind of place `address` is.
pub(crate) fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => class_v4(address),
        IpAddr::V6(address) => class_v6(address),
    }
}

fn class_v4(address: Ipv4Addr) -> Class {
    let inside = |block: Ipv4Addr, bits: u32| {
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        u32::from(address) & mask == u32::from(block) & mask
    };
    V4.iter()
        .find(|(block, bits, _)| inside(*block, *bits))
        .map_or(Class::Public, |(_, _, class)| *class)
}

fn class_v6(address: Ipv6Addr) -> Class {
    if let Some(inner) = address.to_ipv4_mapped() {
        return class_v4(inner);
    }
    if let Some(inner) = translated(address) {
        // A translator or tunnel leads to the IPv4 internet or to nowhere: never into the person's network.
        return if class_v4(inner) == Class::Public { Class::Public } else { Class::Forbidden };
    }
    let inside = |block: Ipv6Addr, bits: u32| {
        let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
        u128::from(address) & mask == u128::from(block) & mask
    };
    if let Some((_, _, class)) = V6.iter().find(|(block, bits, _)| inside(*block, *bits)) {
        return *class;
    }
    if inside(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3) {
        Class::Public
    } else {
        Class::Forbidden
    }
}

/// The IPv4 address inside a NAT64 (64:ff9b::/96) or 6to4 (2002::/16) address.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_has_its_class() {
        // B-03
        let table = [
            (Class::Public, "1.1.1.1 9.255.255.255 100.63.0.1 172.32.0.1 223.255.255.255"),
            (Class::Public, "2606:4700::1111 2a00::1 64:ff9b::101:101 ::ffff:8.8.8.8"),
            (Class::Loopback, "127.0.0.1 127.255.0.3 ::1 ::ffff:127.0.0.1"),
            (Class::Private, "10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1"),
            (Class::Private, "100.127.255.255 198.19.0.1 fc00::1 fd12:3456::1 ::ffff:10.0.0.1"),
            (Class::Forbidden, "0.0.0.0 0.1.2.3 169.254.169.254 100.100.100.200 168.63.129.16"),
            (Class::Forbidden, "224.0.0.1 240.0.0.1 255.255.255.255 192.0.2.1 203.0.113.9"),
            (Class::Forbidden, ":: fe80::1 fec0::1 ff02::1 fd00:ec2::254 2001:db8::1 2001::1"),
            (Class::Forbidden, "64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2002:c0a8:101::"),
            (Class::Forbidden, "64:ff9b:1::1 ::127.0.0.1 ::10.0.0.1 100::1 ::ffff:169.254.169.254"),
        ];
        for (expected, addresses) in table {
            for address in addresses.split(' ') {
                let parsed: IpAddr = address.parse().expect("an address");
                assert_eq!(class(parsed), expected, "{address}");
            }
        }
    }
}
