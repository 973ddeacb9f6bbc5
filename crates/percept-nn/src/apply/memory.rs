//! How much memory a command may still take, so that what needs more is refused instead of ending the program.

use std::fs;

/// Bytes that are left to this process: of the machine, of its control group, and of its own limits. `None` where nobody says.
pub fn available() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let machine = read("/proc/meminfo").and_then(|text| {
        let swap = kilobytes(&text, "SwapFree:").unwrap_or(0);
        Some(kilobytes(&text, "MemAvailable:")?.saturating_add(swap))
    });
    let limits = read("/proc/self/limits")
        .zip(read("/proc/self/status"))
        .map(|(limits, status)| own(&limits, &status));
    let group = read("/proc/self/cgroup").and_then(|groups| group(&groups, &read));
    [machine, limits.flatten(), group].into_iter().flatten().min()
}

/// What the limits of the process (`ulimit -v`, `ulimit -d`) leave of it.
fn own(limits: &str, status: &str) -> Option<u64> {
    let left = |limit: &str, taken: &str| {
        let limit: u64 = limits
            .lines()
            .find_map(|line| line.strip_prefix(limit))?
            .split_whitespace()
            .next()?
            .parse()
            .ok()?;
        Some(limit.saturating_sub(kilobytes(status, taken)?))
    };
    let lefts = [left("Max address space", "VmSize:"), left("Max data size", "VmData:")];
    lefts.into_iter().flatten().min()
}

/// What the control group leaves, of either version; pages that hold files can be given back.
fn group(groups: &str, read: &impl Fn(&str) -> Option<String>) -> Option<u64> {
    let places = groups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        match (parts.next()?, parts.next()?) {
            ("", path) => {
                Some((format!("/sys/fs/cgroup{path}"), "memory.max", "memory.current", "inactive_file "))
            }
            (kind, path) if kind.split(',').any(|kind| kind == "memory") => Some((
                format!("/sys/fs/cgroup/memory{path}"),
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_inactive_file ",
            )),
            _ => None,
        }
    });
    let number = |text: Option<String>| text?.trim().parse::<u64>().ok();
    let lefts = places.filter_map(|(folder, limit, taken, files)| {
        let at = |name: &str| read(&format!("{folder}/{name}"));
        let (limit, taken) = (number(at(limit))?, number(at(taken))?);
        let files = at("memory.stat").and_then(|stat| {
            number(stat.lines().find_map(|line| line.strip_prefix(files)).map(str::to_string))
        });
        Some(limit.saturating_sub(taken.saturating_sub(files.unwrap_or(0))))
    });
    lefts.min()
}

/// The bytes of a line like `VmSize:   123 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_the_process_count_what_it_has_taken() {
        let status = "Name:\tpercept\nVmSize:\t   1000 kB\nVmData:\t     100 kB\n";
        let limits = |space: &str, data: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units\n\
                 Max data size             {data:20} unlimited            bytes\n\
                 Max address space         {space:20} unlimited            bytes\n"
            )
        };
        assert_eq!(own(&limits("unlimited", "unlimited"), status), None);
        assert_eq!(own(&limits("2048000", "unlimited"), status), Some(1_024_000));
        assert_eq!(own(&limits("2048000", "202400"), status), Some(100_000));
        assert_eq!(own(&limits("1000", "unlimited"), status), Some(0));
    }

    #[test]
    fn control_groups_of_both_versions_are_looked_at() {
        let second = |path: &str| match path {
            "/sys/fs/cgroup/box/memory.max" => Some("1000\n".to_string()),
            "/sys/fs/cgroup/box/memory.current" => Some("700\n".to_string()),
            "/sys/fs/cgroup/box/memory.stat" => Some("anon 400\ninactive_file 200\n".to_string()),
            _ => None,
        };
        assert_eq!(group("0::/box\n", &second), Some(500));
        let open = |path: &str| path.ends_with("memory.max").then(|| "max\n".to_string());
        assert_eq!(group("0::/box\n", &open), None);
        let first = |path: &str| match path {
            "/sys/fs/cgroup/memory/box/memory.limit_in_bytes" => Some("1000".to_string()),
            "/sys/fs/cgroup/memory/box/memory.usage_in_bytes" => Some("700".to_string()),
            _ => None,
        };
        assert_eq!(group("5:cpu,memory:/box\n2:cpuset:/box\n", &first), Some(300));
    }
}
