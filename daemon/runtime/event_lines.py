"""Events in a person's words, one line each: what the log and the terminal say of them."""

from __future__ import annotations

from collections.abc import Callable

from ..jobs import Event, Job

SOON = 1.0  # seconds: less is not worth a number


def describe_event(event: Event, now: float) -> str:
    """The line about an event at `now`, in seconds since the epoch."""
    describe = _DESCRIBERS.get(event.kind)
    return describe(event, now) if describe else _describe_plainly(event)


def describe_progress(event: Event) -> str:
    """`take1  43% denoising, about 2 s to go`."""
    fraction, stage, eta = event.values
    return f"{_find_id(event)}  {fraction:.0%} {stage}{describe_eta(eta)}"


def describe_eta(eta: float) -> str:
    """`, about 2 s to go`; nothing where it is not known."""
    return _describe_eta(eta, ", about {} to go")


def describe_client(client: str) -> str:
    """Who asks, of the text of a client: its host and port, or the folder that it is."""
    transport, _, rest = client.partition(":")
    return rest if transport in ("udp", "watch") else client


def _describe_queued(event: Event, now: float) -> str:
    position, eta = event.values
    behind = f" behind {position} other{'s' * (position > 1)}" if position else ""
    return f"{_find_id(event)} queued{behind}{_describe_eta(eta, ', about {}')}"


def _describe_note(event: Event, now: float) -> str:
    return f"{_find_id(event)}: {event.values[0]}"


def _describe_eta(eta: float, text: str) -> str:
    """Nothing where it is not known."""
    if eta <= 0:
        return ""
    return text.format("1 s" if eta < SOON else _format_seconds(round(eta)))


def _format_seconds(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f} min {rest:02.0f} s" if minutes else f"{seconds:.3g} s"


def _describe_finished(event: Event, now: float) -> str:
    job = event.job
    if job is None:
        return _describe_plainly(event)
    more = len(job.clip_events) - 1
    stems = f" and {more} more" if more > 0 else ""
    path = job.mix_path or event.values[-1]  # what was understood has no clip
    return f"{job.id} finished{_describe_duration(job, now)}: {path}{stems}"


def _describe_duration(job: Job, now: float) -> str:
    if not job.created:
        return ""
    seconds = (job.ended or now) - job.created
    return f" after {_format_seconds(seconds)}" if seconds >= SOON else " at once"


def _describe_failure(event: Event, now: float) -> str:
    command, _, message, hint = event.values
    about = f"{event.job.id} failed" if event.job else f"{command} failed"
    asked = f" (asked for by {describe_client(event.job.client)})" if event.job else ""
    return f"{about}: {'; '.join(filter(None, (message, hint)))}{asked}"


def _describe_state(event: Event, now: float) -> str:
    state, model, waiting = event.values
    return f"{state} {model}, {waiting} waiting"


def _describe_tempo(event: Event, now: float) -> str:
    bpm, source = event.values
    return f"tempo {bpm:g} bpm ({source})"


def _describe_pad(event: Event, now: float) -> str:
    return f"pad {event.values[0]} {event.values[1]}"


def _describe_bank(event: Event, now: float) -> str:
    name, _, pads = event.values
    return f"bank {name} with {pads} pads"


def _describe_preparing(event: Event, now: float) -> str:
    return f"preparing {f'pad {event.values[0]}' if event.values[0] else 'no pad'}"


def _describe_favourite(event: Event, now: float) -> str:
    return f"{_find_id(event)} is {'a' if event.values[0] else 'no'} favourite"


def _describe_read(event: Event, now: float) -> str:
    path, line, _, message = event.values
    return f"{path}, line {line}: {message}" if line else f"{path}: {message}"


def _describe_plainly(event: Event) -> str:
    details = (f"{one:g}" if isinstance(one, float) else str(one) for one in event.values)
    return " ".join(filter(None, (_find_id(event), event.kind, *details)))


def _find_id(event: Event) -> str:
    return event.job.id if event.job else ""


_DESCRIBERS: dict[str, Callable[[Event, float], str]] = {
    "queued": _describe_queued,
    "note": _describe_note,
    "finished": _describe_finished,
    "fail": _describe_failure,
    "state": _describe_state,
    "tempo": _describe_tempo,
    "pad": _describe_pad,
    "bank": _describe_bank,
    "preparing": _describe_preparing,
    "favourite": _describe_favourite,
    "read": _describe_read,
}
