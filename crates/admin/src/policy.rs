//! `commonhold admin policy`: the policies of buckets, and who may do what by them, and why.

use std::net::IpAddr;
use std::sync::Arc;

use access::{ActionType, BucketTarget, Grant, ObjectTarget, action};
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::Method;
use identity::{IdentityError, UserStatus};
use objects::{Bucket, SeenObject, policy_etag};
use policy::{
    Action, Candidates, Context, Effect, Existence, Facts, Policy, Principal, Resource, Scope, Severity, Subject,
};
use serde::{Deserialize, Serialize};
use types::{BucketName, Conditions, EtagMatch, ObjectKey, TenancyName, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, encoded, with_query};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::state::{AdminState, Done, LIST_LIMIT, List};

/// The policy of a bucket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicyView {
    /// The document, as it was put.
    pub document: String,
    /// Its tag, for [`PutPolicy::if_match`].
    pub etag: String,
}

/// A policy to put.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutPolicy {
    /// The document.
    pub document: String,
    /// Only in place of the policy with this tag; in place of any or none where absent.
    #[serde(default)]
    pub if_match: Option<String>,
}

/// A question about one person, or about nobody, and one action.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainRequest {
    /// The action, as in `s3:GetObject`; the `s3:` may be left out.
    pub action: String,
    /// To which object; to the bucket itself where absent.
    #[serde(default)]
    pub key: Option<ObjectKey>,
    /// Who asks; anonymous where absent.
    #[serde(default)]
    pub user: Option<UserName>,
    /// From where.
    #[serde(default)]
    pub source_ip: Option<IpAddr>,
    /// Whether over TLS.
    #[serde(default)]
    pub secure_transport: Option<bool>,
}

/// A decision with all that was weighed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Explanation {
    /// The action, as in `s3:GetObject`.
    pub action: String,
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why, in words.
    pub reason: String,
    /// The rules in their order.
    pub rules: Vec<RuleView>,
    /// The statements of the bucket's policy.
    pub statements: Vec<StatementView>,
}

/// What one rule said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleView {
    /// The rule.
    pub rule: String,
    /// What it said; it left the question to the next where absent.
    pub says: Option<String>,
    /// Whether it decided.
    pub decided: bool,
}

/// What one statement said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StatementView {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// Whether it allows or denies where it applies.
    pub effect: String,
    /// The element that keeps it from applying; it applies where absent.
    pub misses: Option<String>,
}

/// What to ask of everybody.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoFilter {
    /// The action; without one, `s3:GetObject` for an object and `s3:ListBucket` for a bucket.
    pub action: Option<String>,
    /// Which object.
    pub key: Option<ObjectKey>,
}

/// What one person, group or role may, or everybody.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccessView {
    /// `public`, `logged-in`, `role`, `group` or `person`.
    pub kind: String,
    /// Which role, group or person.
    pub name: Option<String>,
    /// Whether they may.
    pub allowed: bool,
    /// Why, in words.
    pub reason: String,
    /// The statements that would change the answer under their conditions, by their place in the document.
    pub conditional: Vec<usize>,
}

/// A document to look over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LintRequest {
    /// The document.
    pub document: String,
}

/// Something odd about a policy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FindingView {
    /// `note`, `warning` or `danger`.
    pub severity: String,
    /// Where, as in `Statement[2].Principal`; empty for the policy as a whole.
    pub element: String,
    /// What it means, in words.
    pub message: String,
}

