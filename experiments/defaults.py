"""What `make reproduce-<paper>` runs on when nobody says."""

from data import catalog, download
from tf_utils.cli import UserError


def datasets(paper, profile: str, data_dir: str | None) -> list[str]:
    """quick: the first small data set that is there or can be fetched, else one that is generated; paper: all that are
    there, and the generator's stand-ins for those that are not."""
    found = {name: catalog.available(name, data_dir) for name in paper.datasets}
    generated = [name for name, what in found.items() if what.startswith("generator")]
    there = [name for name, what in found.items() if not what.startswith(("missing", "download", "generator"))]
    if profile == "paper":
        stands_in = lambda name: "standing in" in found[name] or paper.datasets[name].published  # noqa: E731
        return [name for name in paper.datasets if name in there or (name in generated and stands_in(name))]
    for name in paper.datasets:
        if paper.datasets[name].size != "small" or name in generated:
            continue
        if found[name].startswith("download"):
            try:
                download.fetch(name, data_dir)
            except UserError as error:
                print(f"{name}: {error}")
                continue
            return [name]
        if name in there:
            return [name]
    return generated[-1:]
