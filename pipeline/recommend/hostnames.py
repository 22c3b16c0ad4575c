"""Outbound host names: whose a name is, what a person should look at, and wildcards for those who ask for them.

A rule for a stranger's name lets data out, and the log holds no more of a destination than its name and when it was
called. So nothing here decides: each question is a flag with one plain sentence and the numbers behind it.

Names are lower case ASCII as DNS has them (IDN as `xn--`), without the closing dot.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from pipeline.inventory import hosts
from pipeline.recommend import suffix_list

LATE_DAYS = 7
"""A name first seen within so many of the last observed days is new ..."""
LATE_OF = 14
"""... where at least so many days were observed: before that everything is new."""
RARE_DAYS = 2
"""A name seen on so many days is rare (on one day: flagged as seen-on-one-day already) ..."""
RARE_OF = 28
"""... where at least so many days were observed."""
TYPO_LENGTH = 6
"""One letter more, less or other is a question from this length on: short names are neighbours by chance.

Of the 2,123 domains that the private part of the Public Suffix List names (2026-10-23), 12 % of those with at most 5
letters have such a neighbour under the same suffix; from 6 letters on 5 %, nearly all variants of one owner's, such as
from-ak.com and from-al.com.
"""
MORE_OFTEN = 2
"""A neighbour in letters is one to compare with if it was seen on at least so many times the days."""
COMPARED = 8
"""So many candidates with a skeleton or neighbourhood in common are compared: yours first, then those seen most.

Of a numbered series one is enough. Without this bound ten thousand names of one series would be compared in pairs.
"""

_MICROSOFT = """
    azure.com azure.net azure.us azure.cn chinacloudapi.cn live.com microsoft.com microsoft.us microsoftonline.com
    microsoftonline.us office.com office.net office365.com office365.us usgovcloudapi.net
    windows.com windows.net windowsazure.com windowsazure.us
"""
MICROSOFT = frozenset(_MICROSOFT.split())
"""Domains of Microsoft's own: nobody else can have a name there, and those that resemble them are worth a look.