impl AdminClient {
    /// The policy of a bucket.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn policy(&self, tenancy: &TenancyName, bucket: &BucketName) -> Result<PolicyView, ClientError> {
        self.call(Method::GET, &path(tenancy, bucket, ""), NO_BODY).await
    }

    /// Puts the policy of a bucket.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn put_policy(
        &self,
        tenancy: &TenancyName,
        bucket: &BucketName,
        put: &PutPolicy,
    ) -> Result<PolicyView, ClientError> {
        self.call(Method::PUT, &path(tenancy, bucket, ""), Some(put)).await
    }

    /// Removes the policy of a bucket.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_policy(&self, tenancy: &TenancyName, bucket: &BucketName) -> Result<Done, ClientError> {
        self.call(Method::DELETE, &path(tenancy, bucket, ""), NO_BODY).await
    }

    /// Decides and says why.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn explain_policy(
        &self,
        tenancy: &TenancyName,
        bucket: &BucketName,
        request: &ExplainRequest,
    ) -> Result<Explanation, ClientError> {
        self.call(Method::POST, &path(tenancy, bucket, "/explain"), Some(request)).await
    }

    /// Who may, and why.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn who_can(
        &self,
        tenancy: &TenancyName,
        bucket: &BucketName,
        filter: &WhoFilter,
    ) -> Result<List<AccessView>, ClientError> {
        let key = filter.key.as_ref().map(ObjectKey::as_str);
        let query = [("action", filter.action.as_deref()), ("key", key)];
        self.call(Method::GET, &with_query(&path(tenancy, bucket, "/who"), &query), NO_BODY).await
    }

    /// What is odd about the policy of a bucket.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lint_bucket(
        &self,
        tenancy: &TenancyName,
        bucket: &BucketName,
    ) -> Result<List<FindingView>, ClientError> {
        self.call(Method::GET, &path(tenancy, bucket, "/lint"), NO_BODY).await
    }

    /// What is odd about a document, whatever bucket it is for.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lint_policy(&self, request: &LintRequest) -> Result<List<FindingView>, ClientError> {
        self.call(Method::POST, "/v1/policies/lint", Some(request)).await
    }
}

fn path(tenancy: &TenancyName, bucket: &BucketName, rest: &str) -> String {
    format!("/v1/tenancies/{}/buckets/{}/policy{rest}", encoded(tenancy), encoded(bucket))
}

pub(crate) fn routes() -> Router<AdminState> {
    const POLICY: &str = "/v1/tenancies/{tenancy}/buckets/{bucket}/policy";
    Router::new()
        .route(POLICY, get(show).put(replace).delete(remove))
        .route(&format!("{POLICY}/explain"), post(explain))
        .route(&format!("{POLICY}/who"), get(who))
        .route(&format!("{POLICY}/lint"), get(lint_bucket))
        .route("/v1/policies/lint", post(lint_document))
}

type BucketPath = Path<(TenancyName, BucketName)>;

async fn show(
    State(state): State<AdminState>,
    Path((tenancy, name)): BucketPath,
) -> Result<Json<PolicyView>, ApiError> {
    let bucket = state.bucket(&tenancy, &name).await?;
    let policy = bucket.policy.as_ref().ok_or_else(|| ApiError::no_policy(&name))?;
    Ok(Json(view(policy)))
}

async fn replace(
    State(state): State<AdminState>,
    Path((tenancy, name)): BucketPath,
    Json(PutPolicy { document, if_match }): Json<PutPolicy>,
) -> Result<Json<PolicyView>, ApiError> {
    let bucket = state.bucket(&tenancy, &name).await?;
    let policy = parse(&document)?;
    policy.check_resources(&name).map_err(|error| ApiError::invalid(error, ""))?;
    let answer = view(&policy);
    let grant = state.authorize_on_bucket::<action::PutBucketPolicy>(&bucket)?;
    let if_match = if_match.as_deref().map(EtagMatch::parse);
    state.objects.put_bucket_policy(&grant, policy, Conditions { if_match, ..Conditions::default() }).await?;
    Ok(Json(answer))
}

async fn remove(State(state): State<AdminState>, Path((tenancy, name)): BucketPath) -> Result<Json<Done>, ApiError> {
    let bucket = state.bucket(&tenancy, &name).await?;
    let grant = state.authorize_on_bucket::<action::DeleteBucketPolicy>(&bucket)?;
    state.objects.delete_bucket_policy(&grant, Conditions::default()).await?;
    Ok(Json(Done {}))
}

