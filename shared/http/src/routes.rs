//! Routes, and what describes them. A description is built when somebody asks for it: a function that starts serves without.

use crate::{costs::cost_of, rooms::Gate};
use axum::{Extension, Router, handler::Handler, routing::MethodRouter};
use std::sync::{Arc, OnceLock};
use utoipa::Path;
use utoipa_axum::{PathItemExt as _, router::OpenApiRouter};

/// Adds the description of one route.
type Describe<G> = fn(OpenApiRouter<G>) -> OpenApiRouter<G>;

/// What calls of a route cost. Found out at the first one: a function that starts knows nothing of operations.
#[derive(Clone)]
pub(crate) struct Cost {
    of: fn() -> u32,
    known: Arc<OnceLock<u32>>,
}

impl Cost {
    fn of<P: Path>() -> Self {
        let of = || P::operation().operation_id.as_deref().and_then(cost_of).unwrap_or(1);
        Self { of, known: Arc::default() }
    }

    /// In tokens.
    pub fn tokens(&self) -> u32 {
        *self.known.get_or_init(self.of)
    }
}

/// Routes of one list, that of [`routes!`], so that none is served without being described.
pub(crate) struct Routes<G> {
    router: Router<G>,
    described: Vec<Describe<G>>,
}

impl<G: Gate> Routes<G> {
    /// None yet.
    pub fn new() -> Self {
        Self { router: Router::new(), described: vec![] }
    }

    /// And this handler, where `P`, which `utoipa::path` makes of it, says.
    pub fn and<P: Path, H: Handler<T, G>, T: 'static>(mut self, handler: H, describe: Describe<G>) -> Self {
        let on =
            |router: MethodRouter<G>, method: &utoipa::openapi::HttpMethod| router.on(method.to_method_filter(), handler.clone());
        let methods = P::methods().iter().fold(MethodRouter::new(), on);
        self.router = self.router.route(&P::path(), methods.route_layer(Extension(Cost::of::<P>())));
        self.described.push(describe);
        self
    }

    /// And those.
    pub fn merge(mut self, others: Self) -> Self {
        self.router = self.router.merge(others.router);
        self.described.extend(others.described);
        self
    }

    /// What serves them.
    pub fn into_router(self) -> Router<G> {
        self.router
    }

    /// A description with that of all of them.
    pub fn describe(self, document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
        let all = OpenApiRouter::with_openapi(document);
        self.described.into_iter().fold(all, |all, describe| describe(all)).into_openapi()
    }

    /// Names of schemas that two routes give to different things, besides what a document knows already.
    #[cfg(test)]
    pub fn clashes(self, document: &mut utoipa::openapi::OpenApi) -> Vec<String> {
        let mut clashing = vec![];
        for describe in self.described {
            let known = document.components.clone().unwrap_or_default().schemas;
            *document = describe(OpenApiRouter::with_openapi(document.clone())).into_openapi();
            let now = &document.components.get_or_insert_default().schemas;
            clashing.extend(known.into_iter().filter(|(name, was)| now.get(name) != Some(was)).map(|(name, _)| name));
        }
        clashing
    }
}

/// The [`Routes`] of handlers that have a `utoipa::path`: `routes!(show, read::list)`.
macro_rules! routes {
    (@path $handler:ident) => { pastey::paste!([<__path_ $handler>]) };
    (@path $module:ident $handler:ident) => { pastey::paste!($module::[<__path_ $handler>]) };
    ($($($part:ident)::+),+ $(,)?) => {
        $crate::routes::Routes::new()
            $(.and::<$crate::routes::routes!(@path $($part)+), _, _>($($part)::+, |all| {
                all.routes(utoipa_axum::routes!($($part)::+))
            }))+
    };
}
pub(crate) use routes;
