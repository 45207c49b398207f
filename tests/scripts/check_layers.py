#!/usr/bin/env python3
"""Who may include whom. Fails on an #include "folder/..." against the direction of the folders."""
import os, pathlib, re, sys

root = pathlib.Path(os.environ["DS_SOURCE_DIR"])
allowed = {  # folder -> folders it may include besides itself
    "trace": set(), "kernels": set(),
    "ui": {"trace"}, "db": {"trace"}, "engine": {"kernels", "trace"},
    "app": {"ui", "engine", "db", "kernels", "trace"},
}
third_party = {  # header -> folders that may include it
    r"<imgui": {"ui", "app"}, r'"imgui': {"ui", "app"}, r'"implot': {"ui", "app"}, r"<GLFW": {"app"},
    r"<sqlite3|<SQLiteCpp": {"db", "trace"},
}
# Within trace/, SQLite is for the importers of SQLite formats and the generator of such files alone; app/ without app/window/ is decodescope-record.
bad = []
for folder, may in allowed.items():
    for path in sorted((root / folder).rglob("*")):
        if path.suffix not in {".h", ".cpp", ".cu", ".hip", ".inl"}:
            continue
        rel = path.relative_to(root).as_posix()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = re.match(r'\s*#\s*include\s+"([a-z]+)/', line)
            if match and match[1] in allowed and match[1] != folder and match[1] not in may:
                bad.append(f"{rel}:{number}: {folder} may not include {match[1]}")
            if match and match[1] == "ui" and folder == "app" and not rel.startswith("app/window"):
                bad.append(f"{rel}:{number}: only app/window may include ui, or decodescope-record would need a display")
            for pattern, folders in third_party.items():
                if re.match(r"\s*#\s*include\s+(" + pattern + ")", line):
                    if folder not in folders or (folder == "app" and "imgui" in line and not rel.startswith("app/window")) or (
                            folder == "trace" and not re.match(r"trace/(import_(rocpd|rpd|nsys|sqlite)|generate_profiles)", rel)):
                        bad.append(f"{rel}:{number}: {line.strip()} does not belong in {folder}")
            if re.match(r'\s*#\s*include\s+"imgui', line) and rel.startswith("ui/vm"):
                bad.append(f"{rel}:{number}: view-models know nothing of ImGui")
print("\n".join(bad) or "include directions hold")
sys.exit(1 if bad else 0)
