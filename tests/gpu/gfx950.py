#!/usr/bin/env python3
"""The gate of the gfx950 code object of the build: it fails on a spill, on scratch, on registers or shared memory
above the budgets of gfx950.json (keyed by the compiler's version), and on a missing instruction. The stamped forms
stand in a code object of their own: no scratch and no vector spills (scalar ones go to vector registers), at most one
granule of eight registers above their plain form's budget, the same instructions, two reads of the clock, and the unit.
gfx950.py            checks; exit 77 where this build has no gfx950 kernels
gfx950.py --accept   also writes this compiler's budgets into gfx950.json and docs/results/gfx950-isa.md
A budget of registers is the most that keeps the waves a SIMD (VGPRs and AGPRs share 512), not the number of the day."""
import collections, json, os, pathlib, re, shutil, subprocess, sys

root = pathlib.Path(__file__).resolve().parents[2]
binary = pathlib.Path(os.environ.get("DS_BINARY_DIR", root / "build/release"))
code, stamped_code = (binary / f"generated/gfx950_kernels{form}.hsaco" for form in ("", "_stamped"))
compiler, missing = ((binary / "generated/gfx950_compiler").read_text() + "\n\n").split("\n")[:2]
if missing or not code.exists() or not stamped_code.exists():
    print("skipped: this build has no gfx950 kernels:", missing or "they have not been built")
    sys.exit(77)

GRANULE = 8
LDS, STEPS = 160 * 1024, (64, 72, 80, 96, 128, 168, 256, 512)  # registers at 8, 7, 6, 5, 4, 3, 2, 1 waves a SIMD
file = root / "tests/gpu/gfx950.json"
committed = json.loads(file.read_text())
banner = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
version = re.search(r"(\d+\.\d+\.\d+)", banner).group(1)


def tool(name):
    for folder in (pathlib.Path(compiler).parent, pathlib.Path(compiler).resolve().parent, pathlib.Path("/opt/rocm/llvm/bin")):
        if (folder / name).exists():
            return str(folder / name)
    return shutil.which(name)


def usage(code):
    """kernel -> what the compiler says of it"""
    rows, row = collections.OrderedDict(), None
    for line in pathlib.Path(str(code) + ".usage").read_text().splitlines():
        found = re.search(r"remark:\s+(.+?): (.+?) \[-Rpass", line)
        if not found:
            continue
        key, value = found.group(1).strip().split(" [")[0], found.group(2)
        if key == "Function Name":
            row = rows.setdefault(value.removeprefix("ds_"), {})
        elif value.isdigit():
            row[key] = int(value)
    return rows


def census(code):
    """kernel -> instruction -> how many"""
    counts, current = {}, None
    text = subprocess.run([tool("llvm-objdump"), "-d", str(code)], capture_output=True, text=True, check=True).stdout
    for line in text.splitlines():
        if head := re.match(r"^[0-9a-f]+ <(\w+)>:", line):
            current = counts.setdefault(head.group(1).removeprefix("ds_"), collections.Counter())
        elif current is not None and (instruction := re.match(r"\s+([a-z]\w+)", line)):
            current[instruction.group(1)] += 1
    return counts


def shared():
    """kernel -> bytes of dynamic shared memory at the published models' shapes"""
    program = binary / "tests/gfx950_lds"
    if not program.exists():
        print("skipped: tests/gfx950_lds has not been built")
        sys.exit(77)
    run = subprocess.run([str(program)], capture_output=True, text=True)
    if run.returncode:
        sys.exit("tests/gfx950_lds: " + run.stderr.strip())
    return {k: int(n) for k, n in (line.split() for line in run.stdout.splitlines())}


def waste(name, row):
    return [f"{name}: {what} {row[what]}" for what in ("VGPRs Spill", "SGPRs Spill", "ScratchSize") if row.get(what, 0)]


def lacking(name, counts):
    return [f"{name}: no {i}" for pattern, instructions in committed["instructions"].items() if re.fullmatch(pattern, name.removesuffix("_stamped"))
            for i in instructions if not counts.get(name, {}).get(i)]


