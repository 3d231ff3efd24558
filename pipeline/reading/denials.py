"""Whether a prompt names something that it does not want: "not in C major", "anything but 120 bpm",
"no waltz", "120 bpm is too fast".
"""

from __future__ import annotations

import re

_NEAR = 48  # characters before and behind that are looked at
_DENYING = (
    r"(?<!why )not?|non|minus|never|neither|nor|cannot|avoid(?:ing)?|hate|without|instead of|"
    r"rather than|other than|apart from|away from|clear of|tired of|except(?: for)?|"
    r"nothing (?:like|in)|"
    r"(?:any|every)(?:thing| \w{1,12}) (?:but|besides)|"
    r"(?:ain|are|ca|did|do|does|is|must|should|was|wo|would)n['’]?t|"
    r"keine?[mnrs]?|nicht|nie|ohne|statt|pas|sans|jamais|sin|sem|não|nunca|nada de|senza|mai|"
    r"geen|niet|zonder|inte|ingen|inget|utan|ikke|uden|uten|bez|ei|ilman|nem|"
    r"не|ни|без|никак\w{1,3}|ані|değil|不要|不是|不用|别|別|非|勿"
)
# what may stand between, none of which says what is wanted
_BETWEEN = (
    r"an?|any|another|at|be|being|exactly|get|go|going|have|in|is|it|keep|key|let|like|make|making|"
    r"more|of|on|play|played|please|quite|run|set|signature|sound|sounding|speed|stay|tempo|that|"
    r"the|this|time|to|too|use|using|want|with|write|you|"
    r"auf|das|dem|den|der|die|ein|eine[mnrs]?|im|mach|mit|spiel|als|"
    r"de|des|du|en|l['’]|la|le|les|un|une|à|el|los|una|em|no|o|um|uma|a|di|il|lo|"
    r"een|ett|et|på|i|w|na|в|на|надо|нужно"
)
_BEFORE = re.compile(
    rf"(?:(?<![^\W\d_])(?:{_DENYING})(?: (?:{_BETWEEN})){{0,6}} ?|[不别別非勿]要? ?"
    r"|(?<![^\W\d_])pas (?:de |d['’]))$",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r" ?(?:\? no\b|(?:is|was|would be|feels|seems|sounds)"
    r"(?: (?:a bit|a little|far|just|much|way))? "
    r"(?:too (?:fast|high|low|much|quick|slow)|wrong|out\b|not (?:it|ok|what))|"
    r"(?:では|じゃ)?な(?:い|く)|以外|(?:이|가)? ?아니|말고)",
    re.IGNORECASE,
)


def is_denied(text: str, start: int, end: int) -> bool:
    """Whether a normalized text says that what stands from `start` to `end` is not wanted."""
    before = text[max(0, start - _NEAR) : start]
    return bool(_BEFORE.search(before) or _BEHIND.match(text, end))
