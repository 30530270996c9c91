//! What a statement is about: `Resource` and `NotResource`, as AWS's ARNs and as Swarm's paths.

use types::{BucketName, TenancyName};

use super::Refusal;
use super::json::Json;
use crate::Scope;
use crate::glob::Glob;
use crate::question::Question;
use crate::template::{Syntax, Template, Variables};

/// What an ARN of S3 mostly begins with.
const ARN: &str = "arn:aws:s3:::";

/// One resource, as a policy names it.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Pattern {
    /// `*`
    Everything,
    /// `arn:aws:s3:::bucket/key`: the pattern of `bucket/key`. A tenancy may stand before it, as in
    /// `arn:aws:s3::tenancy:bucket`; `*` is any.
    Arn { tenancy: Option<TenancyName>, path: Template },
    /// `/key` or `/bucket/key`: the pattern of either.
    Path(Template),
}

/// The element `Resource` or `NotResource`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Resources {
    patterns: Vec<Pattern>,
    inverted: bool,
}

impl Resources {
    pub(super) fn parse(element: &Json, inverted: bool, variables: Variables) -> Result<Self, Refusal> {
        let patterns = element.texts()?.into_iter().map(|text| Pattern::parse(text, variables));
        Ok(Self { patterns: patterns.collect::<Result<_, _>>()?, inverted })
    }

    pub(crate) fn include(&self, question: &Question<'_>) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(question)) != self.inverted
    }

    /// The name of the element.
    pub(crate) const fn name(&self) -> &'static str {
        if self.inverted { "NotResource" } else { "Resource" }
    }

    /// A resource in it that can be neither `bucket` nor anything in it.
    pub(crate) fn stray(&self, bucket: &BucketName) -> Option<String> {
        self.patterns.iter().find(|pattern| pattern.reach(Some(bucket)).is_nothing()).map(|pattern| match pattern {
            Pattern::Everything => "*".to_owned(),
            Pattern::Arn { path: template, .. } => format!("{ARN}{}", template.constant().unwrap_or(&Glob::default())),
            Pattern::Path(template) => template.constant().map(Glob::to_string).unwrap_or_default(),
        })
    }

    /// What the element could be about, in `bucket` where that is known.
    pub(crate) fn reach(&self, bucket: Option<&BucketName>) -> Reach {
        if self.inverted {
            let reaches = !self.patterns.contains(&Pattern::Everything);
            return Reach { bucket: reaches, objects: reaches };
        }
        let reaches = self.patterns.iter().map(|pattern| pattern.reach(bucket));
        reaches.fold(Reach::default(), |all, one| Reach {
            bucket: all.bucket || one.bucket,
            objects: all.objects || one.objects,
        })
    }

    /// Whether it is about every bucket and object there is.
    pub(crate) fn are_everything(&self) -> bool {
        !self.inverted && self.patterns.contains(&Pattern::Everything)
    }

    /// Whether it is about every object in `bucket`, whoever asks: it matches two keys that have nothing in common.
    pub(crate) fn cover_all_objects(&self, bucket: &BucketName) -> bool {
        const KEYS: [&str; 2] = ["\u{1}", "\u{2}/\u{3}\u{4}"];
        let covered = |key: &str| self.patterns.iter().any(|pattern| pattern.matches_constantly(bucket, key));
        if self.inverted { !KEYS.iter().any(|key| covered(key)) } else { KEYS.iter().all(|key| covered(key)) }
    }
}

/// Whether a bucket itself and whether objects in it can be meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Reach {
    bucket: bool,
    objects: bool,
}

impl Reach {
    pub(crate) const fn is_nothing(self) -> bool {
        !self.bucket && !self.objects
    }

    /// Whether what actions of this scope are done to can be meant.
    pub(crate) const fn has(self, scope: Scope) -> bool {
        match scope {
            Scope::Tenancy | Scope::NewBucket | Scope::Bucket => self.bucket,
            Scope::Object => self.objects,
        }
    }
}

