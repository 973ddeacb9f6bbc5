"""Files that are made from results, for the scripts beside it: the part of a page between two marks, or a whole figure."""

import sys

END = "<!-- to here -->"


def filled(page, script, words):
    """The text of `page` with `words` where `script` writes."""
    begin = f"<!-- {script} writes from here -->"
    before, rest = page.read_text().split(begin)
    return f"{before}{begin}\n\n{words}\n\n{END}{rest.split(END)[1]}"


def settle(made, script):
    """Writes what differs, by path; with `--check` only names it, and the exit code is 1."""
    stale = [path for path, words in made.items() if not path.exists() or path.read_text() != words]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path} is not what the results say: python docs/evidence/{script}")
        sys.exit(1 if stale else 0)
    for path in stale:
        path.write_text(made[path])
