// Contrôle du lot: what was found, the doubtful first; a person looks, then says that the lot is in order.
const PAIR_THUMB_PX = 56;
const SHEET_THUMB_PX = 96;
const CAPTION_PX = 26;
const SHEET_ROW_PX = Math.round(SHEET_THUMB_PX * RATIO) + CAPTION_PX + 18;
const PAIR_ROW_PX = Math.round(PAIR_THUMB_PX * RATIO) + CAPTION_PX + 42;
const GROUP_ROW_PX = 40;
const NARROW_PX = 690; // the container's width at which the style sheet stacks them
const STACKED_PX = 64;
const GROUPS = ["look", "corrected", "placed", "ok"];

class Control extends Desk {
  constructor(root) {
    super(root);
    this.list = new VirtualList(this.part("list"), (row) => this.drawRow(row));
    this.list.ondrawn = () => this.paint();
    this.list.onresize = () => this.resized();
    this.open = new Set(["look"]);
    this.sub = 0;
  }

  use(component) {
    if (this.data?.paper !== component.data.paper) Object.assign(this, { lot: null, cursor: null, sub: 0 });
    super.use(component);
  }

  // --- the lot and its entries

  draw() {
    if (!this.model.sheets.length) return this.drawNothing();
    this.part("nothing").hidden = true;
    this.part("whole").hidden = false;
    if (!this.model.lots.some((lot) => lot.id === this.lot)) this.chooseFirstLot();
    this.sheets = this.model.sheetsOf(this.lot);
    this.entries();
    this.list.set(this.rows);
    if (!this.rows.some((row) => row.key === this.cursor)) this.cursor = (this.firstToLook() ?? this.rows.find((row) => row.halves) ?? this.rows[0])?.key;
    this.list.pinned = this.cursor;
    this.drawHead();
    this.drawBeside();
    this.list.render();
    return undefined;
  }

  drawNothing() {
    this.part("whole").hidden = true;
    const box = this.part("nothing");
    box.hidden = false;
    box.replaceChildren(element("p", "what", this.words.nothing), element("p", "", this.words.nothing_next));
    box.append(button(this.words.open_scans, () => this.trigger("open", { page: "scans" })));
  }

  chooseFirstLot() {
    const asked = this.model.lots.find((lot) => lot.id === this.data.lot);
    const waiting = this.model.lots.find((lot) => !this.model.isChecked(lot.id) && this.model.sheetsOf(lot.id).length);
    this.lot = (asked ?? waiting ?? this.model.lots[0])?.id;
  }

  groupOf(sheet) {
    const levels = sheet.halves.map((half) => half.level);
    if (sheet.halves.some((half) => this.model.isSeen(half))) return "look";
    return levels.includes("doubtful") ? "look" : levels.includes("corrected") ? "corrected" : levels.includes("placed") ? "placed" : "ok";
  }

  entries() {
    const mine = new Set(this.sheets);
    this.pairs = this.model.pairs().filter((pair) => mine.has(pair.later) || mine.has(pair.other));
    const inPair = new Set(this.pairs.map((pair) => pair.later));
    const groups = new Map(GROUPS.map((name) => [name, []]));
    for (const sheet of this.sheets) {
      const onlyDouble = inPair.has(sheet) && sheet.halves.every((half) => half.reasons.every((reason) => reason === "double_scan"));
      if (!onlyDouble) groups.get(this.groupOf(sheet)).push(sheet);
    }
    this.rows = [];
    this.stacked = this.isNarrow() ? STACKED_PX : 0;
    this.unfold(groups);
    for (const name of GROUPS) this.group(name, groups.get(name));
    this.left = this.pairs.length + groups.get("look").filter((sheet) => this.model.doubtsOf(sheet).length).length;
  }

  // At 200 % the words stand above the pages: the rows are higher.
  isNarrow() {
    return this.part("list").clientWidth < NARROW_PX;
  }

  resized() {
    if (!this.rows) return;
    if (this.isNarrow() !== this.stacked > 0) this.refresh();
    this.list.reveal(this.cursor);
  }

