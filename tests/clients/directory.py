"""An institution's directory of one test run: OpenLDAP's `slapd` over TLS on a free port, with the people it is given."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

from certificate import make_certificate
from programs import missing
from store import free_port

BASE_DN = "dc=example,dc=org"
PEOPLE_DN = f"ou=people,{BASE_DN}"
START_TIMEOUT_S = 20
# Where Debian puts it; `/usr/sbin` is not in everybody's path.
SLAPD = "/usr/sbin/slapd"
SCHEMAS = "/etc/ldap/schema"


class Directory:
    """A running `slapd`, which `stop` ends."""

    def __init__(self, folder: Path, passwords: dict[str, str]):
        """Starts one with a person for each user name of `passwords`."""
        if not Path(SLAPD).is_file():
            missing("slapd is not installed")
        self.folder = folder
        self.port = free_port()
        (folder / "data").mkdir(parents=True)
        self.certificate = make_certificate(folder, ["localhost"])
        (folder / "slapd.conf").write_text(self._configuration())
        (folder / "people.ldif").write_text(entries(passwords))
        add = [SLAPD, "-T", "add", "-f", folder / "slapd.conf", "-l", folder / "people.ldif"]
        subprocess.run(add, check=True, capture_output=True, timeout=60)
        with (folder / "log").open("ab") as log:
            command = [SLAPD, "-d", "0", "-h", f"ldaps://localhost:{self.port}", "-f", folder / "slapd.conf"]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.stop()
                raise RuntimeError(f"slapd does not listen: {(folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

    def settings(self) -> str:
        """What the store's configuration says of it."""
        return f"""
[ldap]
servers = ["ldaps://localhost:{self.port}"]
ca_file = "{self.certificate.ca_file}"
user_base = "{PEOPLE_DN}"
"""

    def _answers(self) -> bool:
        try:
            socket.create_connection(("localhost", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def _configuration(self) -> str:
        schemas = "".join(f"include {SCHEMAS}/{name}.schema\n" for name in ("core", "cosine", "nis", "inetorgperson"))
        return f"""{schemas}
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {self.folder}/slapd.pid
argsfile {self.folder}/slapd.args
TLSCACertificateFile {self.certificate.ca_file}
TLSCertificateFile {self.certificate.cert_file}
TLSCertificateKeyFile {self.certificate.key_file}
TLSVerifyClient never
database mdb
maxsize 67108864
suffix "{BASE_DN}"
directory {self.folder}/data
index objectClass,uid eq
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""


def entries(passwords: dict[str, str]) -> str:
    text = f"dn: {BASE_DN}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n"
    text += f"dn: {PEOPLE_DN}\nobjectClass: organizationalUnit\nou: people\n\n"
    for number, (name, password) in enumerate(passwords.items(), start=1000):
        text += (
            f"dn: uid={name},{PEOPLE_DN}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\nuid: {name}\n"
            f"cn: {name.title()}\nsn: {name.title()}\nmail: {name}@example.org\nuidNumber: {number}\ngidNumber: 1000\n"
            f"homeDirectory: /home/{name}\nuserPassword: {password}\n\n"
        )
    return text
