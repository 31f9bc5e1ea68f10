//! What the targets share.

use std::sync::LazyLock;
use yagura_policy::catalogue::Catalogue;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let text = include_str!("../../content/aws/iam-actions.txt");
    Catalogue::read(text).expect("the shipped catalogue is read")
});

/// Every action of AWS.
pub fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}
