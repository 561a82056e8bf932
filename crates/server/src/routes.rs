//! Which code answers a path. The kinds of record come from the table in `endpoints`; the odd
//! ones are listed here.

use aureole_catalogue::EntityKind;

use crate::api;
use crate::api::idempotency::once;
use crate::endpoints::{self, Endpoint};
use crate::error::{ApiError, Result};
use crate::front::Call;
use crate::reply::{self, Reply};
use crate::wire;

/// A path that exists.
#[derive(Clone, Copy)]
pub enum Route {
    Token,
    Revoke,
    Authorize,
    UserInfo,
    AuthInfo,
    OpenId,
    Jwks,
    Health,
    Ready,
    Metrics,
    OpenApi,
    Docs,
    DocsFile(&'static str),
    /// Nothing but the way to the console.
    Root,
    Console,
    /// By its place in the table of the console's files.
    ConsoleFile(usize),
    /// A list, or POST of records.
    Records(&'static Endpoint),
    /// One record.
    Record(&'static Endpoint, i64),
    AgentMe,
    Changes,
    ChangeStream,
    Deliveries,
    Delivery(i64),
    Replay(i64),
    WebhookTest(i64),
    History,
    Change(i64),
    Restore(i64),
    Settings,
    PopupRead,
    ClientMe,
    ClientCache,
    NewAccountsId,
    PaymentMethod,
    Invoiced,
}

/// The route of a folded path.
pub fn find(segments: &[String]) -> Result<Route> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let route = match segments.as_slice() {
        ["auth", "token"] | ["token"] => Route::Token,
        ["auth", "revoke"] | ["revoke"] => Route::Revoke,
        ["auth", "authorize"] | ["authorize"] => Route::Authorize,
        ["auth", "userinfo"] | ["userinfo"] => Route::UserInfo,
        ["authinfo"] => Route::AuthInfo,
        [".well-known", "openid-configuration"]
        | ["auth", ".well-known", "openid-configuration"] => Route::OpenId,
        ["auth", "jwks"] | [".well-known", "jwks.json"] => Route::Jwks,
        ["healthz"] => Route::Health,
        ["readyz"] => Route::Ready,
        ["metrics"] => Route::Metrics,
        ["openapi.json"] => Route::OpenApi,
        ["docs"] => Route::Docs,
        ["docs", file] => match api::openapi::file_name(file) {
            Some(name) => Route::DocsFile(name),
            None => return Err(no_route(&segments.join("/"))),
        },
        [] => Route::Root,
        ["console"] => Route::Console,
        ["console", file] => match api::console::file_place(file) {
            Some(place) => Route::ConsoleFile(place),
            None => return Err(no_route(&segments.join("/"))),
        },
        ["agent", "me"] => Route::AgentMe,
        ["changes"] => Route::Changes,
        ["changes", "stream"] => Route::ChangeStream,
        ["webhookdelivery"] => Route::Deliveries,
        ["webhookdelivery", id] => Route::Delivery(wire::parse_id(id)?),
        ["webhookdelivery", id, "replay"] => Route::Replay(wire::parse_id(id)?),
        ["webhook", id, "test"] => Route::WebhookTest(wire::parse_id(id)?),
        ["history"] => Route::History,
        ["history", change] => Route::Change(wire::parse_id(change)?),
        ["history", change, "restore"] => Route::Restore(wire::parse_id(change)?),
        ["settings"] => Route::Settings,
        ["clientcache"] => Route::ClientCache,
        ["site", "stockbins"] => Route::Records(endpoint("stockbins")?),
        ["client", "me"] => Route::ClientMe,
        ["client", "newaccountsid"] => Route::NewAccountsId,
        ["client", "paymentmethodupdate"] => Route::PaymentMethod,
        ["recurringitem", "invoiced"] => Route::Invoiced,
        ["popupnote", "read"] => Route::PopupRead,
        ["clientprepay", "use"] => Route::Records(endpoint("prepayuse")?),
        [path] => Route::Records(endpoint(path)?),
        [path, id] => Route::Record(endpoint(path)?, wire::parse_id(id)?),
        _ => return Err(no_route(&segments.join("/"))),
    };
    Ok(route)
}

fn endpoint(path: &str) -> Result<&'static Endpoint> {
    endpoints::find(path).ok_or_else(|| no_route(path))
}

fn no_route(path: &str) -> ApiError {
    ApiError::NotFound(format!("there is no path /{path}"))
}

impl Route {
    /// True when no token is needed.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Route::Token
                | Route::Revoke
                | Route::Authorize
                | Route::AuthInfo
                | Route::OpenId
                | Route::Jwks
                | Route::Health
                | Route::Ready
                | Route::Metrics
                | Route::OpenApi
                | Route::Docs
                | Route::DocsFile(_)
                | Route::Root
                | Route::Console
                | Route::ConsoleFile(_)
        )
    }

    /// True when answering may consist in waiting: such a request takes no place among those that
    /// are worked on for its application.
    pub fn is_patient(self) -> bool {
        matches!(self, Route::Changes | Route::ChangeStream)
    }

    /// The methods of the path, as in an `Allow` header.
    pub fn allow(self) -> &'static str {
        match self {
            Route::Token
            | Route::Revoke
            | Route::Restore(_)
            | Route::Replay(_)
            | Route::WebhookTest(_)
            | Route::PopupRead
            | Route::NewAccountsId
            | Route::PaymentMethod
            | Route::Invoiced => "POST, OPTIONS",
            Route::Records(_) | Route::Settings | Route::Authorize => "GET, HEAD, POST, OPTIONS",
            Route::Record(..) => "GET, HEAD, DELETE, OPTIONS",
            _ => "GET, HEAD, OPTIONS",
        }
    }

    /// The path's name in counters.
    pub fn path(self) -> &'static str {
        match self {
            Route::Records(endpoint) | Route::Record(endpoint, _) => endpoint.path,
            Route::AgentMe => "agent/me",
            Route::Changes => "changes",
            Route::ChangeStream => "changes/stream",
            Route::History | Route::Change(_) | Route::Restore(_) => "history",
            Route::Deliveries | Route::Delivery(_) | Route::Replay(_) => "webhookdelivery",
            Route::WebhookTest(_) => "webhook/test",
            Route::Settings => "settings",
            Route::PopupRead => "popupnote/read",
            Route::ClientMe => "client/me",
            Route::ClientCache => "clientcache",
            Route::NewAccountsId => "client/newaccountsid",
            Route::PaymentMethod => "client/paymentmethodupdate",
            Route::Invoiced => "recurringitem/invoiced",
            _ => "auth",
        }
    }
}

