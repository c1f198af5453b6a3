"""`python -m search` and `search`: the one place that turns exceptions into messages and exit codes.

Python has put the working folder first among the places of modules: nothing is imported that may lie there before it is
put last. So each function imports what it needs, and annotations are not imported from `__future__`.
"""

import errno
import gc
import io
import sys

from search.system.module_path import put_working_folder_last

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""Errors that are the place's, not ours: of a full disk, a quota, a disk or a folder that cannot be written."""

NEW_OBJECTS = 50_000
"""New objects after which Python looks for cycles; 700 by default, which costs a short command a tenth of its time."""


def main() -> None:
    """Run the command line and exit with its code: 0 done, 1 user, 2 trials failed, 3 a bug, 130 interrupted."""
    gc.set_threshold(NEW_OBJECTS)
    put_working_folder_last()
    from search.system import ending, streams

    streams.prepare()
    ending.listen()
    streams.leave(run(sys.argv[1:]))


def complain(text: str) -> None:
    """Print to the standard error, broken at words where it is a terminal."""
    from search.system.streams import wrapped

    print(wrapped(text, sys.stderr), file=sys.stderr)


def run(arguments: list[str]) -> int:
    """Run one command; return the exit code."""
    import traceback

    import click

    from search.cli import cli
    from search.core.errors import SearchError
    from search.core.shown import printable
    from search.system import ending
    from search.system.surroundings import have_home, require_working_folder

    try:
        require_working_folder()
        have_home()
        cli.main(arguments, prog_name="python -m search", standalone_mode=False)
    except SearchError as error:
        complain(printable(str(error), lines=True))
        ending.failed()
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        complain(shown.getvalue().removesuffix("\n"))
        return 1
    except (click.Abort, KeyboardInterrupt):
        print("interrupted; give the same command again to go on", file=sys.stderr)
        return 130
    except Exception as error:
        if isinstance(error, OSError) and error.errno in UNWRITABLE:
            place = f"{error.filename}: " if error.filename else ""
            complain(
                f"{place}{error.strerror}; make room, or give a place that can be written; what is recorded is safe, "
                "and the same command goes on"
            )
            return 1
        traceback.print_exc()
        print("this is a bug of `search`, not of your file; what is recorded is safe", file=sys.stderr)
        return 3
    except BaseException as error:  # SystemExit and its like: nothing of ours raises them, the code of a workload does
        from search.workload.foreign import reason_of

        complain(printable(f"a workload ended this process: {reason_of(error)}"))
        return 1
    return 0


if __name__ == "__main__":
    main()
