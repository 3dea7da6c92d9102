//! One login that is to tell whether credentials hold.

use std::sync::Arc;

use super::{Logins, SLACK, lease, login::Stop};
use crate::Error;

impl Logins {
    /// Makes one login, whatever session there is: whether the credentials hold is what it is to tell.
    pub(crate) async fn prove(self: &Arc<Self>) -> Result<(), Error> {
        let limit = self.transport.timeout();
        self.transport.access().await?;
        let (lease, mut record) = lease(&self.store, &self.account, limit + SLACK, limit).await?;
        record.session = None;
        let outcome = async {
            let credentials = self.credentials().await?;
            self.log_in_with(&lease, record, &credentials).await
        };
        let outcome = outcome.await;
        self.release(lease).await;
        outcome.map_err(|stop| match stop {
            Stop::Again | Stop::Busy => Error::LoginBusy { after: limit },
            Stop::After(wait) => Error::LoginDelayed { wait },
            Stop::Unreached(error) | Stop::Failed(error) => error,
        })
    }
}
