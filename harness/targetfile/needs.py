"""What the evaluator of a target.yaml may reach beside its own folder: so far, a model and a card."""

from __future__ import annotations

from harness.configfile import ConfigFile
from harness.target import Model

MAX_TOKENS = 500


def gpu(config: ConfigFile) -> bool:
    """Whether the evaluator measures on a card, without which no night of its target begins."""
    return "gpu" in config.data["evaluate"].get("needs", ())


def model(config: ConfigFile) -> Model | None:
    """Whom the evaluator asks. Raises ConfigError where that could not be honest, or could not stay private."""
    entry = config.data["evaluate"]
    needed, told = "model" in entry.get("needs", ()), entry.get("model")
    if not needed and told is None:
        return None
    if told is None:
        step = "model: {provider: anthropic, model: claude-haiku-5-5}, below evaluate"
        raise config.error("/evaluate/needs", "the evaluator needs a model, and nothing says which", next_step=step)
    if not needed:
        what = "names a model, and the evaluator is given none"
        raise config.error("/evaluate/model", what, next_step="needs: [model], below evaluate", at_key=True)
    if config.data.get("data", {}).get("private"):
        what = "the rows are private, and what an evaluator asks a model leaves this machine"
        raise config.error("/evaluate/needs", what, next_step="private: false, or an evaluator without a model")
    if config.data.get("noise") is not None:
        what = "a model's answers under noise are not available yet"
        raise config.error("/noise", what, next_step="sample: rows: held-out cases, asked anew, decide", at_key=True)
    if config.data.get("sample") != "rows":
        what = "a model may answer otherwise tomorrow, so a score that rests on it is decided by held-out cases"
        raise config.error("/evaluate/needs", what, next_step="sample: rows, and data: {hidden: [...]}")
    return Model(told["provider"], told["model"], told.get("max_tokens", MAX_TOKENS))
