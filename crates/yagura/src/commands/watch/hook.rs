//! Where others take part: whoever tells people of what was found.

use yagura_detect::tell::Told;
use yagura_findings::{Recorded, Store};

/// Takes part in a watch. It is called on the watch's own thread: what takes long belongs on another.
pub trait Hook {
    /// An observation was recorded: a full scan, or a few resources that changed.
    fn recorded(&mut self, store: &mut Store, recorded: &Recorded);
    /// Detections found these.
    fn found(&mut self, found: &[Told]);
    /// Time went by: about once a second, and once more before the end.
    fn tick(&mut self, store: &mut Store);
}
