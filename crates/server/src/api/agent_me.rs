//! GET /Agent/me: the agent behind the token, which published clients ask for at start-up.

use aureole_catalogue::{EntityKind, Problems};

use crate::api::get::rendered;
use crate::auth::caller::Role;
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};

/// The flags that programs send along.
const AGENT_PARAMS: &[&str] = &["includedetails"];

pub async fn get(call: &Call) -> Result<Reply> {
    if call.caller.role == Role::EndUser {
        return Err(ApiError::NotFound(
            "this token belongs to an end user, not to an agent".to_owned(),
        ));
    }
    let mut problems = Problems::default();
    call.check_params(&[AGENT_PARAMS], &mut problems);
    if !problems.is_empty() {
        return Err(ApiError::Validation { place: "", problems });
    }
    let id = call.caller.agent_id;
    let agent =
        rendered(&call.app, &mut call.db.clone(), &call.caller, EntityKind::Agent, id).await?;
    let agent = agent.ok_or_else(|| ApiError::missing("agent", id))?;
    Ok(reply::value(200, &agent))
}
