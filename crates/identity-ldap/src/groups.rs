//! Questions about groups.

use std::collections::{BTreeSet, HashSet};

use identity::directory::MAX_GROUPS;
use ldap3::{Ldap, Scope};
use types::UserName;

use crate::entry::Entry;
use crate::failure::Failure;
use crate::filter;
use crate::people::Found;
use crate::pool::Pool;
use crate::search::{Query, Wanted, search};
use crate::settings::{GroupSettings, LdapSettings, Nesting};

/// The attribute whose values are login names (RFC 2307); those of every other one are distinguished names.
const MEMBER_UID: &str = "memberUid";
/// Groups in groups count to this depth.
const MAX_DEPTH: usize = 8;
/// How many groups' containers are looked up in one question.
const GROUPS_AT_ONCE: usize = 25;
/// `LDAP_MATCHING_RULE_IN_CHAIN` (MS-ADTS section 3.1.1.3.4.4.3).
const IN_CHAIN: &str = ":1.2.840.113556.1.4.1941:";

/// Whether the values of a member attribute are login names.
pub(crate) fn holds_names(attribute: &str) -> bool {
    attribute.eq_ignore_ascii_case(MEMBER_UID)
}

/// The names of the groups that the person is in, sorted.
pub(crate) async fn of_person(pool: &Pool, person: Found) -> Result<Vec<String>, Failure> {
    let Some(base) = pool.settings().groups.base.clone() else { return Ok(Vec::new()) };
    let settings = pool.settings().clone();
    pool.ask("groups", move |mut ldap| {
        let (settings, base, person) = (settings.clone(), base.clone(), person.clone());
        async move { climb(&mut ldap, &settings, base, &person).await }
    })
    .await
}

/// From the groups that hold the person to those that hold these groups, and so on. A group is visited once, so that
/// a circle comes to its end.
async fn climb(ldap: &mut Ldap, settings: &LdapSettings, base: String, person: &Found) -> Result<Vec<String>, Failure> {
    let groups = &settings.groups;
    let (mut names, mut visited) = (BTreeSet::new(), HashSet::new());
    let mut level = vec![holds_person(groups, &person.user.name, &person.dn)];
    for _ in 0..MAX_DEPTH {
        let mut above = Vec::new();
        for some in level.chunks(GROUPS_AT_ONCE) {
            let query = Query {
                base: base.clone(),
                scope: Scope::Subtree,
                filter: filter::all(&[&groups.filter, &filter::any(some)]),
                attributes: vec![groups.name_attribute.clone()],
                wanted: Wanted::Pages(MAX_GROUPS),
            };
            for entry in search(ldap, settings.operation_timeout, &query).await? {
                if visited.insert(entry.dn.to_lowercase()) {
                    names.extend(entry.first(&groups.name_attribute).map(str::to_owned));
                    above.extend(holds_group(groups, &entry.dn));
                }
            }
        }
        if above.is_empty() || names.len() > MAX_GROUPS {
            break;
        }
        level = above;
    }
    if names.len() > MAX_GROUPS {
        tracing::warn!(user = %person.user.name, "somebody is in more than {MAX_GROUPS} groups: the rest is left out");
    }
    Ok(names.into_iter().take(MAX_GROUPS).collect())
}

/// The filter of groups that hold a person.
fn holds_person(groups: &GroupSettings, name: &UserName, dn: &str) -> String {
    let each: Vec<String> = groups
        .member_attributes
        .iter()
        .map(|attribute| {
            if holds_names(attribute) {
                filter::equals(attribute, name.as_str())
            } else {
                holds_dn(groups, attribute, dn)
            }
        })
        .collect();
    filter::any(&each)
}

/// The filter of groups that hold a group, where these are looked for.
fn holds_group(groups: &GroupSettings, dn: &str) -> Option<String> {
    let by_dn = groups.member_attributes.iter().filter(|attribute| !holds_names(attribute));
    let each: Vec<String> = by_dn.map(|attribute| holds_dn(groups, attribute, dn)).collect();
    (groups.nesting == Nesting::Levels && !each.is_empty()).then(|| filter::any(&each))
}

fn holds_dn(groups: &GroupSettings, attribute: &str, dn: &str) -> String {
    let rule = if groups.nesting == Nesting::InChain { IN_CHAIN } else { "" };
    filter::equals(&format!("{attribute}{rule}"), dn)
}

/// The groups that `condition`, a filter, matches, with `attributes`.
pub(crate) async fn matching(
    pool: &Pool,
    operation: &'static str,
    condition: &str,
    attributes: Vec<String>,
    wanted: Wanted,
) -> Result<Vec<Entry>, Failure> {
    let groups = &pool.settings().groups;
    let Some(base) = groups.base.clone() else { return Ok(Vec::new()) };
    let filter = filter::all(&[&groups.filter, condition]);
    let query = Query { base, scope: Scope::Subtree, filter, attributes, wanted };
    let patience = pool.settings().operation_timeout;
    pool.ask(operation, move |mut ldap| {
        let query = query.clone();
        async move { search(&mut ldap, patience, &query).await }
    })
    .await
}
