//! The table, against what was aimed at, and the last line for machines.

use crate::measure::{Found, WAYS};

pub fn print(found: &Found) {
    let of = |what: &str, way: &str| found.get(&format!("{what} {way}")).and_then(|v| v.as_f64());
    println!("{:<16} {:>10} {:>10} {:>10}   × direct", "", WAYS[0], WAYS[1], WAYS[2]);
    for what in [
        "echo_us",
        "save_us",
        "64k_us",
        "1m_us",
        "progress_us",
        "list_us",
        "echo_8_per_s",
        "echo_64_per_s",
        "save_64_per_s",
    ] {
        let row = WAYS.map(|way| of(what, way).unwrap_or(f64::NAN));
        let ratio = row[2] / row[0];
        println!("{what:<16} {:>10.0} {:>10.0} {:>10.0}   {ratio:.2}", row[0], row[1], row[2]);
    }
    let us = |what, way| of(what, way).unwrap_or(f64::NAN);
    let fsync = us("fsync_us", "disk");
    let floor = us("echo_us", "floor") - us("echo_us", "direct");
    let read = us("echo_us", "prokura") - us("echo_us", "direct");
    let write = us("save_us", "prokura") - us("save_us", "direct");
    let share = |what| us(what, "prokura") / us(what, "floor");
    let times = |what| us(what, "prokura") / us(what, "direct");
    println!("one fsync of 4 KiB: {fsync:.0} µs");
    let aims = [
        ("read call adds × floor", read / floor, "≤", 1.5),
        ("write call adds − read − 1.3 fsync, µs", write - read - 1.3 * fsync, "≤", 0.0),
        ("64 at once, reads, × floor", share("echo_64_per_s"), "≥", 0.6),
        ("64 at once, writes, × floor", share("save_64_per_s"), "≥", 0.5),
        ("1 MiB × direct", times("1m_us"), "≤", 1.6),
        ("tools/list of 200 × direct", times("list_us"), "≤", 1.5),
        ("start to first call, ms", us("cold_ms", "prokura"), "≤", 100.0),
        ("idle MiB", us("rss_idle_mib", "prokura"), "≤", 25.0),
        ("loaded MiB", us("rss_loaded_mib", "prokura"), "≤", 40.0),
    ];
    for (what, value, way, aim) in aims {
        let met = if way == "≤" { value <= aim } else { value >= aim };
        println!("{} {what:<42} {value:>8.2}   {way} {aim}", if met { "✓" } else { "✗" });
    }
    let line: serde_json::Map<String, serde_json::Value> =
        found.iter().map(|(name, value)| (name.replace(' ', "_"), value.clone())).collect();
    println!("{}", serde_json::Value::Object(line));
}