Sources: Microsoft Learn, "Reference list of Azure domains", "Compare Azure Government and global Azure" and "Microsoft
365 URLs and IP address ranges".
"""

# Letters that read alike in ASCII. Sources: Unicode TS #39, confusables.txt, and what dnstwist takes for homoglyphs.
_READS_AS = (("0", "o"), ("1", "l"), ("rn", "m"), ("vv", "w"), ("cl", "d"))

# Letters of other scripts that read as one of a to z. Source: Unicode TS #39, confusables.txt; accents fall by NFKD.
_FOREIGN = str.maketrans(
    "\u0430\u0435\u0456\u0458\u043e\u0440\u0441\u0443\u0445\u0455\u04bb\u0501\u051b\u051d\u04cf"  # Cyrillic
    "\u03b1\u03b9\u03bd\u03bf\u03c1\u03f2\u0261\u0131\u0142\u00f8",  # Greek, and Latin beyond a to z
    "aeijopcyxshdqwlaivopcgilo",
)
_OTHER_SCRIPTS = frozenset({"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})


@dataclass(frozen=True, slots=True)
class Question:
    """Why a person should look at a name before a rule lets data out to it.

    Args:
        flag: shared-zone, look-alike, new-name or rare-name.
        sentence: one plain sentence with the numbers, without a closing dot.
    """

    flag: str
    sentence: str


@lru_cache(maxsize=4096)
def _is_registry(suffix: str) -> bool:
    return suffix_list.registries().publicsuffix(suffix) == suffix


def owner_zone(host: str) -> str | None:
    """Return the widest domain around a host name that has one owner: a public suffix and one label.

    Below Azure's shared zones nobody can tell, at any depth: some put a region or a partition between the customer's
    name and the zone. So there, for the zones themselves, for public suffixes and for addresses it is None.
    """
    if hosts.shared_zone(host) or host.lower() in hosts.SHARED_ZONES or host.rpartition(".")[2].isdigit():
        return None
    return suffix_list.suffixes().privatesuffix(host)


@lru_cache(maxsize=1 << 16)
def shared_suffix(host: str) -> str | None:
    """Return the zone around a host name in which everybody can have a name; None where its domain has one owner.

    These are Azure's shared zones, and the private part of the Public Suffix List: github.io, s3.amazonaws.com ...
    """
    if zone := hosts.shared_zone(host):
        return zone
    suffix = suffix_list.suffixes().publicsuffix(host)
    return suffix if suffix and suffix != host.lower() and not _is_registry(suffix) else None


def wildcards(names: Iterable[str], least: int = 5) -> list[tuple[str, tuple[str, ...]]]:
    """Return `*.zone` for each zone with at least so many names right below it; for those who ask for wildcards.

    No published source says whether the service takes `*` in a host name of an access rule, and whether it would stand
    for one label or for several. Therefore a pattern claims only names one label below its zone, which hold under both
    readings; and the verdict engine honours none, so in `nsp whatif` such a rule admits nothing.

    The zone has one owner: it lies at or below a registrable domain, and neither a public suffix nor a shared zone is
    it or lies below it. It is never wider than one label above what was seen.

    Args:
        names: host names that were called.
        least: how many of them a pattern has to cover.

    Returns:
        Patterns in order, each with the names it covers, in order.

    Raises:
        ValueError: a pattern for fewer than two names would open a zone for one.
    """
    if least < 2:  # noqa: PLR2004
        raise ValueError(f"A wildcard needs at least 2 names, not {least}.")
    below: dict[str, set[str]] = defaultdict(set)
    for name in names:
        first, _, zone = name.lower().partition(".")
        if first and first != "*":
            below[zone].add(name.lower())
    return [
        (f"*.{zone}", tuple(sorted(found)))
        for zone, found in sorted(below.items())
        if len(found) >= least and _has_one_owner(zone)
    ]


def _has_one_owner(zone: str) -> bool:
    is_mine = owner_zone(zone) is not None and not hosts.holds_shared_zone(zone)
    return is_mine and zone not in suffix_list.above_suffixes()


def is_late(first_seen: date, observed: Collection[date]) -> bool:
    """Whether a name was first seen within the last `LATE_DAYS` observed days, of at least `LATE_OF`.

    Args:
        first_seen: its first day.
        observed: the days on which anything was seen.
    """
    return len(observed) >= LATE_OF and first_seen >= sorted(observed)[-LATE_DAYS]


class _Owner(NamedTuple):
    """What an owner chose of a host name: the label below a public suffix, or all that stands before a shared zone."""

    label: str
    suffix: str
    is_shared: bool

    @property
    def domain(self) -> str:
        return f"{self.label}.{self.suffix}"


@dataclass(slots=True)
class _Seen:
    """How often an owner's names were seen: days of the name seen most; and whether it is one of ours."""

    days: int = 0
    is_ours: bool = False


