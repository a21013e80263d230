// Atelier d'agrafage: every booklet as a strip of pages, in the order of the paper; keys repair it.
const THUMB_WIDTHS_PX = [72, 96, 120];
const STRIP_HEAD_PX = 176;
const STRIP_PAD_PX = 16;
const STRIP_LEAST_PX = 112;
const FILE_ROW_PX = 34;
const GAP_PX = 8;
const FILTERS = ["all", "look", "loose", "annex", "aside", "double", "blank"];
const WIDTH_KEPT = "korrigo:workshop:thumb";

class Workshop extends Desk {
  constructor(root) {
    super(root);
    this.list = new VirtualList(this.part("list"), (row) => this.drawRow(row));
    this.list.ondrawn = () => this.paint();
    this.list.onresize = () => this.resized();
    this.filter = "all";
    this.selected = new Set();
    this.anchor = null;
    this.carried = null;
    this.width = Number(localStorage.getItem(WIDTH_KEPT)) || THUMB_WIDTHS_PX[1];
    this.wireList();
  }

  use(component) {
    if (this.data?.paper !== component.data.paper) {
      Object.assign(this, { cursor: null, anchor: null, carried: null, asked: component.data.sheet });
      this.selected.clear();
    }
    super.use(component);
  }

  // --- strips

  draw() {
    const { model, words } = this;
    const empty = !model.sheets.length;
    this.part("whole").hidden = empty;
    this.part("nothing").hidden = !empty;
    if (empty) {
      this.part("nothing").replaceChildren(element("p", "what", words.nothing), element("p", "", words.nothing_next), button(words.open_scans, () => this.trigger("open", { page: "scans" })));
      return;
    }
    for (const id of this.selected) if (!model.halves.has(id)) this.selected.delete(id);
    this.strips = this.allStrips();
    this.drawFilters();
    this.layOut();
    this.drawPanel();
  }

  allStrips() {
    const { model } = this;
    const strips = [];
    const known = new Set();
    for (const half of model.halves.values()) {
      const booklet = model.booklets.get(half.booklet);
      const key = booklet ? `booklet ${booklet.id}` : `${half.place} ${half.sheet.key}`;
      if (known.has(key)) {
        if (!booklet) strips.find((strip) => strip.key === key).halves.push(half);
        continue;
      }
      known.add(key);
      strips.push({ key, kind: booklet ? "booklet" : "out", booklet, halves: booklet ? booklet.halves : [half], order: booklet ? booklet.halves[0].order : half.order, file: half.sheet.file });
    }
    return strips.sort((one, other) => one.order - other.order);
  }

  get doubled() {
    return new Set(this.model.pairs().flatMap((pair) => [...pair.later.halves, ...pair.other.halves]));
  }

  inFilter(strip, filter, doubled) {
    const tests = {
      all: () => true,
      look: () => strip.halves.some((half) => this.model.isDoubtful(half)),
      loose: () => strip.halves.some((half) => half.place === "loose"),
      annex: () => strip.halves.some((half) => half.place === "annex"),
      aside: () => strip.halves.some((half) => half.place === "aside" || half.place === "unreadable"),
      double: () => strip.halves.some((half) => doubled.has(half)),
      blank: () => strip.halves.some((half) => half.place === "blank" || half.blank),
    };
    return tests[filter]();
  }

  drawFilters() {
    const doubled = this.doubled;
    const bar = this.part("filters");
    const held = bar.contains(this.root.activeElement) ? this.root.activeElement.dataset.filter : null;
    bar.setAttribute("aria-label", this.words.filters);
    bar.replaceChildren(
      ...FILTERS.map((filter) => {
        const n = this.strips.filter((strip) => this.inFilter(strip, filter, doubled)).length;
        const made = button(this.words.filter[filter], () => this.chooseFilter(filter), { kind: `filter ${filter}` });
        made.append(element("b", "", String(n)));
        made.dataset.filter = filter;
        made.setAttribute("aria-pressed", String(filter === this.filter));
        return made;
      }),
    );
    if (held) bar.querySelector(`[data-filter="${held}"]`)?.focus({ preventScroll: true });
    this.shown = this.strips.filter((strip) => this.inFilter(strip, this.filter, doubled));
  }

