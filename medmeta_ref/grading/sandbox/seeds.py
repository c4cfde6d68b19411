"""Seeds of the checks at grading: nobody without the course's secret can know them in advance.

A seed is a pure function of secret, student, what was submitted, and the test. So grading twice
gives the same points, two students get different inputs, and so does a changed answer: what leaks
through one run's messages is worthless for the next.
"""

import hashlib
import hmac
from collections.abc import Mapping

MIN_SECRET_BYTES = 16


def submission_digest(answers: Mapping[str, str]) -> str:
    """Return the SHA-256 of a submission's answer cells, in hexadecimal; their order is no matter.

    Args:
        answers: grade id -> source.

    >>> submission_digest({"a": "x = 1", "b": ""}) == submission_digest({"b": "", "a": "x = 1"})
    True
    """
    return hashlib.sha256(b"".join(map(_sized, _flat(answers)))).hexdigest()


def check_seed(secret: bytes, student: str, digest: str, test: str) -> int:
    """Return the seed of one test: HMAC-SHA256, cut to 63 bits.

    Args:
        secret: the course's, at least 16 bytes; whoever has it can foresee every input.
        student: whose submission.
        digest: `submission_digest` of it.
        test: the exercise and the name of the test in it.

    Raises:
        ValueError: if the secret is too short.
    """
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(
            f"the course secret has {len(secret)} bytes, {MIN_SECRET_BYTES} are the least; "
            "make one with python -c 'import secrets; print(secrets.token_hex())'"
        )
    message = b"".join(map(_sized, (student, digest, test)))
    return int.from_bytes(hmac.digest(secret, message, "sha256")[:8], "big") >> 1


def _flat(answers: Mapping[str, str]) -> list[str]:
    return [text for name in sorted(answers) for text in (name, answers[name])]


def _sized(text: str) -> bytes:
    """Return the text's bytes after their number, so that no two lists of texts look the same."""
    data = text.encode(errors="surrogatepass")
    return len(data).to_bytes(8, "big") + data
