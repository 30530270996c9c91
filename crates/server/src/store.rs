//! The parts of a store put together: engine, identities, objects, access.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use access::{Access, Domains, Operators};
use admin::maintenance::Tasks;
use admin::{AdminState, Installation};
use audit::{Audit, AuditError};
use axum::Router;
use background::JobRuns;
use identity::{ExternalDirectory, Identity, IdentityError};
use identity_oidc::Provider;
use metering::Metering;
use notify::{Notify, NotifyError};
use objects::Objects;
use portal::{Colour, Logo, Origin, Portal, Program, Site};
use s3_api::{Proxies, S3Config, S3Service};
use storage::maintenance::Maintenance;
use storage::{Engine, Metadata, StorageError};
use storage_embedded::{EmbeddedStore, OpenError, Options};
use sts::StsService;
use swarm::Swarm;
use types::{Clock, Entropy, OsEntropy, PooledEntropy, SystemClock};

use crate::cli::CliError;
use crate::config::{Config, Domain, Environment, ProxySetting};
use crate::disk;
use crate::mail::{self, MailError};
use crate::master_key::{self, MasterKeySourceError};
use crate::memory;
use crate::oidc::{self, OidcSetupError};
use crate::portal::{LinkSigner, PortalPages, origins};
use crate::s3::S3;
use crate::serve::Started;

/// The engine's folder in the data directory.
pub(crate) const ENGINE_FOLDER: &str = "embedded";
/// Bytes of a mebibyte.
pub(crate) const MIB: u64 = 1024 * 1024;

