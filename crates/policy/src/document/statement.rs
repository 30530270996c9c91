//! One statement of a policy.

use std::sync::Arc;

use serde::Serialize;

use super::Refusal;
use super::json::Json;
use super::principals::Principals;
use super::resources::Resources;
use crate::ActionSet;
use crate::action_names::actions_named;
use crate::conditions::{self, Condition};
use crate::question::Question;
use crate::template::Variables;

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
    /// The condition at this place does not hold.
    Condition(usize),
}

/// For whom a document is written: the policy of a bucket names principals, that of a session is its holder's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum For {
    Bucket,
    Session,
}

/// One statement.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Arc<str>>,
    pub(crate) effect: Effect,
    /// `None` in the policy of a session.
    pub(crate) principals: Option<Principals>,
    pub(crate) actions: ActionSet,
    /// Those of the named actions that nothing here does.
    pub(crate) idle_actions: Vec<String>,
    pub(crate) resources: Resources,
    /// All of them must hold.
    pub(crate) conditions: Vec<Condition>,
}

const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

impl Statement {
    pub(super) fn parse(json: &Json, whose: For, variables: Variables) -> Result<Self, Refusal> {
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
        let conditions = find("Condition").map(|json| conditions::parse(json, variables)).transpose();
        let (actions, idle_actions) = either(&find, "Action", parse_actions)?;
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
            actions,
            idle_actions,
            resources: either(&find, "Resource", |json, not| Resources::parse(json, not, variables))?,
            conditions: conditions.map_err(|refusal| refusal.within("Condition"))?.unwrap_or_default(),
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
        self.conditions.iter().position(|condition| !condition.holds(question)).map(Miss::Condition)
    }

    /// Whether nothing but its conditions keeps it from applying.
    pub(crate) fn applies_but_for_conditions(&self, question: &Question<'_>) -> bool {
        matches!(self.misses(question), Some(Miss::Condition(_)))
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

/// The actions, and the names of those that nothing here does.
fn parse_actions(json: &Json, inverted: bool) -> Result<(ActionSet, Vec<String>), Refusal> {
    let (mut named, mut idle) = (ActionSet::NONE, Vec::new());
    for name in json.texts()? {
        let actions = actions_named(name).map_err(Refusal::here)?;
        if actions.is_empty() && !inverted {
            idle.push(name.to_owned());
        }
        named = named.or(actions);
    }
    Ok((if inverted { named.inverse() } else { named }, idle))
}
