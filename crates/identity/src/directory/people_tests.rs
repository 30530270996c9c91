//! Freshness, grace and shared questions, with a directory that goes away on demand.

use storage::memory::MemoryStore;
use types::ManualClock;

use super::*;
use crate::directory::faults::FaultyDirectory;
use crate::directory::memory::MemoryDirectory;
use crate::directory::{TenancyGroups, conformance};
use crate::user::UserStatus;

const CACHE: u64 = 30;
const GRACE: u64 = 3600;

struct World {
    directory: Arc<FaultyDirectory<MemoryDirectory>>,
    memory: Arc<MemoryDirectory>,
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    people: People,
}

fn name(text: &str) -> UserName {
    UserName::new(text).expect("a name")
}

fn user(text: &str) -> User {
    User {
        name: name(text),
        full_name: None,
        email: None,
        status: UserStatus::Active,
        created: Timestamp::from_secs(1),
    }
}

impl World {
    /// With ann, who is in the group `readers`.
    fn new() -> Self {
        let memory = Arc::new(MemoryDirectory::new());
        memory.put(user("ann"), None);
        memory.put_group("readers", &["ann"]);
        let directory = Arc::new(FaultyDirectory::new(Arc::clone(&memory)));
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(ManualClock::new(Timestamp::from_secs(100_000))));
        let people = people(&directory, &store, &clock);
        Self { directory, memory, store, clock, people }
    }

    /// What is known of a person: their groups, that there is none, or `away`.
    async fn ask(&self, who: &str) -> String {
        match self.people.known(&name(who)).await {
            Ok(Known { person: Some(person), .. }) if person.user.status == UserStatus::Disabled => {
                "disabled".to_owned()
            }
            Ok(Known { person: Some(person), .. }) => person.groups.join(","),
            Ok(Known { person: None, .. }) => "nobody".to_owned(),
            Err(IdentityError::DirectoryAway { .. }) => "away".to_owned(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Lets a question that was asked beside come to its end.
    async fn settle(&self) {
        while !self.people.memory.questions.lock().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    fn restart(&mut self) {
        self.people = people(&self.directory, &self.store, &self.clock);
    }
}

fn people(
    directory: &Arc<FaultyDirectory<MemoryDirectory>>,
    store: &Arc<MemoryStore>,
    clock: &Arc<ManualClock>,
) -> People {
    let external = ExternalDirectory {
        directory: Arc::clone(directory) as Arc<dyn Directory>,
        writer: None,
        tenancy_groups: TenancyGroups::Ours,
        cache_seconds: CACHE,
        grace_seconds: GRACE,
    };
    People::new(&external, Arc::clone(store) as Arc<dyn Metadata>, Arc::clone(clock) as Arc<dyn Clock>)
}

#[tokio::test]
async fn the_reference_keeps_the_contract() {
    let directory = MemoryDirectory::new();
    for person in conformance::PEOPLE {
        let user = User {
            full_name: Some(person.full_name.to_owned()),
            email: person.email.map(str::to_owned),
            status: person.status,
            ..user(person.name)
        };
        directory.put(user, Some(person.password));
    }
    for (group, members) in conformance::GROUPS {
        directory.put_group(group, members);
    }
    conformance::run(&directory, conformance::HasGroups::Yes).await;
}

#[tokio::test]
async fn an_answer_is_used_then_renewed_beside_then_waited_for() {
    let world = World::new();
    assert_eq!(world.ask("ann").await, "readers");
    let asked = world.directory.questions();
    world.memory.put_group("writers", &["ann"]);
    world.clock.advance_secs(CACHE / 2 - 1);
    assert_eq!(world.ask("ann").await, "readers", "fresh");
    assert_eq!(world.directory.questions(), asked, "and nothing is asked");
    world.clock.advance_secs(1);
    assert_eq!(world.ask("ann").await, "readers", "renewed beside the request");
    world.settle().await;
    assert_eq!(world.ask("ann").await, "readers,writers");

    world.memory.set_status(&name("ann"), UserStatus::Disabled);
    world.clock.advance_secs(CACHE);
    assert_eq!(world.ask("ann").await, "disabled", "no old answer is used after its time");
    world.memory.take(&name("ann"));
    world.clock.advance_secs(CACHE);
    assert_eq!(world.ask("ann").await, "nobody");
    world.memory.put(user("ann"), None);
    world.clock.advance_secs(ABSENT_SECONDS);
    assert_eq!(world.ask("ann").await, "readers,writers", "that there is nobody counts for a moment only");
}

#[tokio::test]
async fn requests_of_one_person_share_a_question() {
    let world = World::new();
    let held = world.directory.hold().await;
    let waiting: Vec<_> = (0..50)
        .map(|_| {
            let people = world.people.clone();
            tokio::spawn(async move { people.known(&name("ann")).await.expect("known").person.is_some() })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(held);
    for task in waiting {
        assert!(task.await.expect("ended"));
    }
    assert_eq!(world.directory.questions(), 2, "one for the person, one for the groups");
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_a_directory_that_takes_its_time() {
    let world = World::new();
    assert_eq!(world.ask("ann").await, "readers");
    world.memory.set_status(&name("ann"), UserStatus::Disabled);
    world.clock.advance_secs(CACHE);
    let held = world.directory.hold().await;
    let began = tokio::time::Instant::now();
    assert_eq!(world.ask("ann").await, "readers");
    assert_eq!(began.elapsed(), PATIENCE);
    drop(held);
    world.settle().await;
    assert_eq!(world.ask("ann").await, "disabled", "the answer counts when it has come");
}

#[tokio::test]
async fn while_it_is_away_its_last_answer_counts_for_the_grace() {
    let mut world = World::new();
    assert_eq!(world.ask("ann").await, "readers");
    world.directory.set_away(true);
    for (seconds, restarts, expected) in [
        (CACHE, false, "readers"),
        (GRACE - 1, false, "readers"),
        (0, true, "readers"),
        (1, false, "away"),
        (0, true, "away"),
    ] {
        world.clock.advance_secs(seconds);
        if restarts {
            world.restart();
        }
        assert_eq!(world.ask("ann").await, expected, "{seconds} s later, after a restart: {restarts}");
        assert_eq!(world.ask("bob").await, "away", "nobody is assumed to be absent");
    }
    world.directory.set_away(false);
    assert_eq!(world.ask("ann").await, "readers");
    assert_eq!(world.ask("bob").await, "nobody");
}

#[tokio::test]
async fn nothing_brings_back_who_was_said_to_be_gone() {
    for is_disabled in [false, true] {
        let mut world = World::new();
        assert_eq!(world.ask("ann").await, "readers");
        if is_disabled {
            world.memory.set_status(&name("ann"), UserStatus::Disabled);
        } else {
            world.memory.take(&name("ann"));
        }
        world.clock.advance_secs(CACHE);
        let expected = if is_disabled { "disabled" } else { "nobody" };
        assert_eq!(world.ask("ann").await, expected);
        world.directory.set_away(true);
        world.clock.advance_secs(CACHE);
        let expected = if is_disabled { "disabled" } else { "away" };
        for _ in 0..2 {
            assert_eq!(world.ask("ann").await, expected);
            world.restart();
        }
    }
}

#[tokio::test]
async fn an_answer_in_use_is_stored_again_so_that_a_restart_keeps_most_of_the_grace() {
    let mut world = World::new();
    for _ in 0..GRACE / CACHE {
        assert_eq!(world.ask("ann").await, "readers");
        world.clock.advance_secs(CACHE);
    }
    world.directory.set_away(true);
    world.restart();
    world.clock.advance_secs(GRACE - GRACE / STORED_PARTS_OF_GRACE - CACHE);
    assert_eq!(world.ask("ann").await, "readers");
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_answer_last() {
    let world = World::new();
    assert_eq!(world.ask("ann").await, "readers");
    world.memory.set_status(&name("ann"), UserStatus::Disabled);
    world.clock.set(Timestamp::from_secs(50_000));
    assert_eq!(world.ask("ann").await, "disabled");
}
