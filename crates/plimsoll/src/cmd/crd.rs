//! `plimsoll crd`: the resource definitions as YAML documents, ready for `kubectl apply -f -`.

use anyhow::Context as _;
use query_api::crd::crds;
use query_api::dialect::Dialect;

use crate::exit::Exit;
use crate::say::say;

pub(crate) fn run(dialect: Dialect) -> anyhow::Result<Exit> {
    let mut text = String::new();
    for definition in crds(dialect) {
        let document =
            serde_saphyr::to_string(&definition).context("failed to write a definition as YAML")?;
        text.push_str("---\n");
        text.push_str(&document);
    }
    say(&text)?;
    Ok(Exit::Fine)
}