  // A lot without a doubt shows its sheets at once: an empty page would say nothing.
  unfold(groups) {
    if (this.unfolded === this.lot) return;
    this.unfolded = this.lot;
    this.open = new Set(this.pairs.length || groups.get("look").length ? ["look"] : ["look", "ok"]);
  }

  group(name, sheets) {
    const pairs = name === "look" ? this.pairs : [];
    const count = sheets.length + pairs.length;
    if (!count) return;
    const open = this.open.has(name);
    this.rows.push({ key: `group ${name}`, kind: "group", name, count, open, height: GROUP_ROW_PX, stamp: `${count} ${open} ${this.left}` });
    if (!open) return;
    for (const pair of pairs) this.rows.push({ key: `pair ${pair.key}`, kind: "pair", pair, halves: inReadingOrder(pair.later.halves), height: PAIR_ROW_PX + this.stacked, stamp: pair.key });
    for (const sheet of sheets) {
      const halves = inReadingOrder(sheet.halves);
      this.rows.push({ key: `sheet ${sheet.key}`, kind: "sheet", name, sheet, halves, height: SHEET_ROW_PX + this.stacked, stamp: this.stampOf(sheet, halves) });
    }
  }

  stampOf(sheet, halves) {
    return halves.map((half) => `${half.id}${half.page}${half.place}${half.position}${half.settled}${half.reasons}${half.image.rotation}`).join();
  }

  toLook(row) {
    return row.kind === "pair" || (row.kind === "sheet" && this.model.doubtsOf(row.sheet).length > 0);
  }

  firstToLook() {
    return this.rows.find((row) => this.toLook(row));
  }

  get row() {
    return this.rows?.find((row) => row.key === this.cursor);
  }

  get half() {
    const halves = this.row?.halves;
    return halves?.[Math.min(this.sub, halves.length - 1)];
  }

  // --- moving

  moveTo(key, sub = this.sub) {
    this.cursor = key;
    this.list.pinned = key;
    this.sub = Math.max(0, sub);
    this.list.reveal(key);
    this.drawBeside();
    this.paint();
    this.focusCursor(true);
  }

  step(by) {
    const at = this.rows.findIndex((row) => row.key === this.cursor);
    const row = this.rows[Math.min(Math.max(at + by, 0), this.rows.length - 1)];
    if (row) this.moveTo(row.key, row.kind === "group" ? 0 : this.sub);
  }

  sideways(by) {
    const { row } = this;
    if (row?.kind === "group") return (by > 0) === row.open ? undefined : this.fold(row);
    return this.moveTo(row.key, Math.min(Math.max(Math.min(this.sub, row.halves.length - 1) + by, 0), row.halves.length - 1));
  }

  leap(by) {
    this.step(by * Math.max(1, Math.floor(this.part("list").clientHeight / SHEET_ROW_PX) - 1));
  }

  nextToLook(from = this.cursor) {
    const at = this.rows.findIndex((row) => row.key === from);
    return this.rows.slice(at + 1).find((row) => this.toLook(row)) ?? null;
  }

  focusCursor(always) {
    if (this.viewer.open || this.prompt) return;
    const target = this.part("list").querySelector(".cursor");
    if (target && (always || this.root.activeElement !== target)) target.focus({ preventScroll: true });
  }

  fold(row) {
    if (this.open.has(row.name)) this.open.delete(row.name);
    else this.open.add(row.name);
    this.refresh();
    this.focusCursor(true);
  }

  chooseLot(id) {
    if (id === this.lot) return;
    Object.assign(this, { lot: id, cursor: null, sub: 0 });
    this.part("list").scrollTop = 0;
    this.refresh();
    this.list.reveal(this.cursor);
    this.focusCursor(true);
  }

  // --- keys

