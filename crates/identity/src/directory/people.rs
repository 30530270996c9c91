//! What the external directory said of people, in memory and in the store.
//!
//! A request must not wait for the directory, and must not outlive what the directory says by more than
//! `cache_seconds`. So an answer is used as it is for the first half of that time; in the second half it is still used,
//! and asked for again beside the request; after it, the request waits for a new answer. Whoever works all the time
//! never waits. Several requests of one person share one question.
//!
//! While the directory is away, or takes longer than a moment, its last answer goes on for `grace_seconds` more. The store keeps that answer, so that
//! a restart does not end the grace. An answer that there is no such person, or that they are disabled, replaces it
//! there before anything else: nothing brings them back. While it is away, nothing that it did not say is assumed.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use storage::{Batch, Metadata, Space};
use tokio::sync::watch;
use types::{Clock, Timestamp, UserName};

use super::{Directory, ExternalDirectory};
use crate::control::{put, read};
use crate::user::User;
use crate::{IdentityError, keyspace};

/// How many people are held. Beyond, all are forgotten, which costs one question for each in use.
const HELD_PEOPLE: usize = 16 * 1024;
/// How long at most it counts that the directory knows nobody of a name, in seconds: a new person is soon let in.
const ABSENT_SECONDS: u64 = 5;
/// How soon an answer that is no longer fresh is looked at again, in seconds.
const LOOK_AGAIN_SECONDS: u64 = 1;
/// How long a request whose person has a last answer within the grace waits for a new one. A directory that takes longer
/// counts as away for that request; its answer counts for the next.
const PATIENCE: Duration = Duration::from_secs(1);
/// An unchanged answer is stored again after this part of the grace: so much of the grace a restart may cost.
const STORED_PARTS_OF_GRACE: u64 = 8;

/// A person and the directory's own groups that they are in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) user: User,
    pub(crate) groups: Vec<String>,
}

/// What is known of a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    /// The person; `None` where there is none of that name.
    pub(crate) person: Option<Arc<Person>>,
    /// From when on it has to be looked at again.
    pub(crate) until: Timestamp,
}

/// An answer as the store keeps it.
#[derive(Serialize, Deserialize)]
struct LastAnswer {
    #[serde(flatten)]
    person: Person,
    answered: Timestamp,
}

/// An answer of the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Answer {
    person: Option<Arc<Person>>,
    /// When it was asked for.
    asked: Timestamp,
    /// When it was put into the store.
    stored: Timestamp,
}

impl Answer {
    fn known(&self, until: Timestamp) -> Known {
        Known { person: self.person.clone(), until }
    }
}

type Outcome = Result<Answer, IdentityError>;

/// The people of an external directory, as it last told of them. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct People {
    memory: Arc<Memory>,
}

struct Memory {
    directory: Arc<dyn Directory>,
    cache_seconds: u64,
    grace_seconds: u64,
    metadata: Arc<dyn Metadata>,
    clock: Arc<dyn Clock>,
    answers: Mutex<HashMap<UserName, Answer>>,
    /// Questions under way, each with whoever waits for it.
    questions: Mutex<HashMap<UserName, watch::Receiver<Option<Outcome>>>>,
}

impl People {
    pub(crate) fn new(external: &ExternalDirectory, metadata: Arc<dyn Metadata>, clock: Arc<dyn Clock>) -> Self {
        let memory = Memory {
            directory: Arc::clone(&external.directory),
            cache_seconds: external.cache_seconds,
            grace_seconds: external.grace_seconds,
            metadata,
            clock,
            answers: Mutex::default(),
            questions: Mutex::default(),
        };
        Self { memory: Arc::new(memory) }
    }

    /// What is known of a person: see the module.
    ///
    /// # Errors
    /// [`IdentityError::DirectoryAway`] where it is away and there is no answer within the grace.
    pub(crate) async fn known(&self, name: &UserName) -> Result<Known, IdentityError> {
        let now = self.memory.clock.now();
        let last = self.memory.answers.lock().get(name).cloned();
        // One from the future was asked for before the clock was set back: how old it is nobody knows.
        if let Some(answer) = last.as_ref().filter(|answer| answer.asked <= now) {
            let lifetime = self.memory.lifetime(answer);
            if now < answer.asked.plus_secs(lifetime / 2) {
                return Ok(answer.known(answer.asked.plus_secs(lifetime / 2)));
            }
            let end = answer.asked.plus_secs(lifetime);
            if now < end {
                drop(self.question(name));
                return Ok(answer.known(now.plus_secs(LOOK_AGAIN_SECONDS).min(end)));
            }
        }
        let is_usable = last.as_ref().is_some_and(|answer| self.memory.is_within_grace(answer));
        let asked =
            if is_usable { tokio::time::timeout(PATIENCE, self.ask(name)).await } else { Ok(self.ask(name).await) };
        match asked.unwrap_or_else(|_| Err(IdentityError::away("it takes its time"))) {
            Ok(answer) => Ok(answer.known(answer.asked.plus_secs(self.memory.lifetime(&answer).div_ceil(2)))),
            Err(away @ IdentityError::DirectoryAway { .. }) => {
                self.memory.within_grace(name, last).await?.ok_or(away).map(|answer| {
                    tracing::debug!(%name, "the directory is away: its last answer still counts");
                    answer.known(self.memory.clock.now().plus_secs(LOOK_AGAIN_SECONDS))
                })
            }
            Err(other) => Err(other),
        }
    }