  chooseFilter(filter) {
    this.filter = filter;
    this.part("list").scrollTop = 0;
    this.refresh();
  }

  layOut() {
    const cell = this.width + GAP_PX;
    const tall = Math.round(this.width * RATIO) + CAPTION_PX + GAP_PX;
    const room = Math.max(cell, this.part("list").clientWidth - STRIP_HEAD_PX - STRIP_PAD_PX);
    const across = Math.max(1, Math.floor(room / cell));
    this.room = this.part("list").clientWidth;
    const rows = [];
    let file = null;
    for (const strip of this.shown) {
      if (strip.file !== file && this.model.files.size > 1) rows.push(this.fileRow(strip.file, rows.length));
      file = strip.file;
      const lines = Math.ceil(strip.halves.length / across);
      rows.push({ ...strip, height: Math.max(STRIP_LEAST_PX, lines * tall + STRIP_PAD_PX), stamp: this.stampOf(strip) });
    }
    this.order = this.shown.flatMap((strip) => strip.halves);
    this.rowOf = new Map(rows.flatMap((row) => (row.halves ?? []).map((half) => [half.id, row])));
    this.pickCursor();
    this.list.pinned = this.rowOf.get(this.cursor)?.key;
    this.list.set(rows);
    this.part("none").hidden = rows.length > 0;
    this.part("none").textContent = this.words.none_in_filter;
  }

  pickCursor() {
    if (this.asked) {
      const sheet = this.model.sheets.find((one) => one.key === this.asked);
      this.asked = null;
      if (sheet) {
        this.cursor = sheet.halves[0].id;
        this.selected = new Set(sheet.halves.map((half) => half.id));
        requestAnimationFrame(() => { this.reveal(); this.focusCursor(true); });
      }
    }
    if (!this.rowOf.has(this.cursor)) this.cursor = this.order[0]?.id ?? null;
  }

  fileRow(id, at) {
    const file = this.model.files.get(id);
    const text = [file?.lot, file?.name].filter(Boolean).join(" · ");
    return { key: `file ${id} ${at}`, kind: "file", text, height: FILE_ROW_PX, stamp: text };
  }

  stampOf(strip) {
    const halves = strip.halves.map((half) => `${half.id}${half.page}${half.place}${half.position}${half.settled}${half.level}${half.reasons}${half.image.rotation}`);
    return `${this.width} ${strip.booklet?.copy_status} ${strip.booklet?.decided} ${halves}`;
  }

  resized() {
    if (this.model && this.part("list").clientWidth !== this.room) this.refresh();
  }

  drawRow(row) {
    if (row.kind === "file") return element("div", "file", row.text);
    const line = element("section", `strip ${row.kind} ${row.kind === "out" ? row.halves[0].place : ""}`);
    line.append(this.stripHead(row));
    const pages = element("div", "pages");
    for (const half of row.halves) {
      const page = pageButton(this, half, { width: this.width });
      page.draggable = true;
      pages.append(page);
    }
    line.append(pages);
    return line;
  }

  stripHead(row) {
    const { words } = this;
    const head = element("button", "head");
    head.type = "button";
    head.tabIndex = -1;
    head.dataset.strip = row.key;
    const name = row.booklet ? this.bookletName(row) : `${this.sheetName(row.halves[0].sheet)}`;
    head.append(element("span", "title", name));
    if (row.booklet) head.append(headerCrop(row.booklet));
    const level = row.halves.some((half) => this.model.isDoubtful(half)) ? "doubtful" : "";
    const state = row.booklet ? words.copy[row.booklet.copy_status] ?? "" : this.placeWord(row.halves[0].place);
    if (state) head.append(element("span", "state", state));
    const reasons = [...new Set(row.halves.flatMap((half) => this.reasonsOf(half)))];
    if (reasons.length) head.append(element("span", `why ${level}`, `${level ? SHAPES.doubtful : ""} ${reasons.join(" · ")}`));
    const marks = row.booklet ? this.model.marksOf(row.booklet) : { missing: [] };
    if (marks.missing.length) head.append(element("span", "why doubtful", fill(words.missing, { missing: marks.missing.join(", ") })));
    head.setAttribute("aria-label", [name, state, ...reasons].join(" · "));
    return head;
  }

