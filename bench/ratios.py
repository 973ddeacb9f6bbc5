"""The table of `run.sh`: milliseconds of both sides and their ratio, from the JSON lines of a folder."""

import json
import sys
from pathlib import Path


def least(path):
    best = {}
    for line in path.read_text().splitlines():
        row = json.loads(line)
        key = row["shape"], row["pass"]
        best[key] = min(best.get(key, float("inf")), row["seconds"])
    return best


def main():
    folder = Path(sys.argv[1])
    sides = {name: least(folder / name) for name in ("percept-stock", "torch-stock", "percept-kept", "torch-kept")}
    print(f"{'shape':16}{'pass':9}" + "".join(f"{name:>15}" for name in sides) + "  stock   kept")
    for key in sides["torch-stock"]:
        seconds = [side[key] for side in sides.values()]
        times = "".join(f"{value * 1e3:12.2f} ms" for value in seconds)
        ratios = f"{seconds[0] / seconds[1]:7.2f}{seconds[2] / seconds[3]:7.2f}"
        print(f"{key[0]:16}{key[1]:9}{times}{ratios}")


if __name__ == "__main__":
    main()