/// The store can not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The folder can not be made.
    #[error("the data directory {path} can not be made: {error}; choose another one with data_dir")]
    DataDirectory {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// No master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeySourceError),
    /// There is no store to work with.
    #[error(
        "there is no store in {path}: name another data directory with COMMONHOLD_DATA_DIR, or in the configuration"
    )]
    NoStore {
        /// Where.
        path: PathBuf,
    },
    /// Another server works there.
    #[error(
        "another commonhold serves the data directory {path}: stop it first, or give this one a data_dir of its own \
         (COMMONHOLD_DATA_DIR)"
    )]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// The engine.
    #[error("the data directory {path} can not be opened: {error}")]
    Engine {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: OpenError,
    },
    /// What people are told.
    #[error("notifications can not be read: {0}")]
    Notify(#[from] NotifyError),
    /// Mail.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The audit log.
    #[error("the audit log can not be read: {0}")]
    Audit(#[from] AuditError),
    /// The portal's logo.
    #[error("portal.logo: {path}: {problem}")]
    Logo {
        /// The file.
        path: PathBuf,
        /// Why it can not be used.
        problem: String,
    },
    /// The identity provider's settings.
    #[error(transparent)]
    Oidc(#[from] OidcSetupError),
    /// The identities.
    #[error("the identities can not be read: {0}")]
    Identity(#[from] IdentityError),
}

/// An open store.
#[derive(Clone)]
pub(crate) struct Store {
    /// The engine.
    pub(crate) engine: Arc<EmbeddedStore>,
    /// Who there is.
    pub(crate) identity: Arc<Identity>,
    /// Who did what.
    pub(crate) audit: Audit,
    /// Who tells people of events.
    pub(crate) notify: Arc<Notify>,
    /// What there is.
    pub(crate) objects: Arc<Objects>,
    /// What was used day by day.
    pub(crate) metering: Arc<Metering>,
    /// The long work that an operator asked for.
    pub(crate) tasks: Tasks,
    /// The institution's logo.
    pub(crate) logo: Option<Logo>,
    /// What the runs of jobs came to.
    pub(crate) job_runs: JobRuns,
    /// Who may do what.
    pub(crate) access: Arc<Access>,
    /// Whose word is taken for who people are.
    pub(crate) oidc: Option<Arc<Provider>>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Randomness for ids, which are no secrets.
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Store {
    /// Opens the store of `config`, which is made at the first start, with an external directory beside the built-in
    /// one.
    ///
    /// # Errors
    /// [`StoreError`] says what to do.
    pub(crate) async fn open(
        config: &Config,
        environment: &Environment,
        external: Option<ExternalDirectory>,
    ) -> Result<Self, StoreError> {
        let (clock, secrets): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(OsEntropy));
        let entropy: Arc<dyn Entropy> = Arc::new(PooledEntropy::new());
        let oidc = oidc::provider(&config.oidc, Arc::clone(&clock))?;
        let logo = config.portal.logo.as_deref().map(logo).transpose()?;
        make_folder(&config.data_dir)?;
        let (site, mailer) = (mail::site(&config.mail)?, mail::mailer_of(&config.mail, environment)?);
        let master = master_key::obtain(
            environment.get(master_key::VARIABLE).map(String::as_str),
            &config.master_key_path(),
            &config.data_dir,
            &*secrets,
        )?;
        let engine = open_engine(config, &entropy).await?;
        let contracts = Engine::new(Arc::clone(&engine));
        let metadata = Arc::clone(&contracts.metadata);
        let identity = Identity::open_beside(metadata, master, Arc::clone(&clock), secrets, external).await?;
        let identity = Arc::new(identity);
        let (of_notify, of_clock) = (Arc::clone(&contracts.metadata), Arc::clone(&clock));
        let notify = Notify::open(of_notify, Arc::clone(&identity), of_clock, site, mailer).await?;
        let notify = Arc::new(notify);
        let audit = Audit::open(Arc::clone(&contracts.metadata), Arc::clone(&clock)).await?;
        let metering = Metering::new(Arc::clone(&contracts.metadata), Arc::clone(&clock));
        let objects = Objects::new(contracts.metadata, contracts.blobs, Arc::clone(&clock), Arc::clone(&entropy))
            .with_quotas(identity.quotas().clone());
        let names = |domains: &crate::config::Domains| {
            domains.iter().map(|domain: &Domain| domain.as_str().to_owned()).collect::<Vec<_>>()
        };
        let domains = Domains::new(&names(&config.domains.internal), &names(&config.domains.external));
        let access = Access::new(Arc::clone(&identity), domains, config.default_tenancy.clone(), Arc::clone(&clock));
        Ok(Self {
            engine,
            identity,
            audit,
            notify,
            objects: Arc::new(objects),
            metering: Arc::new(metering),
            tasks: Tasks::default(),
            logo,
            job_runs: JobRuns::default(),
            access: Arc::new(access),
            oidc,
            clock,
            entropy,
        })
    }

    /// The administration API of this store. `installation` is what it tells of the server.
    pub(crate) fn admin(&self, installation: Installation) -> Router {
        admin::router(AdminState {
            identity: Arc::clone(&self.identity),
            access: Arc::clone(&self.access),
            audit: self.audit.clone(),
            notify: Arc::clone(&self.notify),
            objects: Arc::clone(&self.objects),
            metering: Arc::clone(&self.metering),
            engine: Arc::clone(&self.engine) as Arc<dyn Maintenance>,
            tasks: self.tasks.clone(),
            clock: Arc::clone(&self.clock),
            started: self.clock.now(),
            installation: Arc::new(installation),
        })
    }

    /// The portal on this store, and the doors of a Swarm site.
    pub(crate) fn portal(&self, config: &Config, addresses: &Started) -> PortalPages {
        let router = portal::router(Portal {
            identity: Arc::clone(&self.identity),
            access: Arc::clone(&self.access),
            notify: Arc::clone(&self.notify),
            audit: self.audit.clone(),
            objects: Arc::clone(&self.objects),
            metering: Arc::clone(&self.metering),
            operators: Arc::new(operators(config)),
            oidc: self.oidc.clone(),
            program: Arc::new(self.program(config)),
            clock: Arc::clone(&self.clock),
            entropy: Arc::new(OsEntropy),
            site: Arc::new(site(config, addresses, self.logo.clone())),
            links: Arc::new(LinkSigner),
        });
        let doors = Swarm {
            identity: Arc::clone(&self.identity),
            access: Arc::clone(&self.access),
            operators: Arc::new(operators(config)),
            objects: Arc::clone(&self.objects),
            metering: Arc::clone(&self.metering),
            audit: self.audit.clone(),
            clock: Arc::clone(&self.clock),
            entropy: Arc::new(OsEntropy),
            version: env!("CARGO_PKG_VERSION"),
        };
        PortalPages { router: swarm::router(doors, router), proxies: proxies(config) }
    }

    /// What the portal tells operators of this program.
    fn program(&self, config: &Config) -> Program {
        let data_dir = config.data_dir.clone();
        Program {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.clock.now(),
            data_dir: data_dir.display().to_string(),
            disk: Box::new(move || disk::space(&data_dir).map_err(|error| error.to_string())),
            engine: Arc::clone(&self.engine) as Arc<dyn Maintenance>,
            jobs: self.job_runs.clone(),
        }
    }

    /// Ends the engine's work in order. Nothing may use the store any more.
    ///
    /// # Errors
    /// What the engine could not do; the next opening repairs it.
    pub(crate) async fn close(self) -> Result<(), StorageError> {
        self.audit.idle().await;
        self.engine.close().await
    }

    /// The S3 service on this store, and the one for temporary credentials, which takes the identity provider's word.
    pub(crate) fn s3(&self, config: &Config, addresses: &Started) -> S3 {
        let settings = S3Config {
            region: config.s3.region.clone(),
            stall: std::time::Duration::from_secs(config.limits.stall_timeout_seconds),
            portal_origins: origins(config, addresses),
        };
        let proxies = proxies(config);
        let s3 = S3Service::new(
            Arc::clone(&self.access),
            Arc::clone(&self.identity),
            Arc::clone(&self.objects),
            self.audit.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
            settings,
        );
        let sts = StsService::new(
            Arc::clone(&self.access),
            self.audit.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.entropy),
        );
        S3 { s3: s3.behind(proxies).metered(Arc::clone(&self.metering)), sts: sts.trusting(self.oidc.clone()), proxies }
    }
}

const fn proxies(config: &Config) -> Proxies {
    match config.listen.proxies {
        ProxySetting::None => Proxies::None,
        ProxySetting::Trusted => Proxies::Trusted,
    }
}

/// The logo in a file.
fn logo(path: &Path) -> Result<Logo, StoreError> {
    let problem = |problem: String| StoreError::Logo { path: path.to_owned(), problem };
    let mut content = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| problem(error.to_string()))?;
    // One byte more than may be, so that a larger file is told from the largest.
    let read = file.take(portal::MAX_LOGO_BYTES as u64 + 1).read_to_end(&mut content);
    read.map_err(|error| problem(error.to_string()))?;
    Logo::new(content).map_err(|error| problem(error.to_string()))
}

/// Those of the configuration, which was checked when it was read.
fn operators(config: &Config) -> Operators {
    Operators::new(config.operators.people.iter(), config.operators.groups.iter()).unwrap_or_default()
}

/// The addresses that the portal names to people: those of its own listeners, or of the proxy before them.
fn site(config: &Config, addresses: &Started, logo: Option<Logo>) -> Site {
    let names = |domains: &crate::config::Domains| domains.iter().map(|domain| domain.as_str().to_owned()).collect();
    let external = match config.listen.proxies {
        ProxySetting::None => addresses.s3_tls.map(|address| address.port()),
        ProxySetting::Trusted => Some(443),
    };
    Site {
        name: config.portal.name.clone(),
        colour: config.portal.colour.parse().unwrap_or(Colour::DEFAULT),
        internal_domains: names(&config.domains.internal),
        external_domains: names(&config.domains.external),
        internal_port: addresses.s3.map(|address| address.port()),
        external_port: external,
        region: config.s3.region.clone(),
        store_url: config.portal.store_url.as_deref().and_then(Origin::new),
        url: config.mail.portal_url.clone(),
        logo,
        provider: config.oidc.name.clone(),
    }
}

/// A store that is opened to be looked after, with no server on it. It needs no master key.
pub(crate) struct Offline {
    /// The engine.
    pub(crate) engine: Arc<EmbeddedStore>,
    /// Its metadata.
    pub(crate) metadata: Arc<dyn Metadata>,
    /// What there is.
    pub(crate) objects: Objects,
}

impl Offline {
    /// Opens the store of `config`, which must be there.
    ///
    /// # Errors
    /// [`StoreError`] says what to do.
    pub(crate) async fn open(config: &Config) -> Result<Self, CliError> {
        let open = async {
            if !config.data_dir.join(ENGINE_FOLDER).join("format").exists() {
                return Err(StoreError::NoStore { path: config.data_dir.clone() });
            }
            let entropy: Arc<dyn Entropy> = Arc::new(OsEntropy);
            let engine = open_engine(config, &entropy).await?;
            let Engine { metadata, blobs } = Engine::new(Arc::clone(&engine));
            let of_objects = Arc::clone(&metadata);
            let objects = Objects::new(of_objects, blobs, Arc::new(SystemClock), entropy);
            Ok(Self { engine, metadata, objects })
        };
        open.await.map_err(CliError::failed)
    }

    /// Ends the engine's work in order. What it could not do the next opening repairs.
    pub(crate) async fn close(self) {
        if let Err(error) = self.engine.close().await {
            tracing::warn!(%error, "the store was not closed in order");
        }
    }
}

async fn open_engine(config: &Config, entropy: &Arc<dyn Entropy>) -> Result<Arc<EmbeddedStore>, StoreError> {
    let path = config.data_dir.join(ENGINE_FOLDER);
    let options = Options {
        cache_bytes: config.storage.cache_mib * MIB,
        reserve_bytes: config.storage.reserve_mib * MIB,
        at_rest: memory::give_back,
        ..Options::default()
    };
    let (of_task, entropy) = (path.clone(), Arc::clone(entropy));
    // Opening replays the log, which reads files.
    let opened = tokio::task::spawn_blocking(move || {
        let opened = EmbeddedStore::open_directory(&of_task, options, &*entropy);
        memory::give_back();
        opened
    });
    let opened = opened.await;
    let opened = opened.unwrap_or_else(|error| Err(OpenError::Io(io::Error::other(error))));
    opened.map_err(|error| match error {
        OpenError::Locked => StoreError::InUse { path: config.data_dir.clone() },
        error => StoreError::Engine { path, error },
    })
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    std::fs::create_dir_all(path).map_err(|error| StoreError::DataDirectory { path: path.to_owned(), error })
}
