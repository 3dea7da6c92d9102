//! A store behind an `Arc` is a store, so that one that is chosen at run time can be handed in.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::{Account, Lease, Record, SessionStore, StoreFuture};
use crate::SessionToken;

impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Record> {
        (**self).load(account)
    }

    fn acquire<'a>(&'a self, account: &'a Account, time: Duration) -> StoreFuture<'a, Option<(Lease, Record)>> {
        (**self).acquire(account, time)
    }

    fn commit<'a>(&'a self, account: &'a Account, lease: &'a Lease, record: &'a Record) -> StoreFuture<'a, bool> {
        (**self).commit(account, lease, record)
    }

    fn release<'a>(&'a self, account: &'a Account, lease: Lease) -> StoreFuture<'a, ()> {
        (**self).release(account, lease)
    }

    fn touch<'a>(&'a self, account: &'a Account, token: &'a SessionToken, at: SystemTime) -> StoreFuture<'a, ()> {
        (**self).touch(account, token, at)
    }

    fn forget<'a>(&'a self, account: &'a Account, token: &'a SessionToken) -> StoreFuture<'a, ()> {
        (**self).forget(account, token)
    }

    fn changed<'a>(
        &'a self,
        account: &'a Account,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        (**self).changed(account, patience)
    }
}