  commands() {
    const sheet = this.row?.sheet ?? this.row?.pair?.later;
    const mine = this.half ? [this.half] : [];
    return {
      ArrowDown: () => this.step(1),
      ArrowUp: () => this.step(-1),
      ArrowRight: () => this.sideways(1),
      ArrowLeft: () => this.sideways(-1),
      PageDown: () => this.leap(1),
      PageUp: () => this.leap(-1),
      Home: () => this.moveTo(this.rows[0].key, 0),
      End: () => this.moveTo(this.rows.at(-1).key, 0),
      " ": () => this.settle(),
      Enter: () => this.goOn(),
      a: () => sheet && this.trigger("open", { page: "workshop", query: { feuille: sheet.key } }),
      z: () => this.enlarge(),
      r: () => this.rotate(mine),
      x: () => sheet && this.swap([sheet]),
      b: () => sheet && this.askAside(sheet.halves.filter((half) => half.place !== "aside"), () => this.afterSheet()),
      d: () => this.judge("double"),
      g: () => this.judge("distinct"),
      e: () => this.editEnvelope(),
      undo: () => this.undoLast(),
      "?": () => this.toggleHelp(),
      Escape: () => (this.part("help").hidden = true),
    };
  }

  enlarge() {
    const { row, half } = this;
    if (!half) return;
    if (row.kind === "pair") {
      const others = row.halves.map((one) => this.facing(row, one));
      this.viewer.show(row.halves, { others, at: row.halves.indexOf(half) });
    } else this.viewer.show(row.halves, { at: row.halves.indexOf(half) });
  }

  viewed(half) {
    this.sub = Math.max(0, this.row?.halves.indexOf(half) ?? 0);
    this.drawBeside();
    this.paint();
  }

  settle() {
    const { row } = this;
    if (row?.kind === "group") return this.fold(row);
    if (row?.kind === "pair") return this.tell(this.words.choose_verdict, "doubt");
    const doubts = this.model.doubtsOf(row.sheet);
    if (!doubts.length) return this.afterSheet(this.nextToLook() ?? this.rows[this.rows.indexOf(row) + 1]);
    const next = this.nextToLook();
    const act = { kind: "settle", halves: doubts.map((half) => half.id) };
    this.store.act(act, fill(this.words.done.settle, { sheet: this.sheetName(row.sheet) }));
    return this.afterSheet(next);
  }

  afterSheet(next = this.nextToLook()) {
    const other = next ?? this.firstToLook();
    if (other) this.moveTo(other.key, 0);
    else if (!this.left) this.tell(this.words.all_seen, "done");
  }

  judge(verdict) {
    const { row } = this;
    if (row?.kind !== "pair") return this.tell(this.words.no_pair, "doubt");
    const next = this.nextToLook();
    const pairs = verdict === "double" ? row.pair.pairs.slice(0, 1) : row.pair.pairs;
    const done = fill(this.words.done[verdict], { sheet: this.sheetName(row.pair.later) });
    for (const { image, other } of pairs) this.repair({ kind: "verdict", image, other, verdict }, done, verdict === "double" ? row.halves : []);
    return this.afterSheet(next);
  }

  // Enter leads through what is left to look at, then validates.
  goOn() {
    const next = this.model.isChecked(this.lot) ? null : this.nextToLook();
    if (next && this.left) this.moveTo(next.key, 0);
    else this.validate();
  }

  validate() {
    if (this.model.isChecked(this.lot)) return this.tell(this.words.already_checked, "done");
    if (!this.left) return this.check();
    return this.ask({
      sentence: several(this.words.ask_validate, this.left),
      answers: [
        { press: "Enter", sign: this.words.keys.enter, label: this.words.go_back, kind: "main", act: () => this.moveTo((this.firstToLook() ?? this.row).key, 0) },
        { press: "v", sign: "V", label: this.words.validate_anyway, act: () => this.check() },
      ],
    });
  }

  async check() {
    const result = await this.store.check(this.lot, fill(this.words.done.check, { lot: this.lotName() }));
    if (result.ok) this.part("next").focus();
  }

  typingKey(event, focused, ours) {
    if (!ours) return;
    // Enter and Escape are the form's own; Streamlit hears nothing of what is typed.
    if (!["Enter", "Escape", "Tab"].includes(event.key)) event.stopImmediatePropagation();
  }

  drawKeys() {
    const bar = this.part("keys");
    bar.replaceChildren(
      ...this.words.bar.control.map(([sign, label, press]) => button(label, () => this.commands()[press]?.(), { key: sign })),
    );
  }
}
