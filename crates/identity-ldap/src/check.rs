//! What an operator wants to know of a directory that does not work: step by step, which step.

use std::time::Duration;

use identity::UserStatus;
use identity::directory::CheckStep;
use ldap3::Scope;
use tokio::time::timeout;
use types::UserName;

use crate::directory::LdapDirectory;
use crate::failure::Failure;
use crate::search::{Query, Wanted, search};
use crate::settings::TlsMode;
use crate::{connection, groups, people};

/// How long the whole check may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tries each server, then the bases of people and groups, then the person.
pub(crate) async fn run(directory: &LdapDirectory, user: Option<&UserName>) -> Vec<CheckStep> {
    let mut steps = Vec::new();
    if timeout(PATIENCE, all(directory, user, &mut steps)).await.is_err() {
        steps.push(CheckStep::fails("go on", format!("it took more than {} seconds", PATIENCE.as_secs())));
    }
    steps
}

async fn all(directory: &LdapDirectory, user: Option<&UserName>, steps: &mut Vec<CheckStep>) {
    let reached = servers(directory, steps).await;
    if !reached || !bases(directory, steps).await {
        return;
    }
    if let Some(name) = user {
        person(directory, name, steps).await;
    }
}

/// Tries every server; whether one works.
async fn servers(directory: &LdapDirectory, steps: &mut Vec<CheckStep>) -> bool {
    let settings = directory.pool.settings();
    let mut any = false;
    for server in &settings.servers {
        let how = match (server.is_ldaps(), settings.tls) {
            (true, _) => "by TLS, its certificate verified",
            (false, TlsMode::StartTls) => "by StartTLS, its certificate verified",
            (false, TlsMode::Off) => "without TLS: passwords can be read on the way",
        };
        let step = format!("connect to {server}");
        let mut ldap = match connection::open(settings, directory.pool.tls(), server).await {
            Ok(ldap) => ldap,
            Err(failure) => {
                steps.push(CheckStep::fails(step, failure.to_string()));
                continue;
            }
        };
        steps.push(CheckStep::works(step, how));
        let who = settings.account.as_ref().map_or("nobody in particular", |account| account.dn.as_str());
        let step = format!("bind as {who}");
        match connection::bind_account(settings, &mut ldap, server).await {
            Ok(()) => {
                steps.push(CheckStep::works(step, "it is let in"));
                any = true;
            }
            Err(failure) => steps.push(CheckStep::fails(step, failure.to_string())),
        }
    }
    any
}

/// Looks for anybody and any group; whether both can be looked for.
async fn bases(directory: &LdapDirectory, steps: &mut Vec<CheckStep>) -> bool {
    let settings = directory.pool.settings();
    let people = (&settings.people.base, &settings.people.filter, "people", "ldap.user_base and ldap.user_filter");
    let groups = settings.groups.base.as_ref();
    let groups = groups.map(|base| (base, &settings.groups.filter, "groups", "ldap.group_base and ldap.group_filter"));
    for (base, filter, what, look_at) in [Some(people), groups].into_iter().flatten() {
        let step = format!("search {what} below {base:?}");
        let query = Query {
            base: base.clone(),
            scope: Scope::Subtree,
            filter: filter.clone(),
            attributes: vec!["1.1".to_owned()],
            wanted: Wanted::Some(1),
        };
        let patience = settings.operation_timeout;
        let found = directory.pool.ask("check", move |mut ldap| {
            let query = query.clone();
            async move { search(&mut ldap, patience, &query).await }
        });
        match found.await {
            Ok(found) => steps.push(match found.first() {
                Some(entry) => CheckStep::works(step, format!("the first is {:?}", entry.dn)),
                None => CheckStep::works(step, format!("there are none: if there should be, look at {look_at}, and at what the service account may read")),
            }),
            Err(failure) => {
                steps.push(CheckStep::fails(step, format!("{failure}: look at {look_at}")));
                return false;
            }
        }
    }
    true
}

async fn person(directory: &LdapDirectory, name: &UserName, steps: &mut Vec<CheckStep>) {
    let step = format!("find {name}");
    let found = match people::find(&directory.pool, name, directory.now()).await {
        Ok(Some(found)) => found,
        Ok(None) => return steps.push(CheckStep::works(step, "there is no such person")),
        Err(failure) => return steps.push(CheckStep::fails(step, failure.to_string())),
    };
    let status = if found.user.status == UserStatus::Active { "active" } else { "disabled" };
    let email = found.user.email.as_deref().unwrap_or("no e-mail address");
    steps.push(CheckStep::works(step, format!("{:?}, {status}, {email}", found.dn)));
    let step = format!("find the groups of {name}");
    steps.push(match groups::of_person(&directory.pool, found).await {
        Ok(groups) if groups.is_empty() => CheckStep::works(step, "none"),
        Ok(groups) => CheckStep::works(step, groups.join(", ")),
        Err(failure) => CheckStep::fails(step, Failure::to_string(&failure)),
    });
}
