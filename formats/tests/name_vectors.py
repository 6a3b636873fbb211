"""Make the vectors of organisations' names: which are told apart, which are refused, and why."""


def organisations() -> dict[str, object]:
    """Make organisations.json."""
    return {
        "accepted": [
            ["Example Police", "Example Estate"],
            ["Unit 2", "Unit 3"],
            ["S\u0131n\u0131r Polisi", "\u00d6zel G\u00fcvenlik"],
            ["Police d\u2019\u00c9tat", "S\u00fbret\u00e9 \u2013 Lyon"],
            ["C\u00f4ng an H\u00e0 N\u1ed9i", "B\u1ea3o v\u1ec7"],
            [
                "\u043f\u043e\u043b\u0456\u0446\u0456\u044f",
                "\u043c\u0456\u0441\u0442\u043e",
            ],
            [
                "\u8b66\u8996\u5e81",
                "\u99c5\u30fb\u30b5\u30fc\u30d3\u30b9",
            ],
            ["\u092a\u0941\u0932\u093f\u0938", "\u0938\u0941\u0930\u0915\u094d\u0937\u093e"],
        ],
        "one_organisation": {
            "a blank at the end": ["police", "police "],
            "a blank that is wide": ["city police", "city\u3000police"],
            "upper case": ["police", "Police"],
            "case that folds to two letters": ["strasse", "stra\u00dfe"],
            "full-width letters": ["police", "\uff50olice"],
            "mathematical letters": ["police", "\U0001d429olice"],
            "a ligature": ["office", "o\ufb03ce"],
            "an accent": ["police", "polic\u00e9"],
            "an accent of its own": ["police", "police\u0301"],
            "a dotless i": ["police", "pol\u0131ce"],
            "a capital I for an l": ["police", "poIice"],
            "digits for letters": ["police", "p0l1ce"],
            "a bar for an l": ["police", "po|ice"],
            "r and n for an m": ["Bem", "Bern"],
            "punctuation": ["GCHQ", "G.C.H.Q."],
        },
        "two_scripts": {
            "a Cyrillic o": ["police", "p\u043elice"],
            "a Greek o": ["police", "p\u03bflice"],
            "a Cherokee P": ["police", "\u13e2olice"],
            "an Armenian o": ["police", "p\u0585lice"],
            "one name alone": ["p\u043elice"],
            "a whole name in Cyrillic": ["cop", "\u0441\u043e\u0440"],
        },
        "hidden": {
            "a zero-width space": "pol\u200bice",
            "a soft hyphen": "pol\u00adice",
            "a byte-order mark": "police\ufeff",
            "a combining grapheme joiner": "pol\u034fice",
            "a variation selector": "police\ufe0f",
            "a Hangul filler": "police\u3164",
            "a blank of Braille": "police\u2800",
            "a phonetic letter": "p\u0251lice",
            "a click": "po\u01c0ice",
            "a small capital": "po\u029fice",
            "a digit of another script": "\u09e6ffice",
            "a private character": "police\ue000",
        },
    }
