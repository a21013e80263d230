// Files go one after the other, by chunks the server counts: after a cut, a pause or a reload a file goes on
// where it was. The browser reads each chunk from the disk when it is due; nothing holds a whole scan in memory.
const MARKS = {
  waiting: "○", sending: "◔", checking: "◑", paused: "‖", left: "‖", cut: "◌", added: "✔", known: "◐", refused: "✖",
};
const BACK_OFF_S = [1, 2, 4, 8, 16, 30];
const MENDED_BY_WAITING = new Set([0, 408, 429, 500, 502, 503, 504]);
const SILENT_MS = 30_000; // without a byte going out, the line is dead
const ANSWER_MS = 660_000; // a large file is looked at before the answer
const ENDS_BYTES = 256 * 1024;
const FINGERPRINT_VERSION = "1";

// By address, not by element: sending goes on while another page is looked at, and is there again after.
const queues = new Map();

export default function (component) {
  const { parentElement, data } = component;
  let queue = queues.get(data.address);
  if (!queue) {
    queue = new Queue();
    queues.set(data.address, queue);
  }
  if (queue.root !== parentElement) queue.attach(parentElement);
  queue.update(component);
}

class GivenUp extends Error {}

class Queue {
  constructor() {
    this.items = [];
    this.current = null;
    this.ended = [];
    window.addEventListener("online", () => this.current?.wake?.());
  }

  // Draw into an element that is new: the rows of what is under way go along.
  attach(root) {
    this.root = root;
    this.zone = root.querySelector(".zone");
    this.input = root.querySelector("input");
    this.list = root.querySelector(".files");
    this.spoken = root.querySelector(".spoken");
    for (const item of this.items) this.list.append(item.row);
    root.querySelector(".choose").onclick = () => this.input.click();
    this.input.onchange = () => {
      this.take(this.input.files);
      this.input.value = "";
    };
    this.zone.ondragover = (event) => {
      event.preventDefault();
      this.zone.classList.add("over");
    };
    this.zone.ondragleave = () => this.zone.classList.remove("over");
    this.zone.ondrop = (event) => {
      event.preventDefault();
      this.zone.classList.remove("over");
      this.take(event.dataTransfer.files);
    };
  }

  // What the page says now; a file under way goes on with what it began with.
  update({ data, setTriggerValue }) {
    const renewed = this.data && this.data.csrf !== data.csrf;
    this.data = data;
    this.words = data.words;
    this.tell = (files) => setTriggerValue("finished", { files });
    this.input.accept = data.accept;
    this.root.querySelector(".drop").textContent = this.words.drop;
    this.root.querySelector(".choose").textContent = this.words.choose;
    this.root.querySelector(".limits").textContent = this.words.limits;
    this.list.setAttribute("aria-label", this.words.files);
    this.drawUnfinished();
    if (renewed) this.items.filter((item) => item.signedOut).forEach((item) => this.resume(item));
    if (this.ended.length) this.finished();
  }

  // Uploads that were left: rows without a file until the same one is chosen again.
  drawUnfinished() {
    const known = new Set(this.items.map((item) => item.token).filter(Boolean));
    const offered = new Set(this.data.unfinished.map((upload) => upload.token));
    const gone = (item) => !item.file && !item.result && !offered.has(item.token);
    this.items.filter(gone).forEach((item) => this.forget(item));
    for (const upload of this.data.unfinished) {
      if (known.has(upload.token)) continue;
      const item = this.addItem(upload.name, upload.byte_size);
      Object.assign(item, { token: upload.token, received: upload.received });
      this.say(item, "left", this.words.left);
      this.drawBar(item, upload.received);
    }
    this.countUnfinished();
  }

  countUnfinished() {
    const left = this.items.filter((item) => !item.file && !item.result);
    const line = this.root.querySelector(".unfinished");
    line.hidden = left.length === 0 || left.length !== this.data.unfinished.length;
    const names = left.map((item) => `${item.name} ${percent(item.received, item.size)} %`).join(", ");
    line.textContent = `${this.words.unfinished} : ${names}`;
  }