async fn explain(
    State(state): State<AdminState>,
    Path((tenancy, name)): BucketPath,
    Json(request): Json<ExplainRequest>,
) -> Result<Json<Explanation>, ApiError> {
    let bucket = state.bucket(&tenancy, &name).await?;
    let action = action_on(&request.action, request.key.as_ref())?;
    let principal = match &request.user {
        None => Principal::anonymous(tenancy.clone()),
        Some(user) => state.principal(&tenancy, user).await?,
    };
    let seen = state.seen(&bucket, request.key.as_ref()).await?;
    let context = Context {
        now: Some(state.clock.now()),
        source_ip: request.source_ip,
        secure_transport: request.secure_transport,
        ..Context::NOTHING
    };
    let facts = state.facts(&bucket, request.key.as_ref(), seen.as_ref(), &context);
    let trace = policy::explain(&principal, action, facts);
    let rules = trace.rules.into_iter();
    let statements = trace.statements.into_iter();
    Ok(Json(Explanation {
        action: trace.action,
        allowed: trace.allowed,
        reason: trace.reason,
        rules: rules
            .map(|rule| RuleView { rule: rule.rule.to_owned(), says: rule.says, decided: rule.decided })
            .collect(),
        statements: statements
            .map(|statement| StatementView {
                index: statement.index,
                sid: statement.sid,
                effect: effect(statement.effect).to_owned(),
                misses: statement.misses,
            })
            .collect(),
    }))
}

async fn who(
    State(state): State<AdminState>,
    Path((tenancy, name)): BucketPath,
    Query(filter): Query<WhoFilter>,
) -> Result<Json<List<AccessView>>, ApiError> {
    let bucket = state.bucket(&tenancy, &name).await?;
    let default = if filter.key.is_some() { Action::GetObject } else { Action::ListBucket };
    let action = match &filter.action {
        Some(action) => action_on(action, filter.key.as_ref())?,
        None => default,
    };
    let people = state.access.members(&tenancy, LIST_LIMIT).await?;
    let mut groups: Vec<_> = people.iter().flat_map(|person| person.groups.iter().cloned()).collect();
    groups.sort();
    groups.dedup();
    let seen = state.seen(&bucket, filter.key.as_ref()).await?;
    let context = Context { now: Some(state.clock.now()), ..Context::NOTHING };
    let facts = state.facts(&bucket, filter.key.as_ref(), seen.as_ref(), &context);
    let candidates = Candidates { tenancy: &tenancy, people: &people, groups: &groups };
    let answers = policy::who_can(action, facts, candidates).into_iter().map(|answer| {
        let (kind, name) = match answer.subject {
            Subject::Public => ("public", None),
            Subject::LoggedIn => ("logged-in", None),
            Subject::Role(role) => ("role", Some(role.to_string())),
            Subject::Group(group) => ("group", Some(group)),
            Subject::Person(person) => ("person", Some(person.to_string())),
        };
        let (allowed, reason) = (answer.reason.allows(), answer.reason.to_string());
        AccessView { kind: kind.to_owned(), name, allowed, reason, conditional: answer.conditional }
    });
    Ok(Json(List::new(answers.collect())))
}

async fn lint_bucket(
    State(state): State<AdminState>,
    Path((tenancy, name)): BucketPath,
) -> Result<Json<List<FindingView>>, ApiError> {
    let bucket = state.bucket(&tenancy, &name).await?;
    let policy = bucket.policy.as_ref().ok_or_else(|| ApiError::no_policy(&name))?;
    Ok(Json(state.findings(policy, Some(&bucket)).await?))
}

async fn lint_document(
    State(state): State<AdminState>,
    Json(LintRequest { document }): Json<LintRequest>,
) -> Result<Json<List<FindingView>>, ApiError> {
    Ok(Json(state.findings(&parse(&document)?, None).await?))
}

impl AdminState {
    pub(crate) async fn bucket(&self, tenancy: &TenancyName, name: &BucketName) -> Result<Arc<Bucket>, ApiError> {
        let found = self.objects.find_bucket(tenancy, name).await?;
        found.ok_or_else(|| ApiError::no_such_bucket(tenancy, name))
    }

    /// The operator's leave to do `A` to a bucket. Whether whoever they act for may is decided before, where it is asked.
    pub(crate) fn authorize_on_bucket<A>(&self, bucket: &Bucket) -> Result<Grant<A>, ApiError>
    where
        A: ActionType<Target = BucketTarget>,
    {
        let operator = self.access.operator(bucket.tenancy.clone());
        let facts = Facts { bucket: Some(bucket.facts()), ..Facts::about(Resource::Bucket(&bucket.name)) };
        Ok(self.access.authorize(&operator, target(bucket), facts)?)
    }

