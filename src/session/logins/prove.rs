//! One login that is to tell whether credentials hold.

use std::sync::Arc;

use super::{Logins, login::Stop, renewal::tell, reset::Right};
use crate::{Credentials, Error};

impl Logins {
    /// Makes one login, whatever session there is: whether the credentials hold is what it is to tell.
    pub(crate) async fn prove(self: &Arc<Self>, right: &Right, credentials: &Credentials) -> Result<(), Error> {
        let busy = Error::LoginBusy { after: self.transport.timeout() };
        let outcome = self.log_in_with(&right.held, right.record.clone(), credentials).await;
        let outcome = outcome.map_err(|stop| match stop {
            Stop::Again | Stop::Busy => busy,
            Stop::After(wait) => Error::LoginDelayed { wait },
            Stop::Unreached(error) | Stop::Failed(error) => error,
        });
        outcome.inspect_err(tell)
    }
}
