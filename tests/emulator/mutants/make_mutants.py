#!/usr/bin/env python3
"""make_mutants.py SOURCE OUT: a copy of SOURCE/kernels/gpu/*.h in OUT/kernels/gpu in which every place that a rule
below finds has a switch: `simt::mutant(17)` is true while mutant 17 is on, and then the code there is wrong. One
compilation so holds all mutants; which one is on is a number at run time. OUT/mutants.json lists them.
Left alone: code for real GPUs, launch rules, constant expressions, emulated*.h, which is the emulator's, tools.h,
whose kernels are no ops and have no reference, and stamp.h, which no plain kernel takes (tests/gpu/test_stamps.cpp)."""
import json, pathlib, re, sys

source, out = pathlib.Path(sys.argv[1]) / "kernels/gpu", pathlib.Path(sys.argv[2])
LANE = r"(?:lane|lane_id\(\))"
SPOT = r"at\.(?:row|p_row|queries|p|scores|numbers|slots)\b"
mutants = []


def number(file, line, rule, previous, before, after):
    mutants.append({"id": len(mutants) + 1, "file": file, "line": line, "rule": rule, "previous": previous.strip(), "before": before.strip(), "after": after.strip()})
    return len(mutants)


def either(mutated, original):
    return lambda n: f"(::simt::mutant({n}) ? ({mutated}) : ({original}))"


# rule -> (what it finds, match -> what it becomes when on, match -> function of the mutant's number)
RULES = [
    ("barrier dropped", re.compile(r"(?<![\w:.])((?:wave_)?barrier)\(\);"), lambda m: "",
     lambda m: lambda n: f"if (!::simt::mutant({n})) {m.group(1)}();"),
    ("lane index swapped", re.compile(rf"\b({LANE}) ([%/]) (\w+)"), lambda m: f"{m.group(1)} {'/' if m.group(2) == '%' else '%'} {m.group(3)}",
     lambda m: either(f"{m.group(1)} {'/' if m.group(2) == '%' else '%'} {m.group(3)}", m.group(0))),
    ("row and column swapped", re.compile(r"\bacc_(row|col)\(lane, r\)"), lambda m: f"acc_{'col' if m.group(1) == 'row' else 'row'}(lane, r)",
     lambda m: either(f"acc_{'col' if m.group(1) == 'row' else 'row'}(lane, r)", m.group(0))),
    ("part of K lost", re.compile(r"\bpiece_part\(lane\)"), lambda m: "0", lambda m: either("0", m.group(0))),
    ("rows of a fragment swapped", re.compile(r"\bpiece_row\(lane, i\)"), lambda m: "piece_row(kWave - 1 - lane, i)",
     lambda m: either("piece_row(kWave - 1 - lane, i)", m.group(0))),
    ("partner lane wrong", re.compile(r"\bwave_xor\(([\w.]+), (\w+(?: / 2)?)\)"), lambda m: f"wave_xor({m.group(1)}, 1)",
     lambda m: lambda n: f"wave_xor({m.group(1)}, ::simt::mutant({n}) ? 1 : {m.group(2)})"),
    ("source lane wrong", re.compile(r"\bwave_from\((\w+), ((?:[^()]|\([^()]*\))+)\)"), lambda m: f"wave_from({m.group(1)}, ({m.group(2)}) ^ 1)",
     lambda m: lambda n: f"wave_from({m.group(1)}, ::simt::mutant({n}) ? ({m.group(2)}) ^ 1 : ({m.group(2)}))"),
    ("leading lane wrong", re.compile(r"\blane_id\(\) == (0|kWave - 1)"), lambda m: m.group(0) + " - 1", lambda m: either(m.group(0) + " - 1", m.group(0))),
    ("a lane too many", re.compile(r"\blane < lane_id\(\)|\blane_id\(\) >= step"), lambda m: m.group(0).replace("<", "<=").replace(">=", ">"),
     lambda m: either(m.group(0).replace("<", "<=") if "<" in m.group(0) else m.group(0).replace(">=", ">"), m.group(0))),
    ("waves share a place", re.compile(r"\bwave_id\(\)(?! ==)"), lambda m: "0", lambda m: either("0", m.group(0))),
    ("thread off by one", re.compile(r"\b(thread_id|global_id)\(\)(?! !=)"), lambda m: f"({m.group(0)} + 1)", lambda m: either(m.group(0) + " + 1", m.group(0))),
    ("block index swapped", re.compile(r"\bblockIdx\.([xy])\b"), lambda m: f"blockIdx.{'y' if m.group(1) == 'x' else 'x'}",
     lambda m: either(f"blockIdx.{'y' if m.group(1) == 'x' else 'x'}", m.group(0))),
    ("layout flipped", re.compile(r"\b(scale_offset|index_key_offset|rope_pair)\(([\w.]+), "), lambda m: f"{m.group(1)}(other layout, ",
     lambda m: lambda n: f"{m.group(1)}(::simt::other({n}, {m.group(2)}), "),
    ("scale of another token", re.compile(r"(?<!int64_t )\bindex_scale_offset\("), lambda m: "4 + index_scale_offset(",
     lambda m: lambda n: f"(::simt::mutant({n}) ? 4 : 0) + index_scale_offset("),
    ("bytes picked wrongly", re.compile(r"\bpick_bytes<(0x\w+)>\(([^()]+)\)"), lambda m: f"pick_bytes<0x3210>({m.group(2)})",
     lambda m: either(f"pick_bytes<0x3210>({m.group(2)})", m.group(0))),
    ("another place in shared memory", re.compile(SPOT), lambda m: m.group(0) + " + 16", lambda m: either(m.group(0) + " + 16", m.group(0))),
    ("rotated pair swapped", re.compile(r"\[p\.([ab])\]"), lambda m: f"[p.{'b' if m.group(1) == 'a' else 'a'}]",
     lambda m: lambda n: f"[::simt::mutant({n}) ? p.{'b' if m.group(1) == 'a' else 'a'} : p.{m.group(1)}]"),
    ("guard dropped", re.compile(r"^(\s*)if \(((?!constexpr).*)\) (return|continue|break);"), lambda m: "",
     lambda m: lambda n: f"{m.group(1)}if (!::simt::mutant({n}) && ({m.group(2)})) {m.group(3)};"),
    ("clamp dropped", re.compile(r"\b([\w.]+(?: \+ \w+(?:\(\w+, \w+\))?)?) < ([\w.]+) \? \1 : \2 - 1"), lambda m: m.group(1),
     lambda m: either(m.group(1), m.group(0))),
]


