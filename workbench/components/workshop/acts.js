// What can be done to the pages chosen in the atelier; the store sends it, the model shows it meanwhile.
Object.assign(Workshop.prototype, {
  cut() {
    const half = this.model.halves.get(this.cursor);
    const booklet = this.model.booklets.get(half?.booklet);
    if (!booklet || booklet.halves[0] === half) return this.tell(this.words.cut_where, "stop");
    return this.repair({ kind: "cut", from: half.id }, fill(this.words.done.cut, { page: this.nameOf(half) }), booklet.halves);
  },

  join() {
    const chosen = [...new Set(this.chosen.map((half) => half.booklet))].filter((id) => id !== null);
    const booklets = chosen.length > 1 ? chosen : this.withPrevious(chosen[0]);
    if (booklets.length < 2) return this.tell(this.words.join_what, "stop");
    const rows = booklets.map((id) => this.model.booklets.get(id));
    const act = { kind: "join", firsts: rows.map((booklet) => booklet.halves[0].id) };
    return this.repair(act, several(this.words.done.join, booklets.length), rows.flatMap((booklet) => booklet.halves));
  },

  withPrevious(id) {
    const strips = this.strips.filter((strip) => strip.booklet);
    const at = strips.findIndex((strip) => strip.booklet.id === id);
    return at > 0 ? [strips[at - 1].booklet.id, id] : [];
  },

  act_on(kind, halves, words) {
    if (!halves.length) return undefined;
    return this.repair({ kind, halves: halves.map((half) => half.id) }, several(words, halves.length), halves);
  },

  putBack() {
    const out = this.chosen.filter((half) => half.booklet === null);
    if (!out.length) return this.tell(this.words.put_back_what, "stop");
    return this.act_on("put_back", out, this.words.done.put_back);
  },

  // The pages to be replaced are remembered; the next F says which ones take their place.
  replace() {
    const halves = this.chosen;
    if (!this.replaced) {
      if (!halves.length) return undefined;
      this.replaced = halves.map((half) => half.id);
      return this.tell(several(this.words.replace_how, halves.length), "doubt");
    }
    const olds = this.replaced.map((id) => this.model.halves.get(id)).filter(Boolean);
    this.replaced = null;
    const news = halves.filter((half) => !olds.includes(half));
    if (news.length !== olds.length) return this.tell(fill(this.words.replace_count, { olds: olds.length, news: news.length }), "stop");
    const act = { kind: "replace", halves: olds.map((half) => half.id), by: news.map((half) => half.id) };
    return this.repair(act, several(this.words.done.replace, olds.length), olds);
  },

  attach(suggestion, halves) {
    const booklet = this.model.booklets.get(suggestion.booklet);
    if (!booklet) return undefined;
    const before = booklet.halves[suggestion.position - 1]?.id ?? null;
    const act = { kind: "attach", halves: halves.map((half) => half.id), host: booklet.halves[0].id, before };
    return this.repair(act, several(this.words.done.attach, halves.length), [...halves, ...booklet.halves]);
  },

  suggested(rank) {
    const half = this.model.halves.get(this.cursor);
    const waiting = this.waiting().find((one) => one.halves.includes(half));
    const suggestion = waiting?.suggestions[rank];
    return suggestion ? this.attach(suggestion, waiting.halves) : this.tell(this.words.no_suggestion, "stop");
  },
});
