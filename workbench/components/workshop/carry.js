// Pages are carried to a place between others: by the mouse, or by M and the arrows.
Object.assign(Workshop.prototype, {
  // --- mouse

  wireList() {
    const list = this.part("list");
    list.addEventListener("click", (event) => {
      const page = event.target.closest("[data-half]");
      const head = event.target.closest("[data-strip]");
      if (page) this.moveTo(Number(page.dataset.half), { extend: event.shiftKey, toggle: event.ctrlKey || event.metaKey });
      else if (head) this.chooseStrip(head.dataset.strip);
      if (page && !event.shiftKey && !event.ctrlKey && !event.metaKey) this.selected = new Set([this.cursor]);
      this.paint();
    });
    list.addEventListener("dblclick", (event) => event.target.closest("[data-half]") && this.enlarge());
    list.addEventListener("dragstart", (event) => this.drag(event));
    list.addEventListener("dragover", (event) => this.dragOver(event));
    list.addEventListener("drop", (event) => { event.preventDefault(); this.drop(); });
    list.addEventListener("dragend", () => { this.carried = null; this.paint(); });
  },

  drag(event) {
    const id = Number(event.target.closest?.("[data-half]")?.dataset.half);
    if (!id) return;
    if (!this.selected.has(id)) this.moveTo(id);
    if (!this.selected.size) this.selected.add(id);
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    this.carried = { halves: [...this.selected], dragged: true };
    requestAnimationFrame(() => this.paint());
  },

  dragOver(event) {
    const page = event.target.closest("[data-half]");
    if (!this.carried || !page) return;
    const half = this.model.halves.get(Number(page.dataset.half));
    if (half.booklet === null || this.carried.halves.includes(half.id)) return;
    event.preventDefault();
    const box = page.getBoundingClientRect();
    this.aim(half, event.clientX > box.left + box.width / 2);
  },

  // --- moving pages to a place between others

  carry() {
    if (this.carried) return this.drop();
    const halves = this.chosen.map((half) => half.id);
    if (!halves.length) return undefined;
    this.carried = { halves };
    this.tell(this.words.carry_how, "doubt");
    const row = this.rowOf.get(halves.at(-1));
    const rest = row.booklet ? row.halves.filter((half) => !halves.includes(half.id)) : [];
    if (rest.length) this.aim(rest.at(-1), true);
    else this.carryToStrip(-1) || this.carryToStrip(1);
    return this.paint();
  },

  // ``target`` is the page beside which they go: before it, or after it.
  aim(target, after) {
    const booklet = this.model.booklets.get(target.booklet);
    const rest = booklet.halves.filter((half) => !this.carried.halves.includes(half.id));
    const at = rest.indexOf(target) + (after ? 1 : 0);
    Object.assign(this.carried, { rest, at, host: target.id, before: rest[at]?.id ?? null, after: at >= rest.length ? rest.at(-1).id : null });
    this.paint();
  },

  carryBy(by) {
    const { rest, at } = this.carried;
    if (!rest) return this.carryToStrip(by);
    const next = at + by;
    if (next < 0 || next > rest.length) return this.carryToStrip(by);
    if (next === rest.length) this.aim(rest.at(-1), true);
    else this.aim(rest[next], false);
    return this.revealStrip();
  },

  carryToStrip(by) {
    const strips = this.list.rows.filter((row) => row.booklet && row.halves.some((half) => !this.carried.halves.includes(half.id)));
    const host = this.carried.host ?? this.carried.halves[0];
    const here = this.rowOf.get(host);
    const rank = (row) => this.list.rows.indexOf(row);
    const next = by > 0 ? strips.find((row) => rank(row) > rank(here)) : strips.findLast((row) => rank(row) < rank(here));
    if (!next) return false;
    const rest = next.halves.filter((half) => !this.carried.halves.includes(half.id));
    if (by > 0) this.aim(rest[0], false);
    else this.aim(rest.at(-1), true);
    this.revealStrip();
    return true;
  },

  revealStrip() {
    this.list.reveal(this.rowOf.get(this.carried.host).key);
    this.paint();
  },

  drop() {
    const { carried } = this;
    this.carried = null;
    this.tell("");
    if (!carried?.rest) return this.paint();
    const halves = carried.halves.map((id) => this.model.halves.get(id));
    const touched = [...halves, ...carried.rest];
    const done = several(this.words.done.move, halves.length);
    return this.repair({ kind: "move", halves: carried.halves, host: carried.host, before: carried.before }, done, touched);
  },
});
