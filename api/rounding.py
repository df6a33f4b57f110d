"""Ratios of whole numbers, rounded half up as SQL rounds: 8.125 is 8.13. Python's round() takes the even neighbour."""


def rounded_ratio(numerator: int, denominator: int, *, places: int) -> float:
    """Return a ratio of numbers that are not negative, rounded half up; exact until the last step."""
    scale = 10**places
    return (2 * scale * numerator + denominator) // (2 * denominator) / scale
