"""What `make reproduce-<paper>` runs on when nobody says."""

from data import catalog, download
from tf_utils.cli import UserError


def datasets(paper, profile: str, data_dir: str | None) -> list[str]:
    """quick: the first small data set that is there or can be fetched, else one that is generated; paper: all that are
    there, and the generator's stand-ins for those that are not."""
    found = {name: catalog.available(name, data_dir) for name in paper.datasets}
    if profile == "paper":
        stands_in = lambda name: found[name].kind == "stand-in" or paper.datasets[name].published  # noqa: E731
        return [name for name, what in found.items() if what.kind == "file" or (what.generated and stands_in(name))]
    for name in paper.datasets:
        if paper.datasets[name].size != "small" or found[name].generated:
            continue
        if found[name].kind == "download":
            try:
                download.fetch(name, data_dir)
            except UserError as error:
                print(f"{name}: {error}")
                continue
            return [name]
        if found[name].kind == "file":
            return [name]
    return [name for name, what in found.items() if what.generated][-1:]