  bookletName(row) {
    const names = [...new Set(row.halves.map((half) => this.sheetName(half.sheet)))];
    return names.length > 1 ? fill(this.words.sheets_from_to, { first: names[0], last: names.at(-1).toLowerCase() }) : names[0];
  }

  paint() {
    for (const row of this.list.live.values()) {
      let any = false;
      for (const page of row.querySelectorAll("[data-half]")) {
        const id = Number(page.dataset.half);
        const chosen = this.selected.has(id);
        any ||= id === this.cursor;
        page.classList.toggle("cursor", id === this.cursor);
        page.classList.toggle("selected", chosen);
        page.classList.toggle("carried", Boolean(this.carried?.halves.includes(id)));
        page.classList.toggle("before", this.carried?.before === id);
        page.classList.toggle("after", this.carried?.after === id);
        page.setAttribute("aria-pressed", String(chosen));
        page.tabIndex = id === this.cursor ? 0 : -1;
      }
      row.classList.toggle("on", any);
    }
    this.drawSelection();
  }

  drawSelection() {
    const n = this.selected.size;
    this.part("selection").textContent = this.carried ? this.words.carrying : n ? several(this.words.selected, n) : "";
  }

  focusCursor(always) {
    if (this.viewer.open || this.prompt) return;
    const target = this.part("list").querySelector(".cursor");
    if (target && (always || this.root.activeElement !== target)) target.focus({ preventScroll: true });
  }

  reveal() {
    const row = this.rowOf.get(this.cursor);
    this.list.pinned = row?.key;
    if (row) this.list.reveal(row.key);
  }

  // --- the selection

  get chosen() {
    const ids = this.selected.size ? this.selected : new Set([this.cursor]);
    return this.order.filter((half) => ids.has(half.id));
  }

  moveTo(id, { extend = false, toggle = false } = {}) {
    if (extend) this.extend(id);
    else if (toggle) this.toggle(id);
    else {
      this.selected.clear();
      this.anchor = id;
    }
    this.cursor = id;
    this.reveal();
    this.paint();
    this.focusCursor(true);
  }

  extend(id) {
    this.anchor ??= this.cursor ?? id;
    const at = (wanted) => this.order.findIndex((half) => half.id === wanted);
    const [from, to] = [at(this.anchor), at(id)].sort((one, other) => one - other);
    this.selected = new Set(this.order.slice(Math.max(from, 0), to + 1).map((half) => half.id));
  }

  toggle(id) {
    if (!this.selected.size && this.cursor && this.cursor !== id) this.selected.add(this.cursor);
    if (this.selected.has(id)) this.selected.delete(id);
    else this.selected.add(id);
    this.anchor = id;
  }

  chooseStrip(key) {
    const row = this.list.rows.find((one) => one.key === key);
    if (!row) return;
    this.moveTo(row.halves[0].id);
    this.selected = new Set(row.halves.map((half) => half.id));
    this.paint();
  }

  step(by, extend) {
    if (this.carried) return this.carryBy(by);
    const at = this.order.findIndex((half) => half.id === this.cursor);
    const next = this.order[Math.min(Math.max(at + by, 0), this.order.length - 1)];
    return next && this.moveTo(next.id, { extend });
  }

