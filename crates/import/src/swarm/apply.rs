//! Making here what an inventory tells of, through the administration API.

use admin::bucket::SetOwner;
use admin::key::CreateKey;
use admin::role::{GrantRole, RoleFilter};
use admin::tenancy::{CreateTenancy, SetTenancy};
use admin::{AdminClient, ClientError, SecretText};
use policy::{DefaultPolicy, KeyScope, Role};
use types::{AccessKeyId, BucketName, TenancyName, Timestamp, UserName};

use super::inventory::{Bucket, Domain, Inventory, Token};
use super::objects::{self, ObjectCopy};
use super::{Left, Step, SwarmError, SwarmReport};

/// Whether owners of tokens and buckets who hold no role in the tenancy become USERs of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Roles {
    /// They are left as they are, and what is theirs too.
    #[default]
    AsTheyAre,
    /// They become USER.
    GrantUser,
}

/// How to apply an inventory.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// What of roles.
    pub roles: Roles,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
    /// The time, by which tokens have expired.
    pub now: Timestamp,
}

/// Applies an inventory, and copies the objects of its domains where `objects` says how.
///
/// # Errors
/// [`SwarmError::Server`] where the server fails; what it refuses of single things is in the report.
pub async fn apply(
    client: &AdminClient,
    inventory: &Inventory,
    settings: Settings,
    objects: Option<&ObjectCopy>,
) -> Result<SwarmReport, SwarmError> {
    let domains = client.status().await?.installation;
    let mut work = Work {
        client,
        settings,
        objects,
        domains: [domains.internal_domains, domains.external_domains].concat(),
        report: SwarmReport { dry_run: settings.dry_run, ..SwarmReport::default() },
    };
    for domain in &inventory.domains {
        work.domain(domain).await?;
    }
    Ok(work.report)
}

struct Work<'a> {
    client: &'a AdminClient,
    settings: Settings,
    objects: Option<&'a ObjectCopy>,
    /// The domains under which this installation has tenancies.
    domains: Vec<String>,
    report: SwarmReport,
}

