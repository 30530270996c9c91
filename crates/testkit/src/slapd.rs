//! A real LDAP server: OpenLDAP's `slapd`, on free ports, with a database and a certificate authority of its own.
//!
//! It serves `dc=example,dc=org` with `ou=people`, `ou=groups` and the service account [`SERVICE_DN`], which may write
//! below `ou=groups`. Who is bound may read everything but passwords. A test adds what it needs as LDIF (RFC 2849), at the start or
//! later with OpenLDAP's own tools, so that nothing of ours stands between the test and the directory.

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use crate::free_port;

/// The entry at the top.
pub const BASE_DN: &str = "dc=example,dc=org";
/// The entry below which people are.
pub const PEOPLE_DN: &str = "ou=people,dc=example,dc=org";
/// The entry below which groups are.
pub const GROUPS_DN: &str = "ou=groups,dc=example,dc=org";
/// The service account.
pub const SERVICE_DN: &str = "cn=commonhold,dc=example,dc=org";
/// Its password.
pub const SERVICE_PASSWORD: &str = "a service's password";

const ADMIN_DN: &str = "cn=admin,dc=example,dc=org";
const ADMIN_PASSWORD: &str = "an administrator's password";
/// Where Debian puts it; `/usr/sbin` is not in everybody's path.
const SLAPD: &str = "/usr/sbin/slapd";
const SCHEMAS: &str = "/etc/ldap/schema";
const START_TIMEOUT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A running `slapd`. Dropping it ends it.
#[derive(Debug)]
pub struct Slapd {
    folder: TempDir,
    port: u16,
    tls_port: u16,
    child: Option<Child>,
}

impl Slapd {
    /// Whether it is installed here.
    pub fn is_installed() -> bool {
        Path::new(SLAPD).is_file()
    }

