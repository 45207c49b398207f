"use strict";
(() => {
  const source = document.getElementById("bars");
  if (!source) return;
  const all = JSON.parse(source.textContent);
  const card = document.getElementById("card");
  const readout = document.querySelector(".scale");
  const kBase = 4;                     // px a us at 1x
  const us = ns => (ns / 1000).toFixed(3);
  const views = {};
  let current = null, pinned = false;

  class View {
    constructor(id) {
      this.id = id;
      this.box = document.getElementById("view-" + id);
      this.scroller = this.box.querySelector(".scroller");
      this.svg = this.box.querySelector("svg");
      this.plot = this.svg.querySelector(".plot");
      this.axis = this.svg.querySelector(".axis");
      this.pattern = this.svg.querySelector(".stripes");
      this.labels = [...this.svg.querySelectorAll(".stall-label")];
      this.us = Number(this.svg.dataset.us);
      this.left = Number(this.svg.dataset.left);
      this.data = all[id];
      this.rects = [...this.plot.querySelectorAll("rect:not(.bubble)")];
      this.index = new Map(this.rects.map((r, i) => [r, i]));
      this.at = -1;
      this.scale = 0;
    }
    fit() {
      const room = this.scroller.clientWidth - this.left - 48;
      return this.us > 0 ? Math.max(room, 200) / this.us : 1;
    }
    // The time under `px` of the scroller stays where it is.
    zoom(scale, px) {
      const least = Math.min(this.fit() * 0.5, kBase), most = 4000;
      scale = Math.min(Math.max(scale, least), Math.max(most, least));
      if (px === undefined) px = this.scroller.clientWidth / 2;
      const time = this.scale > 0 ? (this.scroller.scrollLeft + px - this.left) / this.scale : 0;
      this.scale = scale;
      this.svg.setAttribute("width", Math.ceil(this.left + this.us * scale + 20));
      this.plot.setAttribute("transform", `translate(${this.left},0) scale(${scale},1)`);
      this.pattern.setAttribute("patternTransform", `scale(${1 / scale},1) rotate(45)`);
      this.place_labels();
      this.scroller.scrollLeft = time * scale + this.left - px;
      this.ticks();
      this.tell();
    }
    // Longest first, as they are written; those without room are hidden.
    place_labels() {
      const taken = {};
      for (const label of this.labels) {
        const half = label.textContent.length * 3.5;
        const x = Math.max(Math.min(this.left + Number(label.dataset.us) * this.scale, this.left + this.us * this.scale + 20 - half), half);
        const row = taken[label.dataset.row] ||= [];
        const room = row.every(([from, to]) => x - half >= to || x + half <= from);
        if (room) row.push([x - half, x + half]);
        label.setAttribute("x", x);
        label.setAttribute("visibility", room ? "visible" : "hidden");
      }
    }
    ticks() {
      const ns = "http://www.w3.org/2000/svg";
      let step = 10 ** Math.floor(Math.log10(90 / this.scale));
      for (const factor of [1, 2, 5, 10]) if (step * factor * this.scale >= 60) { step *= factor; break; }
      const from = Math.max(0, Math.floor((this.scroller.scrollLeft - this.left) / this.scale / step) * step);
      const to = Math.min(this.us, (this.scroller.scrollLeft + this.scroller.clientWidth) / this.scale);
      const parts = [];
      const height = this.svg.getAttribute("height");
      for (let at = from, n = 0; at <= to && n < 200; at += step, ++n) {
        const x = this.left + at * this.scale;
        const line = document.createElementNS(ns, "line");
        for (const [k, v] of [["x1", x], ["x2", x], ["y1", 16], ["y2", height]]) line.setAttribute(k, v);
        const text = document.createElementNS(ns, "text");
        text.setAttribute("x", x);
        text.setAttribute("y", 11);
        text.textContent = +at.toPrecision(10);
        parts.push(line, text);
      }
      this.axis.replaceChildren(...parts);
    }
    tell() { readout.textContent = `${this.scale >= 1 ? this.scale.toFixed(1) + " px = 1 us" : "1 px = " + (1 / this.scale).toFixed(1) + " us"}`; }
    // What one bar is, as lines of text.
    describe(i) {
      const [name, begin, length, lane, extra, , count, busy] = this.data.bars[i];
      const lines = [`${us(length)} us, from ${us(begin)} us`, this.data.lanes[lane]];
      if (count > 1) lines.unshift(`${count} kernels drawn as one, ${us(busy)} us busy; the longest:`);
      if (this.data.extras[extra]) lines.push(this.data.extras[extra]);
      return [this.data.names[name], lines];
    }
    // Steps to the bar before or after, in the order of the drawing, and shows it.
    step(by) {
      const n = this.rects.length;
      if (!n) return;
      this.at = this.at < 0 ? (by > 0 ? 0 : n - 1) : (this.at + by + n) % n;
      const rect = this.rects[this.at];
      for (const other of this.plot.querySelectorAll(".at")) other.classList.remove("at");
      rect.classList.add("at");
      const x = this.left + Number(rect.getAttribute("x")) * this.scale;
      if (x < this.scroller.scrollLeft + this.left || x > this.scroller.scrollLeft + this.scroller.clientWidth - 40)
        this.scroller.scrollLeft = x - this.scroller.clientWidth / 2;
      const place = rect.getBoundingClientRect();
      show(this.describe(this.at), place.left + 8, place.bottom + 4);
      pinned = true;
    }
  }

  function show([title, lines], x, y) {
    const head = document.createElement("b");
    head.textContent = title;
    card.replaceChildren(head, ...lines.map(text => {
      const line = document.createElement("span");
      line.textContent = text;
      return line;
    }));
    card.hidden = false;
    const box = card.getBoundingClientRect();
    card.style.left = Math.max(8, Math.min(x, innerWidth - box.width - 8)) + "px";
    card.style.top = (y + box.height + 8 > innerHeight ? Math.max(8, y - box.height - 30) : y) + "px";
  }
  function hide() { card.hidden = true; pinned = false; }

  function select(id) {
    for (const view of Object.values(views)) view.box.hidden = view.id !== id;
    for (const tab of document.querySelectorAll(".tab")) tab.setAttribute("aria-pressed", tab.dataset.view === id);
    current = views[id];
    if (!current.scale) current.zoom(current.fit(), 0);
    current.ticks();
    current.tell();
    hide();
  }

  function zoom_to(what) {
    const at = { "Fit": current.fit(), "1×": kBase, "1.5×": 1.5 * kBase, "2×": 2 * kBase, "−": current.scale / 1.5, "+": current.scale * 1.5 }[what];
    current.zoom(at);
    for (const button of document.querySelectorAll(".zoom")) button.setAttribute("aria-pressed", button.dataset.zoom === what && !"−+".includes(what));
  }

  for (const id of Object.keys(all)) {
    const view = views[id] = new View(id);
    view.svg.addEventListener("pointermove", event => {
      if (pinned) return;
      const rect = event.target;
      const i = view.index.get(rect);
      if (i !== undefined) show(view.describe(i), event.clientX + 14, event.clientY + 14);
      else if (rect.classList && rect.classList.contains("bubble")) show(["idle", rect.dataset.n.split("; ")], event.clientX + 14, event.clientY + 14);
      else hide();
    });
    view.svg.addEventListener("pointerleave", () => { if (!pinned) hide(); });
    view.svg.addEventListener("click", event => {
      const i = view.index.get(event.target);
      if (i === undefined) { hide(); return; }
      view.at = i;
      show(view.describe(i), event.clientX + 14, event.clientY + 14);
      pinned = true;
    });
    view.scroller.addEventListener("wheel", event => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      view.zoom(view.scale * Math.exp(-event.deltaY * 0.002), event.clientX - view.scroller.getBoundingClientRect().left);
    }, { passive: false });
    view.scroller.addEventListener("scroll", () => requestAnimationFrame(() => view.ticks()), { passive: true });
    view.svg.addEventListener("keydown", event => {
      const far = view.scroller.clientWidth * (event.shiftKey ? 0.9 : 0.15);
      const keys = {
        "+": () => zoom_to("+"), "=": () => zoom_to("+"), "-": () => zoom_to("−"), "0": () => zoom_to("Fit"), "f": () => zoom_to("Fit"),
        "ArrowLeft": () => { view.scroller.scrollLeft -= far; }, "ArrowRight": () => { view.scroller.scrollLeft += far; },
        "]": () => view.step(1), "[": () => view.step(-1), "Escape": hide,
      };
      if (keys[event.key] && !event.ctrlKey && !event.metaKey) { event.preventDefault(); keys[event.key](); }
    });
  }
  for (const tab of document.querySelectorAll(".tab")) tab.addEventListener("click", () => select(tab.dataset.view));
  for (const button of document.querySelectorAll(".zoom")) button.addEventListener("click", () => zoom_to(button.dataset.zoom));
  document.addEventListener("keydown", event => { if (event.key === "Escape") hide(); });
  addEventListener("resize", () => current.ticks());
  // Nobody can unfold or scroll anything on paper: all parts are open there, and pictures wider than it are drawn smaller.
  let folded = [];
  const pictures = document.querySelectorAll("svg");
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
    for (const svg of pictures) svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
    for (const svg of pictures) svg.removeAttribute("viewBox");
  });
  select(Object.keys(all)[0]);
  zoom_to("Fit");
})();