impl Work<'_> {
    async fn domain(&mut self, domain: &Domain) -> Result<(), SwarmError> {
        let label = domain.name.split('.').next().unwrap_or_default().to_ascii_lowercase();
        let name = match TenancyName::new(&label) {
            Ok(name) => name,
            Err(error) => {
                self.left(
                    &domain.name,
                    "the domain",
                    &format!("{error}; make a tenancy of another name, with this endpoint"),
                );
                return Ok(());
            }
        };
        self.tenancy(domain, &name).await?;
        self.policy(domain, &name).await?;
        if let Some(objects) = self.objects {
            self.objects(domain, &name, objects).await?;
        }
        for token in &domain.tokens {
            self.token(domain, &name, token).await?;
        }
        for bucket in &domain.buckets {
            self.bucket(domain, &name, bucket).await?;
        }
        Ok(())
    }

    /// The tenancy, and the domain's name as an endpoint of it where it is no name of it anyway.
    async fn tenancy(&mut self, domain: &Domain, name: &TenancyName) -> Result<(), SwarmError> {
        let client = self.client;
        let host = domain.name.to_ascii_lowercase();
        let is_usual = self.domains.iter().any(|ours| host == format!("{name}.{ours}"));
        let there = self.client.list_tenancies().await?.items.into_iter().find(|tenancy| tenancy.name == *name);
        let Some(there) = there else {
            let endpoints = if is_usual { Vec::new() } else { vec![host] };
            let new: CreateTenancy = serde_json::from_value(serde_json::json!({
                "name": name, "description": domain.description, "endpoints": endpoints,
            }))
            .map_err(|error| SwarmError::Inventory(error.to_string()))?;
            let made = async { client.create_tenancy(&new).await.map(|_| ()) };
            return self.step(domain, Step::Tenancy(name.clone()), made).await;
        };
        if is_usual || there.endpoints.contains(&host) {
            self.report.present += 1;
            return Ok(());
        }
        let endpoints = there.endpoints.into_iter().chain([host.clone()]).collect();
        let set = SetTenancy { endpoints: Some(endpoints), ..SetTenancy::default() };
        let made = async { client.set_tenancy(name, &set).await.map(|_| ()) };
        self.step(domain, Step::Endpoint(name.clone(), host), made).await
    }

    async fn policy(&mut self, domain: &Domain, name: &TenancyName) -> Result<(), SwarmError> {
        let client = self.client;
        let Some(document) = &domain.policy else { return Ok(()) };
        match swarm::default_policy(name, document.to_string().as_bytes()) {
            Ok(DefaultPolicy::Owner) => Ok(()),
            Ok(DefaultPolicy::Members) => {
                // In a dry run there may be no tenancy yet.
                let there = client.show_tenancy(name).await.map(|tenancy| tenancy.default_policy);
                if there.is_ok_and(|policy| policy == DefaultPolicy::Members) {
                    self.report.present += 1;
                    return Ok(());
                }
                let set = SetTenancy { default_policy: Some(DefaultPolicy::Members), ..SetTenancy::default() };
                let made = async { client.set_tenancy(name, &set).await.map(|_| ()) };
                self.step(domain, Step::MembersReachAll(name.clone()), made).await
            }
            Err(problem) => {
                self.left(&domain.name, "the policy of the domain", &problem);
                Ok(())
            }
        }
    }

    /// The objects, copied by the person who imports.
    async fn objects(&mut self, domain: &Domain, name: &TenancyName, objects: &ObjectCopy) -> Result<(), SwarmError> {
        if !self.importer(domain, name, &objects.importer).await? {
            return Ok(());
        }
        match objects.copy(self.client, domain, name, self.settings.dry_run).await {
            Ok(copied) => {
                for key in &copied.keys_left {
                    self.left(&domain.name, "a key of the import", &format!("delete it: {key}"));
                }
                self.report.objects.push(copied);
            }
            Err(SwarmError::Server(error @ ClientError::Refused(_))) => {
                self.left(&domain.name, objects::WHAT, &error.to_string());
            }
            Err(error @ SwarmError::Server(_)) => return Err(error),
            Err(error) => self.left(&domain.name, objects::WHAT, &format!("{error}: run the import again")),
        }
        Ok(())
    }

    /// Whether the person who imports is MANAGER of the tenancy, or DEPUTY: they must reach all its buckets, also those that
    /// have other owners from a run before.
    async fn importer(&mut self, domain: &Domain, tenancy: &TenancyName, name: &UserName) -> Result<bool, SwarmError> {
        let client = self.client;
        let filter = RoleFilter { tenancy: Some(tenancy.clone()), user: Some(name.clone()) };
        let roles = client.list_roles(&filter).await.map(|list| list.items).unwrap_or_default();
        if roles.iter().any(|held| held.role != Role::User) {
            return Ok(true);
        }
        let step = Step::Importer(tenancy.clone(), name.clone());
        let granted = async { client.grant_role(tenancy, name, &GrantRole::of(Role::Manager)).await.map(|_| ()) };
        self.step(domain, step.clone(), granted).await?;
        Ok(self.report.done.contains(&step))
    }

    async fn token(&mut self, domain: &Domain, tenancy: &TenancyName, token: &Token) -> Result<(), SwarmError> {
        let client = self.client;
        let what = format!("the token {:?} of {}", token.x_custom_meta_source, token.x_owner_meta);
        let expires = token.expires();
        if expires.is_some_and(|expires| expires <= self.settings.now) {
            self.left(&domain.name, &what, "it has expired");
            return Ok(());
        }
        let Some(secret) = &token.secret else {
            let why = "its secret is not known: its owner makes a new one, or write it beside the token as \"secret\"";
            self.left(&domain.name, &what, why);
            return Ok(());
        };
        let Ok(id) = AccessKeyId::new(&token.name) else {
            self.left(&domain.name, &what, "its name can be no access key");
            return Ok(());
        };
        let Some(owner) = self.owner(domain, tenancy, &token.x_owner_meta, &what).await? else { return Ok(()) };
        if self.client.key(&id).await.is_ok() {
            self.report.present += 1;
            return Ok(());
        }
        let new = CreateKey {
            tenancy: tenancy.clone(),
            user: owner.clone(),
            description: token.x_custom_meta_source.clone(),
            expires,
            scope: KeyScope::default(),
            access_key: Some(id.clone()),
            secret: Some(SecretText::new(secret.as_str())),
        };
        let made = async { client.create_key(&new).await.map(|_| ()) };
        self.step(domain, Step::Key(id, owner), made).await
    }

    async fn bucket(&mut self, domain: &Domain, tenancy: &TenancyName, bucket: &Bucket) -> Result<(), SwarmError> {
        let client = self.client;
        let what = format!("the bucket {}", bucket.name);
        if bucket.x_owner_meta.is_empty() {
            return Ok(());
        }
        let Ok(name) = BucketName::new(&bucket.name) else {
            self.left(&domain.name, &what, "a bucket can not have this name here: copy it under another");
            return Ok(());
        };
        // In a dry run there may be no tenancy yet.
        let buckets = self.client.list_buckets(tenancy).await.map(|list| list.items).unwrap_or_default();
        let there = buckets.into_iter().find(|there| there.name == name);
        let is_to_come = self.settings.dry_run && self.objects.is_some();
        if there.is_none() && !is_to_come {
            let why =
                "it is not here yet: copy it with --objects, or with commonhold import s3 and then run this again";
            self.left(&domain.name, &what, why);
            return Ok(());
        }
        let Some(owner) = self.owner(domain, tenancy, &bucket.x_owner_meta, &what).await? else { return Ok(()) };
        if there.is_some_and(|there| there.owner == owner) {
            self.report.present += 1;
            return Ok(());
        }
        let set = SetOwner { user: None, owner: owner.clone() };
        let made = async { client.set_bucket_owner(tenancy, &name, &set).await.map(|_| ()) };
        self.step(domain, Step::Owner(tenancy.clone(), name.clone(), owner), made).await
    }

    /// The person of a name of Swarm, with a role in the tenancy.
    async fn owner(
        &mut self,
        domain: &Domain,
        tenancy: &TenancyName,
        written: &str,
        what: &str,
    ) -> Result<Option<UserName>, SwarmError> {
        let client = self.client;
        let bare = written.split(['@', '+']).next().unwrap_or_default();
        let known = match UserName::new(bare) {
            Ok(name) => self.client.show_user(&name).await.ok().map(|_| name),
            Err(_) => None,
        };
        let Some(name) = known else {
            self.left(&domain.name, what, &format!("there is no person {bare:?} here: make them known first"));
            return Ok(None);
        };
        let filter = RoleFilter { tenancy: Some(tenancy.clone()), user: Some(name.clone()) };
        let holds_role = self.client.list_roles(&filter).await.is_ok_and(|roles| !roles.items.is_empty());
        let step = Step::Role(tenancy.clone(), name.clone());
        match self.settings.roles {
            _ if holds_role || self.report.done.contains(&step) => Ok(Some(name)),
            Roles::AsTheyAre => {
                let why = format!("{name} holds no role in {tenancy}: grant one, or use --grant-roles");
                self.left(&domain.name, what, &why);
                Ok(None)
            }
            Roles::GrantUser => {
                let granted = async { client.grant_role(tenancy, &name, &GrantRole::of(Role::User)).await.map(|_| ()) };
                self.step(domain, step.clone(), granted).await?;
                Ok(self.report.done.contains(&step).then_some(name))
            }
        }
    }

    /// Does a step, and notes what came of it. A domain may have several names here, each of which a site tells: what one of
    /// them needed is there for the others, in a dry run too.
    async fn step(
        &mut self,
        domain: &Domain,
        step: Step,
        made: impl Future<Output = Result<(), ClientError>>,
    ) -> Result<(), SwarmError> {
        if self.report.done.contains(&step) {
            self.report.present += 1;
            return Ok(());
        }
        if !self.settings.dry_run {
            match made.await {
                Ok(()) => {}
                Err(ClientError::Refused(detail)) => {
                    self.left(&domain.name, &format!("{step:?}"), &detail.message);
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.report.done.push(step);
        Ok(())
    }

    fn left(&mut self, domain: &str, what: &str, why: &str) {
        let (domain, what, why) = (domain.to_owned(), what.to_owned(), why.to_owned());
        self.report.left.push(Left { domain, what, why });
    }
}
