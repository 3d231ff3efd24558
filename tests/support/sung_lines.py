"""Lines of words for ears."""

from __future__ import annotations

# Ten lines, and how hama's speller writes what is to be heard. It is a network too: some are odd.
LINES = {
    "we are alive tonight": "weɪ ɛɹ a l i β̞ e toʊnaɪt",
    "walking down the empty street": "wɔkɪŋ daʊn ði ɛmti stɹit",
    "hold me closer in the rain": "hoʊld me kloʊzɝ ɪn ði ɹeɪn",
    "morning light is on the sea": "mɔɹnɪŋ laɪt is ɔn ði si",
    "never let the river run dry": "nɛvɝ lɛt ði ɹɪvə ɹʌn dɹaɪ",
    "I remember every word you said": "i ɹimɛmbɝ ɛvɹi wɝd ju seɪd",
    "dance until the sun comes up": "dæns ʌntɪl ði sʌn koʊmz ʌp",
    "the city sleeps but I am awake": "ði sɪti slips bʌt i æm əweɪk",
    "give me one more day with you": "gaɪv me one mɔɹ deɪ wɪθ ju",
    "stars are falling over the hill": "stɑɹz ɛɹ fɔlɪŋ oʊvə ði hɪl",
}
# Others, of which it was looked at what is not heard.
NEW_LINES = (
    "a paper lantern floats away",
    "nobody warned me about the frost",
    "we painted our names on the station wall",
    "my father whistles when he works",
    "leave the porch light burning low",
    "every dollar that I spend on you",
    "the captain burned his only map",
    "pick a card and make a wish",
    "tomorrow I will learn to swim",
    "there's honey on the wooden spoon",
)
# And those that were only ever counted: nothing is to be tried on them.
UNSEEN_LINES = (
    "I found a feather on the roof",
    "please teach your sister how to drive",
    "the market opens after dark",
    "silver bicycles race through town",
    "you never told me what it cost",
    "throw the anchor into the bay",
    "an old piano plays next door",
    "we missed the bus and walked for miles",
    "her laughter filled the empty hall",
    "keep a little sugar for the morning",
)
