// Uploads by drag and drop, straight to the store. Without this file the form beside it uploads through the portal.
//
// The portal signs addresses, each for one request about one key (POST sign), and the store decides about each. A file up to
// WHOLE_BYTES goes in one PUT; a larger one in parts, several at a time. Pausing breaks off what is in flight and keeps the
// parts that are there; the browser remembers the id of an upload, so that the same file goes on after a pause, a lost
// connection or a closed tab.
"use strict";

(() => {
  const WHOLE_BYTES = 16 * 1024 * 1024;
  const PART_BYTES = 16 * 1024 * 1024;
  const MOST_PARTS = 10000;
  const AT_ONCE = 3;
  const LINKS = 50;
  const TRIES = 5;
  const ROWS = 200;

  const box = document.getElementById("upload");
  if (!box || !box.dataset.sign) return;
  const { sign, csrf, prefix, bucket } = box.dataset;
  const [pick, pickFolder] = box.querySelectorAll(".dropping input[type=file]");
  const said = box.querySelector(".upload-said");
  const bar = box.querySelector(".upload-all");
  const list = box.querySelector(".upload-files");
  const buttons = Object.fromEntries([...box.querySelectorAll("[data-do]")].map((button) => [button.dataset.do, button]));
  box.querySelector("form").hidden = true;
  box.querySelector(".dropping").hidden = false;

  /** @type {{file: File, key: string, sent: number, state: string, row: ?HTMLElement, why: string}[]} */
  const files = [];
  let paused = false;
  let running = 0;
  let cancelled = false;
  const inFlight = new Set();

  class Stopped extends Error {}

  // ---- The store.

  async function links(key, step, more = {}) {
    const body = new URLSearchParams({ csrf, key, step, ...more });
    const reply = await fetch(sign, { method: "POST", body });
    if (reply.redirected || !(reply.headers.get("content-type") || "").startsWith("application/json")) {
      const page = new DOMParser().parseFromString(await reply.text(), "text/html");
      throw new Error(page.querySelector("main p")?.textContent || "You are logged out: load the page again.");
    }
    return (await reply.json()).links;
  }

  /** Sends one request; `on` hears how many bytes are gone. Answers status, text and headers. */
  function send(method, url, body, on, type) {
    return new Promise((resolve, reject) => {
      if (paused || cancelled) { reject(new Stopped()); return; }
      const request = new XMLHttpRequest();
      // What begins or completes an upload is not broken off: nobody would know what came of it.
      if (method !== "POST") inFlight.add(request);
      request.open(method, url);
      if (type) request.setRequestHeader("Content-Type", type);
      if (on) request.upload.addEventListener("progress", (event) => on(event.loaded));
      const ended = (outcome) => () => { inFlight.delete(request); outcome(); };
      request.addEventListener("load", ended(() => resolve(request)));
      request.addEventListener("error", ended(() => reject(new Error("The store can not be reached."))));
      request.addEventListener("abort", ended(() => reject(new Stopped())));
      request.send(body);
    });
  }

  function text(reply, name) {
    const document = new DOMParser().parseFromString(reply.responseText, "application/xml");
    return document.getElementsByTagName(name)[0]?.textContent || "";
  }

  function check(reply) {
    if (reply.status >= 200 && reply.status < 300) return reply;
    const error = new Error(text(reply, "Message") || `The store answered ${reply.status}.`);
    error.code = text(reply, "Code");
    error.again = reply.status >= 500 || error.code === "ExpiredToken" || /expired/i.test(error.message);
    throw error;
  }

  /** Tries again what may work the next time, with a fresh address. */
  async function persistently(attempt) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof Stopped || tries === TRIES || (error.code && !error.again)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** tries));
      }
    }
  }

  // ---- One file.

  const placeOf = (item) => `upload:${bucket}:${item.key}:${item.file.size}:${item.file.lastModified}`;

  async function upload(item) {
    const progress = (sent) => { item.sent = sent; show(item); };
    if (item.file.size <= WHOLE_BYTES) {
      await persistently(async () => {
        const [url] = await links(item.key, "put");
        check(await send("PUT", url, item.file, progress, item.file.type || "application/octet-stream"));
      });
      return;
    }
    const partBytes = Math.max(PART_BYTES, Math.ceil(item.file.size / MOST_PARTS / 1048576) * 1048576);
    const count = Math.ceil(item.file.size / partBytes);
    const { id, parts } = await begin(item, partBytes);
    const sent = new Map([...parts.keys()].map((number) => [number, lengthOf(item, number, partBytes)]));
    const total = () => progress([...sent.values()].reduce((sum, bytes) => sum + bytes, 0));
    total();
    const waiting = [];
    for (let number = 1; number <= count; number += 1) if (!parts.has(number)) waiting.push(number);
    const signed = new Map();
    let asking = Promise.resolve();
    const linkOf = async (number, fresh) => {
      asking = asking.catch(() => {}).then(async () => {
        if (signed.has(number) && !fresh) return;
        const urls = await links(item.key, "parts", { upload: id, from: number, count: LINKS });
        urls.forEach((url, at) => signed.set(number + at, url));
      });
      await asking;
      return signed.get(number);
    };
    const worker = async () => {
      for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
        let fresh = false;
        const reply = await persistently(async () => {
          const url = await linkOf(number, fresh);
          fresh = true;
          const from = (number - 1) * partBytes;
          const piece = item.file.slice(from, Math.min(from + partBytes, item.file.size));
          return check(await send("PUT", url, piece, (bytes) => { sent.set(number, bytes); total(); }));
        });
        sent.set(number, lengthOf(item, number, partBytes));
        parts.set(number, reply.getResponseHeader("ETag"));
        total();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await persistently(async () => {
      const [url] = await links(item.key, "complete", { upload: id });
      const ordered = [...parts].sort(([one], [other]) => one - other);
      const xml = ordered.map(([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`);
      check(await send("POST", url, `<CompleteMultipartUpload>${xml.join("")}</CompleteMultipartUpload>`));
    });
    localStorage.removeItem(placeOf(item));
  }

  function lengthOf(item, number, partBytes) {
    return Math.min(partBytes, item.file.size - (number - 1) * partBytes);
  }

  /** The upload that this file began before, with the parts that are there; or a new one. */
  async function begin(item, partBytes) {
    const kept = JSON.parse(localStorage.getItem(placeOf(item)) || "null");
    if (kept && kept.partBytes === partBytes) {
      try {
        return { id: kept.id, parts: await partsOf(item, kept.id, partBytes) };
      } catch (error) {
        if (error.code !== "NoSuchUpload") throw error;
      }
    }
    const id = await persistently(async () => {
      const [url] = await links(item.key, "begin");
      const reply = await send("POST", url, null, null, item.file.type || "application/octet-stream");
      return text(check(reply), "UploadId");
    });
    localStorage.setItem(placeOf(item), JSON.stringify({ id, partBytes }));
    return { id, parts: new Map() };
  }

  async function partsOf(item, id, partBytes) {
    const parts = new Map();
    for (let after = 0, more = true; more;) {
      const [url] = await links(item.key, "list", { upload: id, after });
      const reply = check(await send("GET", url));
      const document = new DOMParser().parseFromString(reply.responseText, "application/xml");
      for (const part of document.getElementsByTagName("Part")) {
        const of = (name) => part.getElementsByTagName(name)[0]?.textContent;
        const number = Number(of("PartNumber"));
        if (Number(of("Size")) === lengthOf(item, number, partBytes)) parts.set(number, of("ETag"));
        after = number;
      }
      more = text(reply, "IsTruncated") === "true";
    }
    return parts;
  }

  // ---- All of them.

  function add(found) {
    for (const { file, path } of found) {
      files.push({ file, key: prefix + path, sent: 0, state: "waiting", row: null, why: "" });
    }
    cancelled = false;
    box.open = true;
    run();
  }

  function run() {
    while (!paused && running < AT_ONCE) {
      const item = files.find((other) => other.state === "waiting");
      if (!item) break;
      running += 1;
      item.state = "running";
      show(item);
      upload(item).then(
        () => { item.state = "done"; item.sent = item.file.size; },
        (error) => {
          item.state = error instanceof Stopped ? (cancelled ? "cancelled" : "waiting") : "failed";
          item.why = error.message;
        },
      ).finally(() => { running -= 1; show(item); run(); });
    }
    sum();
  }

  function stop() {
    for (const request of [...inFlight]) request.abort();
  }

  async function forget(item) {
    const kept = JSON.parse(localStorage.getItem(placeOf(item)) || "null");
    if (!kept) return;
    localStorage.removeItem(placeOf(item));
    const [url] = await links(item.key, "abort", { upload: kept.id });
    await fetch(url, { method: "DELETE" });
  }

  const acts = {
    pause() { paused = true; stop(); sum(); },
    resume() {
      paused = false;
      for (const item of files) if (item.state === "failed") item.state = "waiting";
      run();
    },
    cancel() {
      cancelled = true;
      paused = false;
      const given = files.filter((item) => ["waiting", "running", "failed"].includes(item.state));
      for (const item of given) if (item.state !== "running") item.state = "cancelled";
      stop();
      Promise.allSettled(given.map(forget)).then(sum);
    },
  };

  // ---- What is seen of it.

  const WORDS = { waiting: "waiting", running: "", done: "uploaded", failed: "failed", cancelled: "cancelled" };

  function show(item) {
    if (!item.row) {
      if (list.children.length >= ROWS) return;
      item.row = document.createElement("li");
      const [name, progress, word] = ["span", "progress", "small"].map((tag) => document.createElement(tag));
      name.textContent = item.key.slice(prefix.length);
      progress.max = Math.max(item.file.size, 1);
      progress.setAttribute("aria-label", `Upload of ${name.textContent}`);
      item.row.append(name, progress, word);
      list.append(item.row);
    }
    const [, progress, word] = item.row.children;
    progress.value = item.state === "done" ? progress.max : item.sent;
    word.textContent = item.state === "failed" ? item.why : WORDS[item.state];
    if (item.state === "done" && list.children.length >= ROWS) {
      item.row.remove();
      item.row = null;
    }
    bar.value = files.reduce((sent, other) => sent + other.sent, 0);
  }

  function sum() {
    const count = (...states) => files.filter((item) => states.includes(item.state)).length;
    const [open, done, failed] = [count("waiting", "running"), count("done"), count("failed")];
    bar.hidden = files.length === 0;
    bar.max = Math.max(1, files.reduce((bytes, item) => bytes + item.file.size, 0));
    bar.value = files.reduce((bytes, item) => bytes + item.sent, 0);
    buttons.pause.hidden = paused || open === 0;
    buttons.resume.hidden = !(paused && open > 0) && failed === 0;
    buttons.cancel.hidden = open === 0 && failed === 0;
    buttons.resume.textContent = paused ? "Resume" : "Try again";
    let words = `${done} of ${files.length} uploaded.`;
    if (failed) words += ` ${failed} failed.`;
    if (paused && open) words += " Paused.";
    if (files.length === 0) words = "";
    if (said.dataset.words === words) return;
    said.dataset.words = words;
    said.textContent = words;
    if (done && !open && !failed) {
      const link = document.createElement("a");
      link.href = location.href;
      link.textContent = "Show the folder as it is now";
      said.append(" ", link);
    }
  }

  // ---- Where files come from.

  const chosen = (input) => [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));

  async function dropped(entry, path = "") {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      return [{ file, path: path + entry.name }];
    }
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (some.length === 0) return found;
      for (const child of some) found.push(...await dropped(child, `${path}${entry.name}/`));
    }
  }

  for (const input of [pick, pickFolder]) {
    input.addEventListener("change", () => { add(chosen(input)); input.value = ""; });
  }
  for (const button of box.querySelectorAll("[data-choose]")) {
    button.addEventListener("click", () => (button.dataset.choose === "files" ? pick : pickFolder).click());
  }
  for (const [name, button] of Object.entries(buttons)) button.addEventListener("click", acts[name]);

  let inside = 0;
  const carriesFiles = (event) => [...event.dataTransfer.types].includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    inside += 1;
    box.open = true;
    box.classList.add("over");
  });
  document.addEventListener("dragleave", () => {
    inside = Math.max(0, inside - 1);
    if (inside === 0) box.classList.remove("over");
  });
  document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    inside = 0;
    box.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files].map((file) => ({ file, path: file.name }));
    const found = entries.length > 0 ? (await Promise.all(entries.map((entry) => dropped(entry)))).flat() : plain;
    add(found);
  });
  addEventListener("beforeunload", (event) => {
    if (files.some((item) => item.state === "running")) event.preventDefault();
  });
})();
