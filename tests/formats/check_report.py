#!/usr/bin/env python3
"""The HTML report in headless Chromium: console clean, no request, toolbar zooms, tooltips show, keys work, hostile
names stay text, small enough. Exit 77 where there is no Chromium. REPORT_PICTURES=DIR keeps screenshots to look at."""
import html, json, os, pathlib, re, shutil, subprocess, sys, tempfile

program = pathlib.Path(os.environ["DS_BINARY_DIR"]) / "decodescope-record"
shared = pathlib.Path(os.environ["DS_SHARED_DIR"]) / "traces"
browser = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
if not browser:
    print("no chromium on this machine (apt-get install chromium)")
    sys.exit(77)
folder = pathlib.Path(tempfile.mkdtemp())
HOSTILE = "</script><script>document.body.id='pwned'</script><img src=x onerror=\"document.body.id='pwned'\">'\"&{}<svg/onload=1>\u2028--> \x01"


def kineto(path, kernels, name=lambda i: f"kernel_{i % 37}"):
    events, at = [], 1000.0
    for i in range(kernels):
        duration = 3 + i * 7 % 11
        events.append({"ph": "X", "cat": "kernel", "name": name(i), "pid": 0, "tid": 7 + i % 3, "ts": round(at, 3), "dur": duration, "args": {"device": 0, "stream": 7 + i % 3}})
        at += duration + (0.5 if i % 5 else 4.25)
    path.write_text(json.dumps({"schemaVersion": 1, "traceEvents": events}))
    return path


def export(sources, target):
    subprocess.run([program, "export", *sources, "--to", target, "--db", folder / "s.db"], check=True, stdout=subprocess.DEVNULL)
    return target


WATCH = """<script>window.bad=[];addEventListener("error",e=>bad.push("error: "+e.message));
addEventListener("securitypolicyviolation",e=>bad.push("csp: "+e.violatedDirective));
for(const k of ["error","warn"])console[k]=(...a)=>bad.push(k+": "+a.join(" "));</script>"""
DRIVE = """<script>addEventListener("load",()=>{const r={bad},q=s=>document.querySelector(s),view=()=>q(".view:not([hidden])"),svg=()=>view().querySelector("svg");
const scale=()=>Number(svg().querySelector(".plot").getAttribute("transform").match(/scale\\(([^,]+),/)[1]);
const click=z=>document.querySelector(`.zoom[data-zoom="${z}"]`).click();
r.fit=scale();click("1×");r.one=scale();click("1.5×");r.oneHalf=scale();click("2×");r.two=scale();r.width=Number(svg().getAttribute("width"));click("+");r.plus=scale();click("Fit");r.fitAgain=scale();
const bar=svg().querySelector(".plot rect:not(.bubble)"),box=bar.getBoundingClientRect(),card=q("#card");
bar.dispatchEvent(new PointerEvent("pointermove",{bubbles:true,clientX:box.left+1,clientY:box.top+1}));r.hover=!card.hidden&&card.textContent;
const bubble=svg().querySelector(".bubble");if(bubble){bubble.dispatchEvent(new PointerEvent("pointermove",{bubbles:true,clientX:5,clientY:5}));r.bubble=card.textContent;}
svg().dispatchEvent(new PointerEvent("pointerleave"));r.left=card.hidden;
svg().dispatchEvent(new KeyboardEvent("keydown",{key:"]",bubbles:true}));svg().dispatchEvent(new KeyboardEvent("keydown",{key:"]",bubbles:true}));r.stepped=!card.hidden&&card.textContent;
document.dispatchEvent(new KeyboardEvent("keydown",{key:"Escape"}));r.escaped=card.hidden;
r.tabs=[...document.querySelectorAll(".tab")].map(t=>{t.click();return [t.dataset.view,view().id,view().querySelectorAll(".plot rect:not(.bubble)").length]});
r.scripts=document.querySelectorAll("script").length;r.id=document.body.id;r.images=document.querySelectorAll("img").length;
r.requests=performance.getEntriesByType("resource").map(e=>e.name);r.overflow=document.documentElement.scrollWidth>innerWidth;
const out=document.createElement("pre");out.id="outcome";out.textContent=JSON.stringify(r);document.body.append(out);});</script>"""


