// Beside the strips: what waits to be attached, with where it may belong; and what was done.
const SHOWN_WAITING = 30;
const WAITING_THUMB_PX = 56;

Object.assign(Workshop.prototype, {
  // The pages of one sheet wait together.
  waiting() {
    const sheets = new Map();
    for (const half of this.model.halves.values()) {
      if (half.place !== "loose" && half.place !== "annex") continue;
      if (!sheets.has(half.sheet)) sheets.set(half.sheet, { sheet: half.sheet, halves: [], suggestions: [] });
      const one = sheets.get(half.sheet);
      one.halves.push(half);
      if (!one.suggestions.length) one.suggestions = this.model.loose.get(half.id) ?? [];
    }
    return [...sheets.values()];
  },

  drawPanel() {
    const { words } = this;
    const waiting = this.waiting();
    const tabs = [["waiting", `${words.waiting_tab} (${waiting.length})`], ["history", `${words.history_tab} (${this.model.repairs.length})`]];
    this.tab ??= waiting.length ? "waiting" : "history";
    const bar = this.part("tabs");
    const held = bar.contains(this.root.activeElement);
    bar.replaceChildren(
      ...tabs.map(([name, label]) => {
        const tab = button(label, () => { this.tab = name; this.drawPanel(); }, { kind: "tab" });
        tab.setAttribute("aria-pressed", String(name === this.tab));
        return tab;
      }),
    );
    if (held) bar.querySelector("[aria-pressed='true']").focus({ preventScroll: true });
    const box = this.part("panel");
    const top = box.scrollTop;
    box.replaceChildren(...(this.tab === "waiting" ? this.waitingCards(waiting) : this.historyLines()));
    box.scrollTop = top;
  },

  waitingCards(waiting) {
    if (!waiting.length) return [element("p", "hint", this.words.nothing_waits)];
    const cards = waiting.slice(0, SHOWN_WAITING).map((one) => this.waitingCard(one));
    if (waiting.length > SHOWN_WAITING) cards.push(element("p", "hint", several(this.words.more_waiting, waiting.length - SHOWN_WAITING)));
    return cards;
  },

  waitingCard({ sheet, halves, suggestions }) {
    const { words } = this;
    const card = element("article", "card");
    card.append(element("p", "title", `${this.sheetName(sheet)} · ${this.placeWord(halves[0].place)}`));
    const pages = element("div", "pages");
    for (const half of halves) {
      const page = pageButton(this, half, { width: WAITING_THUMB_PX, where: "panel" });
      page.tabIndex = 0;
      page.addEventListener("click", () => this.showHalf(half));
      pages.append(page);
    }
    card.append(pages);
    suggestions.slice(0, 3).forEach((suggestion, index) => {
      const booklet = this.model.booklets.get(suggestion.booklet);
      if (!booklet?.halves.length) return;
      const why = suggestion.reasons.map((code) => words.suggestions[code]).filter(Boolean).join(", ");
      const act = button("", () => this.attach(suggestion, halves), { key: String(index + 1), kind: "suggestion" });
      const text = element("span", "text");
      text.append(element("b", "", fill(words.attach_to, { booklet: this.bookletName({ halves: booklet.halves }), position: suggestion.position })), element("small", "", why));
      act.append(headerCrop(booklet, `panel${sheet.key}`), text);
      card.append(act);
    });
    return card;
  },

  showHalf(half) {
    if (!this.rowOf.has(half.id)) this.chooseFilter("all");
    this.moveTo(half.id);
    this.selected = new Set(half.sheet.halves.filter((one) => one.place === half.place).map((one) => one.id));
    this.paint();
  },

  historyLines() {
    const { words } = this;
    if (!this.model.repairs.length) return [element("p", "hint", words.no_history)];
    const list = element("ol", "history");
    for (const repair of this.model.repairs) {
      const line = element("li", repair.undone ? "undone" : "");
      line.append(element("p", "", repair.sentence));
      const at = new Date(repair.at).toLocaleString("fr-FR", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
      const facts = element("p", "facts", `${repair.by} · ${at}`);
      if (repair.undone) facts.append(` · ${words.was_undone}`);
      else if (repair.undoable) facts.append(button(words.undo, () => this.undo(repair), { kind: "link" }));
      else facts.append(` · ${words.cannot_undo}`);
      line.append(facts);
      list.append(line);
    }
    return [list];
  },
});
