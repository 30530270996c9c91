//! What is in effect, who may change it, and what time does to it.

use policy::Role;
use types::Clock as _;

use super::{GrantState, Revocation};
use crate::fixture::{DAY_SECS, Fixture, START, person, tenancy, user};
use crate::{Actor, Event, IdentityError, NewRole, TenancyChange};

fn take(who: &str, role: Option<Role>) -> Revocation {
    Revocation { tenancy: tenancy("t"), user: user(who), role, reason: "left".to_owned() }
}

#[tokio::test]
async fn the_strongest_grant_is_in_effect_and_the_weaker_one_after_it() {
    let mut world = Fixture::new().await;
    world.grant("ann", Role::User, Some(START.plus_secs(100 * DAY_SECS))).await;
    world.grant("ann", Role::Deputy, Some(START.plus_secs(10 * DAY_SECS))).await;
    for (day, expected) in [(0, Some(Role::Deputy)), (10, Some(Role::User)), (99, Some(Role::User)), (100, None)] {
        world.clock.set(START.plus_secs(day * DAY_SECS));
        assert_eq!(world.role("ann").await, expected, "day {day}");
        world.restart().await;
        assert_eq!(world.role("ann").await, expected, "day {day}, after a restart");
    }
    let history = world.identity.role_history(&tenancy("t"), &user("ann")).await.expect("read");
    let now = world.clock.now();
    let states: Vec<_> = history.iter().map(|grant| grant.state(now)).collect();
    assert_eq!(states, [GrantState::Expired, GrantState::Expired]);
    assert_eq!(history[0].state(START.plus_secs(50 * DAY_SECS)), GrantState::Expiring);
    assert_eq!(history[0].state(START), GrantState::Active);
}

#[tokio::test]
async fn people_grant_and_take_what_their_role_allows() {
    let world = Fixture::new().await;
    let year = Some(START.plus_secs(365 * DAY_SECS));
    for (actor, who, role, expires, allowed) in [
        ("use", "ann", Role::User, year, false),
        ("dep", "ann", Role::User, year, true),
        ("dep", "ann", Role::Deputy, year, false),
        ("man", "ann", Role::Deputy, year, true),
        ("man", "ann", Role::Manager, year, true),
        ("man", "man", Role::Manager, year, false),
        ("far", "ann", Role::User, year, false),
        ("man", "ann", Role::User, None, false),
        ("man", "ann", Role::User, Some(START.plus_secs(11 * 366 * DAY_SECS)), false),
    ] {
        let new = NewRole { tenancy: tenancy("t"), user: user(who), role, expires };
        let outcome = world.identity.grant_role_as(&person(actor), new, "").await;
        assert_eq!(outcome.is_ok(), allowed, "{actor} grants {role} to {who}: {outcome:?}");
    }
    for (actor, role, allowed) in [
        ("use", Role::User, false),
        ("dep", Role::Manager, false),
        ("dep", Role::User, true),
        ("ann", Role::Deputy, true),
        ("man", Role::Manager, true),
    ] {
        let outcome = world.identity.revoke_role(&person(actor), take("ann", Some(role))).await;
        assert_eq!(outcome.is_ok(), allowed, "{actor} takes {role}: {outcome:?}");
    }
    assert_eq!(world.role("ann").await, None);
    let unexplained = Revocation { reason: " ".to_owned(), ..take("use", None) };
    let refused = world.identity.revoke_role(&Actor::Operator, unexplained).await;
    assert!(matches!(refused, Err(IdentityError::Invalid { .. })));
}

#[tokio::test]
async fn a_renewal_is_chained_to_the_grant_before() {
    let world = Fixture::new().await;
    let until = START.plus_secs(10 * DAY_SECS);
    world.grant("ann", Role::User, Some(until)).await;
    world.clock.set(until.plus_secs(DAY_SECS));
    let later = Some(until.plus_secs(300 * DAY_SECS));
    let renewed =
        world.identity.renew_role(&person("dep"), &tenancy("t"), &user("ann"), None, later).await.expect("renewed");
    assert_eq!((renewed.role, renewed.previous, renewed.expires), (Role::User, Some(1), later));
    let none = world.identity.renew_role(&person("dep"), &tenancy("t"), &user("bob"), None, later).await;
    assert!(matches!(none, Err(IdentityError::NoRole { .. })));
}

