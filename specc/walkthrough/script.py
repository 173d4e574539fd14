"""The page's script: it draws grids, slides the window and writes the arithmetic out."""

SCRIPT = r"""
"use strict";
{  // a block of its own: a global `top` exists already
const data = JSON.parse(document.getElementById("scene").textContent);
const get = (id) => document.getElementById(id);
const [kh, kw] = data.kernel, [sh, sw] = data.strides, [dh, dw] = data.dilation;
const [[top, bottom], [left, right]] = data.padding, [height, width] = data.size;
const count = (size, pads, k, d, s) => Math.floor((size + pads - ((k - 1) * d + 1)) / s) + 1;
const rows = count(height, top + bottom, kh, dh, sh);
const columns = count(width, left + right, kw, dw, sw);
const state = { image: 0, kernel: 0, step: 0, dy: 0, dx: 0, timer: 0 };
const round = (v) => Math.round(v * 100) / 100 || 0;
const short = (v) => String(round(v)).replace(/^(-?)0\./, "$1.").replace("-", "−");
const signed = (v) => (v < 0 ? `(${short(v)})` : short(v));
const acts = { linear: (v) => v, relu: (v) => Math.max(0, v), tanh: Math.tanh,
  sigmoid: (v) => 1 / (1 + Math.exp(-v)) };
const act = acts[data.activation] || acts.linear;

// The image, moved by (dy, dx); what enters is dark.
function moved(dy, dx) {
  return data.images[state.image].pixels.map((plane) => plane.map((line, y) => line.map((_, x) =>
    (plane[y - dy] || [])[x - dx] || 0)));
}
// A value of the padded input: 0 outside; null where a pool does not look.
function at(planes, c, y, x) {
  const inside = y >= 0 && y < height && x >= 0 && x < width;
  return inside ? planes[c][y][x] : data.kind === "conv" ? 0 : null;
}
function cells(planes, c, r, q) {
  const found = [];
  for (let i = 0; i < kh; i++) for (let j = 0; j < kw; j++)
    found.push(at(planes, c, r * sh - top + i * dh, q * sw - left + j * dw));
  return found;
}
function value(planes, r, q, c) {
  if (data.kind !== "conv") {
    const seen = cells(planes, c, r, q).filter((v) => v !== null);
    return data.kind === "max" ? Math.max(...seen) : seen.reduce((a, b) => a + b, 0) / seen.length;
  }
  const kernel = data.kernels[state.kernel];
  let sum = kernel.bias;
  for (let k = 0; k < planes.length; k++) {
    const flat = kernel.weights[k].flat();
    cells(planes, k, r, q).forEach((v, n) => { sum += v * flat[n]; });
  }
  return act(sum);
}
function map(planes, c) {
  return Array.from({ length: rows }, (_, r) =>
    Array.from({ length: columns }, (_, q) => value(planes, r, q, c)));
}
function pooled(table) {
  const made = [];
  for (let r = 0; r + 1 < table.length; r += 2) {
    made.push([]);
    for (let q = 0; q + 1 < table[0].length; q += 2)
      made[made.length - 1].push(Math.max(table[r][q], table[r][q + 1], table[r + 1][q],
        table[r + 1][q + 1]));
  }
  return made;
}
// Whether white can be read on a colour: both do at a relative luminance of 0.179 (WCAG 2.2).
function isDark(colour) {
  const [r, g, b] = colour.map((c) => c / 255).map((c) =>
    c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b < 0.179;
}
// Values as shades: dark to light, or blue, white, red where there are signs.
function shade(cell, v, low, high) {
  const share = Math.min(1, Math.abs(v) / (Math.max(-low, high) || 1));
  const to = v > 0 ? [178, 24, 43] : [33, 102, 172];
  const grey = Math.round(30 + 225 * (high > 0 ? v / high : 0));
  const colour = low < 0 ? to.map((t) => Math.round(255 + share * (t - 255))) : [grey, grey, grey];
  cell.style.background = `rgb(${colour})`;
  cell.classList.toggle("light", isDark(colour));
}
function grid(host, caption, table, options = {}) {
  const figure = document.createElement("figure"), box = document.createElement("div");
  const words = document.createElement("figcaption");
  words.textContent = caption;
  box.className = "grid " + (options.kind || "");
  box.style.setProperty("--n", table[0].length);
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", `${caption}: ${table.map((line) =>
    line.map((v) => (v === null ? "none" : round(v))).join(" ")).join("; ")}`);
  const all = table.flat().filter((v) => v !== null);
  const low = Math.min(...all, 0), high = Math.max(...all, options.least || 0);
  table.forEach((line, r) => line.forEach((v, q) => {
    const cell = document.createElement("span");
    cell.textContent = v === null ? "" : short(v);
    if (v === null) cell.className = "off"; else shade(cell, v, low, high);
    if (options.mark) options.mark(cell, r, q);
    box.append(cell);
  }));
  figure.append(words, box);
  host.append(figure);
}
function padded(planes, c) {
  return Array.from({ length: height + top + bottom }, (_, y) =>
    Array.from({ length: width + left + right }, (_, x) => at(planes, c, y - top, x - left)));
}
function arithmetic(planes, r, q) {
  const lines = [], kernel = data.kernels[state.kernel];
  if (data.kind !== "conv") {
    data.channels.forEach((name, c) => {
      const seen = cells(planes, c, r, q).filter((v) => v !== null).map(short);
      const word = data.kind === "max" ? `max(${seen.join(", ")})`
        : `(${seen.join(" + ")}) / ${seen.length}`;
      lines.push(`${name}: ${word} = ${short(value(planes, r, q, c))}`);
    });
    return lines;
  }
  let sum = kernel.bias;
  const parts = [];
  planes.forEach((_, c) => {
    const flat = kernel.weights[c].flat();
    const seen = cells(planes, c, r, q);
    const total = seen.reduce((a, v, n) => a + v * flat[n], 0);
    lines.push(`${data.channels[c]}: ${seen.map((v, n) =>
      `${short(v)}·${signed(flat[n])}`).join(" + ")} = ${short(total)}`);
    parts.push(signed(total));
    sum += total;
  });
  lines.push(`sum ${parts.join(" + ")} + bias ${signed(kernel.bias)} = ${short(sum)}`);
  if (data.activation !== "linear") lines.push(acts[data.activation]
    ? `${data.activation}(${short(sum)}) = ${short(act(sum))}`
    : `(then ${data.activation}, which is left out here)`);
  return lines;
}
function draw() {
  const planes = moved(0, 0), r = Math.floor(state.step / columns), q = state.step % columns;
  const inside = (y, x) => {
    const i = y - r * sh, j = x - q * sw;
    return i >= 0 && j >= 0 && i % dh === 0 && j % dw === 0 && i / dh < kh && j / dw < kw;
  };
  get("inputs").replaceChildren();
  planes.forEach((_, c) => grid(get("inputs"), `input, ${data.channels[c]}`, padded(planes, c), {
    least: 1, mark: (cell, y, x) => {
      cell.classList.toggle("pad", y < top || x < left || y >= top + height || x >= left + width);
      cell.classList.toggle("in", inside(y, x));
    } }));
  get("kernels").replaceChildren();
  if (data.kind === "conv") data.kernels[state.kernel].weights.forEach((plane, c) =>
    grid(get("kernels"), `kernel, ${data.channels[c]}`, plane));
  get("output").replaceChildren();
  const shown = data.kind === "conv" ? ["output"] : data.channels.map((name) => `output, ${name}`);
  shown.forEach((caption, c) => grid(get("output"), caption, map(planes, c), { kind: "out",
    mark: (cell, y, x) => {
      cell.classList.toggle("in", y === r && x === q);
      cell.addEventListener("click", () => go(y * columns + x));
    } }));
  get("where").textContent = `Window ${state.step + 1} of ${rows * columns}: output row ${r + 1},` +
    ` column ${q + 1}; the window begins at row ${r}·${sh} − ${top} = ${short(r * sh - top)},` +
    ` column ${q}·${sw} − ${left} = ${short(q * sw - left)} of the input (0 is its first).`;
  get("sum").replaceChildren(...arithmetic(planes, r, q).map((line) => {
    const p = document.createElement("p");
    p.textContent = line;
    return p;
  }));
  get("step").value = state.step;
  shift();
}
const differs = (a, b) => a.flat().filter((v, n) => Math.abs(v - b.flat()[n]) > 1e-9).length;
const percent = (part, of) => `${Math.round((100 * part) / of)}%`;
function shift() {
  const before = moved(0, 0), after = moved(state.dy, state.dx);
  const first = map(before, 0), second = map(after, 0);
  const small = pooled(first), smaller = pooled(second);
  const host = get("shifted");
  host.replaceChildren();
  grid(host, `input, ${data.channels[0]}`, after[0], { least: 1 });
  grid(host, "output", second);
  if (small.length && small[0].length) grid(host, "after 2×2 max pooling", smaller);
  const peak = Math.max(...first.flat()), moved_peak = Math.max(...second.flat());
  const by = [state.dy / sh, state.dx / sw], words = [];
  if (!state.dy && !state.dx) {
    get("told").textContent = "Not moved yet: press an arrow.";
    return;
  }
  words.push(`Moved down by ${state.dy} and right by ${state.dx}.`);
  words.push(`${percent(differs(first, second), first.flat().length)} of the outputs changed.`);
  if (by.every(Number.isInteger)) {
    let same = 0, all = 0;
    second.forEach((line, r) => line.forEach((v, q) => {
      const old = (first[r - by[0]] || [])[q - by[1]];
      if (old === undefined) return;
      all += 1;
      same += Math.abs(old - v) < 1e-9;
    }));
    if (all) words.push(`Moved back by ${by[0]} and ${by[1]}, ${percent(same, all)} of them are` +
      " what they were: the output moves with the input.");
  } else words.push("The move is no multiple of the stride, so the output is another one.");
  if (small.length && small[0].length) words.push(
    `After pooling ${percent(differs(small, smaller), small.flat().length)} changed.`);
  words.push(`The greatest output was ${short(peak)} and is ${short(moved_peak)}.`);
  get("told").textContent = words.join(" ");
}
function go(step) {
  state.step = Math.max(0, Math.min(rows * columns - 1, step));
  draw();
}
function stop() {
  clearInterval(state.timer);
  state.timer = 0;
  get("play").textContent = "Play";
}
get("step").max = rows * columns - 1;
get("step").addEventListener("input", (event) => { stop(); go(Number(event.target.value)); });
get("back").addEventListener("click", () => { stop(); go(state.step - 1); });
get("next").addEventListener("click", () => { stop(); go(state.step + 1); });
get("play").addEventListener("click", () => {
  if (state.timer) return stop();
  get("play").textContent = "Pause";
  state.timer = setInterval(() => {
    if (state.step === rows * columns - 1) stop(); else go(state.step + 1);
  }, 700);
});
for (const name of ["image", "kernel"]) {
  const list = get(name);
  if (!list) continue;
  data[`${name}s`].forEach((entry, k) => list.append(new Option(entry.name, k)));
  list.addEventListener("change", () => { state[name] = Number(list.value); draw(); });
}
for (const [id, dy, dx] of [["up", -1, 0], ["down", 1, 0], ["left", 0, -1], ["right", 0, 1]])
  get(id).addEventListener("click", () => { state.dy += dy; state.dx += dx; shift(); });
get("home").addEventListener("click", () => { state.dy = state.dx = 0; shift(); });
draw();
}
"""