class Names:
    """All names to compare with, made once for many questions.

    Look-alikes are found without comparing all with all: names that read alike have one skeleton in common, and names
    that differ in one letter have one in common that lacks a letter (deletion neighbourhoods: Mor and Fraenkel, *A hash
    code method for detecting and correcting spelling errors*, 1982).

    Args:
        days: by host name, the days on which it was seen.
        own_names: host names of resources in your subscriptions, and your own domains.
    """

    def __init__(self, days: Mapping[str, int], own_names: Collection[str] = ()) -> None:
        self._own = frozenset(name.lower() for name in own_names)
        self._seen: dict[_Owner, _Seen] = defaultdict(_Seen)
        for name, count in days.items():
            if owner := _owner(name):
                seen = self._seen[owner]
                seen.days = max(seen.days, count)
                seen.is_ours = seen.is_ours or self.owns(name)
        for name in self._own:
            if owner := _owner(name):
                self._seen[owner].is_ours = True
        for name in MICROSOFT:
            if owner := _owner(name):
                self._seen.setdefault(owner, _Seen())
        self._reading: dict[tuple[str, str], list[_Owner]] = defaultdict(list)
        self._lacking: dict[str, list[_Owner]] = defaultdict(list)
        self._index()

    def _index(self) -> None:
        for owner in sorted(self._seen, key=self._rank):
            _add(self._reading[_reading_key(owner)], owner)
            # under a shared zone strangers resemble strangers (regions: weu, neu) and are asked about as such
            if self._is_known(owner) or (not owner.is_shared and self._seen[owner].days >= MORE_OFTEN):
                for key in _lacking_keys(owner):
                    _add(self._lacking[key], owner)

    def owns(self, host: str) -> bool:
        """Whether a name is one of ours or lies below one, with or without `privatelink`."""
        labels = [label for label in host.lower().split(".") if label != _PRIVATE_LINK]
        return any(".".join(labels[start:]) in self._own for start in range(len(labels)))

    def look_alike(self, host: str) -> str | None:
        """Return a sentence that says which name this one could be mistaken for; None where there is none.

        Names of one owner are never held against each other, whatever their numbers are.
        """
        owner = _owner(host)
        if owner is None or owner.domain in MICROSOFT or self.owns(host):
            return None
        seen = self._seen.get(owner, _Seen())
        if seen.is_ours:
            return None
        twins = [(self._rank(twin), twin, how) for twin, how in self._twins(owner, seen.days)]
        if not twins:
            mixed = _mixed_scripts(owner.label)
            return f"{owner.domain} mixes letters of {mixed}, as forged names do" if mixed else None
        _, twin, how = min(twins, key=lambda each: each[0])
        return f"{owner.domain} {how} {twin.domain}, {self._told(twin)}; it was itself seen on {_days(seen.days)}"

    def _twins(self, owner: _Owner, days: int) -> Iterator[tuple[_Owner, str]]:
        """Yield the owners that a name could be mistaken for, and in what."""
        for twin in self._reading.get(_reading_key(owner), ()):
            if twin == owner:
                continue
            if twin.label != owner.label:
                if self._is_known(twin) or self._seen[twin].days >= days:
                    yield twin, "reads like"
            elif self._seen[twin].is_ours or self._is_seen_more(twin, days):
                yield twin, "has another suffix than"
        for twin in {twin for key in _lacking_keys(owner) for twin in self._lacking.get(key, ())}:
            if twin == owner or not _is_one_letter_apart(owner.label, twin.label) or _is_numbered(owner, twin):
                continue
            if self._is_known(twin) or self._is_seen_more(twin, days):
                yield twin, "is one letter away from"

    def _is_known(self, owner: _Owner) -> bool:
        return self._seen[owner].is_ours or owner.domain in MICROSOFT

    def _is_seen_more(self, owner: _Owner, days: int) -> bool:
        return self._seen[owner].days >= MORE_OFTEN * max(days, 1)

    def _rank(self, owner: _Owner) -> tuple[bool, int, str]:
        return not self._is_known(owner), -self._seen[owner].days, owner.domain

    def _told(self, owner: _Owner) -> str:
        if self._seen[owner].is_ours:
            return "one of yours"
        if owner.domain in MICROSOFT:
            return "one of Microsoft's"
        return f"which was seen on {_days(self._seen[owner].days)}"


def questions(host: str, *, others: Names, days_seen: int, days_observed: int, first_seen_late: bool) -> list[Question]:
    """Return why a person should look at a host name before a rule admits it; none means that nothing speaks up.

    Args:
        host: the name that was called.
        others: all names that were seen, and ours.
        days_seen: days on which the name was seen.
        days_observed: days on which its profile was seen at all.
        first_seen_late: first seen within the last `LATE_DAYS` observed days, see `is_late`.
    """
    found: list[Question] = []
    if (zone := shared_suffix(host)) and not others.owns(host):
        who = "every customer of Azure" if hosts.shared_zone(host) else "anybody"
        found.append(Question("shared-zone", f"{who} can have or use a name under {zone}: is {host} yours?"))
    if sentence := others.look_alike(host):
        found.append(Question("look-alike", sentence))
    if first_seen_late and days_observed >= LATE_OF:
        found.append(Question("new-name", f"first seen in the last {LATE_DAYS} of {days_observed} observed days"))
    elif days_seen == RARE_DAYS and days_observed >= RARE_OF:
        found.append(Question("rare-name", f"seen on {days_seen} of {days_observed} observed days"))
    return found


