"""Makes inside.txt, which the wheel carries: percept's licences, and those of all that is inside.

usage: make_inside.py [--check]      needs cargo, and the packages' sources, which cargo has where percept was built

`--check` writes nothing and fails where the file is another one: `.ci/run` does so. Weights, models and photos have their files in
the repository. Of the Rust packages each licence text stands once, below the packages that have it and the lines of copyright in
their files.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys


ROOT = pathlib.Path(__file__).parents[3]
ASSETS = ["weights", "niqe", "brisque", "photos"]
OWN = ["LICENSE-MIT", "LICENSE-APACHE", *(f"assets/{folder}/LICENSES.md" for folder in ASSETS)]


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments, "--locked"], check=True, capture_output=True, text=True).stdout


def packages():
    metadata = json.loads(cargo("metadata", "--format-version", "1"))
    by_id = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    (root,) = [key for key, package in by_id.items() if package["name"] == "percept-py"]
    seen, todo = set(), [root]
    while todo:
        key = todo.pop()
        if key in seen:
            continue
        seen.add(key)
        # What only compiles or tests others is not inside.
        kinds = lambda dep: any(kind["kind"] is None for kind in dep["dep_kinds"])
        todo += [dep["pkg"] for dep in nodes[key]["deps"] if kinds(dep)]
    found = [by_id[key] for key in seen if by_id[key]["source"]]
    return sorted(found, key=lambda package: (package["name"], package["version"]))


def texts(package):
    """The text of every licence file, without its lines of copyright, and those lines."""
    folder = pathlib.Path(package["manifest_path"]).parent
    names = re.compile(r"(licen[sc]e|copying|notice|unlicense)", re.IGNORECASE)
    for path in sorted(path for path in folder.iterdir() if names.match(path.name) and path.is_file()):
        text = path.read_text(encoding="utf-8", errors="replace")
        own = re.compile(r"^\W*copyright\s+(\(c\)|©|[12]\d\d\d).*$", re.IGNORECASE)
        lines = [line.strip() for line in text.splitlines()]
        yield [line for line in lines if not own.match(line)], [line.strip("/*#; ") for line in lines if own.match(line)]


def main():
    own = [ROOT / name for name in OWN] + sorted(ROOT.glob("models/*/LICENSE"))
    parts = [f"{path.relative_to(ROOT).as_posix()}\n\n{path.read_text(encoding='utf-8').strip()}" for path in own]
    found = collections.OrderedDict()
    listed, without = [], []
    for package in packages():
        name = f"{package['name']} {package['version']}"
        listed.append(f"{name}: {package['license'] or package['license_file']}")
        any_text = False
        for body, owners in texts(package):
            any_text = True
            key = " ".join(" ".join(body).lower().split())
            entry = found.setdefault(key, {"body": "\n".join(body).strip(), "of": []})
            entry["of"].append(" – ".join([name, *owners]))
        any_text or without.append(name)
    parts += ["Rust packages inside, and the licences that they offer\n" + "\n".join(listed)]
    parts.append("Packages whose sources hold no licence file; the names above say which it is\n" + "\n".join(without))
    for entry in sorted(found.values(), key=lambda entry: -len(entry["of"])):
        parts.append("\n".join(entry["of"]) + "\n\n" + re.sub(r"\n{3,}", "\n\n", entry["body"]))
    path, text = pathlib.Path(__file__).with_name("inside.txt"), ("\n\n" + "=" * 80 + "\n\n").join(parts) + "\n"
    if "--check" not in sys.argv:
        path.write_bytes(text.encode())
    elif path.read_text(encoding="utf-8") != text:
        sys.exit(f"{path} is not that of Cargo.lock; make it anew: python {__file__}")


if __name__ == "__main__":
    main()
