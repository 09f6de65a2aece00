"""Whether the value that goes with a name is a secret, by the whole words of the name. Pure."""

import re
from typing import Final

REDACTED: Final = "<redacted>"

# `APIKey` is API and Key, `accessToken2` access, Token and 2. Anything that is no letter or digit parts words.
_WORD: Final = re.compile(r"[A-Z]++(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]++|[0-9]++|[^\W\d_]++")

# A word, or two or three neighbours written together, of a name with a secret.
_TELLING_WORDS: Final = """
    auth authorization bearer credential credentials csrf hmac jwt otp passcode passphrase passwd password passwords
    pwd pw secret secrets session sessid sid sig signature token tokens totp xsrf
    accesskey apikey authkey encryptionkey privatekey secretkey signingkey sharedkey masterkey accountkey
    accesstoken apitoken authtoken csrftoken csrfmiddlewaretoken idtoken refreshtoken securitytoken sessiontoken
    authenticitytoken xsrftoken usertoken
    clientsecret userpassword newpassword oldpassword currentpassword userpass dbpass
    jsessionid phpsessid sessionid sessionkey aspsessionid oauthtoken oauthverifier codeverifier
    accesscode authcode backupcode onetimecode recoverycode resetcode securitycode verificationcode
    cardnumber creditcard cvc cvv ssn recoveryphrase seedphrase mnemonic
    samlresponse samlrequest
"""
_SECRET: Final = frozenset(_TELLING_WORDS.split())
# Too common a word to count anywhere but at the end: `db_pass`, `auth_cookie`, `card_pin`.
_SECRET_AT_THE_END: Final = frozenset({"pass", "pin", "cookie", "cookies"})
# What is said about a secret is none: `token_type`, `session_timeout`, `password_length`.
_ABOUT_WORDS: Final = """
    age count counts enabled expiration expires expiry length limit max min required size timeout ttl type types url
"""
_ABOUT: Final = frozenset(_ABOUT_WORDS.split())
_AMOUNTS: Final = frozenset({"max", "min", "num", "total", "prompt", "completion", "input", "output", "used"})


def words_of(name: str) -> list[str]:
    """Split a name at signs, digits and capitals; lower case."""
    return [word.lower() for word in _WORD.findall(name)]


def is_secret_name(name: str) -> bool:
    """Say whether the value of a header, parameter, cookie, key or field with this name is to be hidden."""
    words = [word for word in words_of(name) if not word.isdigit()]
    if not words or words[-1] in _ABOUT:
        return False
    if words[-1] == "tokens" and words[0] in _AMOUNTS:
        return False
    if words[-1] in _SECRET_AT_THE_END:
        return True
    runs = ("".join(words[start : start + length]) for length in (1, 2, 3) for start in range(len(words) - length + 1))
    return any(run in _SECRET for run in runs)
