//! Whose certificates are trusted.

use identity::{Directory, IdentityError};
use identity_ldap::{Schema, Trust};
use testkit::Slapd;

use crate::world::{can_run, directory, name, people, settings};

#[tokio::test]
async fn a_server_is_trusted_only_with_a_certificate_of_the_authority_for_its_name() {
    if !can_run() {
        return;
    }
    let slapd = Slapd::start(&people());
    let right = std::fs::read(slapd.ca_file()).expect("read");
    let wrong = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let wrong = wrong.cert.pem().into_bytes();
    let by_address = |url: String| url.replace("localhost", "127.0.0.1");
    for (url, pem, expected) in [
        (slapd.url(), &right, ""),
        (slapd.tls_url(), &right, ""),
        (slapd.url(), &wrong, "invalid peer certificate"),
        (slapd.tls_url(), &wrong, "invalid peer certificate"),
        (by_address(slapd.url()), &right, "certificate"),
        (by_address(slapd.tls_url()), &right, "certificate"),
    ] {
        let mut settings = settings(Schema::Posix, &slapd, std::slice::from_ref(&url));
        settings.trust = Trust::Pem(pem.clone());
        let directory = directory(settings);
        for outcome in
            [directory.find(&name("ann")).await, directory.verify_password(&name("ann"), "correct horse").await]
        {
            match outcome {
                Ok(found) => assert!(expected.is_empty() && found.is_some(), "{url}"),
                Err(IdentityError::DirectoryAway { reason }) => {
                    assert!(!expected.is_empty() && reason.contains(expected), "{url}: {reason}");
                }
                Err(error) => panic!("{url}: {error}"),
            }
        }
    }
}
