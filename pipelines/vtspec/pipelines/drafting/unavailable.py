"""The one way in which a drafter gives up."""


class Unavailable(Exception):
    """A drafter could not do its work for now: no answer, no quota, no budget left.

    The text is a sentence for people; nothing secret is in it.
    """
