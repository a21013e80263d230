// What the server told about the paper's pages, indexed; and what a repair makes of it before the server
// has answered. Nothing here draws.

const HALF = { place: "booklet", booklet: null, position: null, blank: false, level: "ok", settled: false, copy: "", page: "", page_mark: "" };
const IMAGE = { rotation: 0, cut: "whole", side: "single" };
const DRAFT = "draft";

class Model {
  // Fields that say what is usual are left out of the answer: 340 sheets stay a small file.
  constructor(raw) {
    this.version = raw.version;
    this.files = new Map((raw.files ?? []).map((file) => [file.id, file]));
    this.lots = raw.lots ?? [];
    this.images = new Map();
    this.halves = new Map();
    this.sheets = (raw.sheets ?? []).map((sheet) => this.sheet(sheet));
    this.booklets = new Map((raw.booklets ?? []).map((booklet) => [booklet.id, { ...booklet, halves: [] }]));
    for (const half of this.halves.values()) this.booklets.get(half.booklet)?.halves.push(half);
    for (const booklet of this.booklets.values()) booklet.halves.sort((one, other) => one.position - other.position);
    this.doubles = (raw.doubles ?? []).map((pair) => ({ ...pair }));
    this.loose = new Map((raw.loose ?? []).map((one) => [one.half, one.suggestions ?? []]));
    this.repairs = raw.repairs ?? [];
    this.words = raw.words ?? {};
    this.drafts = 0;
  }

  sheet(raw) {
    const sheet = { ...raw };
    sheet.images = raw.images.map((image) => {
      const made = { ...IMAGE, ...image, sheet, halves: [] };
      this.images.set(made.id, made);
      return made;
    });
    sheet.halves = raw.halves.map((half) => {
      const made = { ...HALF, reasons: [], ...half, sheet, order: this.halves.size };
      made.image = this.images.get(half.image);
      made.image.halves.push(made);
      this.halves.set(made.id, made);
      return made;
    });
    return sheet;
  }

  lotOf(sheet) {
    return this.files.get(sheet.file)?.lot_id;
  }

  sheetsOf(lot) {
    return this.sheets.filter((sheet) => this.lotOf(sheet) === lot);
  }

  filesOf(lot) {
    return [...this.files.values()].filter((file) => file.lot_id === lot);
  }

  isChecked(lot) {
    const files = this.filesOf(lot);
    return files.length > 0 && files.every((file) => file.checked);
  }

  // --- what is doubtful

  isDoubtful(half) {
    return half.level === "doubtful" && !half.settled;
  }

  // Somebody looked at it: the server calls it in order from then on.
  isSeen(half) {
    return half.settled && half.reasons.length > 0;
  }

  doubtsOf(sheet) {
    return sheet.halves.filter((half) => this.isDoubtful(half));
  }

  // A sheet scanned twice gives a pair for each of its sides: people judge the sheet.
  pairs() {
    const found = new Map();
    for (const pair of this.doubles) {
      const later = this.images.get(pair.image);
      const other = this.images.get(pair.other);
      if (pair.verdict !== "open" || !later || !other) continue;
      if (later.halves.every((half) => half.place === "aside") || other.halves.every((half) => half.place === "aside")) continue;
      const key = `${later.sheet.key}/${other.sheet.key}`;
      if (!found.has(key)) found.set(key, { key, later: later.sheet, other: other.sheet, pairs: [], score: 0 });
      const group = found.get(key);
      group.pairs.push(pair);
      group.score = Math.max(group.score, pair.score);
    }
    return [...found.values()];
  }

  // « n/N » as read in a booklet, and the numbers of 1..N that nobody read.
  marksOf(booklet) {
    const read = booklet.halves.map((half) => half.page_mark).filter(Boolean);
    const numbers = new Set(read.map((mark) => Number(mark.split("/")[0])));
    const last = Math.max(0, ...read.map((mark) => Number(mark.split("/")[1]) || 0));
    const missing = read.length ? Array.from({ length: last }, (_, index) => index + 1).filter((n) => !numbers.has(n)) : [];
    return { read, missing };
  }

  placesOf(halves) {
    const sums = new Map();
    for (const half of halves) sums.set(half.place, (sums.get(half.place) ?? 0) + 1);
    return sums;
  }

  // --- repairs, as they will look: the server's answer replaces all of it

