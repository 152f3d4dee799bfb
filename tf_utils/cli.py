"""How every binary starts and fails: bad input is one line on stderr and exit code 2, never a traceback."""

import errno
import re
import sys
from collections.abc import Callable, Sequence

from absl import app, flags, logging


class UserError(Exception):
    """Something the user can put right. The message is one line: what is wrong, and what to do."""


class TrainingDiverged(UserError):
    """The loss is no longer finite."""


def config_value(flag: flags.FlagHolder):
    """The ConfigDict of a --config flag. Raises UserError if it is missing or its file cannot be loaded."""
    if flag.value is None:
        raise UserError("--config is needed, e.g. --config=experiments/configs/asli.py:jd_appliances")
    try:
        flag.value.keys()
    except OSError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        reason = next((line for line in lines if line.startswith("[Errno")), lines[0])
        raise UserError(f"--config: {reason}; give a file of experiments/configs") from None
    return flag.value


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())


def _cause(error: BaseException) -> str:
    """The message in one line; of a traceback inside a message (ml_collections puts one there) the last exception's."""
    found = re.findall(r"^\w*Error: (.+)$", str(error), re.MULTILINE)
    if "Traceback" in str(error) and found:
        return found[-1].strip()
    return _one_line(error)


def run(main: Callable[[Sequence[str]], int | None]) -> None:
    """Parses the flags, calls `main(argv)` and exits with 0, `main`'s own code, or 2 for a `UserError`."""
    app.define_help_flags()
    try:
        argv = flags.FLAGS(sys.argv, known_only=False)
        if len(argv) > 1:
            raise UserError(f"unexpected argument {argv[1]!r}; flags are written --name=value")
    except SystemExit:  # absl has printed the help, and would exit with 1
        raise SystemExit(0) from None
    except flags.Error as error:
        _fail(f"{_cause(error)} (see --help)")
    except SyntaxError as error:  # from ml_collections, which runs the file
        _fail(f"--config: {error.filename} is not Python; give a file of experiments/configs")
    except (KeyError, AttributeError) as error:  # from ml_collections, for --config.x=... where there is no x
        name = str(error.args[0]).strip("'\"").split("\n")[0] if error.args else ""
        if "get_config" in name:
            _fail("--config: a file without a function get_config; give one of experiments/configs")
        overrides = [a.split("=")[0] for a in sys.argv if a.startswith("--config.") and name in a]
        _fail(f"unknown configuration value {', '.join(overrides) or name!r}; the config file has those there are")
    except (UserError, ValueError, TypeError) as error:
        _fail(_cause(error))

    def guarded(argv: Sequence[str]) -> int | None:
        try:
            return main(argv)
        except UserError as error:
            _fail(_one_line(error))
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                _fail(f"no space left on the device while writing {error.filename or 'output'}; free some and rerun")
            if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
                _fail(
                    f"{error.filename}: cannot be opened ({error.strerror}); change its permissions or choose another"
                )
            if error.filename:
                _fail(f"{error.filename}: {error.strerror}")
            raise
        except KeyboardInterrupt:
            print("interrupted; what was finished is kept, and training goes on with the same command", file=sys.stderr)
            raise SystemExit(130) from None

    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)
    app.run(guarded, argv=argv[:1])


def _fail(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(2)