  // To the strip above or below, or to the line of pages when the strip has several: the page nearest in sight.
  climb(by, extend) {
    if (this.carried) return this.carryToStrip(by);
    const here = this.part("list").querySelector(".cursor")?.getBoundingClientRect();
    const row = this.rowOf.get(this.cursor);
    if (!row || !here) return undefined;
    const others = [...this.part("list").querySelectorAll("[data-half]")].map((page) => ({ page, box: page.getBoundingClientRect() }));
    const beyond = others.filter(({ box }) => (by > 0 ? box.top > here.bottom - 4 : box.bottom < here.top + 4));
    if (!beyond.length) return undefined;
    const line = by > 0 ? Math.min(...beyond.map(({ box }) => box.top)) : Math.max(...beyond.map(({ box }) => box.top));
    const near = beyond.filter(({ box }) => Math.abs(box.top - line) < 4);
    near.sort((one, other) => Math.abs(one.box.left - here.left) - Math.abs(other.box.left - here.left));
    return this.moveTo(Number(near[0].page.dataset.half), { extend });
  }

  leap(by, extend) {
    const at = this.list.rows.indexOf(this.rowOf.get(this.cursor));
    const strips = this.list.rows.map((row, index) => ({ row, index })).filter(({ row }) => row.halves);
    const place = strips.findIndex(({ index }) => index === at);
    const next = strips[Math.min(Math.max(place + by * 4, 0), strips.length - 1)];
    if (next) this.moveTo(next.row.halves[0].id, { extend });
  }

  commands(event) {
    const extend = event?.shiftKey;
    const sheets = () => [...new Set(this.chosen.map((half) => half.sheet))];
    const suggestions = Object.fromEntries([1, 2, 3].map((n) => [n, () => this.suggested(n - 1)]));
    return {
      ...suggestions,
      ArrowRight: () => this.step(1, extend),
      ArrowLeft: () => this.step(-1, extend),
      ArrowDown: () => this.climb(1, extend),
      ArrowUp: () => this.climb(-1, extend),
      PageDown: () => this.leap(1, extend),
      PageUp: () => this.leap(-1, extend),
      Home: () => this.order.length && this.moveTo(this.order[0].id, { extend }),
      End: () => this.order.length && this.moveTo(this.order.at(-1).id, { extend }),
      " ": () => { this.toggle(this.cursor); this.paint(); },
      Enter: () => (this.carried ? this.drop() : this.enlarge()),
      Escape: () => this.let(),
      r: () => this.rotate(this.chosen, extend ? 270 : 90),
      x: () => this.swap(sheets()),
      c: () => this.cut(),
      j: () => this.join(),
      m: () => this.carry(),
      b: () => this.askAside(this.chosen),
      p: () => this.putBack(),
      n: () => this.act_on("new_booklet", this.chosen, this.words.done.new_booklet),
      f: () => this.replace(),
      v: () => this.act_on("settle", this.chosen.filter((half) => this.model.isDoubtful(half)), this.words.done.settle_pages),
      z: () => this.enlarge(),
      "+": () => this.resize(1),
      "-": () => this.resize(-1),
      Delete: () => this.tell(this.words.nothing_deleted, "doubt"),
      undo: () => this.undoLast(),
      "?": () => this.toggleHelp(),
    };
  }

  let() {
    if (!this.part("help").hidden) this.part("help").hidden = true;
    else if (this.carried || this.replaced) {
      this.carried = this.replaced = null;
      this.tell("");
    } else this.selected.clear();
    this.paint();
  }

  enlarge() {
    const row = this.rowOf.get(this.cursor);
    if (row) this.viewer.show(row.halves, { at: row.halves.findIndex((half) => half.id === this.cursor) });
  }

  viewed(half) {
    this.cursor = half.id;
    this.selected.clear();
    this.paint();
  }

  resize(by) {
    const at = THUMB_WIDTHS_PX.indexOf(this.width);
    this.width = THUMB_WIDTHS_PX[Math.min(Math.max(at + by, 0), THUMB_WIDTHS_PX.length - 1)];
    localStorage.setItem(WIDTH_KEPT, String(this.width));
    this.refresh();
    this.reveal();
    this.focusCursor(true);
  }

  drawKeys() {
    const bar = this.part("keys");
    bar.replaceChildren(
      ...this.words.bar.workshop.map(([sign, label, press]) => button(label, () => this.commands()[press]?.(), { key: sign })),
    );
  }
}
