// Frames on a picture of a page: sides are shares of its width and height, so that they hold at any size.
const desks = new WeakMap();
const ZONE = "zone";
const LEAST = 0.008; // of the page: anything smaller is a click, not a frame
const STEP_MM = 0.5;
const PAGE_MM = 210; // the short side of an A4 page, for keys that move by millimetres
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export default function (component) {
  const { parentElement } = component;
  let desk = desks.get(parentElement);
  if (!desk) {
    desk = new Desk(parentElement);
    desks.set(parentElement, desk);
  }
  desk.use(component);
  return () => desks.delete(parentElement);
}

class Desk {
  constructor(root) {
    this.root = root;
    this.parts = {};
    for (const part of root.querySelectorAll("[data-part]")) this.parts[part.dataset.part] = part;
    const { parts } = this;
    parts.choice.onchange = () => this.show(Number(parts.choice.value));
    parts.previous.onclick = () => this.show(this.at - 1);
    parts.next.onclick = () => this.show(this.at + 1);
    parts.turn.onclick = () => this.turned();
    parts.try.onclick = () => this.attempt();
    parts.save.onclick = () => this.save();
    parts.name.oninput = () => this.drawTools();
    parts.paper.onpointerdown = (event) => this.grip(event);
    parts.picture.onload = () => this.ready(true);
    parts.picture.onerror = () => this.ready(false);
  }

  use({ data, setTriggerValue }) {
    const other = this.paper !== data.paper;
    Object.assign(this, { paper: data.paper, csrf: data.csrf, words: data.words, fields: data.fields });
    this.open = (page) => setTriggerValue("open", { page });
    this.order = [{ name: ZONE, label: this.words.zone }, ...this.fields];
    this.parts.name.maxLength = data.longest_name;
    this.drawWords();
    if (other) this.load();
  }

  drawWords() {
    const { parts, words } = this;
    const texts = {
      try: "try", name_label: "name", kind_label: "kind", kind_copy: "kind_copy", kind_annex: "kind_annex",
      save: "save", models_title: "models", keys: "keys", lost: "picture_lost", warning: "warning",
    };
    for (const [part, word] of Object.entries(texts)) parts[part].textContent = words[word];
    for (const part of ["previous", "next", "turn"]) parts[part].title = parts[part].ariaLabel = words[part];
    parts.choice.ariaLabel = words.choose;
    parts.picture.alt = words.picture;
    parts.tools.ariaLabel = words.draw;
  }

  // --- pages

  async load() {
    const paper = this.paper;
    if (!this.pages) this.parts.nothing.textContent = this.words.loading;
    const result = await this.ask(`/scans/${paper}/header-pages.json`);
    if (paper !== this.paper) return;
    if (!result.ok) return this.empty(result.sentence);
    this.models = result.models;
    this.pages = result.pages;
    this.at = this.stale = null;
    this.parts.after.hidden = true;
    this.tell("message", "");
    if (!this.pages.length) return this.empty(this.words.nothing, true);
    this.parts.nothing.hidden = true;
    this.parts.whole.hidden = false;
    this.parts.choice.replaceChildren(...this.groups());
    this.parts.name.value = fill(this.words.name_default, { n: this.models.length + 1 });
    this.drawModels();
    this.forgetFrames();
    this.show(0);
  }

  empty(sentence, way = false) {
    this.parts.whole.hidden = true;
    this.parts.nothing.hidden = false;
    this.parts.nothing.textContent = sentence;
    if (way) this.parts.nothing.append(" ", button(this.words.scans, () => this.open("scans")));
  }

  groups() {
    return [false, true].flatMap((has) => {
      const group = element("optgroup");
      group.label = has ? this.words.with : this.words.without;
      this.pages.forEach((page, at) => {
        if (page.has_header !== has) return;
        const option = element("option", "", this.nameOf(page));
        option.value = at;
        group.append(option);
      });
      return group.children.length ? [group] : [];
    });
  }

