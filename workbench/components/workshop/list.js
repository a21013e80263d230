// A long list of rows of known height: only those near the window are in the page.
const OVERSCAN_PX = 500;
const FAST_PX_PER_MS = 4;
const SETTLED_MS = 90;
const KEPT_PICTURES = 500;

class VirtualList {
  constructor(box, draw) {
    this.box = box;
    this.draw = draw;
    this.rows = [];
    this.live = new Map();
    this.inner = document.createElement("div");
    this.inner.className = "inner";
    box.append(this.inner);
    box.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.sizes = new ResizeObserver(() => this.onresize?.());
    this.sizes.observe(box);
  }

  set(rows) {
    this.rows = rows;
    this.at = new Map(rows.map((row, index) => [row.key, index]));
    let top = 0;
    for (const row of rows) {
      row.top = top;
      top += row.height;
    }
    this.inner.style.height = `${top}px`;
    this.render();
  }

  scrolled() {
    const now = performance.now();
    const speed = Math.abs(this.box.scrollTop - (this.lastTop ?? 0)) / Math.max(now - (this.lastTime ?? 0), 1);
    this.lastTop = this.box.scrollTop;
    this.lastTime = now;
    Pictures.paused = speed > FAST_PX_PER_MS;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => Pictures.resume(), SETTLED_MS);
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = null;
      this.render();
    });
  }

  render() {
    const from = this.box.scrollTop - OVERSCAN_PX;
    const to = this.box.scrollTop + this.box.clientHeight + OVERSCAN_PX;
    const wanted = new Set();
    for (let index = this.first(from); index < this.rows.length && this.rows[index].top < to; index += 1) wanted.add(this.rows[index].key);
    if (this.pinned && this.at?.has(this.pinned)) wanted.add(this.pinned); // the focus stays in the page
    for (const [key, element] of this.live) {
      if (wanted.has(key)) continue;
      element.remove();
      this.live.delete(key);
    }
    for (const key of wanted) this.place(this.rows[this.at.get(key)]);
    this.ondrawn?.();
  }

  place(row) {
    let element = this.live.get(row.key);
    if (!element || element.stamp !== row.stamp) {
      const made = this.draw(row);
      made.stamp = row.stamp;
      made.classList.add("row");
      if (element) element.replaceWith(made);
      else this.inner.append(made);
      element = made;
      this.live.set(row.key, element);
    }
    element.style.transform = `translateY(${row.top}px)`;
    element.style.height = `${row.height}px`;
  }

  first(top) {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].top + this.rows[middle].height < top) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  reveal(key) {
    const row = this.rows[this.at?.get(key)];
    if (!row) return;
    const { scrollTop, clientHeight } = this.box;
    if (row.top < scrollTop) this.box.scrollTop = row.top;
    else if (row.top + row.height > scrollTop + clientHeight) this.box.scrollTop = Math.min(row.top, row.top + row.height - clientHeight + 8);
    this.render();
  }

  stop() {
    this.sizes.disconnect();
    clearTimeout(this.rest);
  }
}

// Thumbnails are made once as elements and kept: a row that comes back asks the server nothing.
const Pictures = {
  kept: new Map(),
  paused: false,

  of(key, address) {
    let picture = this.kept.get(key);
    if (!picture) {
      picture = document.createElement("img");
      picture.decoding = "async";
      picture.alt = "";
      picture.draggable = false;
      picture.onload = () => picture.classList.add("there");
      picture.onerror = () => picture.classList.add("lost");
    }
    this.kept.delete(key);
    this.kept.set(key, picture);
    if (this.kept.size > KEPT_PICTURES) {
      const [oldest, first] = this.kept.entries().next().value;
      if (!first.isConnected) this.kept.delete(oldest);
    }
    picture.address = address;
    if (!this.paused) this.fetch(picture);
    return picture;
  },

  fetch(picture) {
    if (picture.getAttribute("src") === picture.address && !picture.classList.contains("lost")) return;
    picture.classList.remove("lost");
    picture.src = picture.address;
  },

  resume() {
    this.paused = false;
    for (const picture of this.kept.values()) if (picture.isConnected) this.fetch(picture);
  },
};
