//! What a bucket's policy means for whom, in words: for the pages that show it and for those that change it.
//!
//! The answers are those of [`policy::who_can`], asked for the few actions that people think in. Objects are asked about by
//! one key, because a policy may tell them apart.

use std::collections::BTreeMap;

use objects::Bucket;
use policy::{
    Action, BucketFacts, Candidates, Context, EffectiveAccess, Existence, Facts, Policy, Principal, Resource, Role,
    Severity, Subject,
};
use types::ObjectKey;

use crate::Portal;
use crate::error::PageError;

/// The most grants of a tenancy that are looked at.
const GRANTS: usize = 2000;

/// What people think in: the action, and what it is called after "may".
pub(crate) const ASKED: [(Action, &str); 5] = [
    (Action::ListBucket, "list"),
    (Action::GetObject, "read objects"),
    (Action::PutObject, "write objects"),
    (Action::DeleteObject, "delete objects"),
    (Action::PutBucketPolicy, "change the policy"),
];

/// Who may do what in a bucket, by subject and in the order of [`ASKED`].
pub(crate) struct Effective {
    rows: BTreeMap<Subject, Vec<EffectiveAccess>>,
    members: Vec<Principal>,
}

/// What a change of the policy means for one subject.
pub(crate) struct Change {
    pub(crate) who: String,
    pub(crate) gains: Vec<&'static str>,
    pub(crate) loses: Vec<&'static str>,
}

/// Something odd about a policy.
pub(crate) struct Finding {
    /// `danger`, `warning` or `note`.
    pub(crate) severity: &'static str,
    pub(crate) element: String,
    pub(crate) message: String,
}

/// Everything that decisions about a bucket rest on, with `policy` as its policy.
pub(crate) fn facts<'a>(
    portal: &Portal,
    bucket: &'a Bucket,
    policy: Option<&'a Policy>,
    resource: Resource<'a>,
    context: &'a Context<'a>,
) -> Facts<'a> {
    Facts {
        default_policy: portal.access.default_policy(&bucket.tenancy),
        bucket: Some(BucketFacts { policy, ..bucket.facts() }),
        existence: Existence::Unknown,
        context,
        ..Facts::about(resource)
    }
}

/// What `action` is done to.
pub(crate) fn resource<'a>(action: Action, bucket: &'a Bucket, key: &'a ObjectKey) -> Resource<'a> {
    match action.scope() {
        policy::Scope::Object => Resource::Object { bucket: &bucket.name, key, version: None },
        _ => Resource::Bucket(&bucket.name),
    }
}

impl Effective {
    /// Who may do what, were `policy` the bucket's.
    pub(crate) async fn with(
        portal: &Portal,
        bucket: &Bucket,
        policy: Option<&Policy>,
        key: &ObjectKey,
    ) -> Result<Self, PageError> {
        let members = portal.access.members(&bucket.tenancy, GRANTS).await?;
        let mut groups: Vec<_> = members.iter().flat_map(|person| person.groups.iter().cloned()).collect();
        groups.sort();
        groups.dedup();
        let context = Context { now: Some(portal.clock.now()), ..Context::NOTHING };
        let mut rows: BTreeMap<Subject, Vec<EffectiveAccess>> = BTreeMap::new();
        for (action, _) in ASKED {
            let facts = facts(portal, bucket, policy, resource(action, bucket, key), &context);
            let candidates = Candidates { tenancy: &bucket.tenancy, people: &members, groups: &groups };
            for answer in policy::who_can(action, facts, candidates) {
                rows.entry(answer.subject.clone()).or_default().push(answer);
            }
        }
        Ok(Self { rows, members })
    }

