"""What kind of work a request is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from homelab import _native
from homelab._data import Plain, json_text
from homelab._options import documented, make
from homelab._tables import Need, Task

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from homelab._tables import Options

TASKS = tuple(task for task in Task if task != Task.NONE)


@dataclass(frozen=True)
class Classification(Plain):
    """What a request was found to be.

    task            the best Task, also when it abstains
    confidence      its probability
    probabilities   those of all tasks; they add up to 1
    abstains        whether the confidence is below classify_abstain_below, so that a default does better
    needs           a Need, or several: what a model must be able to do
    prompt_tokens   estimated tokens of everything that goes in
    answer_tokens   tokens that the request lets the answer have; None when it does not say
    context_tokens  both together
    decided_by      "embedding", "image", "text" or "none"
    """

    task: Task
    confidence: float
    probabilities: dict[Task, float] = field(hash=False)
    abstains: bool
    needs: Need
    prompt_tokens: int
    answer_tokens: int | None
    context_tokens: int
    decided_by: str

    def __str__(self) -> str:
        return f"{self.task.name.lower()} ({100 * self.confidence:.0f} %)"


@documented("classify.")
def classify(request: str | bytes | Mapping[str, Any], target: str | None = None, *, needs: Need = Need(0),
             **options: Unpack[Options]) -> Classification:
    """Tells what kind of work a request is, in microseconds and without a network.

        >>> print(homelab.classify("Write a function that reverses a list"))

    request  a prompt; or the body of a request to OpenAI's or Ollama's API, as plain data, or as its text with `target`
    target   the path or URL that the body goes to, which tells embeddings from the rest
    needs    what is known besides

    Raises ParseError for a body that is no whole JSON object.
    """
    native = _native.Classification(make(options))
    if target is not None or isinstance(request, Mapping):
        _native.classify_request(native, target, json_text(request), needs)
    else:
        _native.classify_text(native, request, needs)
    return Classification(
        Task(native.task()), native.confidence(), {task: native.probability(task) for task in TASKS}, native.abstains(),
        Need(native.needs()), native.prompt_tokens(), native.answer_tokens() or None, native.context_tokens(),
        native.decided_by() or "none")