_PRIVATE_LINK = "privatelink"


@lru_cache(maxsize=1 << 16)
def _owner(host: str) -> _Owner | None:
    name = host.lower()
    if zone := hosts.shared_zone(name):
        before = name.removesuffix(f".{zone}").split(".")
        label = ".".join(part for part in before if part != _PRIVATE_LINK)
        return _Owner(label, zone, is_shared=True) if label else None
    if (domain := owner_zone(name)) is None:
        return None
    label, _, suffix = domain.partition(".")
    return _Owner(label, suffix, is_shared=shared_suffix(domain) is not None)


def _add(found: list[_Owner], owner: _Owner) -> None:
    """Add a candidate, the best come first: so many at most, and one of a numbered series."""
    if not found or (len(found) < COMPARED and not any(_is_numbered(owner, other) for other in found)):
        found.append(owner)


def _reading_key(owner: _Owner) -> tuple[str, str]:
    """Return what owners that read alike have in common: across suffixes, but for names in shared zones."""
    return _skeleton(owner.label), owner.suffix if owner.is_shared else ""


def _lacking_keys(owner: _Owner) -> set[str]:
    """Return what owners that differ in one letter have in common; none for short labels."""
    label, suffix = owner.label, owner.suffix
    if len(label) < TYPO_LENGTH:
        return set()
    return {f"{label}.{suffix}", *(f"{label[:at]}{label[at + 1 :]}.{suffix}" for at in range(len(label)))}


def _skeleton(label: str) -> str:
    """Return what a label reads as: names that read alike have the same."""
    plain = label
    if "xn--" in label:
        plain = unicodedata.normalize("NFKD", _decoded(label)).translate(_FOREIGN)
        plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    for written, read in _READS_AS:
        plain = plain.replace(written, read)
    return plain


def _decoded(label: str) -> str:
    """Return a label with its IDN part decoded; as it is where that is malformed."""
    parts = []
    for part in label.split("."):
        try:
            parts.append(part[4:].encode("ascii").decode("punycode") if part.startswith("xn--") else part)
        except (ValueError, OverflowError):
            parts.append(part)
    return ".".join(parts).lower()


def _mixed_scripts(label: str) -> str:
    """Return the scripts that a label mixes, if they are such as read alike; else ""."""
    if "xn--" not in label:
        return ""
    for part in _decoded(label).split("."):
        scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in part if letter.isalpha()}
        if "LATIN" in scripts and (others := scripts & _OTHER_SCRIPTS):
            return " and ".join(script.capitalize() for script in ("LATIN", *sorted(others)))
    return ""


def _is_one_letter_apart(one: str, other: str) -> bool:
    """Whether one letter was added, left out, replaced, or swapped with the next."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    one, other = one[start:], other[start:]
    swapped = one[1:2] == other[:1] and one[:1] == other[1:2] and one[2:] == other[2:]
    return one[1:] == other[1:] or one[1:] == other or one == other[1:] or (len(one) == len(other) and swapped)


def _is_numbered(one: _Owner, other: _Owner) -> bool:
    """Whether two names differ in their numbers alone, as cdn-1 and cdn-2: a series, not a forgery."""
    series = one.label.translate(_NO_DIGITS)
    return series == other.label.translate(_NO_DIGITS) and series not in {one.label, other.label}


_NO_DIGITS = str.maketrans("", "", "0123456789")


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"
