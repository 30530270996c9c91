"""What clients know of their keys: the states that a key may be in, after what was answered and what was not."""

from dataclasses import dataclass, field

MARKER = "delete marker"
NULL = "null"
ENABLED, SUSPENDED = "Enabled", "Suspended"


@dataclass(frozen=True)
class Content:
    """What an object must hold."""

    size: int
    md5: str
    etag: str

    @property
    def listed(self):
        """How it shows in a listing."""
        return (self.size, self.etag)


# The versions of a key are a tuple of (id, content or MARKER), the newest first. The id of a version that nobody was
# told of is None, which stands for any but NULL.


def with_version(versions: tuple, version, content) -> tuple:
    """After a write that made this version. There is one null version at most."""
    kept = versions if version != NULL else without_version(versions, NULL)
    return ((version, content), *kept)


def without_version(versions: tuple, version) -> tuple:
    """After the delete of one version."""
    return tuple(entry for entry in versions if entry[0] != version)


def fits(versions: tuple, found: tuple) -> bool:
    """Whether `found`, as listed, is these versions in this order."""
    shown = [(version, content if content == MARKER else content.listed) for version, content in versions]
    return len(shown) == len(found) and all(
        (a[0] == b[0] or a[0] is None and b[0] != NULL) and a[1] == b[1] for a, b in zip(shown, found)
    )


def named(versions: tuple, found: tuple) -> tuple:
    """The same versions with the ids that they were found under."""
    return tuple((version, content) for (version, _), (_, content) in zip(found, versions))


@dataclass
class Upload:
    """A multipart upload that was not told to have ended."""

    key: str
    id: str
    # The parts that were answered, by number.
    parts: dict = field(default_factory=dict)
    # The number of a part whose answer is outstanding.
    sent: int | None = None
    # Whether its end was asked for.
    ending: bool = False
