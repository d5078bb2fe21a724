//! Debian packages.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{progress, tree};

/// A Debian package and how to see that it is there, however it was installed.
#[derive(Clone, Copy)]
pub(crate) struct Package {
    name: &'static str,
    probe: Probe,
}

#[derive(Clone, Copy)]
enum Probe {
    /// A program on the search path.
    Program(&'static str),
    /// A file, where a package has no program on the search path.
    File(&'static str),
    /// Python modules that can be imported.
    PythonModules(&'static str),
}

/// The browser of most tests.
pub(crate) const CHROMIUM: Package = Package { name: "chromium", probe: Probe::Program("chromium") };
/// Firefox, in which vitals are compared too.
pub(crate) const FIREFOX: Package = Package { name: "firefox-esr", probe: Probe::Program("firefox-esr") };
/// The driver of `WebKitGTK`, and with it the browser that it drives.
pub(crate) const WEBKIT: Package = Package { name: "webkit2gtk-driver", probe: Probe::Program("WebKitWebDriver") };
/// The screen on which `WebKitGTK` shows its windows.
pub(crate) const XVFB: Package = Package { name: "xvfb", probe: Probe::Program("Xvfb") };
/// `prometheus` and `promtool`.
pub(crate) const PROMETHEUS: Package = Package { name: "prometheus", probe: Probe::Program("promtool") };
/// `prometheus-alertmanager` and `amtool`.
pub(crate) const ALERTMANAGER: Package =
    Package { name: "prometheus-alertmanager", probe: Probe::Program("prometheus-alertmanager") };
/// nginx with lua, Redis, NATS and `PostgreSQL`, which the ingest benchmark compares with. None of them is started by its package.
pub(crate) const NGINX: Package = Package { name: "nginx-light", probe: Probe::File("/usr/sbin/nginx") };
/// See [`NGINX`].
pub(crate) const NGINX_LUA: Package =
    Package { name: "libnginx-mod-http-lua", probe: Probe::File("/usr/lib/nginx/modules/ngx_http_lua_module.so") };
/// See [`NGINX`].
pub(crate) const REDIS: Package = Package { name: "redis-server", probe: Probe::Program("redis-server") };
/// See [`NGINX`].
pub(crate) const NATS: Package = Package { name: "nats-server", probe: Probe::Program("nats-server") };
/// See [`NGINX`].
pub(crate) const POSTGRESQL: Package = Package { name: "postgresql-15", probe: Probe::File("/usr/lib/postgresql/15/bin/postgres") };
/// Python's virtual environments, which Debian packages apart.
pub(crate) const PYTHON_VENV: Package = Package { name: "python3-venv", probe: Probe::PythonModules("venv, ensurepip") };

impl Package {
    fn is_there(self) -> bool {
        match self.probe {
            Probe::Program(name) => {
                let path = std::env::var_os("PATH").unwrap_or_default();
                std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
            }
            Probe::File(path) => Path::new(path).is_file(),
            Probe::PythonModules(names) => tree::output("python3", ["-c", &format!("import {names}")]).is_some(),
        }
    }
}

pub(super) fn ensure(packages: &[Package]) -> Result<()> {
    let missing: Vec<_> = packages.iter().filter(|package| !package.is_there()).map(|package| package.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    let by_hand = format!("Install these packages with your system's package manager, then run this again: {list}");
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("there is no apt-get. {by_hand}");
    }
    progress::run("update the Debian package lists", apt_get().arg("update"), &by_hand)?;
    let mut install = apt_get();
    install.args(["install", "--yes", "--no-install-recommends"]).args(&missing);
    progress::run(&format!("install {list}"), &mut install, &by_hand)?;
    match packages.iter().find(|package| !package.is_there()) {
        Some(package) => bail!("{} was installed, but what it should bring is not found", package.name),
        None => Ok(()),
    }
}

/// `apt-get` as root, asking nothing. The run level keeps packages from starting their services.
fn apt_get() -> Command {
    let is_root = tree::output("id", ["-u"]).is_some_and(|id| id.trim() == "0");
    let environment = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"];
    if is_root {
        tree::command("env", ["DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"])
    } else {
        tree::command("sudo", environment)
    }
}