    /// The directory's answer to a question that is under way or is asked now.
    async fn ask(&self, name: &UserName) -> Outcome {
        let mut question = self.question(name);
        let outcome = match question.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone(),
            Err(_) => None,
        };
        outcome.unwrap_or_else(|| {
            self.memory.questions.lock().remove(name);
            Err(IdentityError::away("the question was broken off"))
        })
    }

    /// Joins the question that is under way, or asks it. It goes on where nobody waits for it.
    fn question(&self, name: &UserName) -> watch::Receiver<Option<Outcome>> {
        let mut questions = self.memory.questions.lock();
        // One whose task is gone without an answer has broken off.
        if let Some(waiting) = questions.get(name).filter(|waiting| waiting.has_changed().is_ok()) {
            return waiting.clone();
        }
        let (tell, waiting) = watch::channel(None);
        questions.insert(name.clone(), waiting.clone());
        drop(questions);
        let (memory, name) = (Arc::clone(&self.memory), name.clone());
        tokio::spawn(async move {
            let outcome = memory.learn(&name).await;
            memory.questions.lock().remove(&name);
            tell.send_replace(Some(outcome));
        });
        waiting
    }
}

impl Memory {
    /// How long an answer counts, in seconds.
    fn lifetime(&self, answer: &Answer) -> u64 {
        match answer.person {
            Some(_) => self.cache_seconds,
            None => self.cache_seconds.min(ABSENT_SECONDS),
        }
    }

    /// Asks the directory, and remembers what it says.
    async fn learn(&self, name: &UserName) -> Outcome {
        let asked = self.clock.now();
        let person = match self.directory.find(name).await? {
            Some(user) => Some(Arc::new(Person { user, groups: self.directory.groups(name).await? })),
            None => None,
        };
        let last = self.answers.lock().get(name).cloned();
        let stored = match last {
            Some(last) if last.person == person && !self.is_stored_long_ago(&last, asked) => last.stored,
            _ => {
                self.store(name, person.as_deref(), asked).await?;
                asked
            }
        };
        let answer = Answer { person, asked, stored };
        let mut answers = self.answers.lock();
        if answers.len() >= HELD_PEOPLE && !answers.contains_key(name) {
            answers.clear();
        }
        answers.insert(name.clone(), answer.clone());
        Ok(answer)
    }

    fn is_stored_long_ago(&self, last: &Answer, now: Timestamp) -> bool {
        last.person.is_some() && last.stored.plus_secs(self.grace_seconds / STORED_PARTS_OF_GRACE) <= now
    }

    /// Keeps what the directory said for a restart while it is away.
    async fn store(&self, name: &UserName, person: Option<&Person>, answered: Timestamp) -> Result<(), IdentityError> {
        let key = keyspace::last_answer(name);
        let batch = match person {
            Some(person) => {
                let record = LastAnswer { person: person.clone(), answered };
                Batch { put: vec![put(key.clone(), &record)], ..Batch::default() }
            }
            None if self.metadata.get(Space::CONTROL, &key).await?.is_none() => return Ok(()),
            None => Batch { delete: vec![key.clone()], ..Batch::default() },
        };
        let committed = self.metadata.commit(Space::CONTROL, &key, batch).await;
        match (committed, person) {
            (Err(error), Some(_)) => {
                // What is lost is grace after a restart, which is no reason to refuse a request.
                tracing::warn!(%name, %error, "what the directory said can not be stored");
                Ok(())
            }
            (committed, _) => Ok(committed?),
        }
    }

    /// The last answer, where it still counts while the directory is away.
    async fn within_grace(&self, name: &UserName, last: Option<Answer>) -> Result<Option<Answer>, IdentityError> {
        let last = match last {
            Some(answer) => Some(answer),
            None => read::<LastAnswer>(&*self.metadata, &keyspace::last_answer(name)).await?.map(|found| {
                let LastAnswer { person, answered } = found.value;
                Answer { person: Some(Arc::new(person)), asked: answered, stored: answered }
            }),
        };
        Ok(last.filter(|answer| self.is_within_grace(answer)))
    }

    fn is_within_grace(&self, answer: &Answer) -> bool {
        let bound = self.cache_seconds.saturating_add(self.grace_seconds);
        answer.person.is_some() && self.clock.now() < answer.asked.plus_secs(bound)
    }
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("People")
    }
}

#[cfg(test)]
#[path = "people_tests.rs"]
mod tests;