    /// Each subject with its answers, the widest first. A group is told of where being in it lets one do something: what
    /// its members may besides is told of them.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (String, &Subject, &[EffectiveAccess])> {
        let says = |answer: &EffectiveAccess| answer.reason.allows() || !answer.conditional.is_empty();
        let told = self
            .rows
            .iter()
            .filter(move |(subject, answers)| !matches!(subject, Subject::Group(_)) || answers.iter().any(says));
        told.map(|(subject, answers)| (words(subject), subject, answers.as_slice()))
    }

    /// What is different in `after`. Whoever is in a wider circle for which the same changes is not named again.
    pub(crate) fn changes_to(&self, after: &Self) -> Vec<Change> {
        let mut told: BTreeMap<&Subject, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
        let mut changes = Vec::new();
        for (subject, now) in &after.rows {
            let difference = self.difference(subject, now);
            let in_wider = self.wider(subject).any(|wider| told.get(&wider) == Some(&difference));
            if !in_wider && difference != (Vec::new(), Vec::new()) {
                let (gains, loses) = difference.clone();
                changes.push(Change { who: words(subject), gains, loses });
            }
            told.insert(subject, difference);
        }
        changes
    }

    /// What a subject gains and loses.
    fn difference(&self, subject: &Subject, now: &[EffectiveAccess]) -> (Vec<&'static str>, Vec<&'static str>) {
        let (mut gains, mut loses) = (Vec::new(), Vec::new());
        for (at, (_, verb)) in ASKED.iter().enumerate() {
            let could = self.could(subject, at);
            let can = now.get(at).is_some_and(|answer| answer.reason.allows());
            match (could, can) {
                (false, true) => gains.push(*verb),
                (true, false) => loses.push(*verb),
                _ => {}
            }
        }
        (gains, loses)
    }

    /// Whether a subject may do what is asked at this place. One whom the policy did not name before is as whoever is logged in.
    fn could(&self, subject: &Subject, at: usize) -> bool {
        let answers = self.rows.get(subject).or_else(|| self.rows.get(&Subject::LoggedIn));
        answers.and_then(|answers| answers.get(at)).is_some_and(|answer| answer.reason.allows())
    }

    /// The circles that a subject is in for certain.
    fn wider(&self, subject: &Subject) -> impl Iterator<Item = Subject> {
        let role = match subject {
            Subject::Person(name) => {
                let known = self.members.iter().find(|member| member.user() == Some(name));
                known.and_then(|member| member.role)
            }
            _ => None,
        };
        let everyone = (*subject != Subject::Public).then_some(Subject::Public);
        let logged_in = matches!(subject, Subject::Role(_) | Subject::Group(_) | Subject::Person(_));
        everyone.into_iter().chain(logged_in.then_some(Subject::LoggedIn)).chain(role.map(Subject::Role))
    }
}

/// Who, in words.
pub(crate) fn words(subject: &Subject) -> String {
    match subject {
        Subject::Public => "Everyone, without logging in".to_owned(),
        Subject::LoggedIn => "Whoever is logged in".to_owned(),
        Subject::Role(Role::User) => "Every USER".to_owned(),
        Subject::Role(Role::Deputy) => "Every DEPUTY".to_owned(),
        Subject::Role(Role::Manager) => "Every MANAGER".to_owned(),
        Subject::Group(group) => format!("The group {group}"),
        Subject::Person(person) => person.to_string(),
    }
}

/// What is odd about a policy for a bucket, the worst first.
pub(crate) async fn findings(portal: &Portal, bucket: &Bucket, policy: &Policy) -> Result<Vec<Finding>, PageError> {
    let missing = portal.access.missing(policy.names()).await?;
    let known = policy::Known {
        bucket: Some(&bucket.name),
        owner: Some((&bucket.tenancy, &bucket.owner)),
        missing: Some(&missing),
    };
    let mut findings = policy::lint(policy, known);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let shown = findings.into_iter().map(|finding| Finding {
        severity: match finding.severity {
            Severity::Danger => "danger",
            Severity::Warning => "warning",
            Severity::Note => "note",
        },
        element: finding.element,
        message: finding.message,
    });
    Ok(shown.collect())
}
