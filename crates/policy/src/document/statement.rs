//! One statement of a policy.

use std::sync::Arc;

use serde::Serialize;

use super::Refusal;
use super::json::Json;
use super::principals::Principals;
use super::resources::Resources;
use crate::ActionSet;
use crate::action_names::actions_named;
use crate::question::Question;

/// What a statement does where it applies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, whatever allows.
    Deny,
}

/// Why a statement does not apply to a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Miss {
    /// It is about other actions.
    Action,
    /// It is about others.
    Principal,
    /// It is about other buckets or objects.
    Resource,
}

/// For whom a document is written: the policy of a bucket names principals, that of a session is its holder's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum For {
    Bucket,
    Session,
}

/// One statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Arc<str>>,
    pub(crate) effect: Effect,
    /// `None` in the policy of a session.
    pub(crate) principals: Option<Principals>,
    pub(crate) actions: ActionSet,
    pub(crate) resources: Resources,
}

const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

impl Statement {
    pub(super) fn parse(json: &Json, whose: For) -> Result<Self, Refusal> {
        let elements = json.object()?;
        if let Some((name, _)) = elements.iter().find(|(name, _)| !ELEMENTS.contains(&name.as_str())) {
            return Err(Refusal::here("a statement has no such element").within(name.as_str()));
        }
        let find = |name: &str| elements.iter().find(|(found, _)| found == name).map(|(_, value)| value);
        let sid = find("Sid").map(Json::text).transpose().map_err(|refusal| refusal.within("Sid"))?;
        let effect = match find("Effect") {
            Some(Json::Text(text)) if text == "Allow" => Effect::Allow,
            Some(Json::Text(text)) if text == "Deny" => Effect::Deny,
            Some(_) => return Err(Refusal::here("it must be Allow or Deny").within("Effect")),
            None => return Err(Refusal::here("a statement must have an Effect: Allow or Deny")),
        };
        if find("Condition").is_some() {
            return Err(Refusal::here("conditions are not understood").within("Condition"));
        }
        Ok(Self {
            sid: sid.map(Arc::from),
            effect,
            principals: match whose {
                For::Bucket => Some(either(&find, "Principal", |json, not| Principals::parse(json, effect, not))?),
                For::Session => match find("Principal").or_else(|| find("NotPrincipal")) {
                    None => None,
                    Some(_) => {
                        return Err(Refusal::here("the policy of a session names no principal: it is its holder's"));
                    }
                },
            },
            actions: either(&find, "Action", parse_actions)?,
            resources: either(&find, "Resource", Resources::parse)?,
        })
    }

    /// Why it does not apply; `None` where it does.
    pub(crate) fn misses(&self, question: &Question<'_>) -> Option<Miss> {
        let existence = question.facts.existence();
        let about_action = match self.effect {
            Effect::Allow => self.actions.surely_has(question.action, existence),
            Effect::Deny => self.actions.perhaps_has(question.action, existence),
        };
        if !about_action {
            return Some(Miss::Action);
        }
        if self.principals.as_ref().is_some_and(|principals| !principals.include(question.principal)) {
            return Some(Miss::Principal);
        }
        if !self.resources.include(question) {
            return Some(Miss::Resource);
        }
        None
    }
}

/// Parses the element `name`, or its inverse `NotName`; exactly one must be there.
fn either<'j, T>(
    find: &impl Fn(&str) -> Option<&'j Json>,
    name: &str,
    parse: impl Fn(&Json, bool) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let inverse = ["Not", name].concat();
    match (find(name), find(&inverse)) {
        (Some(json), None) => parse(json, false).map_err(|refusal| refusal.within(name)),
        (None, Some(json)) => parse(json, true).map_err(|refusal| refusal.within(inverse)),
        (Some(_), Some(_)) => Err(Refusal::here(format!("a statement has {name} or {inverse}, not both"))),
        (None, None) => Err(Refusal::here(format!("a statement must have {name} or {inverse}"))),
    }
}

fn parse_actions(json: &Json, inverted: bool) -> Result<ActionSet, Refusal> {
    let named = json
        .texts()?
        .into_iter()
        .try_fold(ActionSet::NONE, |set, name| actions_named(name).map(|named| set.or(named)).map_err(Refusal::here))?;
    Ok(if inverted { named.inverse() } else { named })
}