/// Days on which the job runs, and what people are told then, over restarts.
#[tokio::test]
async fn ends_are_told_once() {
    let mut world = Fixture::new().await;
    world.grant("ann", Role::User, Some(START.plus_secs(100 * DAY_SECS))).await;
    world.events().await;
    for (day, expected) in
        [(1, ""), (41, "warning"), (41, ""), (90, "warning"), (99, "final"), (99, ""), (101, "ended"), (102, "")]
    {
        world.clock.set(START.plus_secs(day * DAY_SECS));
        world.restart().await;
        world.identity.tend_roles().await.expect("tended");
        let events = world.events().await.into_iter();
        let told = events.map(|event| match event {
            Event::GrantExpiring { is_final: false, .. } => "warning",
            Event::GrantExpiring { is_final: true, .. } => "final",
            Event::GrantExpired { .. } => "ended",
            other => panic!("{other:?}"),
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told.concat(), expected, "day {day}");
    }
    world.clock.set(START.plus_secs(6 * 366 * DAY_SECS));
    assert_eq!(world.identity.tend_roles().await.expect("tended").forgotten, 1);
    assert_eq!(world.identity.role_history(&tenancy("t"), &user("ann")).await.expect("read"), []);
}

#[tokio::test]
async fn of_a_tenancy_that_has_ended_only_managers_are_left() {
    let mut world = Fixture::new().await;
    let change = TenancyChange { ends: Some(Some(START.plus_secs(DAY_SECS))), ..TenancyChange::default() };
    world.identity.change_tenancy(&tenancy("t"), change).await.expect("changed");
    assert_eq!(world.role("use").await, Some(Role::User));
    world.identity.tend_roles().await.expect("tended");
    assert!(matches!(world.events().await.as_slice(), [Event::TenancyEnding { is_final: true, .. }]));
    world.clock.advance_secs(DAY_SECS);
    for _ in 0..2 {
        let roles = (world.role("use").await, world.role("dep").await, world.role("man").await);
        assert_eq!(roles, (None, None, Some(Role::Manager)));
        world.restart().await;
    }
    world.identity.tend_roles().await.expect("tended");
    world.identity.tend_roles().await.expect("tended");
    assert!(matches!(world.events().await.as_slice(), [Event::TenancyEnded { .. }]));
    let change = TenancyChange { ends: Some(None), ..TenancyChange::default() };
    world.identity.change_tenancy(&tenancy("t"), change).await.expect("changed");
    assert_eq!(world.role("use").await, Some(Role::User));
}

#[tokio::test]
async fn nothing_of_a_suspended_person_works_until_they_are_reactivated() {
    let mut world = Fixture::new().await;
    world.grant("ann", Role::Deputy, Some(START.plus_secs(10 * DAY_SECS))).await;
    world.grant("ann", Role::User, None).await;
    world.events().await;
    let identity = &world.identity;
    for who in ["man", "ann"] {
        let refused = identity.suspend_user(&person(who), &user("ann"), "left").await;
        assert!(matches!(refused, Err(IdentityError::NotOperator { .. })));
    }
    assert!(matches!(
        identity.suspend_user(&Actor::Operator, &user("ann"), "").await,
        Err(IdentityError::Invalid { .. })
    ));
    identity.suspend_user(&Actor::Operator, &user("ann"), "a lost laptop").await.expect("suspended");
    assert!(matches!(world.events().await.as_slice(), [Event::Suspended { .. }]));
    for _ in 0..2 {
        assert_eq!(world.role("ann").await, None);
        let holders = world.identity.holders(&tenancy("t"), world.clock.now()).await.expect("read");
        assert!(holders.iter().all(|holder| holder.user != user("ann")));
        let new = NewRole { tenancy: tenancy("t"), user: user("ann"), role: Role::User, expires: None };
        assert!(matches!(world.identity.grant_role(new).await, Err(IdentityError::Suspended(_))));
        world.restart().await;
    }
    world.clock.set(START.plus_secs(20 * DAY_SECS));
    world.identity.tend_roles().await.expect("tended");
    assert_eq!(world.events().await, [], "of what is not in effect nothing is told");
    world.identity.reactivate_user(&Actor::Operator, &user("ann")).await.expect("reactivated");
    assert_eq!(world.role("ann").await, Some(Role::Deputy), "again for 30 days");
    world.clock.advance_secs(30 * DAY_SECS);
    assert_eq!(world.role("ann").await, Some(Role::User));
    world.restart().await;
    assert_eq!(world.role("ann").await, Some(Role::User));
    let again = world.identity.reactivate_user(&Actor::Operator, &user("ann")).await;
    assert!(matches!(again, Err(IdentityError::NotSuspended(_))));
}