  nameOf(page) {
    const half = this.words[page.half];
    const name = fill(half ? this.words.page_half : this.words.page, { file: page.file_name, n: page.image, half });
    return page.blank ? `${name} (${this.words.blank})` : name;
  }

  show(at, turn = 0) {
    if (at < 0 || at >= this.pages.length) return;
    const other = this.pages[this.at]?.file_id !== this.pages[at].file_id;
    Object.assign(this, { at, turn });
    const { parts } = this;
    parts.choice.value = at;
    parts.previous.disabled = at === 0;
    parts.next.disabled = at === this.pages.length - 1;
    const { scan_image_id: image, half } = this.pages[at];
    parts.picture.src = `/files/scan-images/${image}/${half}.jpg?turn=${turn}`;
    // Frames stay when one leafs through a file: its headers lie at about the same place.
    if (other) this.forgetFrames();
    else this.changed();
  }

  turned() {
    this.forgetFrames();
    this.show(this.at, (this.turn + 90) % 360);
  }

  ready(there) {
    this.parts.paper.hidden = !there;
    this.parts.lost.hidden = there;
    this.drawn = there;
    this.drawTools();
  }

  // --- frames

  forgetFrames() {
    this.frames = new Map();
    this.tool = ZONE;
    this.trials = null;
    this.parts.trials.replaceChildren();
    this.tell("told", "");
    this.draw();
  }

  changed() {
    if (this.trials) {
      this.parts.trials.classList.add("old");
      this.tell("told", this.words.changed);
    }
    this.draw();
  }

  nextTool() {
    return this.order.find(({ name }) => !this.frames.has(name))?.name ?? null;
  }

  put(name, box) {
    this.frames.set(name, box.map((side) => Math.min(Math.max(side, 0), 1)));
    this.tool = this.nextTool();
    this.changed();
  }

  erase(name) {
    this.frames.delete(name);
    this.tool = name;
    this.changed();
    this.parts.tools.querySelector(`[data-tool="${name}"]`)?.focus();
  }

  // Without a mouse: a frame at a likely place, to be moved from there.
  place(name) {
    const zone = this.frames.get(ZONE) ?? [0.05, 0.02, 0.95, 0.17];
    const row = Math.max(0, this.order.findIndex((one) => one.name === name) - 1);
    const [left, top, right, bottom] = zone;
    const [wide, high] = [right - left, bottom - top];
    const x = left + wide * (0.05 + 0.5 * (row % 2));
    const y = top + high * (0.08 + 0.3 * Math.floor(row / 2));
    this.put(name, name === ZONE ? zone : [x, y, x + wide * 0.4, y + high * 0.25]);
    this.parts.frames.querySelector(`[data-frame="${name}"]`).focus();
  }

  draw() {
    this.drawFrames();
    this.drawTools();
  }

  drawFrames() {
    const { frames } = this.parts;
    const there = new Map([...frames.children].map((frame) => [frame.dataset.frame, frame]));
    for (const [name, frame] of there) if (!this.frames.has(name)) frame.remove();
    for (const { name, label } of this.order) {
      if (!this.frames.has(name)) continue;
      const frame = there.get(name) ?? this.frame(name, label);
      placed(frame, this.frames.get(name));
      // In the order of the list, so that Tab goes through them as people read; moving one would lose the focus.
      if (!frame.isConnected) {
        const later = this.order.slice(this.order.findIndex((one) => one.name === name) + 1);
        frames.insertBefore(frame, later.map((one) => there.get(one.name)).find((one) => one?.isConnected) ?? null);
      }
    }
  }

  frame(name, label) {
    const frame = element("div", `frame ${name === ZONE ? ZONE : `field ${name}`}`);
    frame.dataset.frame = name;
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.ariaLabel = fill(this.words.frame_of, { what: label });
    frame.append(element("b", "", label));
    for (const corner of ["nw", "ne", "sw", "se"]) {
      const grip = element("i");
      grip.dataset.corner = corner;
      frame.append(grip);
    }
    frame.onkeydown = (event) => this.key(event, name);
    return frame;
  }

