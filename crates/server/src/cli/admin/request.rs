//! `commonhold admin request`.

use ::admin::AdminClient;
use ::admin::date::parse_date;
use ::admin::request::{Act, ActOnRequest, ListRequests, RequestView, SubmitRequest, Wanted};
use ::admin::size::{format_size, parse_size};
use clap::Subcommand;
use identity::{RequestId, RequestState};
use policy::Role;
use types::{TenancyName, Timestamp, UserName};

use super::CliError;
use super::term::{Until, now};
use crate::cli::output::{Output, Table};

/// What can be done with requests.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Ask for a role, a tenancy or more quota in a person's name.
    #[command(subcommand)]
    Submit(Submission),
    /// List the open ones, or those in a state.
    List {
        /// Those about this tenancy.
        tenancy: Option<TenancyName>,
        /// Those of this person.
        #[arg(long, value_name = "USER")]
        user: Option<UserName>,
        /// Those in this state: PENDING, INCOMPLETE, APPROVED, REJECTED or WITHDRAWN.
        #[arg(long)]
        state: Option<RequestState>,
        /// Those that this person may see.
        #[arg(long = "as", value_name = "USER")]
        seen_by: Option<UserName>,
    },
    /// Show one, with all that was said.
    Show {
        /// Which, such as cedadev-o/17.
        request: RequestId,
    },
    /// Grant what is asked for.
    Approve {
        /// Which, such as cedadev-o/17.
        request: RequestId,
        #[command(flatten)]
        until: Until,
        /// Another quota than was asked for.
        #[arg(long, value_name = "SIZE", value_parser = parse_size)]
        quota: Option<u64>,
        /// A word to who asked.
        #[arg(long, value_name = "TEXT", default_value = "")]
        comment: String,
        /// In whose name; the operator's without it.
        #[arg(long = "as", value_name = "USER")]
        user: Option<UserName>,
    },
    /// Refuse it.
    Reject {
        /// Which, such as cedadev-o/17.
        request: RequestId,
        /// Why; who asked reads it.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// A note for those who decide.
        #[arg(long, value_name = "TEXT", default_value = "")]
        internal: String,
        /// In whose name; the operator's without it.
        #[arg(long = "as", value_name = "USER")]
        user: Option<UserName>,
    },
    /// Want to know more before it is decided.
    Ask {
        /// Which, such as cedadev-o/17.
        request: RequestId,
        /// What; who asked reads it.
        #[arg(long, value_name = "TEXT")]
        question: String,
        /// A note for those who decide.
        #[arg(long, value_name = "TEXT", default_value = "")]
        internal: String,
        /// In whose name; the operator's without it.
        #[arg(long = "as", value_name = "USER")]
        user: Option<UserName>,
    },
    /// Tell what was asked, in the name of who made the request.
    Answer {
        /// Which, such as cedadev-o/17.
        request: RequestId,
        /// The answer.
        #[arg(long, value_name = "TEXT")]
        answer: String,
        /// Who made the request.
        #[arg(long = "as", value_name = "USER")]
        user: UserName,
    },
    /// Take it back, in the name of who made it.
    Withdraw {
        /// Which, such as cedadev-o/17.
        request: RequestId,
        /// Who made the request.
        #[arg(long = "as", value_name = "USER")]
        user: UserName,
    },
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Submission {
    /// A role in a tenancy.
    Join {
        /// Where.
        tenancy: TenancyName,
        /// USER, DEPUTY or MANAGER.
        role: Role,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who asks.
        #[arg(long = "as", value_name = "USER")]
        user: UserName,
    },
    /// A new tenancy, of which who asks becomes MANAGER.
    Tenancy {
        /// Its name: lower-case letters, digits and '-'.
        tenancy: TenancyName,
        /// What it is for.
        #[arg(long, value_name = "TEXT")]
        description: String,
        /// The project that it belongs to.
        #[arg(long, value_name = "TEXT", default_value = "")]
        project: String,
        /// How much it is to hold, such as 10TiB.
        #[arg(long, value_name = "SIZE", value_parser = parse_size)]
        quota: Option<u64>,
        /// When it is to end, such as 2027-01-31.
        #[arg(long, value_name = "DATE", value_parser = parse_date)]
        ends: Option<Timestamp>,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who asks.
        #[arg(long = "as", value_name = "USER")]
        user: UserName,
    },
    /// Another quota for a tenancy.
    Quota {
        /// Which.
        tenancy: TenancyName,
        /// How much it is to hold, such as 10TiB.
        #[arg(value_parser = parse_size)]
        quota: u64,
        /// Why.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who asks.
        #[arg(long = "as", value_name = "USER")]
        user: UserName,
    },
}

