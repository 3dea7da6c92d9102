// Generated from openapi.yaml by `cargo xtask regen`. Nothing compiles this copy.

/// Every operation of the document, by id.
pub(crate) static OPERATIONS: &[Operation] = &[
    Operation {
        id: "end_connectivity_management_session",
        method: "POST",
        path: "/m2m/v1/session/logout",
        access_token: true,
        session_token: true,
        repeat: Repeat::Always,
        ends_session: true,
        secrets: &[],
        success: Success {
            statuses: &[(200u16, 200u16)],
            body: Body::Json(fits::<types::LogOutRequest>),
        },
        errors: &["errorCode", "errorMessage", "fault"],
    },
    Operation {
        id: "reset_connectivity_management_password",
        method: "PUT",
        path: "/m2m/v1/session/password/actions/reset",
        access_token: true,
        session_token: true,
        repeat: Repeat::IfUnsent,
        ends_session: false,
        secrets: &["oldPassword"],
        success: Success {
            statuses: &[(200u16, 200u16)],
            body: Body::Json(fits::<types::SessionResetPasswordResult>),
        },
        errors: &["errorCode", "errorMessage", "fault"],
    },
    Operation {
        id: "start_connectivity_management_session",
        method: "POST",
        path: "/m2m/v1/session/login",
        access_token: true,
        session_token: false,
        repeat: Repeat::IfUnprocessed,
        ends_session: false,
        secrets: &["password"],
        success: Success {
            statuses: &[(200u16, 200u16)],
            body: Body::Json(fits::<types::LogInResult>),
        },
        errors: &["errorCode", "errorMessage", "fault"],
    },
];
/// Where access tokens are had, below the base URL.
pub(crate) const TOKEN_PATH: &str = "/ts/v1/oauth2/token";
/// The header that carries the session token.
pub(crate) static SESSION_HEADER: http::HeaderName = http::HeaderName::from_static(
    "vz-m2m-token",
);
/// The servers that the document names; the first is the default. In a configuration each has its
/// `x-environment` as its name.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    ::serde::Serialize,
    ::serde::Deserialize
)]
#[non_exhaustive]
pub enum Environment {
    ///Production. `https://thingspace.verizon.com/api`
    #[default]
    #[serde(rename = "production")]
    Production,
    ///Mock server, of limited availability. `https://mock.thingspace.verizon.com/api`
    #[serde(rename = "mock")]
    Mock,
}
impl Environment {
    /// The base URL of this environment.
    #[must_use]
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Production => "https://thingspace.verizon.com/api",
            Self::Mock => "https://mock.thingspace.verizon.com/api",
        }
    }
}
