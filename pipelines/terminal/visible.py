"""Characters that a terminal would act on instead of showing them."""

import re

# Control characters but line break and tab, marks that turn the direction of text, line separators
# of Unicode, characters without width or any meaning of their own, and halves of characters.
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHOWN = "\ufffd"


def visible(text: str) -> str:
    """The text with U+FFFD for each character that a terminal might act on."""
    return _ACTIVE.sub(_SHOWN, text)