impl Submission {
    fn into_request(self) -> SubmitRequest {
        match self {
            Self::Join { tenancy, role, reason, user } => {
                SubmitRequest { user, tenancy, wanted: Wanted::Join { role }, reason }
            }
            Self::Tenancy { tenancy, description, project, quota, ends, reason, user } => {
                let wanted = Wanted::Tenancy { description, project, quota_bytes: quota, ends };
                SubmitRequest { user, tenancy, wanted, reason }
            }
            Self::Quota { tenancy, quota, reason, user } => {
                SubmitRequest { user, tenancy, wanted: Wanted::Quota { quota_bytes: quota }, reason }
            }
        }
    }
}

/// Does it.
///
/// # Errors
/// The server's.
pub(crate) async fn run(verb: Verb, client: &AdminClient, output: Output) -> Result<(), CliError> {
    let (request, act, with) = match verb {
        Verb::Submit(submission) => {
            let made = client.submit_request(&submission.into_request()).await?;
            return output.print(&made, |r| format!("Request {} is {}.", r.id, r.state));
        }
        Verb::List { tenancy, user, state, seen_by } => {
            let filter = ListRequests { seen_by, tenancy, user, state };
            return output.print_list(client.list_requests(&filter).await?, table);
        }
        Verb::Show { request } => return output.print(&client.show_request(&request).await?, details),
        Verb::Approve { request, until, quota, comment, user } => {
            let shown = client.show_request(&request).await?;
            let is_join = matches!(shown.wanted, Wanted::Join { .. });
            let expires = if is_join { until.or_a_year(now()) } else { None };
            let with = ActOnRequest { user, text: comment, expires, quota_bytes: quota, ..ActOnRequest::default() };
            (request, Act::Approve, with)
        }
        Verb::Reject { request, reason, internal, user } => {
            (request, Act::Reject, ActOnRequest { user, text: reason, internal, ..ActOnRequest::default() })
        }
        Verb::Ask { request, question, internal, user } => {
            (request, Act::Ask, ActOnRequest { user, text: question, internal, ..ActOnRequest::default() })
        }
        Verb::Answer { request, answer, user } => {
            (request, Act::Answer, ActOnRequest { user: Some(user), text: answer, ..ActOnRequest::default() })
        }
        Verb::Withdraw { request, user } => {
            (request, Act::Withdraw, ActOnRequest { user: Some(user), ..ActOnRequest::default() })
        }
    };
    let changed = client.act_on_request(&request, act, &with).await?;
    output.print(&changed, |r| format!("Request {} is {} now.", r.id, r.state))
}

fn table(requests: &[RequestView]) -> Table {
    let mut table = Table::new(&["REQUEST", "USER", "FOR", "STATE", "SINCE"]);
    for r in requests {
        table.row([
            r.id.to_string(),
            r.user.to_string(),
            wanted(&r.wanted),
            r.state.to_string(),
            r.changed.to_string(),
        ]);
    }
    table
}

fn details(r: &RequestView) -> String {
    let mut table = Table::new(&[]);
    table.row(["Request".to_owned(), r.id.to_string()]);
    table.row(["User".to_owned(), r.user.to_string()]);
    table.row(["For".to_owned(), wanted(&r.wanted)]);
    table.row(["State".to_owned(), format!("{} since {}", r.state, r.changed)]);
    let mut steps = Table::new(&["WHEN", "WHO", "WHAT", "TEXT", "INTERNAL"]);
    for step in &r.steps {
        let until = step.expires.map_or_else(String::new, |expires| format!("until {expires} "));
        let text = format!("{until}{}", step.text);
        steps.row([step.at.to_string(), step.by.clone(), step.step.clone(), text, step.internal.clone()]);
    }
    format!("{table}\n\n{steps}")
}

/// What is asked for, in a few words.
fn wanted(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Join { role } => role.to_string(),
        Wanted::Tenancy { quota_bytes: Some(bytes), .. } => format!("a tenancy of {}", format_size(*bytes)),
        Wanted::Tenancy { .. } => "a tenancy".to_owned(),
        Wanted::Quota { quota_bytes } => format!("a quota of {}", format_size(*quota_bytes)),
    }
}
