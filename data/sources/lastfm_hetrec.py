"""HetRec 2011 Last.fm (AttRec's LastFM: "user tag assignments"), tab-separated with headers.

`user_taggedartists-timestamps.dat` (userID, artistID, tagID, timestamp in milliseconds) gives the events,
`artists.dat` (id, name, ...) the names, `tags.dat` (tagID, tagValue) the categories. `user_artists.dat` is not read:
its listening counts have no time.

The rows that agree in user, artist and time are one event (a user gives an artist several tags at once). The category
of an artist is the tag it was given most often (ties: the smaller tag id); its attributes are all its tags in that
order.

Written from the published README (1,892 users, 186,479 tag assignments at 14.891 an artist, hence about 12,523 tagged
artists) and not tried on the full files. So AttRec Table 1's LastFM (951 users, 12,113 artists, 83,382 interactions) is
unchecked: it keeps 97% of the tagged artists, which leaves no room for an item threshold above 1, but whether its
interactions count an artist once a user, once a day as here, or otherwise is not told.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data.cache import fingerprint
from data.schema import Interactions
from data.sources.attributed import assemble_attributed
from data.sources.files import ending_note, file_in
from data.sources.side_files import read_side_table, whole_number
from data.sources.tabular import Column, read_columns
from tf_utils.cli import UserError

FILE_NAME, SIDE_FILES = "user_taggedartists-timestamps.dat", ("artists.dat", "tags.dat")
WHERE = (
    "unpack https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip into DATA_DIR/hetrec2011-lastfm-2k"
)
ACTIONS = ("tag",)
FIRST, END = 1_122_854_400, 1_306_886_400  # AttRec Table 1's time interval: August 2005 to May 2011


def load(path: Path, bad_timestamps: str = "error") -> Interactions:
    """Parses the folder, or the file of tag assignments in it; no user or artist is filtered.

    bad_timestamps: the official file holds a few impossible dates (1956): "error" refuses those before 1970 and keeps
    the others, "drop" leaves out whatever lies outside August 2005 to May 2011, with a note.
    Raises UserError for bad input.
    """
    path = file_in(path, FILE_NAME)
    if bad_timestamps not in ("error", "drop"):
        raise UserError(f"bad_timestamps={bad_timestamps!r}: choose error or drop")
    raw = read_columns(
        path,
        {
            "user": Column("userID"),
            "item": Column("artistID"),
            "tag": Column("tagID"),
            "timestamp": Column("timestamp", signed=bad_timestamps == "drop"),
        },
        where=WHERE,
        delimiter="\t",
    )
    raw["timestamp"] = raw["timestamp"] // 1000
    notes = ending_note(path)
    if bad_timestamps == "drop":
        keep = (raw["timestamp"] >= FIRST) & (raw["timestamp"] < END)
        if not keep.any():
            raise UserError(f"{path}: every timestamp lies outside August 2005 to May 2011; {WHERE}")
        if not keep.all():
            raw = {name: column[keep] for name, column in raw.items()}
            notes += (f"{int((~keep).sum())} rows dated outside August 2005 to May 2011 were left out.",)
    artists, tags = (path.parent / name for name in SIDE_FILES)
    names, values = _table(artists, "id", "name"), _table(tags, "tagID", "tagValue")
    categories = {
        item: [values.get(tag) or f"tag {tag}" for tag in ids] for item, ids in _ranked(raw["item"], raw["tag"]).items()
    }
    first = _first_of_each(raw["user"], raw["item"], raw["timestamp"])
    notes += (f"{len(first)} events out of {len(raw['tag'])} tag assignments: one each (user, artist, time).",)
    raw = {name: raw[name][first] for name in ("user", "item", "timestamp")}
    raw["action"] = np.ones(len(first), np.uint8)
    prints = "".join(fingerprint(file) for file in (path, artists, tags))
    unique = {item: list(dict.fromkeys(names)) for item, names in categories.items()}  # tag values may repeat
    return assemble_attributed("lastfm-hetrec", raw, ACTIONS, prints, notes, unique, names)


def _table(path: Path, key: str, value: str) -> dict[int, str]:
    rows = read_side_table(path, (key, value), WHERE, "\t", quoted=False)
    return {whole_number(path, number, key, text): name for number, (text, name) in rows}


def _ranked(items: np.ndarray, tags: np.ndarray) -> dict[int, list[int]]:
    """Each item's tags, the most frequent first; ties by the smaller tag id."""
    pairs, counts = np.unique(np.stack([items, tags]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -counts, pairs[0]))
    ranked: dict[int, list[int]] = {}
    for item, tag in zip(*pairs[:, order].tolist(), strict=True):
        ranked.setdefault(item, []).append(tag)
    return ranked


def _first_of_each(*columns: np.ndarray) -> np.ndarray:
    """int64: the rows, ascending, that are the first with their values."""
    _, first = np.unique(np.stack([column.astype(np.int64) for column in columns]), axis=1, return_index=True)
    return np.sort(first)
