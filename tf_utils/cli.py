"""How every binary starts and fails: bad input is one line on stderr and exit code 2, never a traceback."""

import errno
import sys
from collections.abc import Callable, Sequence

from absl import app, flags


class UserError(Exception):
    """Something the user can put right. The message is one line: what is wrong, and what to do."""


class TrainingDiverged(UserError):
    """The loss is no longer finite."""


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def run(main: Callable[[Sequence[str]], int | None]) -> None:
    """Parses the flags, calls `main(argv)` and exits with 0, `main`'s own code, or 2 for a `UserError`."""
    try:
        argv = flags.FLAGS(sys.argv, known_only=False)
        if len(argv) > 1:
            raise UserError(f"unexpected argument {argv[1]!r}; flags are written --name=value")
    except flags.Error as error:
        _fail(f"{_one_line(error)} (see --help)")
    except (UserError, ValueError, TypeError, KeyError, AttributeError, FileNotFoundError) as error:
        # ml_collections raises these for a bad --config or --config.x override.
        _fail(_one_line(error))

    def guarded(argv: Sequence[str]) -> int | None:
        try:
            return main(argv)
        except UserError as error:
            _fail(_one_line(error))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                _fail(f"no space left on the device while writing {error.filename or 'output'}; free some and rerun")
            if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
                _fail(f"{error.filename}: not writable; choose another directory or change its permissions")
            raise

    app.run(guarded, argv=argv[:1])


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(2)
