//! Every state, act and actor; what is granted; bounds; restarts.

use policy::Role;

use super::{
    Approval, MAX_PER_DAY, MAX_QUESTIONS, NewRequest, Request, RequestAct, RequestFilter, RequestId, RequestKind,
    RequestState, StepKind,
};
use crate::fixture::{DAY_SECS, Fixture, START, person, tenancy, user};
use crate::{Actor, Event, IdentityError, Joining, TenancyChange};

fn join(role: Role) -> NewRequest {
    NewRequest { tenancy: tenancy("t"), kind: RequestKind::Join { role }, reason: "to work".to_owned() }
}

fn new_tenancy(name: &str) -> NewRequest {
    let kind = RequestKind::Tenancy {
        description: "Data".to_owned(),
        project: "p".to_owned(),
        quota_bytes: Some(1 << 40),
        ends: None,
    };
    NewRequest { tenancy: tenancy(name), kind, reason: "a project".to_owned() }
}

fn year() -> Approval {
    Approval { expires: Some(START.plus_secs(365 * DAY_SECS)), ..Approval::default() }
}

async fn act(world: &Fixture, actor: &Actor, id: &RequestId, act: RequestAct) -> Result<Request, IdentityError> {
    let identity = &world.identity;
    match act {
        RequestAct::Approve => identity.approve_request(actor, id, year()).await,
        RequestAct::Reject => identity.reject_request(actor, id, "no", "a note").await,
        RequestAct::Ask => identity.ask_about_request(actor, id, "what for?", "a note").await,
        RequestAct::Answer => identity.answer_request(actor, id, "for this").await,
        RequestAct::Withdraw => identity.withdraw_request(actor, id).await,
    }
}

/// A request of `ann` for `role` that stands in `state`.
async fn standing_in(world: &Fixture, role: Role, state: RequestState) -> RequestId {
    let id = world.identity.submit_request(&person("ann"), join(role)).await.expect("made").id;
    let step = match state {
        RequestState::Pending => None,
        RequestState::Incomplete => Some((Actor::Operator, RequestAct::Ask)),
        RequestState::Approved => Some((Actor::Operator, RequestAct::Approve)),
        RequestState::Rejected => Some((Actor::Operator, RequestAct::Reject)),
        RequestState::Withdrawn => Some((person("ann"), RequestAct::Withdraw)),
    };
    if let Some((actor, step)) = step {
        act(world, &actor, &id, step).await.expect("done");
    }
    id
}

/// Who may decide on a request of `ann` for a role, whatever its state.
fn decides(actor: &str, role: Role) -> bool {
    match actor {
        "operator" | "man" => true,
        "dep" => role == Role::User,
        _ => false,
    }
}

