//! stub
pub(crate) fn visit_once() -> anyhow::Result<()> {
    anyhow::bail!("todo")
}
