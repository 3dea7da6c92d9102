//! Stores each record once under a number, and caches the results of the guard's functions.

use std::collections::{BTreeMap, HashMap};

use super::world::{Ending, Kind};
use crate::guard::{AttemptId, Begun, Record};

/// The place of a record, or of a history alone, in the pool. The first record is empty.
pub(super) type Rec = u32;

/// A function of the guard and its arguments.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Load { stored: Rec, memory: Rec, tick: u8 },
    Decide { record: Rec, credentials: u8, tick: u8 },
    Claimed { record: Rec, tick: u8 },
    Begin { kind: Kind, record: Rec, credentials: u8, tick: u8, id: u8 },
    Finish { record: Rec, begun: u32, ending: Ending, tick: u8, over: u8 },
    Trim { record: Rec, tick: u8 },
    Remember { memory: Rec, record: Rec },
    Operator { record: Rec, tick: u8 },
    IsVerified { record: Rec, credentials: u8 },
}

#[derive(Default)]
pub(super) struct Pool {
    records: Vec<Record>,
    places: HashMap<Vec<u8>, Rec>,
    /// The session of each record.
    sessions: Vec<u8>,
    begun: Vec<Begun>,
    begun_places: BTreeMap<(Vec<u8>, Vec<AttemptId>), u32>,
    calls: HashMap<Call, (u32, u32)>,
}

impl Pool {
    pub(super) fn put(&mut self, record: Record) -> Rec {
        let key = record.encode().unwrap().to_vec();
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        let place = u32::try_from(self.records.len()).unwrap();
        let session = record.session.as_ref().map(|session| session.token.expose_secret().parse().unwrap());
        self.sessions.push(session.unwrap_or_default());
        self.records.push(record);
        self.places.insert(key, place);
        place
    }

    pub(super) fn get(&self, place: Rec) -> &Record {
        &self.records[place as usize]
    }

    /// The token of the record's session, or 0 without a session.
    pub(super) fn session(&self, place: Rec) -> u8 {
        self.sessions[place as usize]
    }

    /// Begun attempts that have seen the same record share a place.
    pub(super) fn put_begun(&mut self, begun: Begun, before: &Record) -> u32 {
        let mut record = Record { session: before.session.clone(), ..Record::default() };
        record.history.add(begun.id, &begun.attempt);
        let key = (record.encode().unwrap().to_vec(), begun.seen.clone());
        let place = u32::try_from(self.begun.len()).unwrap();
        if let Some(place) = self.begun_places.get(&key) {
            return *place;
        }
        self.begun_places.insert(key, place);
        self.begun.push(begun);
        place
    }

    pub(super) fn get_begun(&self, place: u32) -> &Begun {
        &self.begun[place as usize]
    }

    pub(super) fn known(&self, call: &Call) -> Option<(u32, u32)> {
        self.calls.get(call).copied()
    }

    pub(super) fn know(&mut self, call: Call, result: (u32, u32)) {
        self.calls.insert(call, result);
    }
}