rows, counts, lds = usage(code), census(code), shared()
wrong, table, accepted = [], [], {}
budgets = committed["budgets"].get(version, {})
note = re.compile(r"mfma|cvt_pk_fp8|cvt_pk_f32_fp8|cvt_scalef32|global_load_dwordx4|ds_read_b128|ds_bpermute|v_perm_b32")
for name, row in rows.items():
    registers, shared_bytes = row["VGPRs"] + row["AGPRs"], row["LDS Size"] + lds.get(name, 0)
    wrong += waste(name, row)
    accepted[name] = {"registers": next(s for s in STEPS if registers <= s), "lds": shared_bytes}
    budget = budgets.get(name, {"registers": STEPS[-1], "lds": LDS})
    if budgets and name not in budgets:
        wrong.append(f"{name}: no budget yet, tests/gpu/gfx950.py --accept writes it")
    if registers > budget["registers"]:
        wrong.append(f"{name}: {registers} registers, the budget is {budget['registers']}")
    if shared_bytes > budget["lds"]:
        wrong.append(f"{name}: {shared_bytes} bytes of shared memory, the budget is {budget['lds']}")
    wrong += lacking(name, counts)
    notes = ", ".join(f"{i} x{n}" for i, n in sorted(counts.get(name, {}).items(), key=lambda t: -t[1]) if note.search(i))
    table.append(f"| {name} | {row['VGPRs']} | {row['AGPRs']} | {row['TotalSGPRs']} | {shared_bytes} | {row['Occupancy']} | "
                 f"{sum(counts.get(name, {}).values())} | {notes} |")
for pattern in committed["instructions"]:
    if not any(re.fullmatch(pattern, name) for name in rows):
        wrong.append(f"gfx950.json: no kernel is called {pattern}")

stamped_rows, stamped_counts = usage(stamped_code), census(stamped_code)
if set(stamped_rows) != {f"{name}_stamped" for name in rows}:
    wrong.append("not every kernel has its stamped form")
for name, row in stamped_rows.items():
    plain = name.removesuffix("_stamped")
    registers, budget = row["VGPRs"] + row["AGPRs"], budgets.get(plain, {"registers": STEPS[-1]})["registers"]
    wrong += [w for w in waste(name, row) if "SGPRs" not in w] + lacking(name, stamped_counts)
    if registers > budget + GRANULE:
        wrong.append(f"{name}: {registers} registers, its plain form's budget is {budget}: stamps would change what they measure")
    if stamped_counts.get(name, {}).get("s_memrealtime", 0) < 2 or not stamped_counts[name].get("s_getreg_b32"):
        wrong.append(f"{name}: does not read the clock twice and the unit")

if sys.argv[1:] == ["--accept"]:
    wrong = [w for w in wrong if "budget" not in w]
    committed["budgets"][version] = accepted
    lines = ["{", '"instructions": {', ",\n".join(f'  {json.dumps(k)}: {json.dumps(v)}' for k, v in committed["instructions"].items()), "},", '"budgets": {']
    for i, (v, kernels) in enumerate(committed["budgets"].items()):
        lines += [f'"{v}": {{', ",\n".join(f'  {json.dumps(k)}: {json.dumps(b)}' for k, b in kernels.items()), "}" + ("," if i + 1 < len(committed["budgets"]) else "")]
    file.write_text("\n".join(lines) + "\n}\n}\n")
    (root / "docs/results/gfx950-isa.md").write_text(
        "# gfx950: what the compiler makes of the kernels\n\n"
        f"Generated by `tests/gpu/gfx950.py --accept`; held by `./test -L gfx950`. Compiler: {banner}. **Not run on hardware**: no such\n"
        "GPU is reachable from our machines; the same source runs lane by lane in the SIMT emulator (`./test -L emulator`). No kernel\n"
        "spills or uses scratch. Shared memory is what the launch rules ask for at the largest shapes of the published models\n"
        "(tests/gpu/lib/gfx950_lds.cpp), of 163,840 bytes; waves a SIMD follow from registers alone. MXFP4 goes through the scaled matrix\n"
        "instruction as it is; which 32 values a lane's scale covers is Triton's reading of it, unconfirmed on hardware.\n\n"
        "| kernel | VGPR | AGPR | SGPR | shared bytes | waves a SIMD | instructions | of note |\n|---|---|---|---|---|---|---|---|\n" + "\n".join(table) + "\n")
if not budgets and not wrong:
    print(f"note: gfx950.json has no budgets for clang {version}: only spills, scratch and instructions were held")
print("\n".join(wrong) or f"{len(rows)} kernels and their stamped forms: no spills, no scratch, within their budgets, the expected instructions are there ({banner})")
sys.exit(1 if wrong else 0)
