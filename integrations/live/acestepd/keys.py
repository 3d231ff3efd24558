"""Which MIDI messages of the script's port do what. Edit this and start Live again.

They count on every channel. A controller (CC) counts when it rises to 64 or above.
"""

from __future__ import annotations

NOTES = {
    0: "go",  # C-2: what the settings' [request] says, or the scene's name behind "ace:"
    1: "reroll",  # C#-2: the selected clip with another seed; without one, the newest take
    2: "favourite",  # D-2: marks it
    3: "cover",  # D#-2: a cover of the selected clip, whatever it is
}
CONTROLS = {102: "go", 103: "reroll", 104: "favourite", 105: "cover"}
CHANNELS = range(16)
