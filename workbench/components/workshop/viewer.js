// One page large, or two beside each other: over the lists, with arrows, closed by Escape.
class Viewer {
  constructor(root, desk) {
    this.desk = desk;
    this.box = root;
    this.wide = false;
  }

  get open() {
    return !this.box.hidden;
  }

  show(halves, { others = null, at = 0 } = {}) {
    if (!halves.length) return;
    Object.assign(this, { halves, others, at });
    if (!this.open) this.before = this.desk.root.activeElement;
    this.box.hidden = false;
    this.draw();
    this.box.querySelector("button").focus({ preventScroll: true });
  }

  close() {
    this.box.hidden = true;
    this.box.replaceChildren();
    this.desk.focusCursor(true);
  }

  draw() {
    const { words } = this.desk;
    const half = this.halves[this.at];
    const bar = element("div", "bar");
    bar.append(
      button(words.close, () => this.close(), { key: words.keys.escape }),
      button(words.previous, () => this.step(-1), { key: "←" }),
      element("span", "count", fill(words.page_of, { n: this.at + 1, total: this.halves.length })),
      button(words.next, () => this.step(1), { key: "→" }),
      button(this.wide ? words.whole_page : words.full_width, () => this.widen(), { key: "Z" }),
    );
    const told = element("span", "told", this.desk.spoken(half));
    bar.append(told);
    const pages = element("div", `pages${this.wide ? " wide" : ""}${this.others ? " pair" : ""}`);
    pages.append(this.picture(half, this.others ? words.later : ""));
    if (this.others) pages.prepend(this.picture(this.others[Math.min(this.at, this.others.length - 1)], words.earlier));
    this.box.replaceChildren(bar, pages);
    const next = this.halves[this.at + 1];
    if (next) new Image().src = pageAddress(next);
  }

  picture(half, words) {
    const figure = element("figure");
    if (words) figure.append(element("figcaption", "", `${words} · ${this.desk.nameOf(half)}`));
    figure.append(bigPicture(half, this.desk.spoken(half), this.desk.words.picture_lost));
    return figure;
  }

  step(by) {
    this.at = Math.min(Math.max(this.at + by, 0), this.halves.length - 1);
    this.draw();
    this.box.querySelector("button").focus({ preventScroll: true });
    this.desk.viewed?.(this.halves[this.at]);
  }

  widen() {
    this.wide = !this.wide;
    this.draw();
    this.box.querySelector("button").focus({ preventScroll: true });
  }

  key(event) {
    const keys = {
      Escape: () => this.close(),
      ArrowRight: () => this.step(1),
      ArrowDown: () => (this.wide ? this.scroll(1) : this.step(1)),
      ArrowLeft: () => this.step(-1),
      ArrowUp: () => (this.wide ? this.scroll(-1) : this.step(-1)),
      z: () => this.widen(),
    };
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return false;
    act();
    return true;
  }

  scroll(direction) {
    this.box.querySelector(".pages").scrollBy({ top: direction * 240 });
  }
}

// A page that cannot be shown must not look like a blank one.
function bigPicture(half, alt, lost) {
  const frame = element("span", "large");
  const picture = element("img");
  picture.alt = alt;
  picture.decoding = "async";
  picture.onload = () => picture.classList.add("there");
  picture.onerror = () => frame.replaceChildren(element("span", "lost", `✖ ${lost}`));
  picture.src = pageAddress(half);
  frame.append(picture);
  return frame;
}
