// Files go one after the other as request bodies: the browser reads them from the disk while it sends,
// and the server counts and writes them while they come. Nothing holds a whole scan in memory.
const MARKS = { waiting: "○", sending: "◔", checking: "◑", added: "✔", known: "◐", refused: "✖" };
const queues = new WeakMap();

export default function (component) {
  const { parentElement } = component;
  let queue = queues.get(parentElement);
  if (!queue) {
    queue = new Queue(parentElement);
    queues.set(parentElement, queue);
  }
  queue.update(component);
}

class Queue {
  constructor(root) {
    this.root = root;
    this.zone = root.querySelector(".zone");
    this.input = root.querySelector("input");
    this.list = root.querySelector(".files");
    this.spoken = root.querySelector(".spoken");
    this.waiting = [];
    this.batch = [];
    this.current = null;
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

  // What the page says now; a sending under way goes on with what it began with.
  update({ data, setTriggerValue }) {
    this.data = data;
    this.words = data.words;
    this.finished = (files) => setTriggerValue("finished", { files });
    this.input.accept = data.accept;
    this.root.querySelector(".drop").textContent = this.words.drop;
    this.root.querySelector(".choose").textContent = this.words.choose;
    this.root.querySelector(".limits").textContent = this.words.limits;
    this.list.setAttribute("aria-label", this.words.files);
  }

  take(files) {
    for (const file of files) {
      const item = { file, name: file.name, row: this.drawRow(file.name) };
      this.batch.push(item);
      const refusal = this.refusal(file);
      if (refusal) this.end(item, "refused", refusal, { error: refusal });
      else {
        this.say(item, "waiting", this.words.waiting);
        this.waiting.push(item);
      }
    }
    if (!this.current) this.next();
  }

  refusal(file) {
    const accepted = this.data.accept.split(",");
    if (!accepted.some((ending) => file.name.toLowerCase().endsWith(ending))) return this.words.not_accepted;
    return file.size > this.data.limit_bytes ? this.words.too_large : "";
  }

  next() {
    this.current = this.waiting.shift() ?? null;
    if (this.current) {
      this.send(this.current);
      return;
    }
    const ended = this.batch.map(({ name, result }) => ({ name, ...result }));
    this.batch = [];
    if (ended.length) this.finished(ended);
  }

  send(item) {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ name: item.name, layout: this.data.layout, lot: this.data.lot });
    if (this.data.pages_per_copy) query.set("pages_per_copy", this.data.pages_per_copy);
    item.request = request;
    item.began = performance.now();
    request.open("POST", `${this.data.address}?${query}`);
    request.setRequestHeader("X-Korrigo-CSRF", this.data.csrf);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.onprogress = (event) => this.progress(item, event.loaded, event.total);
    request.upload.onload = () => this.say(item, "checking", this.words.checking);
    request.onload = () => this.answered(item, request);
    request.onabort = () => this.fail(item, this.words.cancelled);
    request.onerror = () => this.fail(item, this.words.lost);
    this.say(item, "sending", this.words.waiting);
    request.send(item.file);
  }

  answered(item, request) {
    const answer = request.response ?? {};
    if (request.status === 200) {
      const state = answer.known ? "known" : "added";
      this.end(item, state, this.words[state], { scan_file_id: answer.scan_file_id, known: answer.known });
      this.next();
    } else {
      // The row names the file already.
      const sentence = answer.error?.sentence ?? this.words.lost;
      const place = `${item.name} : `;
      this.fail(item, sentence.startsWith(place) ? sentence.slice(place.length) : sentence);
    }
  }

  fail(item, sentence) {
    this.end(item, "refused", sentence, { error: sentence });
    this.next();
  }

  end(item, state, sentence, result) {
    item.result = result;
    item.request = null;
    this.say(item, state, sentence);
    item.row.querySelector("progress").hidden = true;
    item.row.querySelector(".cancel").hidden = true;
    this.spoken.textContent = `${item.name} : ${sentence}`;
  }

  cancel(item) {
    if (item.request) item.request.abort();
    else if (!item.result) {
      this.waiting = this.waiting.filter((other) => other !== item);
      this.end(item, "refused", this.words.cancelled, { error: this.words.cancelled });
    }
  }

  progress(item, sent, total) {
    const bar = item.row.querySelector("progress");
    bar.hidden = false;
    bar.max = total;
    bar.value = sent;
    const seconds = ((performance.now() - item.began) / 1000) * (total / Math.max(sent, 1) - 1);
    const words = this.words.sending
      .replace("{percent}", Math.floor((100 * sent) / total))
      .replace("{sent}", this.size(sent))
      .replace("{total}", this.size(total))
      .replace("{left}", this.left(seconds));
    this.say(item, "sending", words);
  }

  left(seconds) {
    return seconds < 90
      ? this.words.left_seconds.replace("{n}", Math.ceil(seconds))
      : this.words.left_minutes.replace("{n}", Math.ceil(seconds / 60));
  }

  size(bytes) {
    const units = this.words.units.split(",");
    const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
    const value = bytes / 1024 ** step;
    return `${value.toLocaleString("fr-FR", { maximumFractionDigits: step > 1 ? 1 : 0 })} ${units[step]}`;
  }

  say(item, state, sentence) {
    item.row.dataset.state = state;
    item.row.querySelector(".mark").textContent = MARKS[state];
    item.row.querySelector(".told").textContent = sentence;
  }

  drawRow(name) {
    const row = document.createElement("li");
    for (const [tag, kind] of [["span", "mark"], ["span", "name"], ["span", "told"], ["button", "cancel"], ["progress", "bar"]]) {
      const part = document.createElement(tag);
      part.className = kind;
      row.append(part);
    }
    row.querySelector(".mark").setAttribute("aria-hidden", "true");
    row.querySelector(".name").textContent = name;
    row.querySelector(".name").title = name;
    row.querySelector("progress").hidden = true;
    row.querySelector("progress").setAttribute("aria-label", name);
    const cancel = row.querySelector(".cancel");
    cancel.type = "button";
    cancel.textContent = this.words.cancel;
    cancel.setAttribute("aria-label", this.words.cancel_file.replace("{name}", name));
    cancel.onclick = () => this.cancel(this.batch.find((item) => item.row === row));
    this.list.append(row);
    return row;
  }
}
