//! What the engine process may touch, enforced by the kernel (Landlock, Linux 5.13 and later).
//!
//! ClickHouse's own grants leave gaps in an embedded engine: the function `file('/etc/passwd')` needs none, `FROM INFILE` and
//! `INTO OUTFILE` are run by its client side, and some sources start programs. Inside this fence all of them fail: no file outside the
//! data directory and the read-only system paths below, no program, and, where the kernel knows network rules (6.7), no connection
//! to anywhere and no second listener.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use super::config::Layout;

/// What the loader, the C library and ClickHouse's own measurements read. No configuration that may hold secrets, no home directory;
/// other processes' entries of `/proc` are refused by Landlock itself.
const READ_ONLY: [&str; 22] = [
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/share/zoneinfo",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/mounts",
    "/proc/stat",
    "/proc/sys",
    "/proc/uptime",
    "/proc/version",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm",
    "/dev/urandom",
];

/// How far the kernel went along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confinement {
    /// Files, programs and network.
    Full,
    /// An older kernel: files and programs at least.
    Partial,
    /// The kernel has no Landlock: the grants and the statement gate stand alone.
    None,
}

/// Confines this thread and all it starts, for good. Must run before any other thread exists.
pub(crate) fn confine(layout: &Layout, library: &Path) -> Result<Confinement, RulesetError> {
    let abi = ABI::V6;
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?;
    let everything_but_programs: BitFlags<AccessFs> = AccessFs::from_all(abi) & !AccessFs::Execute;
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    rules = allow(rules, &layout.root, reading)?;
    rules = allow(rules, &layout.data, everything_but_programs)?;
    rules = allow(rules, &layout.user_files, everything_but_programs)?;
    rules = allow(rules, &layout.backups, everything_but_programs)?;
    rules = allow(rules, library, AccessFs::ReadFile.into())?;
    rules = allow(rules, Path::new("/dev/null"), AccessFs::ReadFile | AccessFs::WriteFile)?;
    for path in READ_ONLY {
        let path = Path::new(path);
        rules = allow(rules, path, if path.is_dir() { reading } else { AccessFs::ReadFile.into() })?;
    }
    Ok(match rules.restrict_self()?.ruleset {
        RulesetStatus::FullyEnforced => Confinement::Full,
        RulesetStatus::PartiallyEnforced => Confinement::Partial,
        RulesetStatus::NotEnforced => Confinement::None,
    })
}

/// Adds a rule for `path`; a path that this machine lacks needs none.
fn allow(
    rules: landlock::RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<landlock::RulesetCreated, RulesetError> {
    match PathFd::new(path) {
        Ok(descriptor) => rules.add_rule(PathBeneath::new(descriptor, access)),
        Err(_) => Ok(rules),
    }
}
