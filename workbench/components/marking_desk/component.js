// The marking desk: the page on the left, the items on the right.
// Every act is kept in the browser at once and sent in order; the screen says
// "enregistré" only after the server's answer.

const TOOLS = [
  ["", "main", "↖"], ["tick", "juste", "✓"], ["cross", "faux", "✗"], ["question", "à revoir", "?"],
  ["box", "cadre", "▭"], ["text", "texte", "T"],
];
const RETRY_MS = 3000;
const SVG = "http://www.w3.org/2000/svg";

const french = (points) => String(points).replace(".", ",");
const clock = (iso) => new Date(iso).toLocaleTimeString("fr-FR");

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function vector(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

class Desk {
  constructor(root) {
    this.root = root;
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey);
    this.onLeave = (event) => { if (this.pending.length) event.preventDefault(); };
    window.addEventListener("beforeunload", this.onLeave);
    this.pending = [];
    this.tool = "";
    this.typed = "";
    this.zoom = 1;
    this.part("appreciation").addEventListener("change", (event) => this.act({ kind: "appreciation", text: event.target.value }));
    this.part("drawing").addEventListener("click", (event) => this.draw(event));
    this.part("noticeSeen").addEventListener("click", () => this.acknowledge());
    for (const button of root.querySelectorAll("[data-command]")) {
      button.addEventListener("click", () => this.command(button.dataset.command));
    }
    for (const [kind, label, sign] of TOOLS) {
      const button = element("button", "tool", sign);
      button.type = "button";
      button.title = label;
      button.dataset.tool = kind;
      button.setAttribute("aria-label", `Outil : ${label}`);
      button.addEventListener("click", () => this.choose(kind));
      this.part("tools").append(button);
    }
    this.choose("");
  }

  load(data) {
    // A rerun of the page may bring a view older than what was typed since.
    if (this.code === data.view.code && (this.pending.length || (data.view.version <= this.version && data.view.page_set <= this.pageSet))) return;
    const fresh = this.code !== data.view.code;
    this.csrf = data.csrf;
    this.owner = data.owner;
    this.take(data.view);
    if (fresh) {
      this.page = 1;
      this.active = Math.max(0, this.leaves.findIndex((leaf) => !this.marks[leaf.item_id]));
      // The button that led here would take the Enter that validates a mark.
      document.activeElement?.blur();
      this.restore();
      // The page may have been drawn before the last marks were kept, or be drawn a second time.
      this.refresh();
    }
    this.drawAll();
  }

  take(view) {
    this.view = view;
    this.code = view.code;
    this.version = view.version;
    this.pageSet = view.page_set;
    this.page = Math.min(this.page || 1, Math.max(view.pages, 1));
    this.leaves = view.items.filter((item) => item.is_leaf);
    this.marks = { ...view.marks };
    this.remarks = { ...view.remarks };
    this.annotations = [...view.annotations];
    this.appreciation = view.appreciation;
  }

  // --- acts -------------------------------------------------------------------------------------

  act(action) {
    this.apply(action);
    this.pending.push(action);
    this.keep();
    this.drawState();
    this.send();
  }

  apply(action) {
    if (action.kind === "mark") this.marks[action.item_id] = { state: "marked", points: action.points };
    if (action.kind === "untreated") this.marks[action.item_id] = { state: "untreated", points: null };
    if (action.kind === "clear") delete this.marks[action.item_id];
    if (action.kind === "remark") this.remarks[action.item_id] = action.text;
    if (action.kind === "appreciation") this.appreciation = action.text;
    if (action.kind === "annotate") this.annotations.push({ id: null, page: action.page, kind: action.annotation_kind, shape: action.shape });
    if (action.kind === "erase") this.annotations = this.annotations.filter((one) => one.id !== action.annotation_id);
  }

  get storageKey() {
    return `korrigo:${this.owner}:${this.code}`;
  }

  keep() {
    if (this.pending.length) localStorage.setItem(this.storageKey, JSON.stringify(this.pending));
    else localStorage.removeItem(this.storageKey);
  }

  restore() {
    const kept = localStorage.getItem(this.storageKey);
    if (!kept) return;
    this.pending = JSON.parse(kept);
    this.pending.forEach((action) => this.apply(action));
    this.send();
  }

  async send() {
    if (this.sending || !this.pending.length) return;
    this.sending = true;
    const batch = this.pending.slice();
    try {
      const answer = await fetch(`/marking/${this.code}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Korrigo-CSRF": this.csrf },
        body: JSON.stringify({ actions: batch.map((action) => ({ ...action, expected_version: this.version })) }),
      });
      const result = await answer.json();
      if (answer.ok) await this.saved(batch, result);
      else await this.refused(batch, result.error?.sentence || "Le serveur a refusé cette saisie.");
    } catch (error) {
      this.tell("Le serveur ne répond pas : la saisie est gardée ici et sera renvoyée.");
      setTimeout(() => this.send(), RETRY_MS);
    } finally {
      this.sending = false;
    }
    if (!this.refusedOnce && this.pending.length && this.answered) this.send();
  }

  async saved(batch, result) {
    this.answered = true;
    this.refusedOnce = false;
    this.version = result.version;
    this.savedAt = result.saved_at;
    this.pending = this.pending.slice(batch.length);
    this.keep();
    this.tell("");
    const drawn = batch.some((action) => action.kind === "annotate" || action.kind === "erase");
    if (drawn || result.page_set > this.pageSet) await this.refresh();
    this.drawState();
  }

  async refused(batch, sentence) {
    // What the server refuses is shown and taken back; what stands there is shown instead.
    this.pending = this.pending.slice(batch.length);
    this.keep();
    await this.refresh();
    this.pending.forEach((action) => this.apply(action));
    this.drawAll();
    this.tell(sentence);
  }

  async refresh() {
    const answer = await fetch(`/marking/${this.code}`);
    if (!answer.ok) return;
    const view = await answer.json();
    if (view.version < this.version) return;
    this.take(view);
    this.pending.forEach((action) => this.apply(action));
    this.drawPage();
    this.drawState();
    this.redrawTexts();
  }

  // What is being typed stays as it is.
  redrawTexts() {
    for (const leaf of this.leaves) {
      const remark = this.root.querySelector(`[data-item="${leaf.item_id}"] .remark`);
      if (remark !== this.root.activeElement) remark.value = this.remarks[leaf.item_id] || "";
    }
    const appreciation = this.part("appreciation");
    if (appreciation !== this.root.activeElement) appreciation.value = this.appreciation;
  }

  // --- drawing ----------------------------------------------------------------------------------

  // What changed in the pages stays said until the corrector has read it.
  drawNotice() {
    this.part("notice").hidden = !this.view.notice;
    this.part("noticeText").textContent = this.view.notice ? `Les pages de cette copie ont changé. ${this.view.notice}.` : "";
  }

  async acknowledge() {
    const answer = await fetch(`/marking/${this.code}/notice`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Korrigo-CSRF": this.csrf },
      body: JSON.stringify({ page_set: this.pageSet }),
    }).catch(() => null);
    if (answer?.ok) await this.refresh();
    else this.tell("Le serveur ne répond pas : recommencez.");
  }

  drawAll() {
    this.part("code").textContent = `Copie ${this.code}`;
    this.part("appreciation").value = this.appreciation;
    this.drawItems();
    this.drawPage();
    this.drawState();
  }

  drawItems() {
    const list = this.part("items");
    list.replaceChildren();
    for (const item of this.view.items) {
      if (item.is_leaf) list.append(this.drawItem(item));
      else list.append(this.drawGroup(item));
    }
    this.drawActive();
  }

  drawGroup(item) {
    const group = element("div", `group depth${item.depth}`);
    group.append(element("span", "", item.depth === 0 ? `Exercice ${item.code} — ${item.label}` : `${item.code} ${item.label}`));
    const sum = element("span", "sum");
    sum.dataset.group = item.code;
    group.append(sum);
    return group;
  }

  drawItem(item) {
    const row = element("div", "item");
    row.dataset.item = item.item_id;
    const line = element("div", "line");
    line.append(element("span", "code", item.code), element("span", "label", item.label));
    const value = element("output", "value");
    line.append(value, element("span", "maximum", `/ ${french(item.points)}${item.bonus ? " (bonus)" : ""}`));
    row.append(line);
    const tools = element("div", "steps");
    for (const points of this.steps(item)) tools.append(this.stepButton(item, points));
    const untreated = element("button", "step", "N");
    untreated.type = "button";
    untreated.title = "Non traité";
    untreated.dataset.state = "untreated";
    untreated.addEventListener("click", () => this.untreat(item));
    tools.append(untreated);
    row.append(tools);
    const remark = element("input", "remark");
    remark.placeholder = "remarque";
    remark.value = this.remarks[item.item_id] || "";
    remark.setAttribute("aria-label", `Remarque sur ${item.code}`);
    remark.addEventListener("change", () => this.act({ kind: "remark", item_id: item.item_id, text: remark.value }));
    row.append(remark);
    row.addEventListener("click", () => this.activate(this.leaves.indexOf(item)));
    return row;
  }

  steps(item) {
    const maximum = Number(item.points);
    const step = maximum > 2 ? 0.5 : Number(this.view.step);
    return Array.from({ length: Math.round(maximum / step) + 1 }, (_, index) => index * step);
  }

  stepButton(item, points) {
    const button = element("button", "step", french(points).replace(/^0,/, ","));
    button.type = "button";
    button.dataset.points = points;
    button.addEventListener("click", () => this.mark(item, points));
    return button;
  }

  drawActive() {
    this.leaves.forEach((leaf, index) => {
      const row = this.root.querySelector(`[data-item="${leaf.item_id}"]`);
      const mark = this.marks[leaf.item_id];
      row.classList.toggle("active", index === this.active);
      row.classList.toggle("known", Boolean(mark));
      const typing = index === this.active && this.typed;
      row.querySelector(".value").textContent = typing ? this.typed : this.markText(mark);
      for (const button of row.querySelectorAll(".step")) {
        const chosen = mark && (mark.state === "marked" ? Number(button.dataset.points) === Number(mark.points) && "points" in button.dataset : button.dataset.state === mark.state);
        button.classList.toggle("chosen", Boolean(chosen));
        button.setAttribute("aria-pressed", String(Boolean(chosen)));
      }
    });
    for (const sum of this.root.querySelectorAll("[data-group]")) {
      const below = this.leaves.filter((leaf) => leaf.code.startsWith(`${sum.dataset.group}.`));
      sum.textContent = `${french(this.sum(below))} / ${french(below.filter((leaf) => !leaf.bonus).reduce((all, leaf) => all + Number(leaf.points), 0))}`;
    }
  }

  markText(mark) {
    if (!mark) return "—";
    return mark.state === "marked" ? french(Number(mark.points)) : "NT";
  }

  sum(leaves) {
    return leaves.reduce((all, leaf) => all + Number(this.marks[leaf.item_id]?.points || 0), 0);
  }

  drawState() {
    this.drawActive();
    const left = this.leaves.filter((leaf) => !this.marks[leaf.item_id]).length;
    this.part("total").textContent = `${french(this.sum(this.leaves))} / ${french(Number(this.view.out_of))}`;
    this.part("left").textContent = left === 0 ? "✔ complète" : left === 1 ? "reste 1 question" : `reste ${left} questions`;
    const saved = this.part("saved");
    saved.classList.toggle("waiting", this.pending.length > 0);
    if (this.pending.length) saved.textContent = this.pending.length === 1 ? "1 action en attente" : `${this.pending.length} actions en attente`;
    else saved.textContent = this.savedAt ? `enregistré à ${clock(this.savedAt)}` : "";
  }

  drawPage() {
    this.drawNotice();
    const image = this.part("image");
    const source = `/files/copies/${this.code}/pages/${this.page}.jpg?set=${this.pageSet}`;
    if (image.getAttribute("src") !== source) image.src = source;
    this.part("canvas").style.width = `${this.zoom * 100}%`;
    const blank = this.view.blank_pages.includes(this.page) ? " · page blanche" : "";
    this.part("pageNumber").textContent = `page ${this.page}/${this.view.pages}${blank}`;
    const drawing = this.part("drawing");
    drawing.replaceChildren();
    for (const one of this.annotations.filter((annotation) => annotation.page === this.page)) drawing.append(this.drawAnnotation(one));
    if (this.page < this.view.pages) new Image().src = `/files/copies/${this.code}/pages/${this.page + 1}.jpg`;
  }

  // The drawing lies on a 1000 × 1414 plane, an A4 page.
  drawAnnotation(one) {
    const x = one.shape.x * 1000;
    const y = one.shape.y * 1414;
    const group = vector("g", { class: `annotation ${one.kind}` });
    if (one.kind === "tick") group.append(vector("path", { d: `M${x - 16} ${y} l12 14 l24 -32` }));
    if (one.kind === "cross") group.append(vector("path", { d: `M${x - 14} ${y - 14} l28 28 m0 -28 l-28 28` }));
    if (one.kind === "box") group.append(vector("rect", { x, y, width: one.shape.width * 1000, height: one.shape.height * 1414 }));
    if (one.kind === "question" || one.kind === "text") {
      const text = vector("text", { x, y });
      text.textContent = one.kind === "question" ? "?" : one.shape.text;
      group.append(text);
    }
    if (one.id !== null) group.addEventListener("click", (event) => this.erase(event, one));
    return group;
  }

  erase(event, one) {
    if (this.tool !== "") return;
    event.stopPropagation();
    this.act({ kind: "erase", annotation_id: one.id });
    this.drawPage();
  }

  draw(event) {
    if (this.tool === "") return;
    const bounds = this.part("drawing").getBoundingClientRect();
    const x = (event.clientX - bounds.left) / bounds.width;
    const y = (event.clientY - bounds.top) / bounds.height;
    if (this.tool === "box") return this.drawBox(x, y);
    if (this.tool === "text") return this.askText(event, x, y);
    return this.annotate({ x, y });
  }

  drawBox(x, y) {
    if (!this.corner) {
      this.corner = { x, y };
      return this.tell("Cliquez sur le coin opposé du cadre.");
    }
    const from = this.corner;
    this.corner = null;
    this.tell("");
    return this.annotate({ x: Math.min(x, from.x), y: Math.min(y, from.y), width: Math.abs(x - from.x), height: Math.abs(y - from.y) });
  }

  askText(event, x, y) {
    const field = element("input", "floating");
    const bounds = this.part("canvas").getBoundingClientRect();
    field.style.left = `${event.clientX - bounds.left}px`;
    field.style.top = `${event.clientY - bounds.top}px`;
    field.placeholder = "texte, puis Entrée";
    const done = (keep) => {
      const text = field.value.trim();
      field.remove();
      if (keep && text) this.annotate({ x, y, text });
    };
    field.addEventListener("keydown", (typed) => {
      typed.stopPropagation();
      if (typed.key === "Enter") done(true);
      if (typed.key === "Escape") done(false);
    });
    this.part("canvas").append(field);
    field.focus();
  }

  annotate(shape) {
    const item = this.leaves[this.active];
    this.act({ kind: "annotate", annotation_kind: this.tool, page: this.page, page_set: this.pageSet, shape, item_id: item ? item.item_id : null });
    this.drawPage();
  }

  choose(kind) {
    this.tool = kind;
    this.corner = null;
    this.part("drawing").classList.toggle("drawing", kind !== "");
    for (const button of this.part("tools").children) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === kind));
    }
  }

  tell(sentence) {
    this.part("message").textContent = sentence;
  }

  // --- keys -------------------------------------------------------------------------------------

  activate(index) {
    this.typed = "";
    this.active = Math.min(Math.max(index, 0), this.leaves.length - 1);
    this.drawActive();
    this.root.querySelector(".item.active").scrollIntoView({ block: "nearest" });
  }

  mark(item, points) {
    this.act({ kind: "mark", item_id: item.item_id, points: String(points) });
    this.drawActive();
  }

  untreat(item) {
    this.act({ kind: "untreated", item_id: item.item_id });
  }

  next() {
    this.activate(this.active + 1);
  }

  commit() {
    const item = this.leaves[this.active];
    const points = Number(this.typed.replace(",", "."));
    const wrong = !(points >= 0 && points <= Number(item.points)) || Math.abs(points / this.view.step - Math.round(points / this.view.step)) > 1e-9;
    this.typed = "";
    if (wrong) {
      this.drawActive();
      this.tell(`${item.code} : de 0 à ${french(item.points)} par pas de ${french(this.view.step)}.`);
      return false;
    }
    this.tell("");
    this.mark(item, points);
    return true;
  }

  shiftPoints(direction) {
    const item = this.leaves[this.active];
    const now = this.marks[item.item_id]?.points;
    const step = Number(this.view.step);
    const start = now === undefined || now === null ? (direction > 0 ? -step : Number(item.points) + step) : Number(now);
    this.mark(item, Math.min(Math.max(start + direction * step, 0), Number(item.points)));
  }

  turn(direction) {
    this.page = Math.min(Math.max(this.page + direction, 1), this.view.pages);
    this.drawPage();
    this.part("viewer").scrollTop = 0;
  }

  command(name) {
    if (name === "previousPage") this.turn(-1);
    if (name === "nextPage") this.turn(1);
    if (name === "zoomIn") this.zoom = Math.min(this.zoom + 0.25, 3);
    if (name === "zoomOut") this.zoom = Math.max(this.zoom - 0.25, 0.5);
    this.drawPage();
  }

  key(event) {
    if (!this.view || event.ctrlKey || event.altKey || event.metaKey) return;
    const focused = event.composedPath()[0];
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(focused.tagName || "") || focused.isContentEditable) {
      if (event.key === "Escape" || (event.key === "Enter" && focused.tagName === "INPUT")) focused.blur();
      return;
    }
    if (this.keyActs(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  keyActs(event) {
    const item = this.leaves[this.active];
    // A French keyboard sends & é " ' on the digit row: the key's place is read, not its sign.
    const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code);
    const letter = event.key.toLowerCase();
    if (digit || event.key === "," || event.key === "." || event.code === "NumpadDecimal") {
      this.typed += digit ? digit[1] : ",";
      this.drawActive();
    } else if (event.key === "Backspace" && this.typed) {
      this.typed = this.typed.slice(0, -1);
      this.drawActive();
    } else if (event.key === "Escape") {
      this.typed = "";
      this.choose("");
      this.drawActive();
    } else if (event.key === "Enter" || event.key === "ArrowDown") {
      if (event.key === "Enter" && event.composedPath()[0].tagName === "BUTTON") return false;
      if (!this.typed || this.commit()) this.next();
    } else if (event.key === "ArrowUp") {
      if (!this.typed || this.commit()) this.activate(this.active - 1);
    } else if (event.key === "ArrowRight") this.shiftPoints(1);
    else if (event.key === "ArrowLeft") this.shiftPoints(-1);
    else if (letter === "t") this.all(event, (leaf) => this.mark(leaf, Number(leaf.points)));
    else if (letter === "n") this.all(event, (leaf) => this.untreat(leaf));
    else if (event.key === "Delete") this.act({ kind: "clear", item_id: item.item_id });
    else if (event.key === "PageDown") this.turn(1);
    else if (event.key === "PageUp") this.turn(-1);
    else if (event.key === "+") this.command("zoomIn");
    else if (event.key === "-") this.command("zoomOut");
    else return false;
    return true;
  }

  // With Shift: the items of the exercise that have no mark yet.
  all(event, act) {
    const item = this.leaves[this.active];
    this.typed = "";
    if (!event.shiftKey) {
      act(item);
      this.next();
      return;
    }
    const exercise = item.code.split(".")[0];
    for (const leaf of this.leaves) if (leaf.code.split(".")[0] === exercise && !this.marks[leaf.item_id]) act(leaf);
  }
}

export default function (component) {
  const { parentElement, data } = component;
  if (!parentElement.desk) parentElement.desk = new Desk(parentElement);
  parentElement.desk.load(data);
  return () => {
    document.removeEventListener("keydown", parentElement.desk.onKey);
    window.removeEventListener("beforeunload", parentElement.desk.onLeave);
    parentElement.desk = null;
  };
}
