// Generated from openapi.yaml by `cargo xtask regen`. Nothing compiles this copy.

#[allow(unused_imports)]
pub use progenitor_client::{ByteStream, ClientInfo, Error, ResponseValue};
#[allow(unused_imports)]
use progenitor_client::{encode_path, ClientHooks, OperationInfo, RequestBuilderExt};
/// Types used as operation parameters and responses.
#[allow(clippy::all)]
pub mod types {
    ///Why a request was refused.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Default,
        schemars::JsonSchema
    )]
    pub struct ConnectivityManagementResult {
        ///The service that refused the request, a dot, and the reason. Compare the reason alone: the name of the service varies.
        #[serde(
            rename = "errorCode",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub error_code: ::std::option::Option<::std::string::String>,
        ///The reason in words, for people; it may change at any time.
        #[serde(
            rename = "errorMessage",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub error_message: ::std::option::Option<::std::string::String>,
    }
    impl ConnectivityManagementResult {
        pub fn builder() -> builder::ConnectivityManagementResult {
            Default::default()
        }
    }
    ///What the gateway says.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Default,
        schemars::JsonSchema
    )]
    pub struct Fault {
        ///The number of the fault, as a string or as a number; both occur.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub code: ::std::option::Option<FaultCode>,
        ///The fault in more words, for people; it may change at any time.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub description: ::std::option::Option<::std::string::String>,
        ///The fault in a few words.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        pub message: ::std::option::Option<::std::string::String>,
    }
    impl Fault {
        pub fn builder() -> builder::Fault {
            Default::default()
        }
    }
    ///The number of the fault, as a string or as a number; both occur.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        schemars::JsonSchema
    )]
    #[serde(untagged)]
    pub enum FaultCode {
        String(::std::string::String),
        Integer(i64),
    }
    impl ::std::fmt::Display for FaultCode {
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            match self {
                Self::String(x) => x.fmt(f),
                Self::Integer(x) => x.fmt(f),
            }
        }
    }
    impl ::std::convert::From<i64> for FaultCode {
        fn from(value: i64) -> Self {
            Self::Integer(value)
        }
    }
    ///Why the gateway, which stands in front of the platform, refused a request.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        schemars::JsonSchema
    )]
    pub struct GatewayFault {
        pub fault: Fault,
    }
    impl GatewayFault {
        pub fn builder() -> builder::GatewayFault {
            Default::default()
        }
    }
    ///An error in one of its documented shapes.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        schemars::JsonSchema
    )]
    #[serde(untagged)]
    pub enum GatewayFaultOrConnectivityManagementResult {
        GatewayFault(GatewayFault),
        ConnectivityManagementResult(ConnectivityManagementResult),
    }
    impl ::std::convert::From<GatewayFault>
    for GatewayFaultOrConnectivityManagementResult {
        fn from(value: GatewayFault) -> Self {
            Self::GatewayFault(value)
        }
    }
    impl ::std::convert::From<ConnectivityManagementResult>
    for GatewayFaultOrConnectivityManagementResult {
        fn from(value: ConnectivityManagementResult) -> Self {
            Self::ConnectivityManagementResult(value)
        }
    }
    ///The username and password of a Connectivity Management user.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        schemars::JsonSchema
    )]
    pub struct LogInRequest {
        ///The user's current password.
        pub password: crate::Secret,
        ///The name of the user who logs in.
        pub username: ::std::string::String,
    }
    impl LogInRequest {
        pub fn builder() -> builder::LogInRequest {
            Default::default()
        }
    }
    ///What a login yields.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Default,
        schemars::JsonSchema
    )]
    pub struct LogInResult {
        ///The token of the new session, for the VZ-M2M-Token header of later requests.
        #[serde(
            rename = "sessionToken",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub session_token: ::std::option::Option<crate::Secret>,
    }
    impl LogInResult {
        pub fn builder() -> builder::LogInResult {
            Default::default()
        }
    }
    ///The answer to the end of a session. The name says request because that is what the platform calls it.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Default,
        schemars::JsonSchema
    )]
    pub struct LogOutRequest {
        ///The token of the session that has ended.
        #[serde(
            rename = "sessionToken",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub session_token: ::std::option::Option<crate::Secret>,
    }
    impl LogOutRequest {
        pub fn builder() -> builder::LogOutRequest {
            Default::default()
        }
    }
    ///The password to be replaced.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        schemars::JsonSchema
    )]
    pub struct SessionResetPasswordRequest {
        ///The password that holds until this request.
        #[serde(rename = "oldPassword")]
        pub old_password: crate::Secret,
    }
    impl SessionResetPasswordRequest {
        pub fn builder() -> builder::SessionResetPasswordRequest {
            Default::default()
        }
    }
    ///What a password reset yields.
    #[derive(
        ::serde::Deserialize,
        ::serde::Serialize,
        Clone,
        Debug,
        Default,
        schemars::JsonSchema
    )]
    pub struct SessionResetPasswordResult {
        ///The password that holds from now on.
        #[serde(
            rename = "newPassword",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        pub new_password: ::std::option::Option<crate::Secret>,
    }
    impl SessionResetPasswordResult {
        pub fn builder() -> builder::SessionResetPasswordResult {
            Default::default()
        }
    }
    /// Types for composing complex structures.
    pub mod builder {
        #[derive(Clone, Debug)]
        pub struct ConnectivityManagementResult {
            error_code: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            error_message: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for ConnectivityManagementResult {
            fn default() -> Self {
                Self {
                    error_code: Ok(Default::default()),
                    error_message: Ok(Default::default()),
                }
            }
        }
        impl ConnectivityManagementResult {
            pub fn error_code<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.error_code = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for error_code: {e}")
                    });
                self
            }
            pub fn error_message<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.error_message = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for error_message: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<ConnectivityManagementResult>
        for super::ConnectivityManagementResult {
            type Error = super::error::ConversionError;
            fn try_from(
                value: ConnectivityManagementResult,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    error_code: value.error_code?,
                    error_message: value.error_message?,
                })
            }
        }
        impl ::std::convert::From<super::ConnectivityManagementResult>
        for ConnectivityManagementResult {
            fn from(value: super::ConnectivityManagementResult) -> Self {
                Self {
                    error_code: Ok(value.error_code),
                    error_message: Ok(value.error_message),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct Fault {
            code: ::std::result::Result<
                ::std::option::Option<super::FaultCode>,
                ::std::string::String,
            >,
            description: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
            message: ::std::result::Result<
                ::std::option::Option<::std::string::String>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for Fault {
            fn default() -> Self {
                Self {
                    code: Ok(Default::default()),
                    description: Ok(Default::default()),
                    message: Ok(Default::default()),
                }
            }
        }
        impl Fault {
            pub fn code<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<super::FaultCode>>,
                T::Error: ::std::fmt::Display,
            {
                self.code = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for code: {e}")
                    });
                self
            }
            pub fn description<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.description = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for description: {e}")
                    });
                self
            }
            pub fn message<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<::std::string::String>>,
                T::Error: ::std::fmt::Display,
            {
                self.message = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for message: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<Fault> for super::Fault {
            type Error = super::error::ConversionError;
            fn try_from(
                value: Fault,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    code: value.code?,
                    description: value.description?,
                    message: value.message?,
                })
            }
        }
        impl ::std::convert::From<super::Fault> for Fault {
            fn from(value: super::Fault) -> Self {
                Self {
                    code: Ok(value.code),
                    description: Ok(value.description),
                    message: Ok(value.message),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct GatewayFault {
            fault: ::std::result::Result<super::Fault, ::std::string::String>,
        }
        impl ::std::default::Default for GatewayFault {
            fn default() -> Self {
                Self {
                    fault: Err("no value supplied for fault".to_string()),
                }
            }
        }
        impl GatewayFault {
            pub fn fault<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<super::Fault>,
                T::Error: ::std::fmt::Display,
            {
                self.fault = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for fault: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<GatewayFault> for super::GatewayFault {
            type Error = super::error::ConversionError;
            fn try_from(
                value: GatewayFault,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self { fault: value.fault? })
            }
        }
        impl ::std::convert::From<super::GatewayFault> for GatewayFault {
            fn from(value: super::GatewayFault) -> Self {
                Self { fault: Ok(value.fault) }
            }
        }
        #[derive(Clone, Debug)]
        pub struct LogInRequest {
            password: ::std::result::Result<crate::Secret, ::std::string::String>,
            username: ::std::result::Result<
                ::std::string::String,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for LogInRequest {
            fn default() -> Self {
                Self {
                    password: Err("no value supplied for password".to_string()),
                    username: Err("no value supplied for username".to_string()),
                }
            }
        }
        impl LogInRequest {
            pub fn password<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.password = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for password: {e}")
                    });
                self
            }
            pub fn username<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::string::String>,
                T::Error: ::std::fmt::Display,
            {
                self.username = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for username: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<LogInRequest> for super::LogInRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: LogInRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    password: value.password?,
                    username: value.username?,
                })
            }
        }
        impl ::std::convert::From<super::LogInRequest> for LogInRequest {
            fn from(value: super::LogInRequest) -> Self {
                Self {
                    password: Ok(value.password),
                    username: Ok(value.username),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct LogInResult {
            session_token: ::std::result::Result<
                ::std::option::Option<crate::Secret>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for LogInResult {
            fn default() -> Self {
                Self {
                    session_token: Ok(Default::default()),
                }
            }
        }
        impl LogInResult {
            pub fn session_token<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<crate::Secret>>,
                T::Error: ::std::fmt::Display,
            {
                self.session_token = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for session_token: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<LogInResult> for super::LogInResult {
            type Error = super::error::ConversionError;
            fn try_from(
                value: LogInResult,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    session_token: value.session_token?,
                })
            }
        }
        impl ::std::convert::From<super::LogInResult> for LogInResult {
            fn from(value: super::LogInResult) -> Self {
                Self {
                    session_token: Ok(value.session_token),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct LogOutRequest {
            session_token: ::std::result::Result<
                ::std::option::Option<crate::Secret>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for LogOutRequest {
            fn default() -> Self {
                Self {
                    session_token: Ok(Default::default()),
                }
            }
        }
        impl LogOutRequest {
            pub fn session_token<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<crate::Secret>>,
                T::Error: ::std::fmt::Display,
            {
                self.session_token = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for session_token: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<LogOutRequest> for super::LogOutRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: LogOutRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    session_token: value.session_token?,
                })
            }
        }
        impl ::std::convert::From<super::LogOutRequest> for LogOutRequest {
            fn from(value: super::LogOutRequest) -> Self {
                Self {
                    session_token: Ok(value.session_token),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct SessionResetPasswordRequest {
            old_password: ::std::result::Result<crate::Secret, ::std::string::String>,
        }
        impl ::std::default::Default for SessionResetPasswordRequest {
            fn default() -> Self {
                Self {
                    old_password: Err("no value supplied for old_password".to_string()),
                }
            }
        }
        impl SessionResetPasswordRequest {
            pub fn old_password<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<crate::Secret>,
                T::Error: ::std::fmt::Display,
            {
                self.old_password = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for old_password: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<SessionResetPasswordRequest>
        for super::SessionResetPasswordRequest {
            type Error = super::error::ConversionError;
            fn try_from(
                value: SessionResetPasswordRequest,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    old_password: value.old_password?,
                })
            }
        }
        impl ::std::convert::From<super::SessionResetPasswordRequest>
        for SessionResetPasswordRequest {
            fn from(value: super::SessionResetPasswordRequest) -> Self {
                Self {
                    old_password: Ok(value.old_password),
                }
            }
        }
        #[derive(Clone, Debug)]
        pub struct SessionResetPasswordResult {
            new_password: ::std::result::Result<
                ::std::option::Option<crate::Secret>,
                ::std::string::String,
            >,
        }
        impl ::std::default::Default for SessionResetPasswordResult {
            fn default() -> Self {
                Self {
                    new_password: Ok(Default::default()),
                }
            }
        }
        impl SessionResetPasswordResult {
            pub fn new_password<T>(mut self, value: T) -> Self
            where
                T: ::std::convert::TryInto<::std::option::Option<crate::Secret>>,
                T::Error: ::std::fmt::Display,
            {
                self.new_password = value
                    .try_into()
                    .map_err(|e| {
                        format!("error converting supplied value for new_password: {e}")
                    });
                self
            }
        }
        impl ::std::convert::TryFrom<SessionResetPasswordResult>
        for super::SessionResetPasswordResult {
            type Error = super::error::ConversionError;
            fn try_from(
                value: SessionResetPasswordResult,
            ) -> ::std::result::Result<Self, super::error::ConversionError> {
                Ok(Self {
                    new_password: value.new_password?,
                })
            }
        }
        impl ::std::convert::From<super::SessionResetPasswordResult>
        for SessionResetPasswordResult {
            fn from(value: super::SessionResetPasswordResult) -> Self {
                Self {
                    new_password: Ok(value.new_password),
                }
            }
        }
    }
    /// Error types.
    pub mod error {
        /// Error from a `TryFrom` or `FromStr` implementation.
        pub struct ConversionError(::std::borrow::Cow<'static, str>);
        impl ::std::error::Error for ConversionError {}
        impl ::std::fmt::Display for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Display::fmt(&self.0, f)
            }
        }
        impl ::std::fmt::Debug for ConversionError {
            fn fmt(
                &self,
                f: &mut ::std::fmt::Formatter<'_>,
            ) -> Result<(), ::std::fmt::Error> {
                ::std::fmt::Debug::fmt(&self.0, f)
            }
        }
        impl From<&'static str> for ConversionError {
            fn from(value: &'static str) -> Self {
                Self(value.into())
            }
        }
        impl From<String> for ConversionError {
            fn from(value: String) -> Self {
                Self(value.into())
            }
        }
    }
}
#[derive(Clone, Debug)]
/**Client for ThingSpace Session Management

Starts and ends Connectivity Management sessions on Verizon ThingSpace, and resets the password of the user that a session belongs to.

Version: 1.0.0*/
pub struct Client {
    pub(crate) baseurl: String,
    pub(crate) client: reqwest::Client,
    pub(crate) inner: crate::transport::Transport,
}
impl Client {
    /// Create a new client.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new(baseurl: &str, inner: crate::transport::Transport) -> Self {
        #[cfg(not(target_arch = "wasm32"))]
        let client = {
            let dur = ::std::time::Duration::from_secs(15u64);
            reqwest::ClientBuilder::new().connect_timeout(dur).timeout(dur)
        };
        #[cfg(target_arch = "wasm32")]
        let client = reqwest::ClientBuilder::new();
        Self::new_with_client(baseurl, client.build().unwrap(), inner)
    }
    /// Construct a new client with an existing `reqwest::Client`,
    /// allowing more control over its configuration.
    ///
    /// `baseurl` is the base URL provided to the internal
    /// `reqwest::Client`, and should include a scheme and hostname,
    /// as well as port and a path stem if applicable.
    pub fn new_with_client(
        baseurl: &str,
        client: reqwest::Client,
        inner: crate::transport::Transport,
    ) -> Self {
        Self {
            baseurl: baseurl.to_string(),
            client,
            inner,
        }
    }
}
impl ClientInfo<crate::transport::Transport> for Client {
    fn api_version() -> &'static str {
        "1.0.0"
    }
    fn baseurl(&self) -> &str {
        self.baseurl.as_str()
    }
    fn client(&self) -> &reqwest::Client {
        &self.client
    }
    fn inner(&self) -> &crate::transport::Transport {
        &self.inner
    }
}
const _: () = {
    #[allow(dead_code)]
    fn assert_client_hooks()
    where
        Client: ClientHooks<crate::transport::Transport>,
    {}
};
impl Client {
    /**Start Connectivity Management Session

Logs a user in and answers with the session token that every later Connectivity Management request has to carry. The token lives as long as it is used and dies after twenty minutes without use. Five failed logins in a row lock the account.

Sends a `POST` request to `/m2m/v1/session/login`

Arguments:
- `body`: Who logs in.
```ignore
let response = client.start_connectivity_management_session()
    .body(body)
    .send()
    .await;
```*/
    pub fn start_connectivity_management_session(
        &self,
    ) -> builder::StartConnectivityManagementSession<'_> {
        builder::StartConnectivityManagementSession::new(self)
    }
    /**End Connectivity Management Session

Ends the session that the request belongs to; its token is refused from then on. Callbacks that were registered go on being sent.

Sends a `POST` request to `/m2m/v1/session/logout`

```ignore
let response = client.end_connectivity_management_session()
    .send()
    .await;
```*/
    pub fn end_connectivity_management_session(
        &self,
    ) -> builder::EndConnectivityManagementSession<'_> {
        builder::EndConnectivityManagementSession::new(self)
    }
    /**Reset Connectivity Management Password

Replaces the password of the session's user by a random one, at once, and answers with it. That answer is the only place where the new password is ever said. Passwords do not expire; a change every 90 days is recommended.

Sends a `PUT` request to `/m2m/v1/session/password/actions/reset`

Arguments:
- `body`: The password that is to be replaced.
```ignore
let response = client.reset_connectivity_management_password()
    .body(body)
    .send()
    .await;
```*/
    pub fn reset_connectivity_management_password(
        &self,
    ) -> builder::ResetConnectivityManagementPassword<'_> {
        builder::ResetConnectivityManagementPassword::new(self)
    }
}
/// Types for composing operation parameters.
#[allow(clippy::all)]
pub mod builder {
    use super::types;
    #[allow(unused_imports)]
    use super::{
        encode_path, ByteStream, ClientInfo, ClientHooks, Error, OperationInfo,
        RequestBuilderExt, ResponseValue,
    };
    /**Builder for [`Client::start_connectivity_management_session`]

[`Client::start_connectivity_management_session`]: super::Client::start_connectivity_management_session*/
    #[derive(Debug, Clone)]
    pub struct StartConnectivityManagementSession<'a> {
        client: &'a super::Client,
        body: Result<types::builder::LogInRequest, String>,
    }
    impl<'a> StartConnectivityManagementSession<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::LogInRequest>,
            <V as std::convert::TryInto<types::LogInRequest>>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!("conversion to `LogInRequest` for body failed: {}", s)
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::LogInRequest,
            ) -> types::builder::LogInRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `POST` request to `/m2m/v1/session/login`
        pub async fn send(
            self,
        ) -> Result<
            ResponseValue<types::LogInResult>,
            Error<types::GatewayFaultOrConnectivityManagementResult>,
        > {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::LogInRequest::try_from(v).map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!("{}/m2m/v1/session/login", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "start_connectivity_management_session",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => {
                    Err(
                        Error::ErrorResponse(
                            ResponseValue::from_response(response).await?,
                        ),
                    )
                }
                401u16 => {
                    Err(
                        Error::ErrorResponse(
                            ResponseValue::from_response(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::end_connectivity_management_session`]

[`Client::end_connectivity_management_session`]: super::Client::end_connectivity_management_session*/
    #[derive(Debug, Clone)]
    pub struct EndConnectivityManagementSession<'a> {
        client: &'a super::Client,
    }
    impl<'a> EndConnectivityManagementSession<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self { client: client }
        }
        ///Sends a `POST` request to `/m2m/v1/session/logout`
        pub async fn send(
            self,
        ) -> Result<
            ResponseValue<types::LogOutRequest>,
            Error<types::GatewayFaultOrConnectivityManagementResult>,
        > {
            let Self { client } = self;
            let url = format!("{}/m2m/v1/session/logout", client.baseurl,);
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .post(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "end_connectivity_management_session",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => {
                    Err(
                        Error::ErrorResponse(
                            ResponseValue::from_response(response).await?,
                        ),
                    )
                }
                401u16 => {
                    Err(
                        Error::ErrorResponse(
                            ResponseValue::from_response(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
    /**Builder for [`Client::reset_connectivity_management_password`]

[`Client::reset_connectivity_management_password`]: super::Client::reset_connectivity_management_password*/
    #[derive(Debug, Clone)]
    pub struct ResetConnectivityManagementPassword<'a> {
        client: &'a super::Client,
        body: Result<types::builder::SessionResetPasswordRequest, String>,
    }
    impl<'a> ResetConnectivityManagementPassword<'a> {
        pub fn new(client: &'a super::Client) -> Self {
            Self {
                client: client,
                body: Ok(::std::default::Default::default()),
            }
        }
        pub fn body<V>(mut self, value: V) -> Self
        where
            V: std::convert::TryInto<types::SessionResetPasswordRequest>,
            <V as std::convert::TryInto<
                types::SessionResetPasswordRequest,
            >>::Error: std::fmt::Display,
        {
            self.body = value
                .try_into()
                .map(From::from)
                .map_err(|s| {
                    format!(
                        "conversion to `SessionResetPasswordRequest` for body failed: {}",
                        s
                    )
                });
            self
        }
        pub fn body_map<F>(mut self, f: F) -> Self
        where
            F: std::ops::FnOnce(
                types::builder::SessionResetPasswordRequest,
            ) -> types::builder::SessionResetPasswordRequest,
        {
            self.body = self.body.map(f);
            self
        }
        ///Sends a `PUT` request to `/m2m/v1/session/password/actions/reset`
        pub async fn send(
            self,
        ) -> Result<
            ResponseValue<types::SessionResetPasswordResult>,
            Error<types::GatewayFaultOrConnectivityManagementResult>,
        > {
            let Self { client, body } = self;
            let body = body
                .and_then(|v| {
                    types::SessionResetPasswordRequest::try_from(v)
                        .map_err(|e| e.to_string())
                })
                .map_err(Error::InvalidRequest)?;
            let url = format!(
                "{}/m2m/v1/session/password/actions/reset", client.baseurl,
            );
            let mut header_map = ::reqwest::header::HeaderMap::with_capacity(1usize);
            header_map
                .append(
                    ::reqwest::header::HeaderName::from_static("api-version"),
                    ::reqwest::header::HeaderValue::from_static(
                        super::Client::api_version(),
                    ),
                );
            #[allow(unused_mut)]
            let mut request = client
                .client
                .put(url)
                .header(
                    ::reqwest::header::ACCEPT,
                    ::reqwest::header::HeaderValue::from_static("application/json"),
                )
                .json(&body)
                .headers(header_map)
                .build()?;
            let info = OperationInfo {
                operation_id: "reset_connectivity_management_password",
            };
            client.pre(&mut request, &info).await?;
            let result = client.exec(request, &info).await;
            client.post(&result, &info).await?;
            let response = result?;
            match response.status().as_u16() {
                200u16 => ResponseValue::from_response(response).await,
                400u16 => {
                    Err(
                        Error::ErrorResponse(
                            ResponseValue::from_response(response).await?,
                        ),
                    )
                }
                401u16 => {
                    Err(
                        Error::ErrorResponse(
                            ResponseValue::from_response(response).await?,
                        ),
                    )
                }
                _ => Err(Error::UnexpectedResponse(response)),
            }
        }
    }
}
/// Items consumers will typically use such as the Client.
pub mod prelude {
    pub use self::super::Client;
}