  take(files) {
    for (const file of files) {
      const item = this.leftOf(file) ?? this.addItem(file.name, file.size);
      item.file = file;
      const refusal = this.refusal(file);
      if (refusal) this.end(item, "refused", refusal, { error: refusal });
      else this.say(item, "waiting", this.words.waiting);
    }
    this.next();
  }

  // The row of an upload that this file probably goes on with; whether it does, the server tells.
  leftOf(file) {
    return this.items.find(
      (item) => !item.file && !item.result && item.name === file.name && item.size === file.size,
    );
  }

  refusal(file) {
    const accepted = this.data.accept.split(",");
    if (!accepted.some((ending) => file.name.toLowerCase().endsWith(ending))) return this.words.not_accepted;
    return file.size > this.data.limit_bytes ? this.words.too_large : "";
  }

  // --- one file after the other

  async next() {
    if (this.current) return;
    this.current = this.items.find((item) => item.file && !item.result) ?? null;
    if (!this.current) return;
    const item = this.current;
    try {
      await this.send(item);
    } catch (error) {
      if (!(error instanceof GivenUp)) {
        if (!error.sentence) console.error(error);
        const sentence = error.sentence ?? this.words.failed;
        this.end(item, "refused", sentence, { error: sentence });
      }
    }
    this.current = null;
    this.finished();
    this.next();
  }

  finished() {
    const files = this.ended.map(({ name, result }) => ({ name, ...result }));
    this.ended = [];
    if (files.length) this.tell(files);
  }

  async send(item) {
    this.say(item, "sending", this.words.looking);
    item.fingerprint ??= await this.fingerprint(item);
    const begun = await this.steadily(item, () => this.ask(item, "POST", this.data.address, this.announcement(item)));
    this.found(item, begun.body);
    item.beganAt = performance.now();
    item.beganWith = item.received;
    while (!item.result) {
      const answer = await this.steadily(item, () => this.chunk(item));
      if (answer.body.received > item.received) item.failures = 0;
      item.received = answer.body.received ?? item.received;
      if (answer.body.ended) this.arrived(item, answer.body.ended);
    }
  }

  announcement(item) {
    return JSON.stringify({
      ...this.data.options, name: item.name, byte_size: item.size, fingerprint: item.fingerprint,
    });
  }

  // The upload this file has on the server; the row that told of it is not needed any more.
  found(item, upload) {
    for (const other of this.items.filter((other) => other !== item && other.token === upload.token)) {
      if (!other.file) this.forget(other);
    }
    Object.assign(item, { token: upload.token, received: upload.received, chunkBytes: upload.chunk_bytes });
    this.countUnfinished();
  }

  async chunk(item) {
    const address = `${this.data.uploads}/${item.token}`;
    if (item.unsure) {
      // What came of the chunk that was cut off: asked first, so that nothing is sent twice.
      const told = await this.ask(item, "GET", address);
      if (told.status !== 200 || told.body.ended) return told;
      item.received = told.body.received;
      item.unsure = false;
    }
    const end = Math.min(item.received + item.chunkBytes, item.size);
    const last = end === item.size;
    const from = item.received;
    const answer = await this.ask(item, "PUT", `${address}?offset=${from}`, item.file.slice(from, end), {
      onprogress: (event) => this.progress(item, from + event.loaded),
      onload: () => last && this.say(item, "checking", this.words.checking),
    });
    if (answer.status !== 200) item.unsure = true;
    if (answer.status === 0) await this.readable(item);
    return answer;
  }

  // Ask until the server answers, however often the line is cut.
  async steadily(item, question) {
    for (;;) {
      await this.awake(item);
      const answer = await question();
      if (item.given) throw new GivenUp();
      if (item.paused) continue;
      if (answer.status === 200) return answer;
      if (answer.status === 401 || answer.status === 403) this.hold(item, this.words.signed_out, { signedOut: true });
      else if (answer.status === 409) await this.elsewhere(item, answer);
      else if (MENDED_BY_WAITING.has(answer.status)) await this.backOff(item, this.words.cut);
      else {
        const sentence = answer.body.error?.sentence ?? this.words.failed;
        const place = `${item.name} : `; // the row names the file already
        throw Object.assign(new Error(), {
          sentence: sentence.startsWith(place) ? sentence.slice(place.length) : sentence,
        });
      }
    }
  }

