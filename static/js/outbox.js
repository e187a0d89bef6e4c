/* An answer on its way: kept, and sent under one key until the server answers. "Saved" is said
   only after that. The words stand in #texts. */
"use strict";

window.jeoulSay = (name, state = "", words = "") => {
  const status = document.getElementById("status");
  status.dataset.state = state;
  status.textContent = words || document.getElementById("texts").dataset[name] || "";
};

window.jeoulOutbox = (() => {
  const STORE = "jeoul-outbox", TIMEOUT = 20_000, FIRST = 1000, LONGEST = 30_000;
  const say = window.jeoulSay;
  let entry = null, tries = 0, timer = 0, busy = false, answered = () => {};

  // Without storage (a strict private window, a frame) the entry lives as long as the page.
  function store(value) {
    entry = value;
    try {
      if (value) sessionStorage.setItem(STORE, JSON.stringify(value));
      else sessionStorage.removeItem(STORE);
    } catch { /* not allowed here */ }
  }

  function stored() {
    try { return JSON.parse(sessionStorage.getItem(STORE)); } catch { return null; }
  }

  // Nothing reached the server, or it says "later": the answer may or may not be stored there,
  // and only the same key with the same content can find out without storing it twice.
  function mustRepeat(response, code) {
    if (!response) return true;
    const status = response.status;
    return status === 408 || status === 429 || status >= 500 || (status === 409 && (!code || code === "in_flight"));
  }

  function later(response) {
    const asked = 1000 * (Number(response?.headers.get("Retry-After")) || 0);
    const wait = Math.min(LONGEST, FIRST * 2 ** tries) * (0.5 + Math.random() / 2);
    tries += 1;
    say(response ? "kept" : "offline", "problem");
    timer = setTimeout(attempt, Math.max(asked, wait));
  }

  async function attempt() {
    clearTimeout(timer);
    if (busy || !entry) return;
    busy = true;
    say(tries ? "retrying" : "saving", "busy");
    let response = null, page = null;
    try {
      response = await fetch(entry.url, {
        method: "POST", body: entry.body, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT),
        headers: { "Content-Type": "application/x-www-form-urlencoded", "HX-Request": "true" },
      });
      page = new DOMParser().parseFromString(await response.text(), "text/html");
    } catch { response = null; }
    busy = false;
    const code = page?.querySelector("[data-code]")?.dataset.code;
    if (mustRepeat(response, code)) { later(response); return; }
    const sent = entry;
    store(null);
    tries = 0;
    // After a redirect the server speaks of another answer than this one.
    if (response.ok) say(response.redirected ? "next" : "saved");
    else say("refused", "problem");
    answered({ sent, page, ok: response.ok, leaveTo: response.headers.get("HX-Redirect") });
  }

  function send(url, body) {
    if (entry) { attempt(); return; }
    store({ url, body });
    attempt();
  }

  // What an earlier page of this tab could not send; one person's link never sends for another's.
  function resume(prefix) {
    const kept = stored();
    if (!kept || !kept.url.startsWith(prefix)) return null;
    entry = kept;
    attempt();
    return kept;
  }

  window.addEventListener("online", attempt);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) attempt(); });
  window.addEventListener("beforeunload", (event) => {
    if (!entry) return;
    say("leaving", "problem");
    event.preventDefault();
  });

  return { send, resume, pending: () => entry !== null, whenAnswered: (call) => { answered = call; } };
})();
