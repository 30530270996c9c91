//! [`Identity`]: opening it, and how a change is made.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use storage::{Batch, Expect, Metadata};
use types::{Clock, Entropy};

use crate::control::{Control, Stale, damaged, put};
use crate::directory::people::People;
use crate::directory::{BuiltInDirectory, Directories, Directory, ExternalDirectory};
use crate::password::Passwords;
use crate::{IdentityError, MasterKey, keyspace, suspension, tenancy};

/// The format of the records that this program reads and writes.
const FORMAT: u32 = 1;
/// What is sealed to recognise the master key again.
const CHECK_TEXT: &[u8] = b"commonhold";
/// The name under which it is sealed.
const CHECK_NAME: &str = "check";

/// Tenancies, people, roles and keys. Cheap to clone; clones are the same.
///
/// Changes are made one at a time, and each runs to its end even where its caller goes away. One process at a time
/// may make changes to a store; that several gateways share one is for a later format.
#[derive(Clone)]
pub struct Identity {
    pub(crate) control: Arc<Control>,
}

/// The record by which a wrong master key is noticed before anything is done with it.
#[derive(Serialize, Deserialize)]
struct Check {
    format: u32,
    sealed: String,
}

impl Identity {
    /// Opens the identities in the control space of `metadata`, with the built-in directory. An empty store is made one
    /// whose secrets are encrypted under `master`.
    ///
    /// # Errors
    /// [`IdentityError::WrongMasterKey`] where the store's secrets are encrypted under another, and
    /// [`IdentityError::Damaged`] where its records are of a format that this program does not know.
    pub async fn open(
        metadata: Arc<dyn Metadata>,
        master: MasterKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, IdentityError> {
        Self::open_beside(metadata, master, clock, entropy, None).await
    }

    /// As [`Self::open`], with an external directory beside the built-in one.
    ///
    /// # Errors
    /// As [`Self::open`]. The directory is not asked anything.
    pub async fn open_beside(
        metadata: Arc<dyn Metadata>,
        master: MasterKey,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        external: Option<ExternalDirectory>,
    ) -> Result<Self, IdentityError> {
        let passwords = Arc::new(Passwords::new());
        let built_in = BuiltInDirectory::new(Arc::clone(&metadata), Arc::clone(&passwords));
        let external = external.map(|external| {
            let people = People::new(&external, Arc::clone(&metadata), Arc::clone(&clock));
            (external, people)
        });
        let directories = Arc::new(Directories::new(built_in, external));
        let control = Control::new(metadata, master, clock, entropy, passwords, directories);
        check_master_key(&control).await?;
        tenancy::load(&control).await?;
        suspension::load(&control).await?;
        Ok(Self { control: Arc::new(control) })
    }

    /// Where people come from: the built-in directory and the one beside it, as one.
    pub fn directory(&self) -> &Arc<dyn Directory> {
        &self.control.directory
    }

    /// Makes a change: alone, and to its end even if the caller's future is dropped.
    pub(crate) async fn change<T, F>(
        &self,
        work: impl FnOnce(Arc<Control>) -> F + Send + 'static,
    ) -> Result<T, IdentityError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, IdentityError>> + Send + 'static,
    {
        let control = Arc::clone(&self.control);
        let task = tokio::spawn(async move {
            let _alone = control.changes.lock().await;
            work(Arc::clone(&control)).await
        });
        task.await.map_err(|_| IdentityError::Unknown("the change did not run to its end".to_owned()))?
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

async fn check_master_key(control: &Control) -> Result<(), IdentityError> {
    let key = keyspace::CHECK;
    match control.read::<Check>(key).await? {
        Some(check) if check.value.format != FORMAT => {
            let reason = format!("its format is {}, and this program knows {FORMAT}", check.value.format);
            Err(damaged(key, reason))
        }
        Some(check) => {
            let opened = control.master.open(CHECK_NAME, &check.value.sealed);
            opened.filter(|text| text.as_slice() == CHECK_TEXT).map(|_| ()).ok_or(IdentityError::WrongMasterKey)
        }
        None => {
            let sealed = control.master.seal(&*control.entropy, CHECK_NAME, CHECK_TEXT);
            let batch = Batch {
                expect: vec![Expect::Absent(key.to_vec())],
                put: vec![put(key.to_vec(), &Check { format: FORMAT, sealed })],
                ..Batch::default()
            };
            control.commit(key, batch, Stale::Nothing).await
        }
    }
}
