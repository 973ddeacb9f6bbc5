"""What each selection does to the same training: one warm start, then the same steps with every loss.

    cargo build --release -p percept-cli
    python bench/contrasts.py target/release/percept OUT [--seeds 0,1] [--warm 800] [--each 250] [--only l1,feature]

Runs that exist in OUT are continued, so a stopped call goes on. Prints a Markdown table of the scores on the bundled
validation photos: the mean over the seeds, and in brackets the least and largest mean of a seed where there are several.
"""

import argparse
import json
import subprocess
from pathlib import Path

PHOTOS = Path(__file__).resolve().parent.parent / "assets" / "photos"
PIXEL = '[train.pixel_opt]\ntype = "l1"\n'
FEATURE = '[train.perceptual_opt]\ntype = "feature"\n'
SELECTION = FEATURE + "[train.perceptual_opt.selection]\n"
VARIANTS = {
    "l1": PIXEL,
    "feature": FEATURE,
    "across": SELECTION + 'contrast = "across"\n',
    "conventional": SELECTION + 'contrast = "conventional"\n',
    "literal": SELECTION + 'contrast = "literal"\n',
    "random": SELECTION + 'contrast = "none"\nstart = "random"\n',
    "lpips-weights": SELECTION + 'contrast = "none"\nstart = "lpips"\n',
    "uniform-scaled": SELECTION + 'contrast = "none"\n',
}


def config(folder, name, seed, steps, loss, warm):
    rate, end, warm_up = (2e-4, 1e-6, 0) if warm else (5e-4, 1e-4, 20)
    start = f"pretrain_network_g = {json.dumps(str(warm))}" if warm else ""
    return f"""name = "{name}"
task = "sr"
scale = 4
manual_seed = {seed}
datasets.train.dataroot_gt = {json.dumps(str(PHOTOS / "train"))}
datasets.val.dataroot_gt = {json.dumps(str(PHOTOS / "val"))}
network_g = {{ type = "srresnet", num_feat = 48, num_block = 6 }}
val = {{ val_freq = {steps}, metrics = ["psnr-y", "ssim-y", "lpips-alex", "dists"] }}
logger = {{ print_freq = 5, save_checkpoint_freq = 100 }}
[path]
run = {json.dumps(str(folder / name))}
{start}
[train]
total_iter = {steps}
ema_decay = 0.0
warmup_iter = {warm_up}
optim_g = {{ lr = {rate} }}
scheduler = {{ type = "cosine", eta_min = {end} }}
{loss}"""


def train(percept, folder, name, *settings):
    path = folder / f"{name}.toml"
    path.write_text(config(folder, name, *settings))
    subprocess.run([percept, "train", path, "--resume"], check=True, stdout=subprocess.DEVNULL)
    lines = (folder / name / "log.jsonl").read_text().splitlines()
    return [json.loads(line)["val"] for line in lines if '"val"' in line][-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("percept")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--warm", type=int, default=800)
    parser.add_argument("--each", type=int, default=250)
    parser.add_argument("--only", default=",".join(VARIANTS))
    args = parser.parse_args()
    scores = {}
    for seed in map(int, args.seeds.split(",")):
        folder = args.out.resolve() / f"seed-{seed}"
        folder.mkdir(parents=True, exist_ok=True)
        scores.setdefault("warm start", []).append(train(args.percept, folder, "warm", seed, args.warm, PIXEL, None))
        warm = folder / "warm" / "model.safetensors"
        for name in args.only.split(","):
            found = train(args.percept, folder, name, seed + 100, args.each, VARIANTS[name], warm)
            scores.setdefault(name, []).append(found)
    names = ["psnr-y", "ssim-y", "lpips-alex", "dists"]
    print("| loss | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for loss, seeds in scores.items():
        cells = []
        for name in names:
            values, digits = [seed[name] for seed in seeds], 2 if name == "psnr-y" else 4
            cell = f"{sum(values) / len(values):.{digits}f}"
            spread = f" ({min(values):.{digits}f}–{max(values):.{digits}f})" if len(values) > 1 else ""
            cells.append(cell + spread)
        print(f"| {loss} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
