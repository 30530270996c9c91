//! The root of a Swarm site, as JSON: `/?domains&format=json` lists domains, `/?format=json` the buckets of the domain that
//! the host names.

use http::{Method, StatusCode, Uri};
use serde_json::json;

use crate::asked::Asked;
use crate::error::SwarmError;
use crate::manage;
use crate::reply::Reply;
use crate::{Swarm, caller, domain};

/// Whether a request is one of these.
pub(crate) fn is_asked_for(method: &Method, uri: &Uri) -> bool {
    let names = |wanted| uri.query().is_some_and(|query| query.split('&').any(|part| part == wanted));
    matches!(*method, Method::GET | Method::HEAD) && uri.path() == "/" && names("format=json")
}

pub(crate) async fn serve(swarm: &Swarm, asked: &Asked) -> Result<Reply, SwarmError> {
    if asked.parameter("domains").is_some() {
        let caller = caller::identify(swarm, asked).await?;
        let mut found = Vec::new();
        for tenancy in manage::tenancies_seen(swarm, &caller) {
            let modified = tenancy.created.to_rfc3339_micros();
            let domains = domain::all_of(swarm, &tenancy).into_iter();
            found.extend(domains.map(|name| json!({ "name": name, "last_modified": modified })));
        }
        return Ok(Reply::json(StatusCode::OK, &found));
    }
    let member = caller::member(swarm, asked).await?;
    manage::list_buckets(swarm, asked, &member).await
}
