// How the control of a lot is drawn: the sentence, the envelope, the sheets, the page beside them.
Object.assign(Control.prototype, {
  // --- drawing

  drawHead() {
    this.drawLots();
    const halves = this.sheets.flatMap((sheet) => sheet.halves);
    this.part("sentence").textContent = `${this.lotName()} — ${this.counts(halves)}`;
    this.part("ledger").textContent = this.ledger(halves);
    this.drawEnvelope();
    this.drawCheck();
  },

  lotName() {
    const lot = this.model.lots.find((one) => one.id === this.lot);
    const files = this.model.filesOf(this.lot);
    return lot?.label ? fill(this.words.lot, { label: lot.label }) : fill(this.words.lot_of_file, { file: files[0]?.name ?? "" });
  },

  counts(halves) {
    const { words, model } = this;
    const booklets = new Set(halves.map((half) => half.booklet).filter(Boolean)).size;
    const size = [several(words.sheets, this.sheets.length), several(words.booklets, booklets), several(words.halves, halves.length)].join(", ");
    const doubtful = halves.filter((half) => model.isDoubtful(half)).length;
    const corrected = halves.filter((half) => half.level === "corrected").length;
    const placed = halves.filter((half) => half.level === "placed").length;
    const parts = [fill(words.in_order, { n: halves.length - doubtful - corrected - placed })];
    if (placed) parts.push(several(words.placed, placed));
    if (corrected) parts.push(several(words.corrected, corrected));
    if (doubtful) parts.push(fill(words.to_look, { n: doubtful }));
    return `${size} : ${parts.join(", ")}.`;
  },

  ledger(halves) {
    const parts = [...this.model.placesOf(halves)].map(([place, n]) => several(this.words.place_sums[place], n));
    return fill(this.words.ledger, { parts: parts.join(" + "), n: halves.length });
  },

  drawEnvelope() {
    const { words } = this;
    const lot = this.model.lots.find((one) => one.id === this.lot) ?? {};
    const line = this.part("envelope");
    if (line.tagName === "FORM") return; // being written
    const differences = lot.differences ?? [];
    const known = [
      lot.stated_copies == null ? "" : fill(words.stated_copies, { stated: lot.stated_copies, found: lot.found_copies ?? lot.found_booklets }),
      lot.stated_sheets == null ? "" : fill(words.stated_sheets, { stated: lot.stated_sheets, found: lot.found_sheets }),
    ].filter(Boolean);
    line.className = `envelope ${differences.length ? "doubt" : known.length ? "done" : ""}`;
    const told = !known.length ? words.envelope_empty : differences.length ? `◐ ${words.envelope} : ${differences.join(" ")}` : `${words.envelope} : ${known.join(" ; ")} ✔`;
    line.replaceChildren(element("span", "", told), button(words.envelope_edit, () => this.editEnvelope(), { key: "E", kind: "link" }));
  },

  drawLots() {
    const bar = this.part("lots");
    bar.hidden = this.model.lots.length < 2;
    if (bar.hidden) return;
    bar.setAttribute("aria-label", this.words.lots);
    bar.replaceChildren(
      ...this.model.lots.filter((lot) => this.model.sheetsOf(lot.id).length).map((lot) => {
        const checked = this.model.isChecked(lot.id);
        const name = lot.label || this.model.filesOf(lot.id)[0]?.name || "";
        const tab = button(`${checked ? "✔" : "◐"} ${name}`, () => this.chooseLot(lot.id), { kind: "tab" });
        tab.setAttribute("aria-pressed", String(lot.id === this.lot));
        tab.title = checked ? this.words.checked : this.words.to_check;
        return tab;
      }),
    );
  },

  drawCheck() {
    const { words } = this;
    const checked = this.model.isChecked(this.lot);
    const act = this.part("check");
    act.disabled = checked;
    act.onclick = () => this.validate();
    act.replaceChildren();
    if (!checked && !this.left) act.append(element("kbd", "", words.keys.enter));
    act.append(checked ? words.checked : this.left ? several(words.validate_left, this.left) : words.validate);
    act.classList.toggle("ready", !checked && !this.left);
    const next = this.part("next");
    next.hidden = !checked;
    next.textContent = words.identify;
    next.onclick = () => this.trigger("open", { page: "identify" });
  },

  drawRow(row) {
    if (row.kind === "group") return this.drawGroup(row);
    return row.kind === "pair" ? this.drawPair(row) : this.drawSheet(row);
  },

  drawGroup(row) {
    const line = element("div", "group");
    const left = row.name === "look" && this.left !== row.count ? `, ${several(this.words.left, this.left)}` : "";
    const fold = element("button", "fold");
    fold.type = "button";
    fold.tabIndex = -1;
    fold.dataset.entry = row.key;
    fold.setAttribute("aria-expanded", String(row.open));
    fold.append(element("span", "arrow", row.open ? "▾" : "▸"), `${this.words.groups[row.name]} `, element("b", "", String(row.count)), left);
    fold.addEventListener("click", () => { this.moveTo(row.key); this.fold(row); });
    line.append(fold);
    return line;
  },

  drawSheet(row) {
    const line = element("article", `sheet ${row.name}`);
    line.dataset.key = row.key;
    const text = element("div", "text");
    const head = element("p", "title", this.sheetName(row.sheet));
    const files = this.model.filesOf(this.lot);
    if (files.length > 1) head.append(element("small", "", this.model.files.get(row.sheet.file).name));
    text.append(head, this.findings(row));
    const pages = element("div", "pages");
    for (const half of row.halves) pages.append(this.page(row, half, SHEET_THUMB_PX));
    line.append(text, pages);
    return line;
  },

  // What was found, each thing once with its shape and the pages it is about.
  findings(row) {
    const list = element("ul", "findings");
    const found = new Map();
    for (const half of row.halves) {
      for (const words of this.reasonsOf(half)) {
        if (!found.has(words)) found.set(words, { level: levelOf(half, this.model), pages: [] });
        found.get(words).pages.push(half.page);
      }
    }
    for (const [words, { level, pages }] of found) {
      const item = element("li", level);
      const about = pages.length === row.halves.length ? "" : ` (${pages.filter(Boolean).join(", ")})`;
      item.append(element("i", "", SHAPES[level]), element("span", "", words + about));
      list.append(item);
    }
    for (const words of this.elsewhere(row, found.size === 0)) list.append(element("li", "", words));
    return list;
  },

  elsewhere(row, plain) {
    const booklet = this.model.booklets.get(row.halves[0]?.booklet);
    const marks = booklet ? this.model.marksOf(booklet) : { read: [], missing: [] };
    const told = [];
    if (marks.missing.length) told.push(fill(this.words.gaps, { read: marks.read.join(" "), missing: marks.missing.join(", ") }));
    if (!plain) return told;
    const places = [...this.model.placesOf(row.halves)].filter(([place]) => place !== "booklet" && place !== "copy");
    return [...told, ...places.map(([place, n]) => several(this.words.place_sums[place], n))];
  },

  drawPair(row) {
    const { words } = this;
    const line = element("article", "sheet pair");
    line.dataset.key = row.key;
    const text = element("div", "text");
    text.append(element("p", "title", `◐ ${words.double}`), element("p", "", fill(words.alike, { percent: Math.round(row.pair.score * 100) })));
    const both = element("div", "both");
    for (const [label, sheet] of [[words.earlier, row.pair.other], [words.later, row.pair.later]]) {
      const one = element("div", "one");
      const file = this.model.files.get(sheet.file)?.name ?? "";
      one.append(element("p", "small", `${label} · ${this.sheetName(sheet)} · ${file}`));
      const pages = element("div", "pages");
      for (const half of inReadingOrder(sheet.halves)) pages.append(this.page(row, half, PAIR_THUMB_PX));
      one.append(pages);
      both.append(one);
    }
    line.append(text, both);
    return line;
  },

  page(row, half, width) {
    const made = pageButton(this, half, { width, where: row.kind });
    made.addEventListener("click", () => {
      const at = row.halves.indexOf(half);
      this.moveTo(row.key, at < 0 ? inReadingOrder(row.pair.other.halves).indexOf(half) : at);
    });
    made.addEventListener("dblclick", () => this.enlarge());
    return made;
  },

  // The page under the cursor, large, beside the list.
  drawBeside() {
    const box = this.part("beside");
    const { row, half } = this;
    const key = `${row?.key} ${half?.id} ${half?.image.rotation} ${row?.kind === "pair"}`;
    if (box.key === key) return;
    box.key = key;
    if (!half) return void box.replaceChildren(element("p", "hint", this.words.beside_hint));
    if (row.kind === "pair") return this.drawBesidePair(box, row, half);
    const figure = element("figure");
    figure.append(bigPicture(half, this.spoken(half), this.words.picture_lost), element("figcaption", "", this.spoken(half)));
    box.replaceChildren(figure);
    return undefined;
  },

  drawBesidePair(box, row, half) {
    const { words } = this;
    const two = element("div", "two");
    for (const [label, one] of [[words.earlier, this.facing(row, half)], [words.later, half]]) {
      const figure = element("figure");
      figure.append(bigPicture(one, this.spoken(one), words.picture_lost), element("figcaption", "", `${label} · ${this.nameOf(one)}`));
      two.append(figure);
    }
    const acts = element("div", "acts");
    acts.append(button(words.is_double, () => this.judge("double"), { key: "D" }), button(words.keep_both, () => this.judge("distinct"), { key: "G" }));
    box.replaceChildren(two, acts);
  },

  facing(row, half) {
    const others = inReadingOrder(row.pair.other.halves);
    return others.find((other) => other.page === half.page) ?? others[Math.min(this.sub, others.length - 1)];
  },

  paint() {
    for (const [key, row] of this.list.live) {
      const on = key === this.cursor;
      row.classList.toggle("on", on);
      for (const page of row.querySelectorAll("[data-half],[data-entry]")) {
        const here = on && (page.dataset.entry !== undefined || Number(page.dataset.half) === this.half?.id);
        page.classList.toggle("cursor", here);
        page.tabIndex = here ? 0 : -1;
      }
    }
  },

  // --- the envelope

  editEnvelope() {
    const { words } = this;
    const lot = this.model.lots.find((one) => one.id === this.lot);
    const form = element("form", "envelope edit");
    const fields = [["label", words.label, "text", lot.label], ["stated_copies", words.copies_stated, "number", lot.stated_copies], ["stated_sheets", words.sheets_stated, "number", lot.stated_sheets]];
    for (const [name, label, type, value] of fields) {
      const field = element("label", "", label);
      const input = element("input");
      Object.assign(input, { name, type, value: value ?? "", min: 0, max: 9999, maxLength: 100, autocomplete: "off" });
      field.append(input);
      form.append(field);
    }
    const save = button(words.save, () => undefined, { key: words.keys.enter, kind: "main" });
    save.type = "submit";
    form.append(save, button(words.cancel, () => this.closeEnvelope(), { key: words.keys.escape, kind: "quiet" }));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.closeEnvelope();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const number = (name) => (form.elements[name].value === "" ? null : Number(form.elements[name].value));
      const counts = { label: form.elements.label.value.trim(), stated_copies: number("stated_copies"), stated_sheets: number("stated_sheets") };
      this.closeEnvelope();
      this.store.envelope(this.lot, counts, words.done.envelope);
    });
    this.part("envelope").replaceWith(form);
    form.dataset.part = "envelope";
    form.elements.stated_copies.select();
  },

  closeEnvelope() {
    const line = element("div", "envelope");
    line.dataset.part = "envelope";
    this.part("envelope").replaceWith(line);
    this.drawEnvelope();
    this.focusCursor(true);
  },
});
