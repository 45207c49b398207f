#!/usr/bin/env python3
"""Evidence that the tests see: plants one fault at a time and expects the tests to fail.

mutants.py LIST.json [NAME...]      all mutants of a list, or those named; exit 1 when one survives

A mutant of the list: {"name", "fault": what is wrong, "file", "from", "to": text that stands once in
the file, "test": the test program, "compile": [sources that see the file; left out: the file itself]}.
The sources are compiled from a copy with the options of the build and linked before the libraries, so
the build itself is never touched and no more than these is compiled. Needs a finished build.
"""
import concurrent.futures, json, os, pathlib, re, shlex, shutil, subprocess, sys, time

SOURCE = pathlib.Path(os.environ.get("DS_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("DS_BINARY_DIR", SOURCE / "build" / "release"))
TIMEOUT = 600   # a mutant that loops for ever is caught as well
RUNS = 3        # inputs are fresh in each run of the tests: one that misses a fault is not the tests' last word


def compile_commands():
    return {str(pathlib.Path(c["file"]).relative_to(SOURCE)): shlex.split(c["command"])
            for c in json.loads((BUILD / "compile_commands.json").read_text())
            if pathlib.Path(c["file"]).is_relative_to(SOURCE)}


def link_command(test):
    said = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", "-s", f"tests/{test}"], capture_output=True, text=True, check=True)
    return shlex.split(re.sub(r"^: && | && .*$", "", said.stdout.strip().splitlines()[-1]))


def said(command):
    done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("it does not build:\n" + (done.stderr or done.stdout)[-3000:])


def build(mutant, commands, folder):
    file = SOURCE / mutant["file"]
    text = file.read_text()
    if text.count(mutant["from"]) != 1:
        raise RuntimeError(f"its text stands {text.count(mutant['from'])} times in {mutant['file']}, once is needed")
    copy = folder / "source" / mutant["file"]
    copy.parent.mkdir(parents=True)
    copy.write_text(text.replace(mutant["from"], mutant["to"]))
    link = link_command(mutant["test"])
    for source in mutant.get("compile", [mutant["file"]]):
        command = list(commands[source])
        object_name = command[command.index("-o") + 1]
        out = folder / (source.replace("/", "_") + ".o")
        command[command.index("-o") + 1] = str(out)
        command[command.index("-c") + 1] = str(copy if source == mutant["file"] else SOURCE / source)
        command.insert(command.index("-c"), f"-I{SOURCE / pathlib.Path(source).parent}")   # files beside it, by their bare names
        command.insert(1 if "ccache" not in command[0] else 2, f"-I{folder / 'source'}")   # the changed file first
        said(command)
        if object_name in link:
            link[link.index(object_name)] = str(out)
        else:
            link.insert(next(i for i, word in enumerate(link) if word.endswith((".o", ".a"))), str(out))
    link[link.index("-o") + 1] = str(folder / "program")
    said(link)
    return folder / "program"


def run(mutant, commands):
    """(caught, by what)"""
    folder = BUILD / "mutants" / re.sub(r"\W+", "_", mutant["name"])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        program = build(mutant, commands, folder)
        for attempt in range(RUNS):
            try:
                done = subprocess.run([program, "--abort", "--order", "decl", *mutant.get("args", [])], cwd=folder, capture_output=True, text=True,
                                      errors="replace", timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                return True, f"did not end within {TIMEOUT} s"
            if done.returncode != 0:
                failed = re.search(r"^-{79}\n(.*)\n", done.stdout, re.M)
                return True, (failed.group(1) if failed else f"exit code {done.returncode}") + (f", in run {attempt + 1}" if attempt else "")
        return False, f"all tests pass, {RUNS} times"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    listed = json.loads(pathlib.Path(sys.argv[1]).read_text())
    chosen = [m for m in listed if len(sys.argv) == 2 or m["name"] in sys.argv[2:]]
    if not chosen:
        sys.exit(f"error: no such mutant, the list has: {', '.join(m['name'] for m in listed)}")
    commands, start, wrong = compile_commands(), time.time(), []
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("DS_MUTANT_JOBS", "2"))) as pool:
        running = {pool.submit(run, m, commands): m for m in chosen}
        for job in concurrent.futures.as_completed(running):
            mutant = running[job]
            try:
                caught, how = job.result()
            except RuntimeError as e:
                caught, how = False, str(e)
            if not caught:
                wrong.append(mutant["name"])
            print(f"{'caught  ' if caught else 'SURVIVED'} {mutant['name']}: {how}" + ("" if caught else f" ({mutant['fault']})"), flush=True)
    print(f"{len(chosen) - len(wrong)} of {len(chosen)} mutants caught, {time.time() - start:.0f} s" + (f"; not: {', '.join(wrong)}" if wrong else ""))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
