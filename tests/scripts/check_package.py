#!/usr/bin/env python3
"""The archive that people copy to a GPU machine: starts from wherever it is unpacked, asks for no newer C or C++ library than
Ubuntu 22.04 has, and its recorder needs nothing of a desktop."""
import os, pathlib, re, subprocess, sys, tarfile, tempfile

MOST = {"GLIBC": (2, 35), "GLIBCXX": (3, 4, 30), "CXXABI": (1, 3, 13)}
DESKTOP = re.compile(r"lib(GL|EGL|OpenGL|glfw|X11|xcb|wayland)")


def needs(path):
    text = subprocess.run(["objdump", "-p", path], capture_output=True, text=True, check=True).stdout
    return re.findall(r"NEEDED\s+(\S+)", text), re.findall(r"\b(GLIBC|GLIBCXX|CXXABI)_([0-9.]+)", text)


def main():
    build = pathlib.Path(os.environ["DS_BINARY_DIR"])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        made = subprocess.run(["cpack", "-G", "TGZ", "-B", folder], cwd=build, capture_output=True, text=True)
        assert made.returncode == 0, made.stdout + made.stderr
        archive = next(folder.glob("*.tar.gz"))
        with tarfile.open(archive) as tar:
            tar.extractall(folder / "there")
        (top,) = (folder / "there").iterdir()   # one folder at the top, so that unpacking litters nothing
        recorder = top / "bin" / "decodescope-record"
        for path in [recorder, top / "bin" / "decodescope", *sorted((top / "lib").rglob("*.so*"))]:
            if path.is_symlink():
                continue
            for kind, version in needs(path)[1]:
                assert tuple(map(int, version.split("."))) <= MOST[kind], f"{path.name} asks for {kind}_{version}"
        desktop = [n for n in needs(recorder)[0] if DESKTOP.match(n)]
        assert not desktop, f"the recorder needs {desktop}"
        for program in ("decodescope-record", "decodescope"):
            said = subprocess.run([top / "bin" / program, "--version"], env={}, capture_output=True, text=True)
            assert said.returncode == 0 and said.stdout.startswith("decodescope "), said
        loaded = subprocess.run(["ldd", recorder], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True).stdout
        carried = sum(str(top) in line for line in loaded.splitlines())
        assert carried >= 5, f"the recorder does not use the libraries beside it:\n{loaded}"
        mib = sum(p.stat().st_size for p in top.rglob("*") if p.is_file() and not p.is_symlink()) / 2**20
        print(f"{archive.name}: {archive.stat().st_size / 2**20:.1f} MiB packed, {mib:.1f} MiB unpacked, {carried} libraries beside the recorder")
        assert mib < 60


sys.exit(main())