  key(event, name) {
    if (event.key === "Delete" || event.key === "Backspace") this.erase(name);
    else if (event.key in ARROWS && !event.ctrlKey && !event.altKey && !event.metaKey) {
      const { width, height } = this.parts.picture.getBoundingClientRect();
      const step = (STEP_MM / PAGE_MM) * Math.min(width, height);
      const [across, down] = ARROWS[event.key];
      const [x, y] = [(across * step) / width, (down * step) / height];
      const box = this.frames.get(name);
      this.frames.set(name, event.shiftKey ? pulled(box, "se", x, y) : moved(box, x, y));
      this.changed();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // --- the mouse, or a finger

  grip(event) {
    if (event.button !== 0 || !this.drawn) return;
    const frame = event.target.closest(".frame");
    const start = this.share(event);
    if (!frame && !this.tool) return;
    event.preventDefault();
    const { paper } = this.parts;
    paper.setPointerCapture(event.pointerId);
    const name = frame?.dataset.frame;
    const corner = event.target.dataset.corner;
    const before = name ? this.frames.get(name) : null;
    frame?.focus({ preventScroll: true });
    const ghost = frame ?? element("div", `frame pulled ${this.tool === ZONE ? ZONE : this.tool}`);
    let box = before;
    paper.onpointermove = (move) => {
      const [x, y] = this.share(move);
      if (!name) box = between(start, [x, y]);
      else if (corner) box = pulled(before, corner, x - start[0], y - start[1]);
      else box = moved(before, x - start[0], y - start[1]);
      if (!ghost.isConnected) this.parts.frames.append(ghost);
      placed(ghost, box);
    };
    const end = (kept) => {
      paper.onpointermove = paper.onpointerup = paper.onpointercancel = null;
      if (!name) ghost.remove();
      if (!kept || !box) return this.draw();
      if (name) {
        this.frames.set(name, box);
        if (box !== before) this.changed();
      } else if (box[2] - box[0] >= LEAST && box[3] - box[1] >= LEAST) this.put(this.tool, box);
    };
    paper.onpointerup = () => end(true);
    paper.onpointercancel = () => end(false);
  }

  share(event) {
    const { left, top, width, height } = this.parts.picture.getBoundingClientRect();
    return [clamped((event.clientX - left) / width), clamped((event.clientY - top) / height)];
  }

  // --- what is drawn, and what is next

  drawTools() {
    const { parts, words } = this;
    const focused = parts.tools.getRootNode().activeElement?.dataset?.tool;
    parts.tools.replaceChildren(...this.order.map((one) => this.drawTool(one)));
    if (focused) parts.tools.querySelector(`[data-tool="${focused}"]`)?.focus({ preventScroll: true });
    const next = this.order.find(({ name }) => name === this.tool);
    if (this.stale) parts.step.textContent = words.step_read;
    else if (!next) parts.step.textContent = words.step_done;
    else if (next.name === ZONE) parts.step.textContent = words.step_zone;
    else parts.step.textContent = fill(this.frames.size > 1 ? words.step_more : words.step_field, { field: next.label });
    const enough = this.drawn && !this.stale && this.frames.has(ZONE) && this.frames.size > 1;
    parts.try.disabled = !enough || this.busy;
    parts.save.disabled = !enough || this.busy || !parts.name.value.trim();
  }

  drawTool({ name, label }) {
    const there = this.frames.has(name);
    const line = element("div", `tool ${name} ${there ? "done" : ""}`);
    const choose = button(label, (event) => {
      if (there) return this.parts.frames.querySelector(`[data-frame="${name}"]`).focus();
      // A click by key has no count: somebody without a mouse wants the frame itself.
      if (event.detail === 0 && this.drawn) return this.place(name);
      this.tool = name;
      this.drawTools();
    });
    choose.dataset.tool = name;
    choose.setAttribute("aria-pressed", String(this.tool === name));
    choose.append(element("em", "", there ? `✔ ${this.words.drawn}` : this.words.none_drawn));
    line.append(choose);
    if (there) {
      const erase = button("✕", () => this.erase(name), "erase");
      erase.title = erase.ariaLabel = fill(this.words.erase, { what: label });
      line.append(erase);
    }
    return line;
  }

  drawing() {
    const { scan_image_id: image, half } = this.pages[this.at];
    const fields = Object.fromEntries([...this.frames].filter(([name]) => name !== ZONE));
    return { image, half, turn: this.turn, zone: this.frames.get(ZONE), fields };
  }

  async during(part, words, doing) {
    this.busy = true;
    this.tell(part, words);
    this.drawTools();
    try {
      return await doing();
    } finally {
      this.busy = false;
      this.drawTools();
    }
  }

  async attempt() {
    const { parts, words } = this;
    parts.trials.replaceChildren();
    this.trials = null;
    const sent = JSON.stringify(this.drawing());
    const result = await this.during("told", words.trying, () => this.ask("/scans/header-models/try", sent));
    if (!result.ok) return this.tell("told", result.sentence, "stop");
    this.trials = result.trials;
    const found = this.trials.filter((trial) => trial.found).length;
    const sum = fill(words.tried, { found, total: this.trials.length });
    this.tell("told", this.trials.length ? sum : words.tried_none);
    parts.trials.classList.remove("old");
    parts.trials.replaceChildren(...this.trials.map((trial) => this.trial(trial)));
    if (sent !== JSON.stringify(this.drawing())) this.changed();
  }

  trial({ image, found, crop, fields }) {
    const figure = element("figure", `trial ${found ? "" : "missed"}`);
    const words = fill(found ? this.words.trial_found : this.words.trial_missed, { n: image });
    const frame = element("div");
    const picture = element("img");
    picture.src = crop;
    picture.alt = words;
    frame.append(picture);
    for (const [name, box] of Object.entries(fields)) frame.append(placed(element("span", name), box));
    figure.append(element("figcaption", "", `${found ? "✔" : "○"} ${words}`), frame);
    return figure;
  }

  // --- keeping

  async save() {
    const { parts, words } = this;
    const name = parts.name.value.trim();
    const kind = this.root.querySelector("input[name='kind']:checked").value;
    const page = this.pages[this.at];
    parts.after.hidden = true;
    await this.during("message", words.saving, async () => {
      const body = JSON.stringify({ ...this.drawing(), name, kind });
      const kept = await this.ask("/scans/header-models", body);
      if (!kept.ok) return this.tell("message", kept.sentence, "stop");
      const again = await this.readAgain([page.file_id]);
      if (!again.ok) return this.tell("message", `${fill(words.saved, { name })} ${again.sentence}`, "stop");
      const read = again.asked.length ? "reading" : again.in_use.length ? "not_read_used" : "not_read_checked";
      await this.again();
      this.tell("message", `${fill(words.saved, { name })} ${fill(words[read], { file: page.file_name })}`, "done");
      this.offer(page.file_id, again.asked.length > 0);
    });
  }

  // The list of zones, and of pages of files that are not being read at this moment.
  async again() {
    const result = await this.ask(`/scans/${this.paper}/header-pages.json`);
    if (!result.ok) return;
    this.models = result.models;
    this.parts.name.value = fill(this.words.name_default, { n: this.models.length + 1 });
    this.drawModels();
  }

  offer(file, reading, more = true) {
    const others = [...new Set(this.pages.map((page) => page.file_id))].filter((id) => id !== file);
    const ways = [];
    // The pages drawn upon are gone as soon as their file is read again.
    if (reading) this.stale = true;
    if (reading) ways.push(button(this.words.reload, () => this.load()));
    if (more && others.length) ways.push(button(this.words.others, () => this.readOthers(others)));
    if (reading) ways.push(button(this.words.jobs, () => this.open("jobs")));
    this.parts.after.replaceChildren(...ways);
    this.parts.after.hidden = !ways.length;
  }

  async readOthers(files) {
    const { words } = this;
    const again = await this.readAgain(files);
    if (!again.ok) return this.tell("message", again.sentence, "stop");
    const read = again.asked.length ? fill(words.others_read, { files: again.asked.join(", ") }) : words.others_none;
    this.tell("message", read, "done");
    this.offer(null, true, false);
    this.drawTools();
  }

  readAgain(files) {
    return this.ask(`/scans/${this.paper}/read-again`, JSON.stringify({ files }));
  }

  drawModels() {
    const { parts, words } = this;
    const lines = this.models.map((model) => {
      const line = element("li");
      const name = element("span", "", model.name);
      const fields = this.fields.filter((field) => model.fields.includes(field.name)).map((field) => field.label);
      const kind = model.kind === "annex" ? words.model_annex : words.model_copy;
      name.append(element("br"), element("small", "", `${kind} · ${fields.join(", ")}`));
      const remove = button(words.remove, () => this.sure(line, model));
      remove.ariaLabel = fill(words.remove_of, { name: model.name });
      line.append(name, remove);
      return line;
    });
    parts.models.replaceChildren(...(lines.length ? lines : [element("li", "soft", words.no_models)]));
  }

  sure(line, model) {
    const { words } = this;
    const yes = button(words.yes, async () => {
      const result = await this.ask(`/scans/header-models/${model.model_id}/remove`, "{}");
      if (!result.ok) return this.tell("message", result.sentence, "stop");
      await this.again();
      this.tell("message", fill(words.removed, { name: model.name }), "done");
    });
    line.replaceChildren(
      element("span", "", fill(words.sure, { name: model.name })), yes, button(words.no, () => this.drawModels()),
    );
    yes.focus();
  }

  tell(part, words, state = "") {
    this.parts[part].textContent = words;
    this.parts[part].dataset.state = state;
  }

  async ask(address, body = null) {
    const headers = { Accept: "application/json" };
    const post = { method: "POST", body, headers: { ...headers, "Content-Type": "application/json", "X-Korrigo-CSRF": this.csrf } };
    try {
      const answer = await fetch(address, body === null ? { headers } : post);
      const found = await answer.json();
      return answer.ok ? { ok: true, ...found } : { ok: false, sentence: found.error?.sentence ?? this.words.refused };
    } catch (error) {
      return { ok: false, sentence: error instanceof TypeError ? this.words.no_answer : this.words.refused };
    }
  }
}

// --- frames as [left, top, right, bottom]

function clamped(value) {
  return Math.min(Math.max(value, 0), 1);
}

function between([x0, y0], [x1, y1]) {
  return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
}

function moved([left, top, right, bottom], x, y) {
  const across = Math.min(Math.max(x, -left), 1 - right);
  const down = Math.min(Math.max(y, -top), 1 - bottom);
  return [left + across, top + down, right + across, bottom + down];
}

function pulled([left, top, right, bottom], corner, x, y) {
  if (corner.includes("w")) left = Math.min(clamped(left + x), right - LEAST);
  else right = Math.max(clamped(right + x), left + LEAST);
  if (corner.includes("n")) top = Math.min(clamped(top + y), bottom - LEAST);
  else bottom = Math.max(clamped(bottom + y), top + LEAST);
  return [left, top, right, bottom];
}

function placed(node, [left, top, right, bottom]) {
  const percent = (share) => `${share * 100}%`;
  Object.assign(node.style, {
    left: percent(left), top: percent(top), width: percent(right - left), height: percent(bottom - top),
  });
  return node;
}

function fill(words, values) {
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function element(kind, className = "", text = "") {
  const node = document.createElement(kind);
  if (className) node.className = className.trim();
  if (text) node.textContent = text;
  return node;
}

function button(text, act, className = "") {
  const node = element("button", className, text);
  node.type = "button";
  node.onclick = act;
  return node;
}
