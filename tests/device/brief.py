#!/usr/bin/env python3
"""brief.py FOLDER [PREFIX]: one line a kernel (us and times its floor, a column a batch), then the whole steps, of what
third.sh left in FOLDER."""
import json, pathlib, sys

folder, prefix = pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "kernels"


def read(name):
    path = folder / (name + ".txt")
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("{"):
            return json.loads(line)
    return None


rows, batches = {}, [1, 4, 16, 64]
for m in batches:
    for x in (read(f"{prefix}{m}") or {"rows": []})["rows"]:
        if "zipf" in x["case"] or x["op"] == "topk" and "recency" not in x["case"]:
            continue
        rows.setdefault(x["op"], {})[m] = x
for op, of in sorted(rows.items(), key=lambda t: -max(x["us"] for x in t[1].values())):
    print(f"{op:16s}" + "".join(f"{of[m]['us']:8.2f} {of[m]['us'] / of[m]['floor_us']:4.1f}x" if m in of else " " * 14 for m in batches))
for path in sorted(folder.glob("step*.txt")):
    r = read(path.stem)
    for x in r["rows"] if r else []:
        if x["op"] == "step":
            print(f"{path.stem:14s} {x['case']:12s} {x['us']:9.0f} us, floor {x['floor_35_us']:7.0f}, {x['us'] / x['floor_35_us']:.2f}x")
for name in [f"{prefix}4", "step4"]:
    r = read(name)
    if r:
        print(name, {k: round(v, 2) for k, v in r["ceilings"].items() if k != "reads"})
