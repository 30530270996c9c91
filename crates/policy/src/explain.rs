//! Why: the same question as [`decide`], with every rule and every statement that was weighed.

use std::fmt;

use serde::Serialize;

use crate::decision::{NARROWINGS, RULES, Rule};
use crate::document::{Effect, Miss, Policy};
use crate::question::Question;
use crate::{Action, Facts, Principal, Reason, decide};

/// What one rule said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RuleTrace {
    /// The rule.
    pub rule: &'static str,
    /// What it said; `None` where it left the question to the next.
    pub says: Option<String>,
    /// Whether it decided. A rule that speaks after another has decided changes nothing.
    pub decided: bool,
}

/// What one statement said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct StatementTrace {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// What it does where it applies.
    pub effect: Effect,
    /// The element that keeps it from applying, as in `Principal` or `Condition.IpAddress.aws:SourceIp`; `None` where it
    /// applies.
    pub misses: Option<String>,
}

/// A decision with all that was weighed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Trace {
    /// The action, as in `s3:GetObject`.
    pub action: String,
    /// Whether it is allowed.
    pub allowed: bool,
    /// Why, in words.
    pub reason: String,
    /// The rules in their order, then what narrows their outcome.
    pub rules: Vec<RuleTrace>,
    /// The statements of the bucket's policy.
    pub statements: Vec<StatementTrace>,
    /// The statements of each policy of the session.
    pub session_statements: Vec<Vec<StatementTrace>>,
}

/// Decides as [`decide`] does, and says what was weighed.
pub fn explain(principal: &Principal, action: Action, facts: Facts<'_>) -> Trace {
    let decision = decide(principal, action, facts);
    let question = Question::new(principal, action, facts);
    let told = |(rule, ask): &(&'static str, Rule)| {
        let says = ask(&question);
        let decided = says.as_ref() == Some(&decision.reason);
        RuleTrace { rule, says: says.as_ref().map(Reason::to_string), decided }
    };
    let policy = facts.bucket.and_then(|bucket| bucket.policy);
    Trace {
        action: action.to_string(),
        allowed: decision.is_allowed(),
        reason: decision.reason.to_string(),
        rules: RULES.iter().chain(&NARROWINGS).map(told).collect(),
        statements: policy.map_or_else(Vec::new, |policy| trace_statements(policy, &question)),
        session_statements: principal
            .session_policies
            .iter()
            .map(|policy| trace_statements(policy, &question))
            .collect(),
    }
}

fn trace_statements(policy: &Policy, question: &Question<'_>) -> Vec<StatementTrace> {
    let statements = policy.statements().iter().enumerate();
    let traced = statements.map(|(index, statement)| StatementTrace {
        index,
        sid: statement.sid.as_deref().map(str::to_owned),
        effect: statement.effect,
        misses: statement.misses(question).map(|miss| match miss {
            Miss::Action => "Action".to_owned(),
            Miss::Principal => "Principal".to_owned(),
            Miss::Resource => "Resource".to_owned(),
            Miss::Condition(at) => statement.conditions[at].to_string(),
        }),
    });
    traced.collect()
}

impl fmt::Display for StatementTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Statement[{}]", self.index)?;
        if let Some(sid) = self.sid.as_ref().filter(|sid| !sid.is_empty()) {
            write!(f, " {sid:?}")?;
        }
        let effect = match self.effect {
            Effect::Allow => "allows",
            Effect::Deny => "denies",
        };
        match &self.misses {
            None => write!(f, " {effect} it"),
            Some(element) => write!(f, " ({effect}) does not apply: {element}"),
        }
    }
}

/// Several lines of plain text, for a terminal.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} is {}: {}", self.action, if self.allowed { "allowed" } else { "not allowed" }, self.reason)?;
        for rule in &self.rules {
            let mark = if rule.decided { '>' } else { ' ' };
            writeln!(f, "{mark} {:<14} {}", rule.rule, rule.says.as_deref().unwrap_or("-"))?;
        }
        for statement in &self.statements {
            writeln!(f, "  {statement}")?;
        }
        for (at, statements) in self.session_statements.iter().enumerate() {
            for statement in statements {
                writeln!(f, "  session policy {at}: {statement}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