  async elsewhere(item, answer) {
    const moved = answer.body.received !== item.received;
    item.received = answer.body.received ?? item.received;
    if (item.received === item.size) {
      this.say(item, "checking", this.words.checking);
      await this.sleep(item, 2);
    } else if (!moved) await this.backOff(item, this.words.elsewhere);
  }

  async backOff(item, words) {
    const wait = BACK_OFF_S[Math.min(item.failures, BACK_OFF_S.length - 1)];
    item.failures += 1;
    item.woken = false;
    for (let left = wait; left > 0 && !item.woken && !item.paused && !item.given; left -= 1) {
      this.say(item, "cut", words.replace("{n}", left));
      await this.sleep(item, 1);
    }
  }

  sleep(item, seconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      item.wake = () => {
        clearTimeout(timer);
        item.woken = true;
        resolve();
      };
    });
  }

  async awake(item) {
    while (item.paused && !item.given) await new Promise((resolve) => (item.wake = resolve));
    if (item.given) throw new GivenUp();
  }

  // A request of this file; a line that is dead or was cut answers 0.
  ask(item, method, address, body = null, watched = {}) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      let silence;
      const expect = (patience) => {
        clearTimeout(silence);
        silence = setTimeout(() => request.abort(), patience);
      };
      item.request = request;
      request.open(method, address);
      request.setRequestHeader("X-Korrigo-CSRF", this.data.csrf);
      request.setRequestHeader("Accept", "application/json");
      if (body !== null) {
        const isText = typeof body === "string";
        request.setRequestHeader("Content-Type", isText ? "application/json" : "application/octet-stream");
      }
      request.responseType = "json";
      request.upload.onprogress = (event) => {
        expect(SILENT_MS);
        watched.onprogress?.(event);
      };
      request.upload.onload = () => {
        expect(ANSWER_MS);
        watched.onload?.();
      };
      request.onloadend = () => {
        clearTimeout(silence);
        item.request = null;
        resolve({ status: request.status, body: request.response ?? {} });
      };
      expect(SILENT_MS);
      request.send(body);
    });
  }

  arrived(item, ended) {
    const count = ended.files.length;
    let state = ended.known ? "known" : "added";
    let told = count > 1 && !ended.known ? this.words.added_many.replace("{n}", count) : this.words[state];
    if (ended.refused.length) {
      state = "known";
      told = this.words.with_refused
        .replace("{told}", told)
        .replace("{n}", ended.refused.length)
        .replace("{refused}", ended.refused.join(" "));
    }
    this.end(item, state, told, { scan_file_id: ended.scan_file_id, known: ended.known });
  }

  // --- what a person does

  hold(item, words, more = {}) {
    Object.assign(item, { paused: true, unsure: Boolean(item.token), ...more });
    item.request?.abort();
    item.wake?.();
    this.say(item, "paused", words);
  }

  resume(item) {
    Object.assign(item, { paused: false, signedOut: false, failures: 0 });
    item.beganAt = performance.now();
    item.beganWith = item.received;
    this.say(item, this.current === item ? "sending" : "waiting", this.words.waiting);
    item.wake?.();
  }

  giveUp(item) {
    const sent = item.token;
    item.given = true;
    item.request?.abort();
    this.end(item, "refused", this.words.cancelled, { error: this.words.cancelled });
    item.wake?.();
    if (sent) this.ask({}, "DELETE", `${this.data.uploads}/${sent}`);
    this.countUnfinished();
    if (!this.current) this.finished();
  }

  // --- the same file again

  // What tells a file from another of its name without reading all of it; the same however it is made.
  async fingerprint(item) {
    const { file } = item;
    const ends = new Blob([file.slice(0, ENDS_BYTES), file.slice(Math.max(file.size - ENDS_BYTES, 0))]);
    const digest = await digestOf(new Uint8Array(await this.bytesOf(ends)));
    return `${FINGERPRINT_VERSION}:${file.lastModified}:${digest}`;
  }

  // A file that was changed or taken away fails like a line that is cut, and waiting does not mend it.
  async readable(item) {
    if (item.file) await this.bytesOf(item.file.slice(0, 1));
  }

  async bytesOf(blob) {
    try {
      return await blob.arrayBuffer();
    } catch {
      throw Object.assign(new Error(), { sentence: this.words.changed });
    }
  }

  // --- rows

  addItem(name, size) {
    const item = { name, size, received: 0, failures: 0, file: null, token: "", result: null };
    item.row = this.drawRow(item);
    this.items.push(item);
    return item;
  }

  forget(item) {
    item.row.remove();
    this.items = this.items.filter((other) => other !== item);
  }

  end(item, state, sentence, result) {
    if (item.result) return;
    item.result = result;
    item.file = null; // the browser may let go of it
    this.ended.push(item);
    this.say(item, state, sentence);
    item.row.querySelector("progress").hidden = true;
    item.row.querySelector(".actions").hidden = true;
    this.spoken.textContent = `${item.name} : ${sentence}`;
  }

  progress(item, sent) {
    if (item.paused || item.given) return;
    this.drawBar(item, sent);
    const seconds = (performance.now() - item.beganAt) / 1000;
    const left = (seconds * (item.size - sent)) / Math.max(sent - item.beganWith, 1);
    this.say(
      item,
      "sending",
      this.words.sending
        .replace("{sent}", this.extent(sent))
        .replace("{total}", this.extent(item.size))
        .replace("{left}", this.left(left)),
      sent,
    );
  }

  left(seconds) {
    return seconds < 90
      ? this.words.left_seconds.replace("{n}", Math.ceil(seconds))
      : this.words.left_minutes.replace("{n}", Math.ceil(seconds / 60));
  }

  extent(bytes) {
    const units = this.words.units.split(",");
    const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
    const value = bytes / 1024 ** step;
    return `${value.toLocaleString("fr-FR", { maximumFractionDigits: step > 1 ? 1 : 0 })} ${units[step]}`;
  }

  say(item, state, sentence, sent = item.received) {
    item.row.dataset.state = state;
    item.row.querySelector(".mark").textContent = MARKS[state];
    item.row.querySelector(".told").textContent = sentence.replace("{percent}", percent(sent, item.size));
    const pause = item.row.querySelector(".pause");
    const action = item.paused ? "resume" : "pause";
    pause.hidden = !item.file;
    pause.textContent = this.words[action];
    pause.setAttribute("aria-label", this.words[`${action}_file`].replace("{name}", item.name));
  }

  drawBar(item, sent) {
    const bar = item.row.querySelector("progress");
    bar.hidden = false;
    bar.max = Math.max(item.size, 1);
    bar.value = sent;
  }

  drawRow(item) {
    const row = document.createElement("li");
    for (const [tag, kind] of [["span", "mark"], ["span", "name"], ["span", "told"], ["span", "actions"], ["progress", "bar"]]) {
      const part = document.createElement(tag);
      part.className = kind;
      row.append(part);
    }
    row.querySelector(".mark").setAttribute("aria-hidden", "true");
    row.querySelector(".name").textContent = item.name;
    row.querySelector(".name").title = item.name;
    row.querySelector("progress").hidden = true;
    row.querySelector("progress").setAttribute("aria-label", item.name);
    const pause = this.button("pause", () =>
      item.paused ? this.resume(item) : this.hold(item, this.words.paused),
    );
    const cancel = this.button("cancel", () => this.giveUp(item));
    cancel.textContent = this.words.cancel;
    cancel.setAttribute("aria-label", this.words.cancel_file.replace("{name}", item.name));
    row.querySelector(".actions").append(pause, cancel);
    this.list.append(row);
    return row;
  }

  button(kind, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = kind;
    button.onclick = act;
    return button;
  }
}

function percent(part, whole) {
  return whole ? Math.floor((100 * part) / whole) : 0;
}

// Browsers give crypto.subtle to secure addresses only: on http of a local network, a plain digest does.
async function digestOf(bytes) {
  if (globalThis.crypto?.subtle) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return `s${Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }
  let high = 0x811c9dc5;
  let low = 0xcbf29ce4;
  for (const byte of bytes) {
    high = Math.imul(high ^ byte, 0x01000193);
    low = Math.imul(low ^ byte, 0x5bd1e995) + (low >>> 15);
  }
  return `f${(high >>> 0).toString(16)}${(low >>> 0).toString(16)}`;
}