  apply(act) {
    const halves = (act.halves ?? []).map((id) => this.halves.get(id)).filter(Boolean);
    const kinds = {
      rotate: () => act.images.forEach((id) => this.turn(this.images.get(id), act.turn)),
      swap: () => this.swap(this.sheets.find((sheet) => sheet.key === act.sheet)),
      move: () => this.put(halves, this.bookletOf(act.host), act.before),
      attach: () => this.put(halves, this.bookletOf(act.host), act.before),
      cut: () => this.cut(this.halves.get(act.from)),
      join: () => this.join(act.firsts),
      set_aside: () => halves.forEach((half) => this.out(half, "aside", "set_aside")),
      mark_blank: () => halves.forEach((half) => this.out(half, "blank", "")),
      put_back: () => undefined,
      replace: () => this.replace(halves, act.by.map((id) => this.halves.get(id))),
      new_booklet: () => this.put(halves, this.draft(halves[0]), null),
      settle: () => halves.forEach((half) => (half.settled = true)),
      verdict: () => this.judge(act),
    };
    kinds[act.kind]?.();
  }

  // A booklet that a repair began has another id once the server has made it: acts name one of its pages.
  bookletOf(half) {
    return this.booklets.get(this.halves.get(half)?.booklet);
  }

  turn(image, degrees) {
    image.rotation = (image.rotation + degrees + 360) % 360;
  }

  swap(sheet) {
    const [one, other] = sheet.images;
    if (!other) return;
    [one.side, other.side] = [other.side, one.side];
    for (const half of one.halves) {
      const facing = other.halves.find((candidate) => candidate.half === half.half);
      if (!facing) continue;
      for (const field of ["page", "place", "booklet", "position"]) [half[field], facing[field]] = [facing[field], half[field]];
    }
    this.regroup();
  }

  put(halves, booklet, before) {
    if (!booklet) return;
    const home = booklet.halves[0]?.place ?? "booklet";
    const copy = booklet.halves[0]?.copy ?? "";
    for (const half of halves) this.leave(half);
    const at = booklet.halves.findIndex((half) => half.id === before);
    booklet.halves.splice(at < 0 ? booklet.halves.length : at, 0, ...halves);
    for (const half of halves) Object.assign(half, { booklet: booklet.id, place: home, copy, reasons: [], level: "ok" });
    this.number(booklet);
  }

  out(half, place, reason) {
    this.leave(half);
    Object.assign(half, { place, reasons: reason ? [reason] : [], level: "placed", copy: "" });
    this.loose.delete(half.id);
  }

  leave(half) {
    const booklet = this.booklets.get(half.booklet);
    this.loose.delete(half.id);
    half.booklet = half.position = null;
    if (!booklet) return;
    booklet.halves = booklet.halves.filter((other) => other !== half);
    this.number(booklet);
  }

  draft(first) {
    this.drafts += 1;
    const made = { id: `${DRAFT}${this.drafts}`, file: first.sheet.file, halves: [], header: false, copy_status: "", decided: false };
    this.booklets.set(made.id, made);
    return made;
  }

  cut(from) {
    const booklet = this.booklets.get(from.booklet);
    const at = booklet?.halves.indexOf(from) ?? -1;
    if (at > 0) this.put(booklet.halves.slice(at), this.draft(from), null);
  }

  join(firsts) {
    const [first, ...others] = [...new Set(firsts.map((id) => this.bookletOf(id)))].filter(Boolean);
    for (const other of others) this.put([...other.halves], first, null);
  }

  replace(olds, news) {
    olds.forEach((old, index) => {
      const booklet = this.booklets.get(old.booklet);
      const by = news[index];
      if (booklet && by) {
        this.leave(by);
        Object.assign(by, { booklet: booklet.id, place: old.place, copy: old.copy, page: old.page, level: "ok", reasons: [] });
        booklet.halves[booklet.halves.indexOf(old)] = by;
        old.booklet = null;
        this.number(booklet);
      }
      this.out(old, "aside", "");
    });
  }

  judge(act) {
    for (const pair of this.doubles) if (pair.image === act.image && pair.other === act.other) pair.verdict = act.verdict;
    const sheet = this.images.get(act.image)?.sheet;
    if (!sheet) return;
    for (const half of sheet.halves) {
      if (act.verdict === "double") this.out(half, "aside", "double_scan");
      else if (half.reasons.every((reason) => reason === "double_scan")) half.settled = true;
    }
  }

  regroup() {
    for (const booklet of this.booklets.values()) booklet.halves = [];
    for (const half of this.halves.values()) this.booklets.get(half.booklet)?.halves.push(half);
    for (const booklet of this.booklets.values()) booklet.halves.sort((one, other) => one.position - other.position);
  }

  number(booklet) {
    booklet.halves.forEach((half, index) => (half.position = index + 1));
    if (!booklet.halves.length) this.booklets.delete(booklet.id);
  }
}

// P1 before P2, whatever the scanner saw first.
function inReadingOrder(halves) {
  return [...halves].sort((one, other) => one.page.localeCompare(other.page, "fr", { numeric: true }) || one.order - other.order);
}
