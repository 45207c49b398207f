#!/usr/bin/env python3
"""report.py FOLDER: Markdown tables of what second.sh left in FOLDER (all.tar.gz unpacked)."""
import json, pathlib, sys

folder = pathlib.Path(sys.argv[1])


def first(name):
    path = folder / (name + ".txt")
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith(("{", "[")):
            return json.loads(line)
    return None


def kernels():
    runs = {m: first(f"kernels{m}") for m in (1, 4, 16, 64)}
    runs = {m: r for m, r in runs.items() if r}
    rows = {}
    for m, r in runs.items():
        for x in r["rows"]:
            if x["op"] == "topk" and "recency" not in x["case"] or "zipf" in x["case"]:
                continue
            rows.setdefault(x["op"], {})[m] = x
    print("| op | " + " | ".join(f"batch {m}: us, floor" for m in runs) + " | MB at 4 |\n|---|" + "---|" * (len(runs) + 1))
    worst = lambda of: -max((x["us"] - x["floor_us"]) * x["launches"] / max(1, x["launches"]) for x in of.values())
    for op, of in sorted(rows.items(), key=lambda t: worst(t[1])):
        cells = [f"{of[m]['us']:.1f}, {of[m]['us'] / of[m]['floor_us']:.1f}x" if m in of else "" for m in runs]
        print(f"| {op} | " + " | ".join(cells) + (f" | {of[4]['bytes'] / 1e6:.2f} |" if 4 in of else " | |"))
    c = next(iter(runs.values()))["ceilings"]
    print({k: round(v, 2) for k, v in c.items() if k != "reads"})
    print("cold reads: " + ", ".join(f"{p['bytes'] >> 10} KiB {p['us']:.2f} us" for p in c["reads"]))


def steps():
    print("| batch | routing | step, us | floor at 35 launches a layer | ratio | distinct experts |\n|---|---|---|---|---|---|")
    for m in (1, 4, 16, 64):
        r = first(f"step{m}")
        if not r:
            continue
        experts = {x["case"].split(", ")[-1]: x["case"].split(", ")[1] for x in r["rows"] if x["op"] == "experts_gate_up"}
        for x in r["rows"]:
            if x["op"] == "step":
                print(f"| {m} | {x['case']} | {x['us']:.0f} | {x['floor_35_us']:.0f} | {x['us'] / x['floor_35_us']:.2f} | {experts.get(x['case'], '')} |")


def accounting():
    for name in ("account_eager", "account_graph", "account_dual", "account_full4", "account_full16", "account_full64"):
        r = first(name)
        if not r:
            continue
        print(f"\n{r['model']}, launch={r['launch']}, streams={r['streams']}: {r['launches']} launches, {r['steps']} steps a pass, stamps within {r['fit_residual_ns']} ns and cost {r['stamps_cost_pct']:+.2f} % of a step\n")
        print("| pass | clock | step, us | window, us | busy, us | idle, us | kernel, us | gap, us |\n|---|---|---|---|---|---|---|---|")
        for p in r["passes"]:
            us = lambda n: f"{n / 1000:.1f}" if n else ""
            print(f"| {p['pass']} | {p['clock']} | {p['period_us'] or ''} | {us(p['window_ns'])} | {us(p['busy_ns'])} | {us(p['idle_ns'])} | {p['kernel_us'] or ''} | {p['gap_us'] or ''} |")


def ab():
    print("\n| switch | a, us | b, us | delta, us | ci95 | verdict | equivalence |\n|---|---|---|---|---|---|---|")
    for name in ("ab_cat_skip", "ab_index", "ab_streams"):
        r = first(name)
        if r:
            print(f"| {','.join(r['toggle'])} | {r['a']['step_us']['median']:.1f} | {r['b']['step_us']['median']:.1f} | {r['delta_us']:.1f} | {r['ci95']} | {r['verdict']} | {r['equivalence']['class']}, {r['equivalence']['ok']} |")
    for x in first("sweep") or []:
        print({k: x[k] for k in ("scenario", "conc", "before_ms", "after_ms", "delta_pct", "ci95", "verdict") if k in x})


for part in (kernels, steps, accounting, ab):
    try:
        part()
    except Exception as e:  # a part that was not run
        print(f"{part.__name__}: {e}")
