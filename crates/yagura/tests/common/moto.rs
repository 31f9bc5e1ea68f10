//! A moto server from PyPI.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A Python with moto: `YAGURA_TEST_MOTO`, or the one that `scripts/test` installs.
pub fn python() -> PathBuf {
    let installed = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let python = std::env::var_os("YAGURA_TEST_MOTO").map_or_else(|| installed.join("venv/bin/python"), PathBuf::from);
    let found = Command::new(&python).args(["-c", "import moto.server, boto3"]).stderr(Stdio::null()).status();
    assert!(
        found.is_ok_and(|s| s.success()),
        "`{}` has no moto, and this test needs it.\nRun `scripts/test`, which installs it; or install tests/requirements.txt into a virtual \
         environment of your own and set YAGURA_TEST_MOTO to its python",
        python.display()
    );
    python
}

/// A server that ends with its test.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// moto itself.
    pub fn moto(python: &Path) -> Self {
        Self::moto_with(python, &[])
    }

    /// moto itself with settings of its environment.
    pub fn moto_with(python: &Path, settings: &[(&str, &str)]) -> Self {
        let address = free();
        let main = format!("from moto.server import main; main(['-H', '127.0.0.1', '-p', '{}'])", address.port());
        Self::start(
            Command::new(python)
                .args(["-c", &main])
                .env("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
                .envs(settings.iter().copied()),
            address,
        )
    }

    /// A program that serves at the address given to it.
    pub fn start(command: &mut Command, address: SocketAddr) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut server = Self { child, address };
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(server.child.try_wait().unwrap().is_none(), "the server ended before it began");
            assert!(started.elapsed() < Duration::from_secs(60), "the server does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address on loopback that nobody uses.
pub fn free() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

/// What a script prints.
pub fn output(command: &mut Command) -> String {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert!(child.wait().unwrap().success(), "{command:?} failed");
    out
}