def foreign(stack):
    """Whether the lines here are for a real GPU's compiler."""
    return any(("GPU_CUDA" in c or "GPU_HIP" in c or "!defined(GPU_EMULATED)" in c) for c in stack)


def mutated(path):
    whole, stack, skip_until, lines = path.read_text().splitlines(), [], None, []
    for at, line in enumerate(whole, 1):
        directive = re.match(r"#\s*(if|ifdef|ifndef|elif|else|endif)\b(.*)", line)
        if directive:
            kind, condition = directive.groups()
            if kind.startswith("if"):
                stack.append(condition)
            elif kind == "elif":
                stack[-1] = condition
            elif kind == "else":
                stack[-1] = "else" if "GPU_CUDA" not in stack[-1] or stack[:-1] == [] else "GPU_HIP"
            else:
                stack.pop()
            lines.append(line)
            continue
        if skip_until is not None:  # in a launch rule or a constant function, up to its closing brace
            lines.append(line)
            if line == skip_until:
                skip_until = None
            continue
        if re.match(r"(inline |constexpr )", line) and "GPU_DEVICE" not in line and line.endswith("{"):
            skip_until = "}"
        if skip_until or foreign(stack) or "constexpr" in line or line.lstrip().startswith(("//", "#", "*")) or re.match(r"(inline|struct|using|template)", line):
            lines.append(line)
            continue
        code, comment = (line.split("  //", 1) + [""])[:2] if "  //" in line else (line, "")
        found = [(m.start(), m, rule, shown, become) for rule, pattern, shown, become in RULES for m in pattern.finditer(code)]
        declared = re.match(r"GPU_DEVICE .*?\)(?: const)? \{", code)  # a function's own head
        taken, pieces, end = [], [], 0
        for start, m, rule, shown, become in sorted(found, key=lambda f: (f[0], -f[1].end())):
            if declared and start < declared.end() - 1:
                continue
            if start < end:  # inside another one: the outer is switched, the inner in a line of its own copy would need both
                continue
            after = code[:start] + shown(m) + code[m.end():]
            n = number(f"kernels/gpu/{path.name}", at, rule, whole[at - 2] if at > 1 else "", code, after)
            pieces += [code[end:start], become(m)(n)]
            end = m.end()
        lines.append("".join(pieces) + code[end:] + ("  //" + comment if comment else ""))
    return "\n".join(lines) + "\n"


(out / "kernels/gpu").mkdir(parents=True, exist_ok=True)
for path in sorted(source.glob("*.h")):
    if path.name.startswith(("emulated", "tool", "stamp")):
        text = path.read_text()
        if path.name == "emulated_api.h":
            text += ("\nnamespace simt {\nextern int mutant_on;\ninline bool mutant(int n) { return mutant_on == n; }\n"
                     "template <class T>\nT other(int n, T layout) {\n  return mutant(n) ? static_cast<T>(1 - static_cast<int>(layout)) : layout;\n}\n}  // namespace simt\n")
    else:
        text = mutated(path)
    (out / "kernels/gpu" / path.name).write_text(text)
(out / "mutants.json").write_text("[\n" + ",\n".join(json.dumps(m) for m in mutants) + "\n]\n")
print(f"{len(mutants)} mutants")