def drive(report):
    text = report.read_text()
    page = folder / "driven.html"
    # No policy for the copy's own scripts to break: it allows inline ones, as the report itself needs.
    page.write_text(text.replace("<style>", WATCH + "<style>", 1).replace("</body>", DRIVE + "</body>", 1))
    run = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--window-size=1280,1000",
                          f"--user-data-dir={folder}/profile", "--virtual-time-budget=8000", "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=240)
    found = re.search(r'<pre id="outcome">(.*?)</pre>', run.stdout, re.S)
    assert found, f"{report.name}: the page did not finish: {run.stderr[-2000:]}"
    r = json.loads(html.unescape(found.group(1)))
    assert r["bad"] == [], f"{report.name}: console: {r['bad']}"
    assert r["requests"] == [] and r["images"] == 0, f"{report.name}: requests: {r['requests']}"
    assert r["one"] == 4 and r["oneHalf"] == 6 and r["two"] == 8 and abs(r["plus"] - 12) < 1e-9, r
    assert abs(r["fit"] - r["fitAgain"]) < 1e-9 and r["fit"] > 0 and r["width"] > 0, r
    assert r["hover"] and " us, from " in r["hover"], r
    assert r["left"] and r["stepped"] and r["escaped"], r
    assert all(view == f"view-{tab}" and bars > 0 for tab, view, bars in r["tabs"]), r
    assert r["scripts"] == 4, f"{report.name}: {r['scripts']} scripts: something became markup"
    assert r["id"] != "pwned" and not r["overflow"], r
    return r


def printed(report):
    """On paper: the text of every page, folded parts too, on white. None where there is no pdftotext (poppler-utils)."""
    if not shutil.which("pdftotext") or not shutil.which("pdftoppm"):
        return None
    pdf = folder / "printed.pdf"
    subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1280,900", f"--user-data-dir={folder}/profile", "--no-pdf-header-footer", f"--print-to-pdf={pdf}", report.as_uri()],
                   check=True, capture_output=True, timeout=240)
    page = subprocess.run(["pdftoppm", "-r", "20", "-f", "1", "-l", "1", pdf], check=True, capture_output=True).stdout
    pixels = page.split(b"\n", 3)[3]
    assert page.startswith(b"P6") and sum(b > 240 for b in pixels) > 0.8 * len(pixels), "paper is not white"
    return subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True, text=True).stdout


hostile = export([kineto(folder / "a.json", 60, lambda i: HOSTILE + str(i % 4))], folder / "hostile.html")
r = drive(hostile)
assert "</script><script>document.body.id='pwned'</script>" in r["hover"], "the name is shown as it is"
for ending in ("md", "csv"):
    export([folder / "a.json"], folder / f"hostile.{ending}")

large = export([kineto(folder / "b.json", 5000)], folder / "large.html")
assert large.stat().st_size < 2_000_000, large.stat().st_size
assert drive(large)["tabs"][-1][2] == 5000
huge = export([kineto(folder / "c.json", 60000)], folder / "huge.html")
assert huge.stat().st_size < 2_500_000 and "coarser: 60000 kernels" in huge.read_text(), huge.stat().st_size
assert 1000 < drive(huge)["tabs"][-1][2] <= 6000

checked = [f"hostile names {hostile.stat().st_size >> 10} KiB", f"5,000 kernels {large.stat().st_size >> 10} KiB", f"60,000 kernels {huge.stat().st_size >> 10} KiB"]
if shared.exists():
    pair = export([shared / "seed_layer_mi355x_single_rocm72.json", shared / "seed_layer_mi355x_dual_rocm72.json"], folder / "pair.html")
    drive(pair)
    text = pair.read_text()
    for wanted in ("287.161", "312.241", "+25.080", "17.325", "idle: stall", "owned + waits", "CatArrayBatchedCopy"):
        assert wanted in text, wanted
    assert str(shared) not in text and os.uname().nodename not in text, "a path or host name went out"
    checked.append(f"published pair {pair.stat().st_size >> 10} KiB")
    assert "longest us" not in re.sub(r"<details.*?</details>", "", text, flags=re.S), "the tables of kernels are folded away in a comparison"
    paper = printed(pair)
    if paper is not None:
        assert paper.count("longest us") == 2 and "+25.080" in paper and "owned + waits" in paper, paper[:3000]
        checked.append("printed")
    pictures = os.environ.get("REPORT_PICTURES")
    if pictures:
        for report in (pair, large, hostile):
            subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,2600", f"--screenshot={pictures}/{report.stem}.png", report.as_uri()], check=True, capture_output=True, timeout=240)
print("; ".join(checked))
