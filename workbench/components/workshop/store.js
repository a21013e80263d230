// The state of the paper: what the server said last, and on top of it what waits for its answer.
// Acts name half-pages; booklets and positions are looked up when an act leaves, in the state it leaves on,
// so that three keys pressed in a row mean what they meant on the screen.

const BODIES = {
  rotate: (act) => ({ images: act.images, turn: act.turn }),
  swap: (act, model) => {
    const sheet = model.sheets.find((one) => one.key === act.sheet);
    return { file: sheet.file, sheet: sheet.sheet };
  },
  move: placed,
  attach: placed,
  cut: (act, model) => {
    const half = model.halves.get(act.from);
    return { booklet: half.booklet, position: half.position };
  },
  join: (act, model) => ({ booklets: act.firsts.map((id) => model.halves.get(id).booklet) }),
  set_aside: (act) => ({ halves: act.halves }),
  mark_blank: (act) => ({ halves: act.halves }),
  put_back: (act) => ({ halves: act.halves }),
  replace: (act) => ({ halves: act.halves, by: act.by }),
  new_booklet: (act) => ({ halves: act.halves }),
  settle: (act) => ({ halves: act.halves }),
  verdict: (act) => ({ image: act.image, other: act.other, verdict: act.verdict }),
};

function placed(act, model) {
  const booklet = model.bookletOf(act.host);
  const rest = booklet ? booklet.halves.filter((half) => !act.halves.includes(half.id)) : [];
  const at = rest.findIndex((half) => half.id === act.before);
  return { halves: act.halves, booklet: booklet?.id ?? null, position: (at < 0 ? rest.length : at) + 1 };
}

class Store {
  constructor(changed, told) {
    this.changed = changed;
    this.told = told;
    this.waiting = [];
    this.model = null;
  }

  use({ paper, csrf, words }) {
    const other = this.paper !== paper;
    Object.assign(this, { paper, csrf, words });
    if (!other) return;
    this.raw = this.model = null;
    this.load();
  }

  get address() {
    return `/scans/${this.paper}`;
  }

  async load() {
    const paper = this.paper;
    const { ok, found } = await this.asked();
    if (paper !== this.paper) return;
    if (!ok) return this.told(found, "stop");
    this.raw = found;
    this.rebuild();
  }

  async asked() {
    try {
      const answer = await fetch(`${this.address}/workshop.json`, { headers: { Accept: "application/json" } });
      const found = await answer.json();
      return { ok: answer.ok, found: answer.ok ? found : found.error?.sentence ?? this.words.no_answer };
    } catch {
      return { ok: false, found: this.words.no_answer };
    }
  }

  // The state as it will be once all that waits is kept.
  rebuild() {
    if (!this.raw) return;
    this.model = new Model(this.raw);
    for (const { act, answered } of this.waiting) if (act && !answered) this.model.apply(act);
    this.changed();
  }

  // --- what is sent

  act(act, done = "", ask = null) {
    return this.send({ act, done, ask, path: () => "/repairs", body: () => this.bodyOf(act) });
  }

  undo(repair, done = "", ask = null, why = "") {
    return this.send({ done, ask, path: () => `/repairs/${repair}/undo`, body: () => ({ reason: why }) });
  }

  check(lot, done) {
    return this.send({ done, path: () => "/check", body: () => ({ lots: [lot] }) });
  }

  envelope(lot, counts, done) {
    return this.send({ done, path: () => `/lots/${lot}`, body: () => counts });
  }

  bodyOf(act) {
    const body = { kind: act.kind, ...BODIES[act.kind](act, new Model(this.raw)), version: this.raw.version };
    return act.why ? { ...body, reason: act.why } : body;
  }

  send(item) {
    item.promise = new Promise((resolve) => (item.resolve = resolve));
    this.waiting.push(item);
    if (item.act) this.model.apply(item.act);
    this.changed();
    this.run();
    return item.promise;
  }

  // One after the other: each leaves on the state that the one before it made.
  async run() {
    if (this.running) return;
    this.running = true;
    while (this.waiting.length) {
      const item = this.waiting[0];
      const result = await this.post(item);
      item.answered = true;
      if (!result.ok) this.waiting.splice(1).forEach((other) => other.resolve({ ok: false }));
      else {
        this.savedAt = new Date();
        if (item.done) this.told(item.done, "done");
      }
      await this.load();
      this.waiting.shift();
      if (!result.ok && (!result.code || !item.ask?.(result))) this.told(result.sentence, "stop");
      item.resolve(result);
    }
    this.running = false;
    this.changed();
  }

  async post(item) {
    try {
      const answer = await fetch(this.address + item.path(), {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Korrigo-CSRF": this.csrf, Accept: "application/json" },
        body: JSON.stringify(item.body()),
      });
      const result = await answer.json();
      if (answer.ok) return { ok: true, ...result };
      return { ok: false, code: result.error?.code, sentence: result.error?.sentence ?? this.words.refused };
    } catch (error) {
      return { ok: false, code: "", sentence: error instanceof TypeError ? this.words.not_kept : this.words.refused };
    }
  }
}