impl Pattern {
    fn parse(text: &str, variables: Variables) -> Result<Self, Refusal> {
        let template = |path| Template::parse(path, Syntax::Pattern, variables);
        if text == "*" {
            return Ok(Self::Everything);
        }
        if !text.starts_with("arn:") {
            return template(text.strip_prefix('/').unwrap_or(text)).map(Self::Path);
        }
        let wrong = || Refusal::here(format!("{text:?} is no resource of S3: write {ARN}BUCKET or {ARN}BUCKET/KEY"));
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let [_, partition, "s3", "", account, path] = parts.as_slice() else { return Err(wrong()) };
        if !partition.starts_with("aws") || path.is_empty() {
            return Err(wrong());
        }
        let tenancy = match *account {
            "" | "*" => None,
            name => Some(TenancyName::new(name).map_err(|_| wrong())?),
        };
        Ok(Self::Arn { tenancy, path: template(path)? })
    }

    fn matches(&self, question: &Question<'_>) -> bool {
        match self {
            Self::Everything => true,
            Self::Arn { tenancy, path } => {
                let is_here = tenancy.as_ref().is_none_or(|tenancy| *tenancy == question.principal.tenancy);
                is_here && path.matches(question.path(), question)
            }
            Self::Path(pattern) => {
                let whole = question.path();
                let (bucket, key) = whole.split_once('/').unwrap_or((whole, ""));
                let as_folder = || pattern.matches(&[bucket, "/"].concat(), question);
                pattern.matches(key, question) || pattern.matches(whole, question) || (whole == bucket && as_folder())
            }
        }
    }

    /// Whether it matches the object, without regard to who asks; a pattern with variables does not.
    fn matches_constantly(&self, bucket: &BucketName, key: &str) -> bool {
        let path = || [bucket.as_str(), "/", key].concat();
        match self {
            Self::Everything => true,
            Self::Arn { path: template, .. } => template.constant().is_some_and(|glob| glob.matches(&path())),
            Self::Path(template) => template.constant().is_some_and(|glob| glob.matches(key) || glob.matches(&path())),
        }
    }

    fn reach(&self, bucket: Option<&BucketName>) -> Reach {
        let everything = Reach { bucket: true, objects: true };
        match self {
            Self::Everything => everything,
            Self::Arn { path: template, .. } => {
                template.constant().map_or(everything, |glob| arn_reach(&glob.to_string(), bucket))
            }
            Self::Path(template) => {
                let Some(glob) = template.constant() else { return everything };
                let is_bucket = |bucket: &BucketName| {
                    glob.matches(bucket.as_str()) || glob.matches(&[bucket.as_str(), "/"].concat())
                };
                let text = glob.to_string();
                Reach { bucket: glob.matches("") || bucket.is_none_or(is_bucket), objects: !text.is_empty() }
            }
        }
    }
}

/// What `bucket/key`, a pattern, can be. A `*` before the first slash reaches over it.
fn arn_reach(pattern: &str, bucket: Option<&BucketName>) -> Reach {
    let (name, key) = pattern.split_once('/').map_or((pattern, None), |(name, key)| (name, Some(key)));
    match name.find('*') {
        None => {
            let fits = bucket.is_none_or(|bucket| Glob::parse(name).matches(bucket.as_str()));
            Reach { bucket: fits && key.is_none(), objects: fits && key.is_some() }
        }
        Some(star) => {
            let before = Glob::parse(&[&name[..star], "*"].concat());
            let fits = bucket.is_none_or(|bucket| before.matches(bucket.as_str()));
            let whole = Glob::parse(pattern);
            let is_bucket = bucket.map_or(key.is_none(), |bucket| whole.matches(bucket.as_str()));
            Reach { bucket: is_bucket, objects: fits }
        }
    }
}

#[cfg(test)]
#[path = "resources_tests.rs"]
mod tests;