    /// The object under a key, and whether there is one.
    async fn seen(&self, bucket: &Bucket, key: Option<&ObjectKey>) -> Result<Option<SeenObject>, ApiError> {
        let Some(key) = key else { return Ok(None) };
        let target = ObjectTarget { bucket: target(bucket), key: key.clone(), version: None };
        Ok(self.objects.look_up(target).await?)
    }

    fn facts<'a>(
        &self,
        bucket: &'a Bucket,
        key: Option<&'a ObjectKey>,
        seen: Option<&'a SeenObject>,
        context: &'a Context<'a>,
    ) -> Facts<'a> {
        let resource = match key {
            Some(key) => Resource::Object { bucket: &bucket.name, key, version: None },
            None => Resource::Bucket(&bucket.name),
        };
        let object = seen.and_then(SeenObject::facts);
        Facts {
            default_policy: self.access.default_policy(&bucket.tenancy),
            bucket: Some(bucket.facts()),
            object,
            existence: Existence::of(object.is_some()),
            context,
            ..Facts::about(resource)
        }
    }

    /// A person as their requests would be, with a key without bounds.
    async fn principal(&self, tenancy: &TenancyName, user: &UserName) -> Result<Principal, ApiError> {
        let standing = self.identity.standing(user).await?;
        let standing = standing.ok_or_else(|| IdentityError::NoSuchUser(user.clone()))?;
        if standing.user.status != UserStatus::Active {
            return Err(ApiError::invalid(format!("{user} may do nothing: they are disabled"), ""));
        }
        Ok(self.access.principal_of(tenancy, &standing))
    }

    async fn findings(&self, policy: &Policy, bucket: Option<&Bucket>) -> Result<List<FindingView>, ApiError> {
        let missing = self.access.missing(policy.names()).await?;
        let known = policy::Known {
            bucket: bucket.map(|bucket| &bucket.name),
            owner: bucket.map(|bucket| (&bucket.tenancy, &bucket.owner)),
            missing: Some(&missing),
        };
        let findings = policy::lint(policy, known).into_iter().map(|finding| FindingView {
            severity: severity(finding.severity).to_owned(),
            element: finding.element,
            message: finding.message,
        });
        Ok(List::new(findings.collect()))
    }
}

fn view(policy: &Policy) -> PolicyView {
    PolicyView { document: policy.document().to_owned(), etag: policy_etag(policy).to_string() }
}

fn parse(document: &str) -> Result<Policy, ApiError> {
    Policy::parse(document.as_bytes()).map_err(|error| ApiError::invalid(error, ""))
}

fn target(bucket: &Bucket) -> BucketTarget {
    BucketTarget { tenancy: bucket.tenancy.clone(), bucket: bucket.name.clone(), bucket_id: bucket.id }
}

/// The action of this name, which must go with what it is asked for.
fn action_on(name: &str, key: Option<&ObjectKey>) -> Result<Action, ApiError> {
    let short = name.strip_prefix("s3:").unwrap_or(name);
    let action = Action::ALL.iter().copied().find(|action| action.name() == short);
    let action = action.ok_or_else(|| ApiError::invalid(format!("there is no action {name}"), "Try s3:GetObject."))?;
    match (action.scope(), key) {
        (Scope::Object, None) => Err(ApiError::invalid(format!("{action} is done to an object"), "Name a key.")),
        (Scope::Bucket, Some(_)) => Err(ApiError::invalid(format!("{action} is done to a bucket"), "Name no key.")),
        (Scope::Tenancy | Scope::NewBucket, _) => {
            Err(ApiError::invalid(format!("no bucket's policy decides about {action}"), ""))
        }
        (Scope::Object, Some(_)) | (Scope::Bucket, None) => Ok(action),
    }
}

const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Allow => "Allow",
        Effect::Deny => "Deny",
    }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Danger => "danger",
    }
}