#[tokio::test]
async fn every_state_act_and_actor() {
    for role in [Role::User, Role::Deputy, Role::Manager] {
        for state in RequestState::ALL {
            for what in RequestAct::ALL {
                for name in ["ann", "bob", "use", "dep", "man", "far", "operator"] {
                    let world = Fixture::new().await;
                    let id = standing_in(&world, role, state).await;
                    let actor = if name == "operator" { Actor::Operator } else { person(name) };
                    let is_theirs = match what {
                        RequestAct::Answer | RequestAct::Withdraw => name == "ann",
                        RequestAct::Approve | RequestAct::Reject | RequestAct::Ask => decides(name, role),
                    };
                    let next = state.after(what).filter(|_| is_theirs);
                    let outcome = act(&world, &actor, &id, what).await;
                    let case = format!("{name}, {role} {state}, {what}: {outcome:?}");
                    assert_eq!(outcome.as_ref().ok().map(|request| request.state), next, "{case}");
                    match (&outcome, is_theirs) {
                        (Ok(_), _) => {}
                        (Err(error), true) => assert!(matches!(error, IdentityError::RequestState { .. }), "{case}"),
                        (Err(error), false) => assert!(
                            matches!(error, IdentityError::NotAllowed { .. } | IdentityError::NoSuchRequest(_)),
                            "{case}"
                        ),
                    }
                    let after = world.identity.request(&Actor::Operator, &id).await.expect("there").state;
                    assert_eq!(after, next.unwrap_or(state), "{case}");
                    let is_held = world.role("ann").await.is_some();
                    assert_eq!(is_held, after == RequestState::Approved, "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_decides_about_themselves() {
    let world = Fixture::new().await;
    let id = world.identity.submit_request(&person("dep"), join(Role::Manager)).await.expect("made").id;
    world.grant("dep", Role::Manager, Some(START.plus_secs(10))).await;
    let own = world.identity.approve_request(&person("dep"), &id, year()).await;
    assert!(matches!(own, Err(IdentityError::NotAllowed { .. })), "{own:?}");
    world.identity.approve_request(&person("man"), &id, year()).await.expect("another manager does");
}

#[tokio::test]
async fn what_is_said_reaches_whom_it_is_for() {
    let mut world = Fixture::new().await;
    let id = world.identity.submit_request(&person("ann"), join(Role::User)).await.expect("made").id;
    let events = world.events().await;
    assert!(events.iter().any(|event| matches!(event, Event::RequestConfirm { .. })), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, Event::RequestPending { reminder: false, .. })), "{events:?}");
    world.identity.ask_about_request(&person("dep"), &id, "which data?", "secret doubt").await.expect("asked");
    let Some(Event::RequestIncomplete { question, .. }) = world.events().await.pop() else { panic!("one event") };
    assert_eq!(question, "which data?");
    world.restart().await;
    let theirs = world.identity.request(&person("ann"), &id).await.expect("seen");
    assert!(!format!("{theirs:?}").contains("secret doubt"));
    let deciders = world.identity.request(&person("man"), &id).await.expect("seen");
    assert!(format!("{deciders:?}").contains("secret doubt"));
    for stranger in ["bob", "use", "far"] {
        let hidden = world.identity.request(&person(stranger), &id).await;
        assert!(matches!(hidden, Err(IdentityError::NoSuchRequest(_))));
    }
    let answered = world.identity.answer_request(&person("ann"), &id, "CMIP6").await.expect("answered");
    assert!(!format!("{answered:?}").contains("secret doubt"));
    let Some(Event::RequestPending { request, .. }) = world.events().await.pop() else { panic!("one event") };
    assert_eq!(request.reason, "to work\n\nCMIP6");
    for (actor, count) in [("dep", 1), ("man", 1), ("ann", 0), ("far", 0)] {
        assert_eq!(world.identity.requests_to_decide(&person(actor)).await.expect("counted"), count, "{actor}");
    }
    for empty in ["", " \n"] {
        let refused = world.identity.reject_request(&person("dep"), &id, empty, "").await;
        assert!(matches!(refused, Err(IdentityError::Invalid { .. })));
    }
    world.identity.reject_request(&person("dep"), &id, "no room", "a second note").await.expect("rejected");
    let Some(Event::RequestRejected { reason, .. }) = world.events().await.pop() else { panic!("one event") };
    assert_eq!(reason, "no room");
    let filter = RequestFilter { state: Some(RequestState::Rejected), ..RequestFilter::default() };
    let listed = world.identity.requests(&person("ann"), &filter, 10).await.expect("listed");
    assert_eq!(listed.len(), 1);
    assert!(!format!("{listed:?}").contains("note"));
}

#[tokio::test]
async fn a_tenancy_and_its_quota_are_granted_on_request() {
    let mut world = Fixture::new().await;
    let id = world.identity.submit_request(&person("ann"), new_tenancy("new-o")).await.expect("made").id;
    assert!(world.events().await.iter().any(|event| matches!(event, Event::TenancyRequested { .. })));
    let twice = world.identity.submit_request(&person("bob"), new_tenancy("new-o")).await;
    assert!(matches!(twice, Err(IdentityError::RequestOpen(_))));
    world.restart().await;
    assert!(world.identity.tenancy(&tenancy("new-o")).is_none());
    let refused = world.identity.approve_request(&person("man"), &id, Approval::default()).await;
    assert!(matches!(refused, Err(IdentityError::NoSuchRequest(_))));
    world.identity.approve_request(&Actor::Operator, &id, Approval::default()).await.expect("approved");
    world.restart().await;
    let made = world.identity.tenancy(&tenancy("new-o")).expect("made");
    assert_eq!((made.project.as_str(), made.quota.hard.bytes), ("p", Some(1 << 40)));
    let role = world.identity.role_of(&tenancy("new-o"), &user("ann"), START).await.expect("asked");
    assert_eq!(role, Some(Role::Manager));

    let more = |quota_bytes| NewRequest {
        tenancy: tenancy("new-o"),
        kind: RequestKind::Quota { quota_bytes },
        reason: "more data".to_owned(),
    };
    assert!(world.identity.submit_request(&person("bob"), more(1)).await.is_err());
    assert!(world.identity.submit_request(&person("ann"), more(0)).await.is_err());
    let id = world.identity.submit_request(&person("ann"), more(4 << 40)).await.expect("made").id;
    let own = world.identity.approve_request(&person("ann"), &id, Approval::default()).await;
    assert!(matches!(own, Err(IdentityError::NotAllowed { .. })));
    let less = Approval { quota_bytes: Some(2 << 40), ..Approval::default() };
    world.identity.approve_request(&Actor::Operator, &id, less).await.expect("approved");
    let quota = world.identity.tenancy(&tenancy("new-o")).expect("there").quota.hard.bytes;
    assert_eq!(quota, Some(2 << 40));
}

#[tokio::test]
async fn requests_are_bounded_over_restarts() {
    let mut world = Fixture::new().await;
    let first = world.identity.submit_request(&person("ann"), join(Role::User)).await.expect("made").id;
    world.restart().await;
    let twice = world.identity.submit_request(&person("ann"), join(Role::User)).await;
    assert!(matches!(twice, Err(IdentityError::RequestOpen(open)) if open == first));
    world.identity.withdraw_request(&person("ann"), &first).await.expect("withdrawn");
    for _ in 1..MAX_PER_DAY {
        let id = world.identity.submit_request(&person("ann"), join(Role::User)).await.expect("made").id;
        world.identity.withdraw_request(&person("ann"), &id).await.expect("withdrawn");
    }
    world.restart().await;
    let more = world.identity.submit_request(&person("ann"), join(Role::User)).await;
    assert!(matches!(more, Err(IdentityError::TooOften { .. })), "{more:?}");
    world.identity.submit_request(&person("bob"), join(Role::User)).await.expect("another person's");
    world.clock.advance_secs(DAY_SECS);
    let id = world.identity.submit_request(&person("ann"), join(Role::User)).await.expect("a day later").id;
    for _ in 0..MAX_QUESTIONS {
        act(&world, &person("dep"), &id, RequestAct::Ask).await.expect("asked");
        act(&world, &person("ann"), &id, RequestAct::Answer).await.expect("answered");
    }
    assert!(matches!(act(&world, &person("dep"), &id, RequestAct::Ask).await, Err(IdentityError::TooMany { .. })));
}

#[tokio::test]
async fn a_role_that_is_held_may_be_asked_for_65_days_before_its_end() {
    let world = Fixture::new().await;
    world.grant("ann", Role::User, Some(START.plus_secs(100 * DAY_SECS))).await;
    for (day, role, allowed) in [(0, Role::User, false), (0, Role::Deputy, true), (34, Role::User, false)] {
        world.clock.set(START.plus_secs(day * DAY_SECS));
        let outcome = world.identity.submit_request(&person("ann"), join(role)).await;
        assert_eq!(outcome.is_ok(), allowed, "day {day}, {role}: {outcome:?}");
    }
    world.clock.set(START.plus_secs(35 * DAY_SECS));
    let id = world.identity.submit_request(&person("ann"), join(Role::User)).await.expect("renewal is open").id;
    let approval = Approval { expires: Some(START.plus_secs(400 * DAY_SECS)), ..Approval::default() };
    world.identity.approve_request(&person("dep"), &id, approval).await.expect("approved");
    let history = world.identity.role_history(&tenancy("t"), &user("ann")).await.expect("read");
    let last = history.last().expect("one");
    assert_eq!((last.previous, last.request.clone(), last.by.clone()), (Some(1), Some(id), Some(person("dep"))));
    let held = world.identity.submit_request(&person("use"), join(Role::User)).await;
    assert!(matches!(held, Err(IdentityError::RoleHeld { renewal_opens: None, .. })));
}

#[tokio::test]
async fn a_tenancy_says_how_people_join() {
    let world = Fixture::new().await;
    let set = async |joining| {
        let change = TenancyChange { joining: Some(joining), ..TenancyChange::default() };
        world.identity.change_tenancy_as(&person("man"), &tenancy("t"), change).await.expect("changed");
    };
    set(Joining::Closed).await;
    let closed = world.identity.submit_request(&person("ann"), join(Role::User)).await;
    assert!(matches!(closed, Err(IdentityError::JoiningClosed(_))));
    set(Joining::Automatic).await;
    let made = world.identity.submit_request(&person("ann"), join(Role::User)).await.expect("made");
    assert_eq!((made.state, world.role("ann").await), (RequestState::Approved, Some(Role::User)));
    assert!(made.steps.iter().any(|step| step.by.is_none() && matches!(step.what, StepKind::Approved { .. })));
    let made = world.identity.submit_request(&person("ann"), join(Role::Deputy)).await.expect("made");
    assert_eq!(made.state, RequestState::Pending, "only USER is granted by itself");
    let quota = TenancyChange { quota_bytes: Some(None), ..TenancyChange::default() };
    let refused = world.identity.change_tenancy_as(&person("man"), &tenancy("t"), quota).await;
    assert!(matches!(refused, Err(IdentityError::NotAllowed { .. })));
}

#[tokio::test]
async fn those_who_decide_are_reminded_each_week() {
    let mut world = Fixture::new().await;
    let id = world.identity.submit_request(&person("ann"), join(Role::User)).await.expect("made").id;
    world.events().await;
    for (day, expected) in [(6, 0), (7, 1), (7, 0), (13, 0), (14, 1), (30, 1), (30, 0)] {
        world.clock.set(START.plus_secs(day * DAY_SECS));
        world.restart().await;
        world.identity.tend_requests().await.expect("tended");
        let events = world.events().await;
        assert_eq!(events.len(), expected, "day {day}: {events:?}");
        assert!(events.iter().all(|event| matches!(event, Event::RequestPending { reminder: true, .. })));
    }
    world.identity.withdraw_request(&person("ann"), &id).await.expect("withdrawn");
    world.clock.advance_secs(3 * 365 * DAY_SECS);
    let tended = world.identity.tend_requests().await.expect("tended");
    assert_eq!((tended.reminded, tended.forgotten), (0, 1));
    assert!(matches!(world.identity.request(&Actor::Operator, &id).await, Err(IdentityError::NoSuchRequest(_))));
}
