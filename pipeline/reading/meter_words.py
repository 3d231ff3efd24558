"""How several languages call metres, as data, in small letters. Those of "waltz" stand for one; the
others are numbers and what is counted.
"""

from __future__ import annotations

MEANINGS = {
    "3/4": (
        "waltz waltzes waltzy waltz-like walzer walzertakt valse vals valzer valsa walc вальс "
        "ワルツ 円舞曲 圆舞曲 圓舞曲 华尔兹 왈츠 "
        "triple-meter triple-metre triple-time dreiertakt dreier-takt tretakt kolmijakoinen "
        "трёхдольный трехдольный ritmo-ternario compás-ternario compas-ternario "
        "compasso-ternário tempo-ternario"
    ),
    "2/4": (
        "duple-meter duple-metre duple-time zweiertakt двухдольный compás-binario "
        "compas-binario compasso-binário tempo-binario"
    ),
    "4/4": (
        "common-time quadruple-meter quadruple-metre quadruple-time vierertakt "
        "четырёхдольный nelijakoinen compás-cuaternario compas-cuaternario "
        "compasso-quaternário tempo-quaternario"
    ),
    "6/8": "compound-time compound-meter compound-metre compound-duple",
    "2/2": "cut-time cut-common-time alla-breve",
}
_NUMERALS = {
    2: "two deux zwei dos due dois twee два dwa 二 이",
    3: "three trois drei tres tre três drie три trzy 三 삼",
    4: "four quatre vier cuatro quattro quatro четыре cztery 四 사",
    5: "five cinq fünf cinco cinque vijf пять pięć 五 오",
    6: "six sechs seis sei zes шесть sześć 六 육",
    7: "seven sept sieben siete sette sete zeven семь siedem 七 칠",
    8: "eight huit acht ocho otto oito восемь osiem 八 팔",
    9: "nine neuf neun nueve nove negen девять dziewięć 九 구",
    11: "eleven onze elf undici 十一",
    12: "twelve douze zwölf doce dodici doze twaalf двенадцать dwanaście 十二 십이",
}
COUNTS = {word: count for count, words in _NUMERALS.items() for word in words.split()}
_UNITS = {  # what a beat lasts
    "4": (
        "four quarter viertel cuatro cuartos quatro quatre quarti kwarts четверти четвертей "
        "четвертях czwarte 四 사"
    ),
    "8": "eight eighth achtel ocho octavos oito huit ottavi achtste восьмых ósmych ósme 八 팔",
}
UNITS = {word: unit for unit, words in _UNITS.items() for word in words.split()}
BEATS = "(?:beats?|counts?|pulses?|schläge|slagen|temps|tiempos|tempi|tempos|дол[иь]|долей)"
BARS = (
    "(?:bars?|measures?|takte?|mesures?|comp[aá]s(?:es)?|compassos?|battut[ae]|misur[ae]|maat|"
    "такте?|takcie)"
)
EVERY = (  # bar
    "(?:/|per|pro|par|por|(?:in|to) (?:an?|each|every|the)|al|a la|à la|im|в|w)"
)
