//! One script for each transition of an account, run by the server as a whole.

use redis::Script;

/// A script that begins with what all of them check and know.
macro_rules! script {
    ($name:literal) => {
        Script::new(concat!(include_str!("prelude.lua"), include_str!($name)))
    };
}

pub(super) struct Scripts {
    pub(super) load: Script,
    pub(super) acquire: Script,
    pub(super) commit: Script,
    pub(super) release: Script,
    pub(super) touch: Script,
    pub(super) forget: Script,
    pub(super) left: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            load: script!("load.lua"),
            acquire: script!("acquire.lua"),
            commit: script!("commit.lua"),
            release: script!("release.lua"),
            touch: script!("touch.lua"),
            forget: script!("forget.lua"),
            left: script!("left.lua"),
        }
    }
}