pub async fn get(call: &Call, route: Route) -> Result<Reply> {
    match route {
        Route::Record(endpoint, id) if api::asof::is_asked(call) => {
            api::asof::get(call, endpoint, id).await
        }
        _ if api::asof::is_asked(call) => Err(api::asof::refusal()),
        Route::Records(endpoint) => api::list::list(call, endpoint).await,
        Route::Record(endpoint, id) if endpoint.kind == EntityKind::AreaRequestType => {
            api::request_types::get(call, endpoint, id).await
        }
        Route::Record(endpoint, id) if endpoint.kind == EntityKind::Attachment => {
            api::attachments::get(call, endpoint, id).await
        }
        Route::Record(endpoint, id) if endpoint.kind == EntityKind::AzureConnection => {
            api::start_up::connection(call, endpoint, id).await
        }
        Route::Record(endpoint, id) => api::get::get(call, endpoint, id).await,
        Route::ClientMe => api::client_actions::me(call).await,
        Route::ClientCache => api::start_up::client_cache(call).await,
        Route::AgentMe => api::agent_me::get(call).await,
        Route::UserInfo => Ok(reply::value(200, &call.app.auth.userinfo(&call.caller).await?)),
        Route::Changes => api::changes::list(call).await,
        Route::ChangeStream => api::changes::stream(call).await,
        Route::Deliveries => api::webhooks::log(call).await,
        Route::Delivery(id) => api::webhooks::get(call, id).await,
        Route::History => api::history::list(call).await,
        Route::Change(change) => api::history::one(call, change).await,
        Route::Settings => api::settings::get(call).await,
        _ => Err(ApiError::MethodNotAllowed { allow: route.allow() }),
    }
}

pub async fn post(call: &Call, route: Route, body: &[u8]) -> Result<Reply> {
    match route {
        Route::Records(endpoint) => {
            let saved = api::save::post(call, endpoint, body).await;
            saved.map_err(|error| error.about(endpoint.place))
        }
        Route::Restore(change) => {
            once(call, &with_id(change, body), api::restore::post(call, change, body)).await
        }
        Route::Replay(id) => once(call, &with_id(id, body), api::webhooks::replay(call, id)).await,
        Route::WebhookTest(id) => {
            once(call, &with_id(id, body), api::webhooks::test(call, id)).await
        }
        Route::NewAccountsId => api::client_actions::new_accounts_id(call, body).await,
        Route::PaymentMethod => api::client_actions::payment_method(call, body).await,
        Route::Invoiced => {
            once(call, body, api::invoiced::post(call, endpoint("recurringitem")?, body)).await
        }
        Route::PopupRead => {
            once(call, body, api::popups::read(call, endpoint("popupnote")?, body)).await
        }
        Route::Settings => once(call, body, api::settings::post(call, body)).await,
        _ => Err(ApiError::MethodNotAllowed { allow: route.allow() }),
    }
}

/// What tells requests to the same kind of route apart.
fn with_id(id: i64, body: &[u8]) -> Vec<u8> {
    [format!("{id}\n").as_bytes(), body].concat()
}

pub async fn delete(call: &Call, route: Route) -> Result<Reply> {
    match route {
        Route::Record(endpoint, id) if endpoint.kind == EntityKind::PrepayLot => {
            api::prepay::delete(call, endpoint, id).await
        }
        Route::Record(endpoint, id) => api::delete::delete(call, endpoint, id).await,
        _ => Err(ApiError::MethodNotAllowed { allow: route.allow() }),
    }
}