    /// Starts one with the entries of `ldif` beside its own.
    ///
    /// # Panics
    /// Where it does not start, or does not take the entries; the message says why.
    pub fn start(ldif: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("commonhold-slapd-").tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("data")).expect("a folder");
        write_certificates(folder.path());
        let mut slapd = Self { folder, port: free_port(), tls_port: free_port(), child: None };
        fs::write(slapd.path("slapd.conf"), slapd.configuration()).expect("written");
        fs::write(slapd.path("first.ldif"), format!("{}\n{ldif}", own_entries())).expect("written");
        let mut add = Command::new(SLAPD);
        add.args(["-T", "add", "-f"]).arg(slapd.path("slapd.conf")).arg("-l").arg(slapd.path("first.ldif"));
        let added = output(&mut add);
        assert!(added.status.success(), "slapadd: {}", String::from_utf8_lossy(&added.stderr));
        slapd.start_again();
        slapd
    }

    /// Starts it again after [`stop`](Self::stop), on the same data and ports.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start_again(&mut self) {
        let log = fs::File::options().create(true).append(true).open(self.path("log")).expect("a log");
        let urls = format!("{} {}", self.url(), self.tls_url());
        let child = Command::new(SLAPD)
            .args(["-d", "0", "-h", &urls, "-f"])
            .arg(self.path("slapd.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("slapd runs"));
        let deadline = Instant::now() + START_TIMEOUT;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.tls_port)).is_err() {
            assert!(Instant::now() < deadline, "slapd does not listen: {}", self.log());
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// Ends it at once. Connections are closed; its data stays.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The two calls fail only where the process has ended already, which is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// `ldap://localhost:<port>`, for StartTLS or none.
    pub fn url(&self) -> String {
        format!("ldap://localhost:{}", self.port)
    }

    /// `ldaps://localhost:<port>`.
    pub fn tls_url(&self) -> String {
        format!("ldaps://localhost:{}", self.tls_port)
    }

    /// The certificate of the authority that signed the server's.
    pub fn ca_file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Makes the changes of an LDIF text with OpenLDAP's `ldapmodify`, as the administrator. A record without
    /// `changetype` adds an entry.
    ///
    /// # Panics
    /// Where the server refuses it.
    pub fn change(&self, ldif: &str) {
        let mut command = Command::new("ldapmodify");
        command.args(["-a", "-x", "-H", &self.url(), "-D", ADMIN_DN, "-w", ADMIN_PASSWORD]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ldapmodify runs: install ldap-utils");
        child.stdin.take().expect("a pipe").write_all(ldif.as_bytes()).expect("sent");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "ldapmodify: {}\n{ldif}", String::from_utf8_lossy(&output.stderr));
    }

    /// The values of an attribute of the entry at `dn`, sorted; `None` where there is no such entry. Values that LDIF
    /// writes in base64 are left so.
    ///
    /// # Panics
    /// Where the server can not be asked.
    pub fn values(&self, dn: &str, attribute: &str) -> Option<Vec<String>> {
        let mut command = Command::new("ldapsearch");
        command.args(["-LLL", "-o", "ldif-wrap=no", "-x", "-H", &self.url(), "-D", ADMIN_DN, "-w", ADMIN_PASSWORD]);
        let output = output(command.args(["-s", "base", "-b", dn, "(objectClass=*)", attribute]));
        /// ldapsearch ends with the result code: noSuchObject.
        const NO_SUCH_OBJECT: i32 = 32;
        if output.status.code() == Some(NO_SUCH_OBJECT) {
            return None;
        }
        assert!(output.status.success(), "ldapsearch: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let head = format!("{attribute}: ");
        let mut values: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix(&head)).map(str::to_owned).collect();
        values.sort();
        Some(values)
    }

    /// What it printed so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn configuration(&self) -> String {
        let folder = self.folder.path().display();
        let schemas =
            ["core", "cosine", "nis", "inetorgperson"].map(|name| format!("include {SCHEMAS}/{name}.schema\n"));
        format!(
            "{}modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {folder}/slapd.pid\nargsfile {folder}/slapd.args\n\
             TLSCACertificateFile {folder}/ca.pem\nTLSCertificateFile {folder}/server.pem\n\
             TLSCertificateKeyFile {folder}/server.key\nTLSVerifyClient never\n\
             database mdb\nmaxsize 67108864\nsuffix \"{BASE_DN}\"\nrootdn \"{ADMIN_DN}\"\nrootpw \"{ADMIN_PASSWORD}\"\n\
             directory {folder}/data\nlimits dn.exact=\"{SERVICE_DN}\" size.prtotal=unlimited\n\
             index objectClass,uid,cn,memberUid,member eq\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to dn.subtree=\"{GROUPS_DN}\" by dn.exact=\"{SERVICE_DN}\" write by users read by * none\n\
             access to * by users read by anonymous auth by * none\n",
            schemas.concat(),
        )
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn own_entries() -> String {
    let unit = |name: &str| format!("dn: ou={name},{BASE_DN}\nobjectClass: organizationalUnit\nou: {name}\n\n");
    format!(
        "dn: {BASE_DN}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n{}{}\
         dn: {SERVICE_DN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: commonhold\n\
         userPassword: {SERVICE_PASSWORD}\n",
        unit("people"),
        unit("groups"),
    )
}

/// An authority and a certificate of `localhost` that it signed.
fn write_certificates(folder: &Path) {
    let key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "an authority of tests");
    let certificate = authority.self_signed(&key).expect("a certificate");
    fs::write(folder.join("ca.pem"), certificate.pem()).expect("written");
    let issuer = Issuer::new(authority, key);

    let key = KeyPair::generate().expect("a key");
    let server = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = server.signed_by(&key, &issuer).expect("a certificate");
    fs::write(folder.join("server.pem"), certificate.pem()).expect("written");
    fs::write(folder.join("server.key"), key.serialize_pem()).expect("written");
}

fn output(command: &mut Command) -> std::process::Output {
    command.stdin(Stdio::null()).output().expect("the program runs: install slapd and ldap-utils")
}
