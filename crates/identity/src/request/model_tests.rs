//! Random sequences of requests and decisions, compared with a model after each, over restarts.

use policy::Role;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_oneof, proptest};

use super::{Approval, NewRequest, Request, RequestAct, RequestFilter, RequestId, RequestKind, RequestState};
use crate::fixture::{DAY_SECS, Fixture, START, person, tenancy, user};
use crate::{Actor, IdentityError};

const ASKERS: [&str; 2] = ["ann", "bob"];
const ACTORS: [&str; 6] = ["ann", "bob", "use", "dep", "man", "operator"];
const ROLES: [Role; 3] = [Role::User, Role::Deputy, Role::Manager];

#[derive(Clone, Debug)]
enum Operation {
    Submit { asker: usize, role: usize },
    Act { request: usize, act: usize, actor: usize },
    NextDay,
    Restart,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        4 => (0..ASKERS.len(), 0..ROLES.len()).prop_map(|(asker, role)| Operation::Submit { asker, role }),
        8 => (0usize..8, 0..RequestAct::ALL.len(), 0..ACTORS.len())
            .prop_map(|(request, act, actor)| Operation::Act { request, act, actor }),
        1 => Just(Operation::NextDay),
        1 => Just(Operation::Restart),
    ]
}

struct Asked {
    asker: usize,
    role: Role,
    state: RequestState,
    day: u64,
    questions: usize,
}

#[derive(Default)]
struct Model {
    requests: Vec<Asked>,
    day: u64,
}

impl Model {
    /// The strongest role that someone holds: grants last longer than any run.
    fn held(&self, name: &str) -> Option<Role> {
        let approved = self.requests.iter().filter(|asked| asked.state == RequestState::Approved);
        let granted = approved.filter(|asked| ASKERS[asked.asker] == name).map(|asked| asked.role).max();
        match name {
            "use" => Some(Role::User),
            "dep" => Some(Role::Deputy),
            "man" => Some(Role::Manager),
            _ => granted,
        }
    }

    fn submit(&mut self, asker: usize, role: Role) -> bool {
        let of_asker = || self.requests.iter().filter(|asked| asked.asker == asker);
        let is_open = of_asker().any(|asked| asked.role == role && asked.state.is_open());
        let is_held = self.held(ASKERS[asker]).is_some_and(|held| held >= role);
        let today = of_asker().filter(|asked| asked.day == self.day).count();
        let allowed = !is_open && !is_held && today < super::MAX_PER_DAY;
        if allowed {
            self.requests.push(Asked { asker, role, state: RequestState::Pending, day: self.day, questions: 0 });
        }
        allowed
    }

    fn act(&mut self, request: usize, act: RequestAct, actor: &str) -> bool {
        let held = self.held(actor);
        let Some(asked) = self.requests.get_mut(request) else { return false };
        let is_asker = ASKERS[asked.asker] == actor;
        let decides = actor == "operator"
            || !is_asker
                && if asked.role == Role::User { held >= Some(Role::Deputy) } else { held == Some(Role::Manager) };
        let may = match act {
            RequestAct::Answer | RequestAct::Withdraw => is_asker,
            RequestAct::Approve | RequestAct::Reject | RequestAct::Ask => decides,
        };
        let has_room = act != RequestAct::Ask || asked.questions < super::MAX_QUESTIONS;
        match asked.state.after(act).filter(|_| may && has_room) {
            Some(next) => {
                asked.questions += usize::from(act == RequestAct::Ask);
                asked.state = next;
                true
            }
            None => false,
        }
    }
}

async fn act(world: &Fixture, id: &RequestId, act: RequestAct, name: &str) -> Result<Request, IdentityError> {
    let actor = if name == "operator" { Actor::Operator } else { person(name) };
    let identity = &world.identity;
    match act {
        RequestAct::Approve => {
            let expires = Some(START.plus_secs(3_000 * DAY_SECS));
            identity.approve_request(&actor, id, Approval { expires, ..Approval::default() }).await
        }
        RequestAct::Reject => identity.reject_request(&actor, id, "no", "").await,
        RequestAct::Ask => identity.ask_about_request(&actor, id, "why?", "").await,
        RequestAct::Answer => identity.answer_request(&actor, id, "so").await,
        RequestAct::Withdraw => identity.withdraw_request(&actor, id).await,
    }
}

/// Numbers are given in the order of requests, from 1.
fn id(request: usize) -> RequestId {
    RequestId { tenancy: tenancy("t"), number: request as u64 + 1 }
}

async fn compare(world: &Fixture, model: &Model) {
    for (at, asked) in model.requests.iter().enumerate() {
        let found = world.identity.request(&Actor::Operator, &id(at)).await.expect("there");
        assert_eq!((found.state, found.user), (asked.state, user(ASKERS[asked.asker])), "request {}", at + 1);
    }
    let open = world.identity.requests(&Actor::Operator, &RequestFilter::default(), 1_000).await.expect("listed");
    assert_eq!(open.len(), model.requests.iter().filter(|asked| asked.state.is_open()).count());
    for name in ASKERS {
        assert_eq!(world.role(name).await, model.held(name), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn requests_go_as_the_model_says(operations in prop::collection::vec(operation(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (mut world, mut model) = (Fixture::new().await, Model::default());
            for operation in operations {
                match operation {
                    Operation::Submit { asker, role } => {
                        let role = ROLES[role];
                        let kind = RequestKind::Join { role };
                        let new = NewRequest { tenancy: tenancy("t"), kind, reason: "work".to_owned() };
                        let outcome = world.identity.submit_request(&person(ASKERS[asker]), new).await;
                        assert_eq!(outcome.is_ok(), model.submit(asker, role), "{operation:?}: {outcome:?}");
                    }
                    Operation::Act { request, act: what, actor } => {
                        let (what, actor) = (RequestAct::ALL[what], ACTORS[actor]);
                        let outcome = act(&world, &id(request), what, actor).await;
                        assert_eq!(outcome.is_ok(), model.act(request, what, actor), "{operation:?}: {outcome:?}");
                    }
                    Operation::NextDay => {
                        model.day += 1;
                        world.clock.advance_secs(DAY_SECS);
                    }
                    Operation::Restart => world.restart().await,
                }
                compare(&world, &model).await;
            }
            world.restart().await;
            compare(&world, &model).await;
        });
    }
}
